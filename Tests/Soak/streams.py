"""Uploads through the Python client library, with everything that clients do and that befalls them."""

import threading
import time

from backends import answer
from xstream_client import Stream, ask, check_refusal, digest_of, digest_value, give_up, request_headers, result_of
from xstream_client import send_payload
from xstream_packet import Violation, encode
from xstream_tls import Closed, Connection, Lost, TimedOut, TlsFailure, tls_context

from course import PATIENCE, Again, Course, Over
from places import MIB

PIECE = 256 * 1024


class Sent(Stream):
    """A stream of no bytes that fails has no LEFT that could say so: its final is `x-stream: -1`."""

    def _take_final(self, packet):
        if self.total == 0 and packet.headers.get("x-stream") == "-1":
            self.result = check_refusal(packet)
        else:
            super()._take_final(packet)


class Streamer(Course):
    """Carries out one planned upload of the kinds `stream` and `payload`."""

    losses = (Lost, Closed, TlsFailure, OSError)

    def __init__(self, upload, gateway, told, deadline, seed, backends):
        super().__init__(upload, gateway, told, deadline, seed, backends)
        self.context = tls_context(told.places.ca)

    def run(self):
        try:
            super().run()
        except Violation as error:
            self.journal.violate(f"against the protocol: {error}", self.upload, self.key)

    @staticmethod
    def _is_silence(error):
        return isinstance(error, TimedOut)

    def _once(self):
        if not self.connection or self.connection.ended or self.connection.write_broken:
            self._let_go()
            # What happens between two exchanges counts too: a connection is kept while its client waits.
            self.mark = self.gateway.mark()
            self.connection = Connection("127.0.0.1", self.told.places.port, self.context, timeout=PATIENCE)
        if self.upload.kind == "payload":
            return self._payload()
        if self.key and self.random.random() < 0.25:
            self._ask()
        self._stream()

    # A payload

    def _payload(self):
        upload = self.upload
        data = b"".join(bytes(piece) for piece in upload.content.pieces())
        self.journal.happened("last")
        life = self.gateway.life
        # Without its key the upload is known by its name alone.
        result = send_payload(self.connection, upload.route.path, data, upload.route.token, digest=self._digest(),
                              name=upload.label)
        if result.status == 0:
            upload.promise(result.key).sent = upload.size
            self._done(result)
        if upload.route.is_pipe and result.key:
            self.key, self.was_resume_refused = result.key, False
            upload.promise(result.key).life = life
        self._answered(result)
        if upload.kind == "payload":
            self.key = None

    # A stream

    def _digest(self):
        if self.upload.digest == "wrong":
            return digest_of(b"something else")
        return digest_value(self.upload.content.sha256()) if self.upload.digest else None

    def _stream(self):
        upload = self.upload
        stream = Sent(self.connection, upload.route.path, upload.total, upload.buffer, key=self.key, ack=upload.ack,
                        digest=self._digest(), name=upload.label, token=upload.route.token)
        self.offered_life = self.gateway.life
        if stream.open():
            self._offered(stream)
            self._send(stream)
            if stream.result is None:
                stream.final()
            self._heard(stream)
        self._after(stream)

    def _offered(self, stream):
        self.key = stream.key
        promise = self.upload.promise(stream.key)
        if stream.resumes:
            self.journal.count("resumes of pipes" if self.upload.route.is_pipe else "resumes")
            if self.upload.route.is_pipe and (promise.is_broken or promise.life != self.offered_life):
                self.journal.violate("an offer to go on, although its backend's stream is gone", self.upload, self.key)
        else:
            promise.life = self.offered_life
        self.told.offset(self.upload, stream.key, stream.start, "the offer")
        self.journal.happened("offer")
        if stream.end is not None and (self.upload.total == "*" or stream.end < self.upload.total):
            self.journal.count("offers of a part")

    def _send(self, stream):
        upload, began, first = self.upload, time.monotonic(), stream.position
        promise = upload.promise(stream.key)
        last = upload.size if stream.end is None else min(stream.end, upload.size)
        while stream.result is None and stream.position < last:
            self._befall(stream)
            stop = last if self.end is None or self.end <= stream.position else min(last, self.end)
            count = min(self.random.choice((1, 5000, PIECE, PIECE, PIECE)), stop - stream.position)
            piece = upload.content.piece(stream.position, count)
            promise.sent = max(promise.sent, stream.position + len(piece))
            if stream.position + len(piece) == last:
                self.journal.happened("last")
            if not stream.send(piece):
                return
            self._heard(stream)
            if self.end is not None and stream.position >= self.end and stream.result is None:
                self._leave(stream)
            if upload.pace:
                time.sleep(max(0, (stream.position - first) / upload.pace - (time.monotonic() - began)))
        if self.end is None and stream.position == upload.size and self.random.random() < 0.05 and self.breaks:
            self.breaks.clear()
            self._cut(stream)
        if upload.total == "*" and stream.position == upload.size and stream.result is None:
            if upload.fate != "complete":
                self._leave(stream)
            self.connection.finish()

    def _heard(self, stream):
        promise = self.upload.promise(stream.key)
        if stream.progress and stream.progress[-1] > promise.safe:
            self.told.offset(self.upload, stream.key, stream.progress[-1], "progress")
            self.journal.count("acknowledgements")
            self.journal.happened("progress")

    def _befall(self, stream):
        """What happens to clients between two pieces."""
        if self.end is not None and stream.position >= self.end:
            self._leave(stream)
        if self.breaks and stream.position >= self.breaks[0]:
            self.breaks.pop(0)
            self._cut(stream)

    def _cut(self, stream):
        how = self.random.choice(("reset", "end of file", "close_notify", "takeover", "half"))
        if how == "close_notify" and self.upload.total == "*":
            how = "reset"  # it would say that this was all
        self.journal.count(f"client cuts by {how}")
        self.journal.note(f"{self.upload.label} {how} at {stream.position}, key {stream.key}")
        if how == "takeover":
            self.older.append(self.connection)
        elif how == "half":
            self.connection.half_close()
            self.older.append(self.connection)
        elif how == "close_notify":
            self.connection.close()
        else:
            self.connection.drop(reset=how == "reset")
        self.connection = None
        raise Again

    def _leave(self, stream):
        """Gives up on another connection, or on none."""
        if self.upload.fate == "vanish":
            if self.random.random() < 0.3:
                # Not even the connection ends, until the run does.
                threading.Timer(self.random.uniform(0.5, 8), self.connection.drop).start()
                self.connection = None
            self._vanish()
        self._let_go() if self.random.random() < 0.7 else self.older.append(self.connection)
        self.connection = None
        self.key = stream.key
        self._give_up()

    def _give_up(self):
        """Until the gateway says that it is gone."""
        upload = self.upload
        promise, tries = upload.promise(self.key), 0
        while time.monotonic() < self.deadline:
            mark = self.gateway.mark()
            tries += 1
            try:
                with Connection("127.0.0.1", self.told.places.port, self.context, timeout=PATIENCE) as connection:
                    self.journal.happened("give-up")
                    result = give_up(connection, upload.route.path, self.key, upload.route.token)
            except (Lost, Closed, TlsFailure, OSError) as error:
                self._lost(mark, error)
                continue
            if result.status == 0:
                self.journal.count("uploads given up")
            elif result.status == 10 and tries > 1:
                self.journal.count("uploads given up, of which the answer was lost")
            elif result.status == 10:
                self.told.unknown(upload, self.key, "the answer to a give-up")
            elif result.status == 15 and self.gateway.explains(mark):
                continue
            elif result.status == 11 and self.troubles.explain_storage(self.since):
                time.sleep(self.random.uniform(0.2, 1))
                continue
            else:
                self.journal.violate(f"give-up: status {result.status} ({result.reason})", upload, self.key)
            promise.is_gone = True
            upload.outcome = "given up"
            raise Over

    def _ask(self):
        upload, promise = self.upload, self.upload.promise(self.key)
        self.journal.count("questions")
        result = (self._ask_of_pipe() if upload.route.is_pipe else
                  ask(self.connection, upload.route.path, self.key, upload.total, upload.route.token))
        # Of a stream without a byte that is not complete the answer has no LEFT and no offset that could say so.
        if result.status == 9 and result.offset is not None:
            # A question changes nothing, so it does not begin the resume window anew.
            contact = promise.contact
            self.told.offset(upload, self.key, result.offset, "the answer to a question")
            promise.contact = contact
        elif result.status == 0 and promise.sent < upload.size:
            self.journal.violate(f"complete with {promise.sent} bytes sent", upload, self.key)

    def _ask_of_pipe(self):
        """`ask`, where the answer may be status 17."""
        upload = self.upload
        self.connection.send(encode(request_headers(upload.route.path, f"{upload.total}:0", "bytes", self.key)))
        packet = self.connection.receive()
        result = check_refusal(packet) if packet.headers.get("x-stream") == "-1" else result_of(packet)
        if result.status == 17 and result.left not in (None, upload.total):
            self.journal.violate(f"status 17 with LEFT {result.left} of {upload.total}", upload, self.key)
        elif result.status not in (0, 9, 10, 17) and not (
                result.status == 11 and self.troubles.explain_storage(self.since)):
            self.journal.violate(f"a question's answer has status {result.status} ({result.reason})", upload, self.key)
        return result

    # Answers

    def _done(self, result):
        upload = self.upload
        if upload.route.is_pipe and result.payload:
            self.journal.count("answers of backends that reached the client")
            wanted = answer(upload.size, upload.content.sha256())
            if result.payload != wanted:
                self.journal.violate(f"the backend's answer became {result.payload!r}", upload, result.key)
        self.told.done(upload, result.key)
        raise Over

    def _after(self, stream):
        result, upload = stream.result, self.upload
        if result.status == 0:
            self._done(result)
        self.was_resume_refused = stream.resumes and stream.start == stream.position == 0
        if (isinstance(result.left, int) and isinstance(upload.total, int)
                and result.status not in (12, 13, 14, 17)):
            self.told.offset(upload, stream.key, upload.total - result.left, "the final")
        self._answered(result)

    def _answered(self, result):
        upload, status = self.upload, result.status
        self.journal.count(f"answers with status {status}")
        if upload.kind == "payload" or status in (11, 12, 14, 17) or (status == 9 and upload.total == "*"):
            # The rest of a payload was not sent when the answer came early; a full offer to an unknown total is the
            # end, and so is a failure.
            self._let_go()
        if status == 9:
            upload.promise(self.key).contact = time.monotonic()
            self._wait_for_quota()
        elif status == 7:
            self._wait_for_quota()
        elif status == 8:
            time.sleep(self.random.uniform(0.2, 0.8))
        elif status == 15 and self.gateway.explains(self.mark):
            self._let_go()
            time.sleep(self.random.uniform(0.02, 0.2))
        elif status == 13 and upload.digest == "wrong":
            if self.key:
                upload.promise(self.key).is_gone = True
            upload.outcome = "refused for its digest"
            raise Over
        elif status == 6 and self._is_too_large():
            upload.outcome = "refused for its size"
            raise Over
        elif status == 11 and self._may_storage_fail():
            self._wait_for_disk(result.left is not None)
        elif status in (12, 14, 17) and upload.route.is_pipe:
            if self.key and result.left not in (None, upload.total) and self.was_resume_refused:
                self.journal.violate(f"status {status} with LEFT {result.left} of {upload.total}", upload, self.key)
            self._backend_failed(f"status {status} ({result.reason})")
        elif status == 10 and self.key:
            # Where it may have expired the client begins anew.
            if not self.told.unknown(upload, self.key, "the answer to a resume"):
                raise Over
            self.key = None
        else:
            self.journal.violate(f"status {status} ({result.reason})", upload, self.key)
            raise Over

    def _is_too_large(self):
        limit = self.upload.route.payload if self.upload.kind == "payload" else self.upload.route.upload
        return self.upload.size > limit
