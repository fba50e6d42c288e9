"""The backends of `/piped`: they keep what each connection brought, and break off now and then."""

import hashlib
import random
import socket
import struct
import threading
import time

from places import PIPE_TIMEOUT

RESET = struct.pack("ii", 1, 0)
HEAD_LIMIT = 32_768


class Brought:
    """What one connection brought."""

    def __init__(self, port):
        self.port, self.key, self.label = port, None, None
        self.count, self.sha256 = 0, hashlib.sha256()
        self.end = None  # "clean": the gateway's side ended in order; "reset": it was broken off
        self.fault = None  # what this side did
        self.socket = None

    def __str__(self):
        return f"{self.label} {self.key} at {self.port}: {self.count} bytes, {self.end}, {self.fault or 'no fault'}"


class Backends:
    """Both of them, each on a port of its own."""

    def __init__(self, places, journal, seed, flaps):
        self.flaps = flaps
        self.places, self.journal, self.random = places, journal, random.Random(f"backends {seed}")
        self.lock = threading.Lock()
        self.brought = {}  # by key, each a list
        self.open = set()
        self.listeners = {}
        self.is_calm, self.is_over = False, False
        self.last_all_down = -1e9
        self.last_kill = -1e9
        for port in places.backend_ports:
            self._listen(port)

    # What clients and the final account ask

    def of(self, key):
        with self.lock:
            return list(self.brought.get(key, ()))

    def is_to_blame(self, key):
        """Whether one of these did something to the connection of that key."""
        found = self.of(key)
        # Connections that the kernel had accepted go with a killed backend's listener: no thread here ever saw them.
        return any(one.fault for one in found) or (not found and time.monotonic() - self.last_kill < 10)

    def broke_nameless(self, upload):
        """Whether one of these broke off the connection of an upload whose key its client does not know."""
        if upload.kind not in ("payload", "put", "tus", "draft"):
            return False
        with self.lock:
            return any(one.fault for found in self.brought.values() for one in found if one.label == upload.label)

    def none_was_up(self, since):
        return len(self.listeners) == 0 or self.last_all_down >= since

    def difference(self, upload, key):
        """None where exactly one connection brought exactly this upload."""
        found = self.of(key)
        if len(found) != 1:
            return f"{len(found)} connections brought something of it: {'; '.join(map(str, found))}"
        one = found[0]
        if one.end != "clean" or one.count != upload.size:
            return f"the backend has {one}"
        is_it = one.sha256.digest() == upload.content.prefix(one.count)
        return None if is_it else f"the backend has other bytes: {one}"

    def wait_until_closed(self, seconds):
        """Returns the connections that are still open."""
        deadline = time.monotonic() + seconds
        while self.open and time.monotonic() < deadline:
            time.sleep(0.05)
        with self.lock:
            return [str(one) for one in self.open]

    # Life and death

    def trouble(self, until):
        """Kills one or both now and then."""
        while time.monotonic() < until and not self.is_calm:
            time.sleep(self.random.uniform(1, 5))
            if self.is_calm:
                return
            ports = self.places.backend_ports
            if self.flaps and self.random.random() < 0.25:
                self._flap(self.random.choice(ports))
                continue
            ports = list(ports) if self.random.random() < 0.3 else [self.random.choice(ports)]
            self.journal.count("backends killed", len(ports))
            for port in ports:
                self._kill(port)
            if len(ports) > 1:
                self.last_all_down = time.monotonic()
            time.sleep(self.random.uniform(0.2, 1.5))
            if len(ports) > 1:
                self.last_all_down = time.monotonic()
            for port in ports:
                self._listen(port)

    def _flap(self, port):
        """Up and down, faster than a health check sees."""
        for _ in range(self.random.randint(5, 15)):
            self._kill(port)
            time.sleep(self.random.uniform(0.01, 0.15))
            self._listen(port)
            time.sleep(self.random.uniform(0.01, 0.3))
            self.journal.count("backends killed")
            self.journal.count("backends killed while they flap")

    def _listen(self, port):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        self.listeners[port] = listener
        threading.Thread(target=self._accept, args=(listener, port), daemon=True).start()

    def _kill(self, port):
        self.journal.note(f"backend {port} is killed")
        self.last_kill = time.monotonic()
        listener = self.listeners.pop(port)
        # `close` alone would leave it listening while the thread waits in `accept`.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self.lock:
            mine = [one for one in self.open if one.port == port]
        for one in mine:
            self._break_off(one, "killed")

    @staticmethod
    def _break_off(one, fault):
        one.fault = one.fault or fault
        try:
            one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            # Wakes the thread that reads; then its `close` resets.
            one.socket.shutdown(socket.SHUT_RD)
        except OSError:
            pass

    def _accept(self, listener, port):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            one = Brought(port)
            one.socket = connection
            with self.lock:
                self.open.add(one)
                mood = self.random.choices(("good", "slow", "reset", "silent"),
                                           (90, 10, 0, 0) if self.is_calm else (80, 9, 7, 4))[0]
                seed = self.random.random()
            threading.Thread(target=self._serve, args=(one, mood, seed), daemon=True).start()

    # One connection

    def _serve(self, one, mood, seed):
        try:
            self._read(one, mood, random.Random(seed))
        except OSError:
            one.end = one.end or "reset"
        finally:
            one.socket.close()
            with self.lock:
                self.open.discard(one)
            if one.key:
                self._judge(one)

    def _read(self, one, mood, draw):
        head, rest = self._head(one)
        if head is None:
            one.end = "reset"
            return
        stop = int(draw.choice((0, 1, 50_000, draw.uniform(0, 8e6)))) if mood in ("reset", "silent") else None
        self._take(one, rest)
        while True:
            if stop is not None and one.count >= stop:
                return self._misbehave(one, mood)
            if mood == "slow":
                time.sleep(draw.uniform(0, 0.15))
            data = one.socket.recv(262_144)
            if one.fault:
                one.end = "reset"
                return
            if not data:
                break
            self._take(one, data)
        one.end = "clean"
        if stop is not None and draw.random() < 0.5:
            return self._misbehave(one, mood)
        # The answer says what was taken; it reaches the client in the final.
        one.socket.sendall(answer(one.count, one.sha256))

    def _misbehave(self, one, mood):
        one.fault = mood
        self.journal.count(f"backend connections: {mood}")
        if mood == "silent":
            deadline = time.monotonic() + PIPE_TIMEOUT + 3
            # Takes no byte: only looks whether the connection still stands.
            while time.monotonic() < deadline and self._stands(one):
                time.sleep(0.1)
        one.end = one.end or "reset"
        one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    @staticmethod
    def _stands(one):
        info = one.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        return info[0] in (1, 8)  # ESTABLISHED, CLOSE_WAIT

    def _head(self, one):
        """The packet in front. None for a health check, and for a connection that ends within it."""
        data = b""
        while (at := data.find(b"\npayload:")) < 0 or (end := data.find(b"\n", at + 1)) < 0:
            more = one.socket.recv(65_536)
            if not more or one.fault:
                if data and not one.fault:
                    self.journal.violate(f"a backend was sent half a head, and an end in order: {data[:200]!r}")
                return None, b""
            data += more
            if len(data) > HEAD_LIMIT and b"\npayload:" not in data[:HEAD_LIMIT]:
                self.journal.violate(f"a backend was sent no head: {data[:200]!r}")
                return None, b""
        headers = {}
        for line in data[:end].decode("utf-8", "replace").splitlines():
            name, _, value = line.strip().partition(":")
            headers[name] = value.strip()
        if "authorization" in headers:
            self.journal.violate("a backend was sent a client's credentials")
        one.key, one.label = headers.get("x-stream-key"), headers.get("x-stream-name")
        if not one.key or not one.label:
            self.journal.violate(f"a backend's head without key or name: {headers}")
            return None, b""
        with self.lock:
            self.brought.setdefault(one.key, []).append(one)
        return headers, data[end + 1:]

    @staticmethod
    def _take(one, data):
        one.sha256.update(data)
        one.count += len(data)

    def _judge(self, one):
        """An end in order only after everything; and whatever came is how the upload begins."""
        self.journal.note(f"backend: {one}")
        self.journal.count(f"backend connections that ended {one.end}, {one.fault or 'no fault'}")
        upload = self.journal.uploads.get(one.label)
        if upload is None:
            return self.journal.violate(f"a backend was sent an upload that nobody sent: {one}", key=one.key)
        if one.end == "clean" and one.count != upload.size:
            self.journal.violate(f"a backend saw an end in order after {one.count} of {upload.size}", upload, one.key)
        if one.end == "clean" and upload.digest == "wrong":
            self.journal.violate("a backend saw an end in order, although the digest is wrong", upload, one.key)
        if one.count > upload.size or one.sha256.digest() != upload.content.prefix(one.count):
            self.journal.violate(f"a backend was sent {one.count} bytes that are not the upload's", upload, one.key)


def answer(count, sha256):
    return f"{count} {sha256.hexdigest()}\n".encode()
