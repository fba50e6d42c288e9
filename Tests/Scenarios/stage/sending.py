"""One upload in steps, over x-stream or over HTTP: the same words for both, so that a scenario can be about both."""

import contextlib
import os

import client
import xstream_client
import xstream_tls

DRAFT = {"Upload-Draft-Interop-Version": "8"}


class Answered(Exception):
    """There is a status, `args[0]`, where an offer was asked for: a refusal, or the upload is complete already."""


class XStreamSending:
    """A stream of a known total, on a connection of its own."""

    wire = "x-stream"
    COMPLETE, NO_RIGHT, TIMEOUT, SHUTDOWN, BACKEND, UNKNOWN = (0,), (5,), (14,), (15,), (12, 14, 17), (10,)
    LOST = (xstream_tls.Lost, xstream_tls.Closed, xstream_tls.TlsFailure, OSError)

    def __init__(self, gateway, route, content, token=None, identity=None, ack=65_536):
        self.gateway, self.route, self.content, self.token, self.identity = gateway, route, content, token, identity
        self.ack, self.key, self.offset, self.reply = ack, None, 0, None
        self.connection = self.stream = None

    def begin(self):
        return self._open()

    def again(self):
        """Goes on over a new connection; `offset` says from where."""
        return self._open()

    def _open(self):
        self.connection = self.gateway.connect_xstream(self.identity)
        self.stream = xstream_client.Stream(self.connection, self.route, len(self.content), 65_536, key=self.key,
                                            ack=self.ack, token=self.token)
        if not self.stream.open():
            self.connection.close()
            raise Answered(self.stream.result.status)
        self.key, self.offset = self.stream.key, self.stream.start
        return self

    def send(self, count=None):
        """The next bytes, or all that are left."""
        end = len(self.content) if count is None else self.offset + count
        self.stream.send(self.content[self.offset : end])
        self.offset = end
        return self

    def outcome(self, patience=10.0):
        """The final status. The connection is over then."""
        try:
            result = self.stream.final(patience)
            self.reply = result.payload
            return result.status
        finally:
            self.connection.close()

    def ask(self):
        """How many bytes are safe."""
        with self.gateway.connect_xstream(self.identity) as connection:
            result = xstream_client.ask(connection, self.route, self.key, len(self.content), self.token)
        if result.status not in (0, 9):
            raise Answered(result.status)
        return len(self.content) - result.left

    def give_up(self):
        """The status of the answer."""
        with self.gateway.connect_xstream(self.identity) as connection:
            return xstream_client.give_up(connection, self.route, self.key, self.token).status

    def cut(self):
        self.connection.drop()

    def close(self):
        self.connection.close()


class HTTPSending:
    """A resumable upload as the draft has it: made by POST, sent by PATCH."""

    wire = "HTTP"
    COMPLETE, NO_RIGHT, TIMEOUT, SHUTDOWN = (200, 201, 204), (401, 403), (408,), (503,)
    BACKEND, UNKNOWN = (410, 502, 503, 504), (404,)
    LOST = (client.Broken, OSError)

    def __init__(self, gateway, route, content, token=None, identity=None):
        self.gateway, self.route, self.content, self.token, self.identity = gateway, route, content, token, identity
        self.key, self.offset, self.reply = None, 0, None
        self.connection = None

    @property
    def host(self):
        return f"localhost:{self.gateway.port}"

    def _fields(self, **more):
        fields = DRAFT | {name.replace("_", "-"): str(value) for name, value in more.items()}
        return fields | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    def _connect(self):
        return self.gateway.connect_http(self.identity)

    def _ask(self, method, target, fields, body=None):
        with self._connect() as connection:
            connection.send(client.message(method, target, fields, body, host=self.host))
            return connection.answer(method)

    def begin(self):
        fields = self._fields(Upload_Complete="?0", Upload_Length=len(self.content))
        answer = self._ask("POST", self.route, fields, b"")
        if answer.status != 201:
            raise Answered(answer.status)
        self.key = os.path.basename(answer["Location"])
        return self._patch()

    def again(self):
        answer = self._head()
        if answer["Upload-Complete"] == "?1":
            raise Answered(answer.status)
        self.offset = int(answer["Upload-Offset"])
        return self._patch()

    def _patch(self):
        self.connection = self._connect()
        left = len(self.content) - self.offset
        fields = self._fields(Upload_Offset=self.offset, Upload_Complete="?1", Content_Length=left,
                              Content_Type="application/partial-upload", Expect="100-continue")
        self.connection.send(client.message("PATCH", f"{self.route}/{self.key}", fields, host=self.host))
        while (status := self.connection.head().status) != 100:
            if status >= 200:
                self.connection.close(in_order=False)
                raise Answered(status)
        return self

    def send(self, count=None):
        end = len(self.content) if count is None else self.offset + count
        # What the gateway said before it closed can still be read.
        with contextlib.suppress(OSError):
            self.connection.send(self.content[self.offset : end])
        self.offset = end
        return self

    def outcome(self, patience=10.0):
        try:
            answer = self.connection.answer("PATCH", patience)
            self.reply = answer.body
            return answer.status
        finally:
            self.connection.close(in_order=False)

    def ask(self):
        return int(self._head()["Upload-Offset"])

    def _head(self):
        answer = self._ask("HEAD", f"{self.route}/{self.key}", self._fields())
        if answer.status not in (200, 204):
            raise Answered(answer.status)
        return answer

    def give_up(self):
        return self._ask("DELETE", f"{self.route}/{self.key}", self._fields()).status

    def cut(self):
        self.connection.cut()

    def close(self):
        self.connection.close()


WIRES = (XStreamSending, HTTPSending)
