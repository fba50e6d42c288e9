"""R22 to R37: resumable uploads that break, compete, are too large, or have digests."""

import base64
import hashlib
import os
import time

from client import Broken, message
from gateway import LIMIT, MIB
from resumable_cases import VERSIONS, Draft, drafts, final, is_104, problem
from rows import ANY, case, check, must, path


def digest(data):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


@case("R22", "POST ?1, cut after 104 and 300,000 bytes -> HEAD -> PATCH ?1", "it goes on, the file is right")
def _(run):
    content = os.urandom(MIB)
    for variant, draft in drafts(run, VERSIONS):
        with variant:
            with run.connect() as connection:
                connection.send(message("POST", "/files", draft.fields(True, {"Content-Length": MIB}), host=run.host))
                one = connection.head()
                is_104(one, draft)
                connection.send(content[:300_000])
                time.sleep(0.3)
                connection.cut()
            told = must(draft.head(path(one)), (200, 204), {draft.field: draft.complete(False)})
            offset = int(told["Upload-Offset"])
            check(0 < offset <= 300_000, f"the offset is {offset}")
            final(draft.patch(path(one), offset, True, content[offset:]), draft)
            run.stored(content)


@case("R22 without 104", "POST ?1 of a version that has no 104, cut", "no file")
def _(run):
    with run.connect() as connection:
        connection.send(message("POST", "/brief", {"Upload-Complete": "?1", "Content-Length": MIB}, host=run.host))
        connection.send(bytes(300_000))
        time.sleep(0.2)
        connection.cut()
    time.sleep(4)
    check(not run.gateway.unfinished("/brief"), f"left after it expired: {run.gateway.unfinished('/brief')}")


@case("R23", "HEAD while a PATCH runs", "the PATCH is cut without an answer; the offset told is accepted")
def _(run):
    content = os.urandom(MIB)
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create()
            with run.connect() as older:
                older.send(message("PATCH", upload, _append(draft, 0, MIB), host=run.host) + content[:300_000])
                time.sleep(0.3)
                offset = int(must(draft.head(upload), (200, 204), {"Upload-Offset": ANY})["Upload-Offset"])
                check(offset <= 300_000, f"the offset is {offset}")
                try:
                    while (answer := older.head(3)).status == 104:
                        pass
                    check(False, f"the older one was answered: {answer}")
                except Broken as failure:
                    check("closed" in str(failure), f"the older one is not cut: {failure}")
            final(draft.patch(upload, offset, True, content[offset:]), draft)
            run.stored(content)


def _append(draft, offset, length):
    more = {"Upload-Offset": offset, "Content-Length": length}
    if draft.rules >= 6:
        more["Content-Type"] = "application/partial-upload"
    return draft.fields(True, more)


@case("R26", "POST ?1 with Expect: 100-continue", "104, then 100, then final")
def _(run):
    for variant, draft in drafts(run, VERSIONS):
        with variant:
            with run.connect() as connection:
                fields = draft.fields(True, {"Expect": "100-continue", "Content-Length": 5})
                connection.send(message("POST", "/files", fields, host=run.host))
                is_104(connection.head(), draft)
                must(connection.head(), 100)
                connection.send(b"hello")
                final(connection.answer(), draft)
            run.stored(b"hello")


@case("R29", "more than the limit, known and chunked", "413 with Upload-Limit; chunked with ?0")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            limit = {"Upload-Limit": ANY} if draft.rules >= 6 else {}
            with run.connect() as connection:
                fields = draft.fields(True, {"Content-Length": LIMIT + 1})
                connection.send(message("POST", "/files", fields, host=run.host))
                must(connection.answer(), 413, {**limit, **draft.refused()})
            answer = draft.post(True, None, chunks=[bytes(MIB)] * 11)
            must(answer, 413, {**limit, **draft.refused()})
            if draft.rules >= 6:
                must(draft.post(False, b"", {"Upload-Length": LIMIT + 1}), 413, {**limit, **draft.refused()})


@case(
    "R36", "PATCH with a Content-Digest, wrong and right", "400 digest-mismatching-values, the offset stays; then 2xx"
)
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create(b"0123")
            answer = draft.patch(upload, 4, True, b"4567", {"Content-Digest": digest(b"")})
            must(answer, 400, draft.refused(), problem("digest-mismatching-values"))
            must(draft.head(upload), (200, 204), {"Upload-Offset": 4})
            final(draft.patch(upload, 4, True, b"4567", {"Content-Digest": digest(b"4567")}), draft)
            run.stored(b"01234567")


@case("R37", "POST ?1 with a Repr-Digest, wrong and right", "400, nothing kept, ?1 from 9 on; then 2xx")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            answer = draft.post(True, b"hello", {"Repr-Digest": digest(b"hullo")})
            must(
                answer, 400, {"Upload-Complete": "?1"} if draft.rules >= 9 else {}, problem("digest-mismatching-values")
            )
            final(draft.post(True, b"hello", {"Repr-Digest": digest(b"hello")}), draft)
            run.stored(b"hello")


@case("R37 appended", "POST ?0 with a Repr-Digest of the whole, PATCH of other bytes", "400, nothing kept")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create(b"01234", {"Repr-Digest": digest(b"0123456789")})
            must(draft.patch(upload, 5, True, b"56780"), 400, None, problem("digest-mismatching-values"))


@case("R38 pipe", "POST ?1 to a pipe; ?0, then ?1", "the backend's answer as body")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            must(final(draft.post(True, b"hello", route="/pipe"), draft), (200, 201), None, "5 bytes")
            upload = draft.create(b"hello", route="/pipe")
            must(final(draft.patch(upload, 5, True, b"world"), draft), (200, 201), None, "10 bytes")


@case("R39 killed", "kill -9 after a 2xx to PATCH ?0 -> HEAD -> PATCH ?1", "the offset is not less; it goes on")
def _(run):
    draft = Draft(run, 10)
    upload = draft.create(b"01234")
    must(draft.patch(upload, 5, False, b"56789"), 204)
    run.gateway.kill()
    run.gateway.start()
    must(draft.head(upload), (200, 204), draft.state(10, False))
    final(draft.patch(upload, 10, True), draft)
    run.stored(b"0123456789")
