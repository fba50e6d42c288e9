"""Many connections that do next to nothing: a process that opens them, keeps them, and opens those again that the gateway ends."""

import multiprocessing
import os
import selectors
import signal
import socket
import ssl
import threading
import time
from contextlib import suppress

from client import message

# What ends a connection that the gateway does not want.
ENDED = (OSError, ssl.SSLError)
# Connections that are opened again, in a second.
AGAIN = 200


class Crowd:
    """One crowd, in a process of its own, so that its interpreter holds up no honest client."""

    def __init__(self, kind, gateway, count):
        self.kind, self.count = kind, count
        self.result, self.stopping, self.ready = multiprocessing.Queue(), multiprocessing.Event(), multiprocessing.Event()
        words = (kind, gateway.port, gateway.authority, count, self.ready, self.stopping, self.result, os.getpid())
        self.process = multiprocessing.Process(target=_gather, args=words, daemon=True)

    def start(self, patience=120):
        """Returns once all of them have been opened."""
        self.process.start()
        if not self.ready.wait(patience):
            raise RuntimeError(f"{self.count} connections could not be opened in {patience} s")

    def stop(self):
        """What became of it, in words."""
        if self.process.exitcode is not None:
            return None
        self.stopping.set()
        with suppress(Exception):
            opened, ended, alive, processor = self.result.get(timeout=30)
            self.process.join(10)
            return f"{opened} opened, {ended} ended by the gateway, {alive} alive at the end; their CPU: {processor:.1f} s"
        self.process.kill()
        return None


def _gather(kind, port, authority, count, ready, stopping, result, parent):
    signal.alarm(0)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    crowd = KINDS[kind](port, authority)
    # Nobody hurries: what is measured is what they cost by being there.
    while len(crowd.members) < count and crowd.opened < 2 * count and not stopping.is_set():
        crowd.open()
        if crowd.opened >= count:
            break
    ready.set()
    next_round = time.monotonic()
    while not stopping.is_set():
        crowd.live(count)
        next_round += 0.1
        stopping.wait(max(0, next_round - time.monotonic()))
    times = os.times()
    crowd.look()
    result.put((crowd.opened, crowd.ended, len(crowd.members), times.user + times.system))
    # The process ends with it: the queue has to be written first.
    result.close()
    result.join_thread()
    os._exit(0)


def _end_with(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


class _Members:
    def __init__(self, port, authority):
        self.port, self.opened, self.ended, self.members = port, 0, 0, {}
        self.selector = selectors.EpollSelector()
        self.context = ssl.create_default_context(cafile=authority)

    def _connect(self):
        # One address has some 28,000 ports: more are needed where connections end on this side.
        source = f"127.0.0.{2 + self.opened % 8}"
        return socket.create_connection(("127.0.0.1", self.port), 20, source_address=(source, 0))

    def _add(self, connection):
        connection.setblocking(False)
        self.members[connection] = None
        self.selector.register(connection, selectors.EVENT_READ)

    def drop(self, connection):
        self.ended += 1
        self.selector.unregister(connection)
        del self.members[connection]
        with suppress(OSError):
            connection.close()

    def look(self):
        """Those that the gateway has ended go."""
        for key, _ in self.selector.select(0):
            try:
                while True:
                    if not key.fileobj.recv(65536):
                        self.drop(key.fileobj)
                        break
            except (BlockingIOError, ssl.SSLWantReadError):
                continue
            except ENDED:
                self.drop(key.fileobj)

    def open_missing(self, count):
        for _ in range(min(count - len(self.members), AGAIN // 10)):
            self.open()


class HalfOpen(_Members):
    """Clients that begin a handshake and say nothing more."""

    def __init__(self, port, authority):
        super().__init__(port, authority)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        handshake = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with suppress(ssl.SSLWantReadError):
            handshake.do_handshake()
        self.hello = outgoing.read()

    def open(self):
        self.opened += 1
        try:
            connection = self._connect()
            connection.sendall(self.hello)
        except OSError:
            self.ended += 1
            return
        self._add(connection)

    def live(self, count):
        self.look()
        self.open_missing(count)


class Drips(_Members):
    """Clients that bring an upload's bytes, one a second each: half of them over x-stream, half over HTTP."""

    def __init__(self, port, authority):
        super().__init__(port, authority)
        self.context.set_alpn_protocols(["http/1.1"])
        self.stream_context = ssl.create_default_context(cafile=authority)
        self.stream_context.set_alpn_protocols(["x-stream/1"])
        self.turn = 0

    def open(self):
        is_stream = self.opened % 2
        self.opened += 1
        context = self.stream_context if is_stream else self.context
        try:
            connection = context.wrap_socket(self._connect(), server_hostname="localhost")
            head = b"headers:\n    route: /files\n    data-format: bytes\n    x-stream: 1000000:4096\npayload: -\n"
            if not is_stream:
                fields = {"Content-Length": "1000000"}
                head = message("PUT", "/files/x", fields, host=f"localhost:{self.port}")
            connection.sendall(head)
        except ENDED:
            self.ended += 1
            return
        self._add(connection)

    def live(self, count):
        self.look()
        members = list(self.members)
        # A tenth of them in each tenth of a second.
        for connection in members[self.turn :: 10]:
            try:
                connection.send(b"x")
            except (BlockingIOError, ssl.SSLWantWriteError):
                continue
            except ENDED:
                self.drop(connection)
        self.turn = (self.turn + 1) % 10
        self.open_missing(count)


KINDS = {"half-open": HalfOpen, "drips": Drips}
