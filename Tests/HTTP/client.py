"""A small HTTP/1.1 client over TLS that sends exactly the bytes it is given, and shows interim answers too."""

import contextlib
import select
import socket
import ssl
import struct
import time

PATIENCE = 10.0
RESET = struct.pack("ii", 1, 0)


class Broken(Exception):
    """The connection ended, or stayed silent, where an answer was due."""


class Answer:
    """One answer, with the interim ones before it."""

    def __init__(self, status, fields, sent):
        self.status, self.fields, self.sent = status, fields, sent
        self.body, self.interim = b"", []

    def __getitem__(self, name):
        return next(iter(self.all(name)), None)

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def __str__(self):
        heads = [f"{one.status} {_joined(one.fields)}" for one in [*self.interim, self]]
        return " -> ".join(heads) + (f" | {self.body[:300]!r}" if self.body else "")


def _joined(fields):
    return "; ".join(f"{name}: {value}" for name, value in fields if name.lower() not in ("date", "server"))


def message(method, target, fields=(), body=None, chunks=None, trailers=(), host="localhost", version="1.1"):
    """A request's bytes. `body` brings a Content-Length unless the fields have one; `chunks` are sent as such."""
    fields = list(fields.items() if isinstance(fields, dict) else fields)
    names = {name.lower() for name, _ in fields}
    if "host" not in names and host is not None:
        fields.insert(0, ("Host", host))
    if chunks is not None:
        fields.append(("Transfer-Encoding", "chunked"))
        body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        body += b"0\r\n" + b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers) + b"\r\n"
    elif body is not None and "content-length" not in names:
        fields.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} HTTP/{version}", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1") + (body or b"")


class Connection:
    """A TLS connection to the gateway."""

    def __init__(self, port, authority, protocols=("http/1.1",), patience=PATIENCE, identity=None):
        """`patience` is how long one call may take to connect, to shake hands, or to hand on what is sent.
        `identity` is the path of a certificate and its key, without `.pem` and `.key`."""
        self.patience = patience
        context = ssl.create_default_context(cafile=authority)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if identity:
            context.load_cert_chain(f"{identity}.pem", f"{identity}.key")
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.socket = socket.create_connection(("127.0.0.1", port), patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.is_over, self.sent = b"", False, b""
        try:
            self._drive(self.tls.do_handshake)
        except ssl.SSLError:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def protocol(self):
        return self.tls.selected_alpn_protocol()

    # Sending

    def send(self, data):
        """Records are at most as large as TLS has them; an error of the socket is left to who reads."""
        if len(self.sent) < 2048:
            self.sent += data[:2048]
        view = memoryview(data)
        for start in range(0, len(view), 16_384):
            self.tls.write(view[start : start + 16_384])
            if self.outgoing.pending > 262_144:
                self._flush()
        self._flush()

    def half_close(self):
        """Sends close_notify and FIN; answers can still be read."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()
        self.socket.shutdown(socket.SHUT_WR)

    def cut(self):
        """Breaks the connection as a crash does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()

    def close(self, in_order=True):
        """Ends the connection, by close_notify where it is in order, else by FIN alone."""
        if in_order:
            with contextlib.suppress(OSError):
                self.half_close()
        self.socket.close()

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.socket.sendall(data)

    # Receiving

    def answer(self, method="GET", patience=PATIENCE):
        """The next final answer."""
        deadline, interim = time.monotonic() + patience, []
        while True:
            one = self.head(deadline - time.monotonic())
            if one.status >= 200 or one.status == 101:
                break
            interim.append(one)
        one.interim = interim
        if method != "HEAD" and one.status not in (204, 304):
            one.body = self._body(one, deadline)
        return one

    def head(self, patience=PATIENCE):
        """The next head, also an interim one."""
        deadline = time.monotonic() + patience
        lines = self._until(b"\r\n\r\n", deadline)[:-4].decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        if not version.startswith("HTTP/1."):
            raise Broken(f"no status line: {lines[0]!r}")
        fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        return Answer(int(rest[:3]), fields, self.sent)

    def _body(self, one, deadline):
        if "chunked" in (one["Transfer-Encoding"] or ""):
            body = b""
            while True:
                size = int(self._until(b"\r\n", deadline).split(b";")[0], 16)
                body += self._exactly(size + 2, deadline)[:-2]
                if size == 0:
                    return body
        if one["Content-Length"] is not None:
            return self._exactly(int(one["Content-Length"]), deadline)
        return self.rest(deadline - time.monotonic())

    def rest(self, patience=PATIENCE):
        """Everything until the gateway closes."""
        deadline = time.monotonic() + patience
        while not self.is_over:
            self._fill(deadline)
        data, self.buffer = self.buffer, b""
        return data

    def is_closed(self, patience=3.0):
        """Whether the gateway closes without another byte."""
        try:
            return self.rest(patience) == b""
        except Broken:
            return False

    def hear(self):
        """Takes in what has come, without waiting for more."""
        while not self.is_over:
            try:
                data = self.tls.read(65_536)
                self.is_over = not data
                self.buffer += data
            except ssl.SSLWantReadError:
                if not select.select([self.socket], [], [], 0)[0]:
                    return
                self._receive(time.monotonic() + 1)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                self.is_over = True

    def _until(self, mark, deadline):
        while mark not in self.buffer:
            self._fill(deadline)
            if self.is_over and mark not in self.buffer:
                raise Broken(f"closed, {self.buffer[:200]!r} before it")
        end = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:end], self.buffer[end:]
        return data

    def _exactly(self, count, deadline):
        while len(self.buffer) < count:
            self._fill(deadline)
            if self.is_over and len(self.buffer) < count:
                raise Broken(f"closed after {len(self.buffer)} of {count} bytes of a body")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _fill(self, deadline):
        while True:
            try:
                data = self.tls.read(65_536)
                self.is_over = self.is_over or not data
                self.buffer += data
                return
            except ssl.SSLWantReadError:
                self._receive(deadline)
                if self.is_over:
                    return
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                self.is_over = True
                return

    def _receive(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Broken(f"silence, {self.buffer[:200]!r} before it")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(262_144)
        except TimeoutError:
            raise Broken(f"silence, {self.buffer[:200]!r} before it") from None
        except OSError:
            data = b""
        finally:
            self.socket.settimeout(self.patience)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
            # A FIN without close_notify is an end as well; the rows ask about answers, not about how TLS ends.
            self.is_over = not self.incoming.pending

    def _drive(self, step):
        deadline = time.monotonic() + self.patience
        while True:
            try:
                step()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
                self._receive(deadline)
                if self.is_over:
                    raise Broken("closed in the handshake") from None
            except ssl.SSLError:
                self._flush()
                raise
