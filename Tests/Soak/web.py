"""Uploads over HTTP: a PUT, tus, or the draft of resumable uploads; with what clients do, and what befalls them."""

import base64
import hashlib
import time
import zlib
from urllib.parse import urlsplit

from backends import answer as answer_of_backend
from client import Broken
from draft import VERSIONS, Words
from rows import OCTETS, PARTIAL

from course import Again, Course, Over
from places import MIB
from web_refusals import Refusals
from wires import connect

PIECE = 256 * 1024
KINDS = ("put", "tus", "draft")
# What one request of tus or of the draft brings at most, where a part of the upload.
PARTS = (None, None, 100_000, MIB, 8 * MIB)
CHECKSUMS = {"sha1": lambda data: hashlib.sha1(data).digest(), "sha256": lambda data: hashlib.sha256(data).digest(),
             "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big")}


def digest_field(digest):
    return f"sha-256=:{base64.b64encode(digest).decode()}:"


class Web(Refusals, Course):
    """Carries out one planned upload of the kinds `put`, `tus` and `draft`."""

    losses = (Broken, OSError)

    def __init__(self, upload, gateway, told, deadline, seed, backends):
        super().__init__(upload, gateway, told, deadline, seed, backends)
        self.words = Words(self.random.choice((*VERSIONS, None)))
        self.part = self.random.choice(PARTS)
        # Where the next request begins, and whether the gateway has said so since the last loss.
        self.offset, self.is_settled = 0, False
        # The most that requests brought whose answer has yet to name the upload.
        self.sent, self.life = 0, None
        # Whether the gateway knows the length.
        self.has_length = upload.total != "*"
        # Whether a request that was left behind may still be under way.
        self.has_taken_over = False
        # What one request has said of its own bytes is wrong on purpose, once.
        self.may_err = not upload.route.is_pipe and self.random.random() < 0.2

    @staticmethod
    def _is_silence(error):
        return isinstance(error, TimeoutError) or str(error).startswith("silence")

    def _lost(self, mark, error):
        self.is_settled = False
        if "breaks the protocol" in str(error):
            self.journal.violate(str(error), self.upload, self.key)
            raise Over
        super()._lost(mark, error)

    def _once(self):
        if not self.connection or not self.connection.is_usable:
            self._let_go()
            self.mark = self.gateway.mark()
            self.connection = connect(self.upload.http, self.told.places)
        if self.key is None:
            return self._create()
        # A client that remembers an offset may try it without asking.
        if not self.is_settled and self.random.random() < 0.8 or self.random.random() < 0.1:
            self._ask()
        return self._append()

    # Requests

    @property
    def place(self):
        return f"{self.upload.route.path}/{self.key}"

    def _fields(self, more=None):
        token = self.upload.route.token
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        if self.upload.kind == "tus":
            fields["Tus-Resumable"] = "1.0.0"
        return fields | (more or {})

    def _create(self):
        """The first request, with all of the upload, a part of it, or nothing yet."""
        upload, total = self.upload, None if self.upload.total == "*" else self.upload.size
        self.sent, self.life, self.offset, self.has_length = 0, self.gateway.life, 0, total is not None
        stop, is_last, length, more = upload.size, True, total, {}
        method, target = "POST", upload.route.path
        if upload.kind == "put":
            method, target = "PUT", f"{target}/{upload.label}"
        elif upload.kind == "tus":
            stop = length = self._first_part()
            label = base64.b64encode(upload.label.encode()).decode()
            more = {"Upload-Metadata": f"filename {label}"} | ({"Content-Type": OCTETS} if stop else {})
            more |= {"Upload-Defer-Length": 1} if total is None else {"Upload-Length": total}
            is_last = stop == total
        else:
            is_last = self._is_in_one()
            more = {"Content-Disposition": f'attachment; filename="{upload.label}"'}
            if not is_last:
                stop = length = self._first_part()
                if total is not None and self.words.rules >= 6:
                    more["Upload-Length"] = total
            more = self.words.fields(is_last, more)
        if upload.digest:
            right = upload.content.sha256().digest()
            more["Repr-Digest"] = digest_field(right if upload.digest == "right" else bytes(32))
        self._send(method, target, more, length, 0, stop, is_last)

    def _is_in_one(self):
        return self.random.random() < 0.6

    def _first_part(self):
        return self.random.choice((0, min(self.upload.size, self.part or self.upload.size)))

    def _append(self):
        upload, start = self.upload, self.offset
        stop = min(upload.size, start + self.part) if self.part else upload.size
        is_last = stop == upload.size
        more, length = {"Upload-Offset": start}, stop - start
        if upload.kind == "tus":
            more["Content-Type"] = OCTETS
            if is_last and not self.has_length:
                more["Upload-Length"] = upload.size
                self.has_length = True
        else:
            if self.words.rules >= 6:
                more["Content-Type"] = PARTIAL
            if is_last and upload.total == "*":
                length = None
            more = self.words.fields(is_last, more)
        errs = self._check(more, start, stop)
        self._send("PATCH", self.place, more, length, start, stop, is_last, errs)

    def _check(self, more, start, stop):
        """Says what the request's own bytes are, now and then. Returns whether that is wrong."""
        if self.upload.route.is_pipe or stop - start > 8 * MIB or self.random.random() < 0.7:
            return False
        data = b"".join(bytes(piece) for piece in self.upload.content.pieces(start, stop))
        errs = self.may_err and self.random.random() < 0.5
        if errs:
            self.may_err = False
            data += b"?"
        if self.upload.kind == "draft":
            more["Content-Digest"] = digest_field(hashlib.sha256(data).digest())
        else:
            name = self.random.choice(list(CHECKSUMS))
            more["Upload-Checksum"] = f"{name} {base64.b64encode(CHECKSUMS[name](data)).decode()}"
        self.journal.count("requests over HTTP whose bytes were checked by themselves")
        return errs

    def _send(self, method, target, more, length, start, stop, is_last, errs=False):
        self.may_send = self.random.random() >= 0.12 or stop == start
        fields = self._fields(more) | ({} if self.may_send else {"Expect": "100-continue"})
        request = self.connection.open(method, target, fields, length, on_interim=self._interim)
        if not self.may_send:
            request.wait(lambda: self.may_send)
        self._bring(request, start, stop)
        if self.upload.total == "*" and is_last and self.upload.fate != "complete" and not request.is_answered:
            # What has no length is whole when the request ends.
            self._leave(request)
        if not request.is_answered:
            request.end()
            if stop == self.upload.size and self.random.random() < 0.05 and self.breaks and self.end is None:
                self.breaks.clear()
                self._cut(request, stop)
        answer = request.answer()
        if not request.is_sent:
            self._let_go()
        self.journal.count(f"answers over HTTP with status {answer.status}")
        if answer.status // 100 == 2:
            self._succeeded(answer, stop, is_last, errs)
        else:
            self.is_settled = False
            self._refused(answer, start, errs)

    def _bring(self, request, start, stop):
        upload, began, position = self.upload, time.monotonic(), start
        while position < stop and not request.is_answered:
            self._befall(request, position)
            end = stop if self.end is None or self.end <= position else min(stop, self.end)
            piece = upload.content.piece(position, min(self.random.choice((1, 5000, PIECE, PIECE, PIECE)), end - position))
            position += len(piece)
            self._may_have(position)
            if position == upload.size:
                self.journal.happened("last")
            request.give(piece)
            if upload.pace:
                time.sleep(max(0, (position - start) / upload.pace - (time.monotonic() - began)))
        if not request.is_answered:
            self._befall(request, position, is_behind=True)

    def _may_have(self, position):
        self.sent = max(self.sent, position)
        if self.key:
            promise = self.upload.promise(self.key)
            promise.sent = max(promise.sent, position)

    # What the gateway says

    def _interim(self, one):
        if one.status == 100:
            self.may_send = True
        elif one.status == 104:
            if one["Location"]:
                self._learn(one["Location"])
                self.journal.count("uploads that a 104 named")
            if one["Upload-Offset"] and self._is_known("an offset in a 104"):
                self.told.offset(self.upload, self.key, int(one["Upload-Offset"]), "104")
                self.journal.count("acknowledgements by 104")
                self.journal.happened("progress")
        else:
            self.journal.violate(f"an interim answer {one}", self.upload, self.key)

    def _learn(self, location):
        key = urlsplit(location).path.rpartition("/")[2]
        if self.key is None:
            self.key = key
            promise = self.upload.promise(key)
            promise.life, promise.sent = self.life, self.sent
            self.journal.happened("offer")
        elif key != self.key:
            self.journal.violate(f"another Location than before: {location}", self.upload, self.key)

    def _is_known(self, what):
        if self.key is None:
            self.journal.violate(f"{what} of an upload without a Location", self.upload)
        return self.key is not None

    def _succeeded(self, answer, stop, is_last, errs):
        upload = self.upload
        if errs:
            self.journal.violate(f"bytes with a wrong checksum are taken: {answer}", upload, self.key)
        if answer["Location"]:
            self._learn(answer["Location"])
        if not self._is_known(f"{answer}"):
            raise Over
        if upload.kind == "put" or upload.kind == "draft" and is_last:
            if upload.kind == "draft" and answer[self.words.field] == self.words.complete(False):
                self.journal.violate(f"the last request's answer says that more is to come: {answer}", upload, self.key)
            self._done(answer)
        offset = int(answer["Upload-Offset"] or -1)
        # After a sync that failed less is safe than was brought, and the gateway says how much.
        if offset > stop or offset < stop and not self._may_storage_fail():
            self.journal.violate(f"offset {offset} after a request up to {stop}: {answer}", upload, self.key)
        self.told.offset(upload, self.key, offset, "an answer")
        self.journal.count("acknowledgements by answers over HTTP")
        self.journal.happened("progress")
        if upload.kind == "tus" and self.has_length and offset == upload.size:
            self._done(answer)
        self.offset, self.is_settled = offset, True

    def _done(self, answer):
        upload = self.upload
        if upload.route.is_pipe and answer.body:
            self.journal.count("answers of backends that reached the client")
            if answer.body != answer_of_backend(upload.size, upload.content.sha256()):
                self.journal.violate(f"the backend's answer became {answer.body!r}", upload, self.key)
        digest = answer["Repr-Digest"]
        if digest and digest != digest_field(upload.content.sha256().digest()):
            self.journal.violate(f"a Repr-Digest of other bytes: {digest}", upload, self.key)
        self.told.done(upload, self.key)
        raise Over

    def _ask(self):
        upload, promise = self.upload, self.upload.promise(self.key)
        fields = self._fields(self.words.fields() if upload.kind == "draft" else None)
        answer = self.connection.ask("HEAD", self.place, fields)
        self.journal.count("questions by HEAD")
        if answer.status not in (200, 204):
            self.is_settled = False
            self._refused(answer, None, False)
            raise Again
        self.offset, self.is_settled = int(answer["Upload-Offset"]), True
        if self.offset:
            self.journal.count("resumes over HTTP")
        # A question changes nothing, so it does not begin the resume window anew.
        contact = promise.contact
        self.told.offset(upload, self.key, self.offset, "HEAD")
        promise.contact = contact
        if upload.kind == "tus":
            self.has_length = answer["Upload-Length"] is not None
            if self.has_length and answer["Upload-Length"] != str(upload.size):
                self.journal.violate(f"HEAD: length {answer['Upload-Length']} of {upload.size}", upload, self.key)
        is_whole = (self.has_length and self.offset == upload.size if upload.kind == "tus" else
                    answer[self.words.field] == self.words.complete(True))
        if is_whole and promise.sent < upload.size:
            self.journal.violate(f"complete with {promise.sent} bytes sent: {answer}", upload, self.key)
        if is_whole:
            self._done(answer)

    # What befalls clients

    def _befall(self, request, position, is_behind=False):
        if self.end is not None and position >= self.end:
            self._leave(request)
        if self.breaks and position >= self.breaks[0] and not is_behind:
            self.breaks.pop(0)
            self._cut(request, position)

    def _cut(self, request, position):
        ways = ["reset", "end of file", "close_notify", "half"] + (["stream reset"] if self.upload.http == "2" else [])
        if self.key:
            # Without its key nobody could take it over.
            ways += ["takeover"] + (["stream takeover"] if self.upload.http == "2" else [])
        how = self.random.choice(ways)
        self.is_settled = False
        self.has_taken_over |= how in ("half", "takeover", "stream takeover")
        self.journal.count(f"client cuts by {how}, over HTTP")
        self.journal.note(f"{self.upload.label} {how} at {position}, key {self.key}")
        if how == "stream reset":
            request.reset()
            raise Again
        if how == "stream takeover":
            raise Again
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

    def _leave(self, request):
        """Gives up on another connection, or vanishes."""
        if self.upload.fate == "vanish" or not self.key:
            self._vanish()
        self._let_go() if self.random.random() < 0.7 else self.older.append(self.connection)
        self.connection = None
        self._give_up()
