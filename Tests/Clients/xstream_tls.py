"""A TLS connection that can send close_notify and still read (protocol.md, sections 1 and 4).

`SSLSocket.unwrap()` waits for the peer's close_notify and cannot read after its own, so the TLS engine
here works on memory buffers (`ssl.SSLObject`), and this file moves the bytes between them and the socket.
Reading goes on while data is written: the server may speak at any time.
"""

import collections
import select
import socket
import ssl
import struct
import time

from xstream_packet import PacketReader, Violation

ALPN = "x-stream/1"
PIECE = 65_536


class Lost(Exception):
    """The connection ended without close_notify."""


class TimedOut(Lost):
    """The server was silent, or took nothing, for too long."""


class Closed(Exception):
    """The server closed with close_notify where a packet was expected."""


class TlsFailure(Exception):
    """The handshake failed, or the server sent a fatal alert."""


def tls_context(ca, cert=None, key=None, alpn=(ALPN,), version=None):
    """A client's context that verifies the server by `ca`. `version` pins one ssl.TLSVersion."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    if cert:
        context.load_cert_chain(cert, key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    context.minimum_version = version or ssl.TLSVersion.TLSv1_2
    if version:
        context.maximum_version = version
    return context


class Connection:
    """One connection. `ended` is None while it lives, then close_notify, cut, reset or alert."""

    def __init__(self, host, port, context, server_name=None, timeout=10.0, handshake=True):
        self.timeout = timeout
        self.reading = True
        self.ended = None
        self.alert = None
        self.write_broken = False
        self.packets = collections.deque()
        self.raw = None  # a bytearray instead, and nothing is parsed: for what is not a packet
        self._reader = PacketReader()
        self._pending = bytearray()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name or host)
        try:
            self.socket = socket.create_connection((host, port), timeout)
        except OSError as error:
            raise Lost(f"cannot connect: {error}") from error
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        if handshake:
            self._handshake()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def alpn(self):
        """The ALPN name that the server chose, or None."""
        return self._tls.selected_alpn_protocol()

    @property
    def tls_version(self):
        return self._tls.version()

    @property
    def answer_waiting(self):
        """Whether a packet other than a progress packet has come and was not taken."""
        return any(not packet.is_progress for packet in self.packets)

    def send(self, data, watch=True, timeout=None):
        """Sends, and reads meanwhile. With `watch` it stops early when an answer comes.

        Returns whether all went out."""
        view = memoryview(data)
        deadline = time.monotonic() + (timeout or self.timeout)
        while len(view):
            self._tls.write(view[:PIECE])
            view = view[PIECE:]
            if not self._flush(watch, deadline):
                return False
            deadline = time.monotonic() + (timeout or self.timeout)
        return True

    def drain(self, watch=True, timeout=None):
        """Sends what an earlier `send` left."""
        return self._flush(watch, time.monotonic() + (timeout or self.timeout))

    def poll(self):
        """Takes in what has come, without waiting."""
        while not self.ended and select.select([self.socket], [], [], 0)[0]:
            self._receive()

    def receive(self, timeout=None):
        """The next packet. Raises Closed, Lost, TimedOut, TlsFailure or Violation."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while not self.packets:
            if self.ended == "close_notify":
                if self._reader:
                    raise Violation("the server closed in the middle of a packet")
                raise Closed("the server closed where a packet was expected")
            if self.ended == "alert":
                raise TlsFailure(self.alert)
            if self.ended:
                raise Lost(f"the connection was lost ({self.ended})")
            self._step(deadline)
        return self.packets.popleft()

    def wait_end(self, timeout=None):
        """Waits for the end of the server's side and says which it was (see `ended`); None if it lives on."""
        deadline = time.monotonic() + (timeout or self.timeout)
        try:
            while not self.ended:
                self._step(deadline)
        except TimedOut:
            return None
        return self.ended

    def finish(self):
        """Sends close_notify and keeps the reading side open."""
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self.write_broken = True
        self._flush(False, time.monotonic() + self.timeout)

    def close(self):
        """Ends the connection in the proper way, waiting for nothing."""
        try:
            if not self.write_broken and self.socket.fileno() >= 0:
                self.timeout = 1
                self.finish()
        except (Lost, OSError, ValueError, Violation):
            pass
        self.socket.close()

    def drop(self, reset=True):
        """Ends the TCP connection brutally, without close_notify: by a reset, or by a bare end of file.

        The kernel turns the latter into a reset, too, where received bytes were not read; see `half_close`."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.write_broken = True
        self.socket.close()

    def half_close(self):
        """Sends TCP's end of file without close_notify, and keeps the reading side open."""
        self.write_broken = True
        self.socket.shutdown(socket.SHUT_WR)

    def _handshake(self):
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                self._tls.do_handshake()
                self._flush(False, deadline)
                return
            except ssl.SSLWantReadError:
                self._collect()
            except ssl.SSLError as error:
                self.drop(reset=False)
                raise TlsFailure(str(error)) from error
            if self.ended:
                raise Lost(f"the connection was lost in the handshake ({self.ended})")
            self._step(deadline, decrypt=False)

    def _collect(self):
        self._pending += self._outgoing.read()

    def _flush(self, watch, deadline):
        self._collect()
        while self._pending:
            if self.write_broken:
                return False
            if watch and (self.answer_waiting or self.ended):
                return False
            self._step(deadline)
        return True

    def _step(self, deadline, decrypt=True):
        wait = deadline - time.monotonic()
        readers = [self.socket] if self.reading and not self.ended else []
        writers = [self.socket] if self._pending else []
        readable, writable, _ = select.select(readers, writers, [], max(wait, 0))
        if not readable and not writable:
            raise TimedOut("the server neither spoke nor took bytes in time")
        if writable:
            try:
                del self._pending[: self.socket.send(memoryview(self._pending)[: 4 * PIECE])]
            except BlockingIOError:
                pass
            except OSError:
                self.write_broken = True
                self._pending.clear()
        if readable:
            self._receive(decrypt)

    def _receive(self, decrypt=True):
        try:
            data = self.socket.recv(4 * PIECE)
        except BlockingIOError:
            return
        except OSError:
            self.ended = self.ended or "reset"
            return
        if not data:
            self.ended = self.ended or "cut"
            return
        self._incoming.write(data)
        if decrypt:
            self._decrypt()

    def _decrypt(self):
        while not self.ended:
            try:
                data = self._tls.read(PIECE)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                data = b""
            except ssl.SSLError as error:
                self.ended, self.alert = "alert", str(error)
                break
            if not data:
                self.ended = "close_notify"
            elif self.raw is not None:
                self.raw += data
            else:
                self._reader.feed(data)
        while self.raw is None and (packet := self._reader.next()):
            self.packets.append(packet)
        self._collect()
