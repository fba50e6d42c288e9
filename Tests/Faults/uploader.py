"""An uploader that does not give up: it resumes, begins anew, and remembers what it was told."""

import contextlib
import time

from station import HERE  # noqa: F401  the path to the modules below
from promises import Promise
from streams import Sent
from xstream_client import digest_of, digest_value, give_up, send_payload
from xstream_packet import Violation
from xstream_tls import Closed, Connection, Lost, TimedOut, TlsFailure, tls_context

PORTION = 65_536
# How long an upload may take, with all that is done to its gateway.
PATIENCE = 40.0
# How long the gateway may say nothing where something is due.
SILENCE = 15.0
# quota, busy, partial, storage, backend, timeout, shutdown, internal: the same key goes on later.
AGAIN = {7, 8, 9, 11, 12, 14, 15, 16}


class HeardStream(Sent):
    """A stream whose progress is written down as it comes."""

    def __init__(self, *arguments, heard=None, **options):
        super().__init__(*arguments, **options)
        self._heard = heard

    def _take_progress(self, packet):
        super()._take_progress(packet)
        self._heard(self.progress[-1])


class Line:
    """A connection that one upload after the other goes over, for as long as it holds."""

    def __init__(self, station):
        self.station, self.connection = station, None
        self.context = tls_context(f"{station.certs}/ca.pem")

    @contextlib.contextmanager
    def use(self):
        connection, self.connection = self.connection, None
        if connection is None or connection.ended or connection.write_broken:
            connection = Connection("127.0.0.1", self.station.port, self.context, timeout=SILENCE)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self.connection = connection

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Uploader:
    """Sends one upload to its end."""

    def __init__(self, station, upload, patience=PATIENCE, is_over=None, line=None):
        self.station, self.upload, self.plan, self.findings = station, upload, upload.plan, station.findings
        self.line, self.owns_line = line or Line(station), line is None
        self.deadline = time.monotonic() + patience
        self.is_over = is_over or (lambda: False)
        self.cut = self.plan.cut
        self.last = "nothing"

    def run(self):
        """Sends it over a line of its own, or the one that was given. See `_run`."""
        try:
            return self._run()
        finally:
            if self.owns_line:
                self.line.close()

    def _run(self):
        """Returns whether the upload came to the end that was planned. What else was wrong is a finding."""
        while not self.is_over():
            if time.monotonic() > self.deadline:
                self._wrong(f"has come to no end in time; last there was {self.last}")
                return False
            if not self.station.ensure_up():
                return False
            try:
                if self._try():
                    return True
            except Violation as violation:
                self._wrong(f"was answered against the protocol: {violation}")
                return False
            except TimedOut:
                if self.station.process.poll() is None and not self.is_over():
                    self._wrong(f"had no answer for {SILENCE:.0f} s")
                    return False
            except (Lost, Closed, TlsFailure) as error:
                self.last = f"{type(error).__name__}: {error}"
                self.findings.count("connections lost")
            time.sleep(0.03)
        return False

    def _wrong(self, what):
        key = self.upload.promise.key if self.upload.promise else "no key"
        self.findings.add(f"{self.upload.label} ({key}) {what}")

    def _say(self, what, value=None):
        self.upload.promise.say(self.station.position(), what, value)

    def _try(self):
        if self.plan.kind == "payload":
            return self._payload()
        if self.plan.ends == "given up" and self.cut is None:
            return self._give_up()
        return self._stream()

    # Streams

    def _stream(self):
        upload, plan, promise = self.upload, self.plan, self.upload.promise
        total = "*" if plan.kind == "unknown" else upload.size
        digest = None
        if plan.digest:
            is_right = plan.digest == "right"
            digest = digest_value(upload.content.sha256()) if is_right else digest_of(b"of something else")
        with self.line.use() as connection:
            stream = HeardStream(connection, upload.route.path, total, buffer=PORTION, ack=plan.ack, digest=digest,
                                 key=promise and promise.key, name=upload.label,
                                 heard=lambda offset: self._say("safe", offset))
            upload.lost_answers += 1
            is_open = stream.open()
            upload.lost_answers -= 1
            if is_open:
                if self._send(stream, connection):
                    return True
                stream.final()
            if plan.kind == "unknown" or stream.result.status:
                # The connection ends with it.
                connection.close()
                connection.write_broken = True
            return self._judge(stream.result)

    def _send(self, stream, connection):
        """Returns whether the plan ends here."""
        upload = self.upload
        if not upload.promise or upload.promise.key != stream.key:
            upload.promises.append(Promise(stream.key))
            self._say("offer")
            if self.plan.digest == "wrong":
                self._say("leaving")
        told = upload.promise.told()
        if stream.start < told.safe:
            self._wrong(f"is offered to go on at {stream.start}, but {told.safe} bytes were acknowledged")
        self._say("safe", stream.start)
        end = upload.size if stream.end is None else min(stream.end, upload.size)
        stop = end if self.cut is None else min(end, self.cut)
        while stream.result is None and stream.position < stop:
            if not stream.send(upload.content.piece(stream.position, min(PORTION, stop - stream.position))):
                return False
        if self.cut is not None and stream.result is None:
            # Begun behind it, there may be nothing to wait for.
            if stream.start < stop:
                stream.wait_progress()
            if stream.result is None:
                self.cut = None
                connection.drop()
                if self.plan.ends == "left":
                    return True
                raise Lost("cut by the plan")
        elif self.plan.kind == "unknown" and stream.result is None and stream.position == upload.size:
            connection.finish()
        return False

    def _judge(self, result):
        upload, plan = self.upload, self.plan
        self.last = f"status {result.status} ({result.reason})"
        self.findings.count(f"answers with status {result.status}")
        told = upload.promise.told() if upload.promise else None
        if result.status == 0:
            if plan.digest == "wrong":
                self._wrong("has a wrong digest and is called complete")
            self._say("done")
            return True
        if result.status in AGAIN:
            time.sleep(0.1)
            return False
        if result.status == 13 and plan.digest == "wrong":
            self._say("gone")
            return True
        if result.status == 10 and told:
            if plan.digest == "wrong" and told.is_offered:
                # It was refused, and the answer was lost.
                self._say("gone")
                return True
            self._wrong(f"is unknown now, but was offered, and {told.safe} bytes of it were acknowledged")
            return False
        self._wrong(f"was answered {self.last}")
        return False

    def _give_up(self):
        upload = self.upload
        self._say("leaving")
        # It may have been given up by an attempt whose answer was lost, or that failed halfway.
        before, upload.lost_answers = upload.lost_answers, upload.lost_answers + 1
        with self.line.use() as connection:
            result = give_up(connection, upload.route.path, upload.promise.key)
        self.last = f"status {result.status} ({result.reason})"
        self.findings.count(f"answers with status {result.status}")
        if result.status not in (0, 10):
            return False
        if result.status == 10 and not before:
            self._wrong("cannot be given up, because nobody knows it")
        self._say("gone")
        return True

    def _payload(self):
        upload = self.upload
        data = b"".join(bytes(piece) for piece in upload.content.pieces())
        upload.lost_answers += 1
        with self.line.use() as connection:
            result = send_payload(connection, upload.route.path, data, name=upload.label)
        if result.status:
            upload.lost_answers -= 1
            return self._judge(result)
        upload.lost_answers -= 1
        upload.promises.append(Promise(result.key))
        return self._judge(result)
