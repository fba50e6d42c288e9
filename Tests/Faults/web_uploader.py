"""As the uploader, over HTTP: a PUT, tus, or the draft for resumable uploads."""

import base64
import json
import zlib
from urllib.parse import urlsplit

from uploader import PORTION, Uploader
from promises import Promise
from client import Broken
from draft import Words
from rows import OCTETS, PARTIAL
from web import digest_field
from wires import VERSIONS, connect
from xstream_tls import Lost, TimedOut

KINDS = ("put", "tus", "draft")
# Knows 104, with a place and with offsets.
WORDS = Words(8)


class WebUploader(Uploader):
    """Sends one upload to its end over connections of its own, of either version of HTTP."""

    def __init__(self, station, upload, **options):
        super().__init__(station, upload, **options)
        self.version = VERSIONS[zlib.crc32(upload.label.encode()) % len(VERSIONS)]
        self.wire = None
        # Whether a request is under way whose upload the gateway has yet to name.
        self.is_nameless = False

    def run(self):
        try:
            return super().run()
        finally:
            self._let_go()

    def _let_go(self):
        if self.wire:
            self.wire.drop()
        self.wire = None

    def _try(self):
        try:
            if not self.wire or not self.wire.is_usable:
                self._let_go()
                self.wire = connect(self.version, self.station)
            if self.plan.ends == "given up" and self.cut is None:
                return self._give_up()
            if self.plan.kind != "put" and self.upload.promise:
                return self._ask() or self._append()
            return self._create()
        except (Broken, OSError) as error:
            self._let_go()
            is_silence = isinstance(error, TimeoutError) or str(error).startswith("silence")
            raise (TimedOut if is_silence else Lost)(str(error)) from None

    # Requests

    @property
    def place(self):
        return f"{self.upload.route.path}/{self.upload.promise.key}"

    def _fields(self, more=None):
        return ({"Tus-Resumable": "1.0.0"} if self.plan.kind == "tus" else {}) | (more or {})

    def _create(self):
        upload, kind = self.upload, self.plan.kind
        method, target, stop, is_last, more = "POST", upload.route.path, upload.size, True, {}
        if kind == "put":
            method, target = "PUT", f"{target}/{upload.label}"
        elif kind == "tus":
            label = base64.b64encode(upload.label.encode()).decode()
            more, stop = {"Upload-Length": upload.size, "Upload-Metadata": f"filename {label}"}, 0
            is_last = upload.size == 0
        else:
            more = WORDS.fields(True, {"Content-Disposition": f'attachment; filename="{upload.label}"'})
        if self.plan.digest:
            is_right = self.plan.digest == "right"
            more["Repr-Digest"] = digest_field(upload.content.sha256().digest() if is_right else bytes(32))
        # Until the answer names it, the ledger may know it by its label alone.
        upload.lost_answers += 1
        self.is_nameless = True
        return self._send(method, target, more, 0, stop, is_last)

    def _append(self):
        upload, start = self.upload, self.offset
        stop = min(upload.size, start + (self.plan.ack or upload.size))
        more, is_last = {"Upload-Offset": start}, stop == upload.size
        if self.plan.kind == "tus":
            more["Content-Type"] = OCTETS
        else:
            more = WORDS.fields(is_last, more | {"Content-Type": PARTIAL})
        return self._send("PATCH", self.place, more, start, stop, is_last)

    def _send(self, method, target, more, start, stop, is_last):
        """Returns whether the plan ends here."""
        request = self.wire.open(method, target, self._fields(more), stop - start, on_interim=self._interim)
        position = start
        while position < stop and not request.is_answered:
            if self.cut is not None and position >= self.cut and self.upload.promise:
                self.cut = None
                self._let_go()
                # What is safe now the question tells.
                raise Lost("cut by the plan")
            piece = self.upload.content.piece(position, min(PORTION, stop - position))
            request.give(piece)
            position += len(piece)
        if not request.is_answered:
            request.end()
        answer = request.answer()
        if not request.is_sent:
            self._let_go()
        self._count(answer)
        if answer.status // 100 != 2:
            return self._refused(answer)
        if answer["Location"]:
            self._learn(answer["Location"])
        offset = int(answer["Upload-Offset"] or 0)
        if is_last and (self.plan.kind != "tus" or offset == self.upload.size):
            return self._is_done()
        self._told(offset)
        return False

    def _ask(self):
        """Returns whether the plan ends here."""
        fields = self._fields(WORDS.fields() if self.plan.kind == "draft" else None)
        answer = self.wire.ask("HEAD", self.place, fields)
        self._count(answer)
        if answer.status not in (200, 204):
            if self._refused(answer):
                return True
            raise Lost(f"HEAD: {answer}")
        self.offset = int(answer["Upload-Offset"])
        is_whole = self.offset == self.upload.size if self.plan.kind == "tus" else answer[WORDS.field] == "?1"
        if is_whole:
            return self._is_done()
        self._told(self.offset)
        return self.plan.ends == "left" and self.cut is None

    def _give_up(self):
        self._say("leaving")
        # It may have been given up by an attempt whose answer was lost, or that failed halfway.
        before, self.upload.lost_answers = self.upload.lost_answers, self.upload.lost_answers + 1
        answer = self.wire.ask("DELETE", self.place, self._fields())
        self._count(answer)
        if answer.status not in (204, 404):
            return False
        if answer.status == 404 and not before:
            self._wrong("cannot be given up, because nobody knows it")
        self._say("gone")
        return True

    # Answers

    def _count(self, answer):
        self.last = str(answer)
        self.findings.count(f"answers over HTTP with status {answer.status}")

    def _interim(self, one):
        if one["Location"]:
            self._learn(one["Location"])
        if one["Upload-Offset"]:
            self._told(int(one["Upload-Offset"]))

    def _learn(self, location):
        key = urlsplit(location).path.rpartition("/")[2]
        if self.is_nameless:
            self.is_nameless = False
            self.upload.lost_answers -= 1
            self.upload.promises.append(Promise(key))
            self._say("offer")
            if self.plan.digest == "wrong":
                self._say("leaving")
        elif key != self.upload.promise.key:
            self._wrong(f"got another Location, {location}")

    def _told(self, offset):
        safe = self.upload.promise.told().safe
        if offset < safe:
            self._wrong(f"is said to be safe up to {offset}, but {safe} bytes were acknowledged")
        self._say("safe", offset)

    def _is_done(self):
        if self.plan.digest == "wrong":
            self._wrong("has a wrong digest and is called complete")
        self._say("done")
        return True

    def _refused(self, answer):
        """Returns whether the plan ends here."""
        promise = self.upload.promise
        try:
            kind = json.loads(answer.body).get("type", "")
        except ValueError:
            kind = ""
        if self.plan.digest == "wrong" and (kind.endswith("#digest-mismatching-values") or answer.status == 404):
            # Refused; or it was, and the answer was lost.
            if self.is_nameless:
                self.upload.lost_answers -= 1
            elif promise:
                self._say("gone")
            return True
        if answer.status == 404 and promise:
            safe = promise.told().safe
            self._wrong(f"is unknown now, but was offered, and {safe} bytes of it were acknowledged")
            return True
        if answer.status not in (409, 500, 503, 507):
            self._wrong(f"was answered {answer}")
            return True
        return False
