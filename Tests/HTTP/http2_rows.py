"""What rows over HTTP/2 have at hand."""

import os
import ssl
import time

from http2_client import MISSING, HTTP2Connection
from rows import OCTETS, Run, case, check, must

# Names of rows that this Python cannot run. Where CI is set they fail instead, and say why.
LEFT_OUT = []


def http2_case(name, sent, expected):
    """A row that needs the package h2."""
    if MISSING and not os.environ.get("CI"):
        LEFT_OUT.append(name)
        return lambda function: function
    return case(name, sent, expected)


def connect(run):
    return HTTP2Connection(run.gateway.port, run.gateway.authority)


def begin(connection, run, method, target, fields=(), length=None):
    """A stream whose body comes later."""
    fields = dict(fields) | ({} if length is None else {"Content-Length": length})
    return connection.open(method, target, fields, run.host)


def begin_patch(connection, run, upload, offset, length):
    fields = {"Tus-Resumable": "1.0.0", "Upload-Offset": offset, "Content-Type": OCTETS}
    return begin(connection, run, "PATCH", upload, fields, length)


def request_head(run, method="PUT", target="/files/x", more=()):
    base = [(":method", method), (":scheme", "https"), (":authority", run.host), (":path", target)]
    return [*base, *more]


def put(connection, run, content, target="/files/x"):
    """A whole PUT on a stream of its own."""
    stream = begin(connection, run, "PUT", target, length=len(content))
    connection.give(stream, content)
    return stream


def lives(connection, run, content=None):
    """Another stream of the connection is served."""
    content = content or os.urandom(1000)
    must(connection.stream_answer(put(connection, run, content)), 201)
    run.stored(content)


def all_stored(run, contents):
    fresh = run.gateway.published() - run.before - run.named
    run.named |= fresh
    got = sorted(run.gateway.content(one) for one in fresh)
    check(got == sorted(contents), f"{len(got)} files, {len(set(got) & set(contents))} of {len(contents)} right")


class RunHTTP2(Run):
    """A row's run whose `ask` goes over HTTP/2; requests share a connection."""

    def __init__(self, run):
        self.gateway, self.failures, self.named, self.before = run.gateway, run.failures, run.named, run.before
        self.http2 = None

    def ask(self, method, target, fields=(), body=None, patience=10.0, host=None, chunks=None, trailers=()):
        connection = self._connection()
        fields = list(fields.items() if isinstance(fields, dict) else fields)
        if body is not None and "content-length" not in {name.lower() for name, _ in fields}:
            fields.append(("Content-Length", str(len(body))))
        ends = not body and chunks is None
        stream = connection.open(method, target, fields, host or self.host, ends)
        for part in [body] if body else chunks or []:
            connection.give(stream, part, ends=False)
        if not ends:
            connection.give(stream, b"", trailers=[(name.lower(), value) for name, value in trailers] or None)
        answer = connection.stream_answer(stream, patience)
        # `_sound` looks there for what comes behind the answer's head.
        connection.buffer = answer.body if answer.status == 204 else b""
        self._sound(method, connection, answer)
        connection.buffer = b""
        return answer

    def _connection(self):
        if self.http2 is None or self.http2.is_over or self.http2.goaway is not None:
            self.close()
            self.http2 = connect(self)
        return self.http2

    def close(self):
        if self.http2 is not None:
            try:
                self.http2.socket.close()
            except (OSError, ssl.SSLError):
                pass
