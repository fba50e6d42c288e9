"""HTTP requests whose bodies come piece by piece, in one shape over both versions; on the clients of Tests/HTTP."""

import contextlib
import time

from client import Broken, Connection, message
from http2_client import MISSING, HTTP2Connection

from course import PATIENCE

VERSIONS = ("1.1",) if MISSING else ("1.1", "2")


def connect(version, places):
    return {"1.1": Wire1, "2": Wire2}[version](places)


class Wire:
    """A connection. `drop` and `close` end it; what comes then is a loss for whoever still waits."""

    line = None

    def ask(self, method, target, fields):
        """A request without a body, and its answer."""
        return self.open(method, target, fields, has_body=False).answer()

    def drop(self, reset=True):
        with contextlib.suppress(OSError):
            self.line.cut() if reset else self.line.close(in_order=False)

    def close(self):
        with contextlib.suppress(OSError):
            self.line.close()

    def half_close(self):
        with contextlib.suppress(OSError):
            self.line.half_close()


class Request:
    """One request under way. `on_interim` gets each interim answer."""

    def __init__(self, wire, on_interim):
        self.wire, self.line, self.method, self.on_interim = wire, wire.line, None, on_interim or (lambda _: None)
        self.is_sent = False


class Wire1(Wire):
    """HTTP/1.1: one request after another."""

    def __init__(self, places):
        self.line = Connection(places.port, places.ca, ("http/1.1",), PATIENCE)
        self.request = None

    @property
    def is_usable(self):
        return not self.line.is_over and (self.request is None or self.request.is_over)

    def open(self, method, target, fields, length=None, has_body=True, on_interim=None):
        """With a body of `length` bytes, or of whatever comes."""
        self.request = Request1(self, method, target, fields, length, has_body, on_interim)
        return self.request


class Request1(Request):
    def __init__(self, wire, method, target, fields, length, has_body, on_interim):
        super().__init__(wire, on_interim)
        self.method, self.final, self.is_over, self.is_chunked = method, None, False, has_body and length is None
        if has_body:
            fields = fields | ({"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": length})
        self.is_sent = not has_body
        self.line.send(message(method, target, fields))

    @property
    def is_answered(self):
        return self.final is not None

    def give(self, piece):
        data = bytes(piece)
        self._send(b"%x\r\n%s\r\n" % (len(data), data) if self.is_chunked else data)
        self.line.hear()
        while self.final is None and b"\r\n\r\n" in self.line.buffer:
            self._take(self.line.head())

    def end(self):
        if self.is_chunked:
            self._send(b"0\r\n\r\n")
        self.is_sent = True

    def _send(self, data):
        # What the gateway said before it closed can still be read.
        with contextlib.suppress(OSError):
            self.line.send(data)

    def _take(self, head):
        if head.status < 200:
            self.on_interim(head)
        else:
            self.final = head

    def wait(self, condition, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while self.final is None and not condition():
            self._take(self.line.head(deadline - time.monotonic()))

    def answer(self):
        self.wait(lambda: False)
        answer = self.final
        if self.method != "HEAD" and answer.status not in (204, 304):
            answer.body = self.line._body(answer, time.monotonic() + PATIENCE)
        self.is_over = self.is_sent and (answer["Connection"] or "").lower() != "close"
        return answer


class Wire2(Wire):
    """HTTP/2: several at once, where somebody wants that."""

    def __init__(self, places):
        self.line = HTTP2Connection(places.port, places.ca, PATIENCE)

    @property
    def is_usable(self):
        return not self.line.is_over and self.line.goaway is None

    def open(self, method, target, fields, length=None, has_body=True, on_interim=None):
        """With a body of `length` bytes, or of whatever comes."""
        return Request2(self, method, target, fields, length, has_body, on_interim)


class Request2(Request):
    def __init__(self, wire, method, target, fields, length, has_body, on_interim):
        super().__init__(wire, on_interim)
        fields = fields | ({} if length is None else {"Content-Length": length})
        self.told, self.is_sent = 0, not has_body
        self.stream = self.line.open(method, target, fields, ends=not has_body)

    @property
    def is_answered(self):
        return self.stream.answer is not None or self.stream.is_over

    def give(self, piece):
        self.line.give(self.stream, bytes(piece), ends=False)
        self.line.wait(lambda: self.line.has_sent(self.stream) or self.is_answered, PATIENCE)
        self.line.hear()
        self._tell()

    def end(self):
        self.is_sent = True
        if not self.stream.is_over:
            self.line.give(self.stream, b"")

    def reset(self):
        """Ends the stream alone."""
        self.line.reset_stream(self.stream)

    def _tell(self):
        while self.told < len(self.stream.interim):
            self.told += 1
            self.on_interim(self.stream.interim[self.told - 1])

    def wait(self, condition, patience=PATIENCE):
        def is_there():
            self._tell()
            return self.is_answered or condition()

        self.line.wait(is_there, patience)

    def answer(self):
        self.wait(lambda: False)
        answer = self.line.stream_answer(self.stream, PATIENCE)
        self._tell()
        if not self.is_sent and not self.stream.is_over:
            raise Broken("a stream is over that is not")
        return answer
