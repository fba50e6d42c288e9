"""More of R and T: fields that cannot be read, dialects that meet at one upload, competitors, and pipes."""

import hashlib
import os
import re
import threading
import time

from client import Broken, message
from gateway import MIB
from resumable_cases import Draft, drafts, final, problem
from rows import ABSENT, ANY, OCTETS, PARTIAL, Failure, case, check, must, path
from tus_checksum_cases import base64_text, sha1


@case("R13", "POST with an Upload-Complete that is odd", "never taken for the whole where it says ?0")
def _(run):
    for value in ("?0;a=b", "?0 ", "?0, ?0", "?0,?1", "0", "?2", "true", '"?0"', ""):
        for version in (None, 10):
            with run.variant(f"{value!r} V={version}"):
                more = {} if version is None else {"Upload-Draft-Interop-Version": version}
                answer = must(run.ask("POST", "/files", {"Upload-Complete": value, **more}, b"hello"), range(200, 500))
                if value in ("?0;a=b", "?0 "):
                    must(answer, 201, {"Upload-Complete": "?0"})
                if answer.status < 300 and answer["Upload-Complete"] != "?0":
                    run.named |= run.gateway.published()
                    raise Failure(f"taken for the whole: {answer}")
                run.nothing_stored()


@case("R15", "PATCH with an offset that is no number", "400, nothing stored")
def _(run):
    for value in ("-1", "1.0", '"0"', "", "x", "0, 0", "9223372036854775808"):
        with run.variant(value):
            draft = Draft(run, 10)
            upload = draft.create()
            must(draft.patch(upload, value, True, b"hello"), (400, 409))
            must(draft.head(upload), (200, 204), draft.state(0, False))


@case("R21", "PATCH whose length is not that of the upload", "400 inconsistent-upload-length")
def _(run):
    for variant, draft in drafts(run, (*range(7, 11), None)):
        with variant:
            upload = draft.create(b"", {"Upload-Length": 10})
            must(draft.patch(upload, 0, True, b"01234"), 400, draft.refused(), problem("inconsistent-upload-length"))
            other = draft.create(b"", {"Upload-Length": 10})
            must(
                draft.patch(other, 0, False, b"01234", {"Upload-Length": 11}),
                400,
                None,
                problem("inconsistent-upload-length"),
            )


@case(
    "R24",
    "POST ?1 of 9 MiB in pieces",
    "104 with an offset from 5 on (SHOULD from 8), none with a Location after the first",
)
def _(run):
    content = os.urandom(9 * MIB)
    for variant, draft in drafts(run, (3, 5, 8, 10)):
        with variant:
            with run.connect() as connection:
                connection.send(
                    message("POST", "/files", draft.fields(True, {"Content-Length": len(content)}), host=run.host)
                )
                for start in range(0, len(content), MIB):
                    connection.send(content[start : start + MIB])
                    time.sleep(0.15)
                answer = final(connection.answer(), draft)
            check(answer.interim[0]["Location"], f"no Location first: {answer}")
            for one in answer.interim[1:]:
                must(one, 104, {"Location": ABSENT, "Upload-Offset": re.compile(r"^\d+$")})
            check(draft.rules >= 5 or len(answer.interim) == 1, f"more than one 104: {answer}")
            check(draft.rules < 8 or len(answer.interim) > 1, f"no progress: {answer}")
            run.stored(content)


@case("R27", "POST and PATCH of tus with Upload-Complete beside it", "as tus")
def _(run):
    answer = must(run.tus("POST", "/files", {"Upload-Length": 5, "Upload-Complete": "?0"}, b""), 201)
    must(run.patch(path(answer), 0, b"hello", {"Upload-Complete": "?0"}), 204, {"Upload-Offset": 5})
    run.stored(b"hello")


@case("R28", "begun as one dialect, gone on with as another", "the offset is one, the file is right")
def _(run):
    draft = Draft(run, 10)
    with run.variant("resumable, then tus"):
        upload = draft.create(b"01234", {"Upload-Length": 10})
        run.head(upload, fields={"Upload-Offset": 5, "Upload-Length": 10})
        must(run.patch(upload, 5, b"56789"), 204, {"Upload-Offset": 10})
        run.stored(b"0123456789")
        must(draft.head(upload), (200, 204), draft.state(10, True))
    with run.variant("tus, then resumable"):
        upload = run.create(10)
        must(run.patch(upload, 0, b"01234"), 204)
        must(draft.head(upload), (200, 204), {"Upload-Offset": 5, "Upload-Complete": "?0", "Upload-Length": 10})
        final(draft.patch(upload, 5, True, b"56789"), draft)
        run.stored(b"0123456789")
        run.head(upload, fields={"Upload-Offset": 10, "Upload-Length": 10})
    with run.variant("all bytes by ?0, then HEAD of tus"):
        upload = draft.create(b"01234", {"Upload-Length": 5})
        told = run.head(upload)
        # A client of tus takes offset = length for success.
        if told["Upload-Offset"] == told["Upload-Length"]:
            run.stored(b"01234")
    with run.variant("all bytes by ?0, then an empty PATCH of tus"):
        upload = draft.create(b"01234", {"Upload-Length": 5})
        must(run.patch(upload, 5, b""), 204, {"Upload-Offset": 5})
        run.stored(b"01234")


@case("R30", "POST of tus-js-client's draft mode, with Upload-Metadata", "the label is its filename")
def _(run):
    for variant, draft in drafts(run, (5, 6)):
        with variant:
            final(draft.post(True, b"hello", {"Upload-Metadata": "filename YS50eHQ="}, "/dig"), draft)
            check((label := run.label(b"hello")) == "a.txt", f"the label is {label!r}")


@case(
    "R31",
    "GET and HEAD of an upload without any dialect",
    "the newest rules' fields and those of tus, no bytes of the file",
)
def _(run):
    upload = run.create(10)
    must(run.patch(upload, 0, b"01234"), 204)
    for method in ("GET", "HEAD"):
        with run.variant(method):
            answer = must(
                run.ask(method, upload),
                (200, 204),
                {
                    "Upload-Offset": 5,
                    "Upload-Complete": "?0",
                    "Upload-Length": 10,
                    "Upload-Limit": ANY,
                    "Tus-Resumable": "1.0.0",
                    "Cache-Control": "no-store",
                },
            )
            check(b"01234" not in answer.body, "the file's bytes are there")


@case("R34", "PUT and POST ?1 with a Repr-Digest that cannot be read", "400")
def _(run):
    for value in ("sha-256=hello", "sha-256=:AAAA:", "sha-256", "=", "md5=:AAAA:, sha-256=:AAAA:"):
        with run.variant(value):
            must(run.ask("PUT", "/files/x", {"Repr-Digest": value}, b"hello"), 400)
            must(Draft(run, 10).post(True, b"hello", {"Repr-Digest": value}), 400)
    with run.variant("unknown"):
        if must(run.ask("PUT", "/files/x", {"Repr-Digest": "whirlpool=:AAAA:"}, b"hello"), (201, 400)).status == 201:
            run.stored(b"hello")


@case("R34 content", "PUT and POST ?1 with a Content-Digest, wrong and right", "400, nothing stored; 201")
def _(run):
    wrong, right = (
        {"Content-Digest": f"sha-256=:{base64_text(hashlib.sha256(data).digest())}:"} for data in (b"", b"hello")
    )
    for name, send in (
        ("PUT", lambda fields: run.ask("PUT", "/files/x", fields, b"hello")),
        ("POST ?1", lambda fields: Draft(run, 10).post(True, b"hello", fields)),
    ):
        with run.variant(f"{name}, right"):
            must(send(right), (200, 201))
            run.stored(b"hello")
        with run.variant(f"{name}, wrong"):
            answer = send(wrong)
            run.nothing_stored()
            must(answer, 400, None, problem("digest-mismatching-values"))


@case(
    "T39", "4 clients that each ask for the offset and send 50,000 bytes, until it is done", "one file, its bytes right"
)
def _(run):
    content = os.urandom(MIB)
    upload = run.create(MIB)
    faults, deadline = [], time.monotonic() + 60

    def client():
        while time.monotonic() < deadline:
            try:
                told = run.tus("HEAD", upload)
                if told.status in (400, 503):
                    continue  # Another client was faster.
                offset = int(must(told, (200, 204), {"Upload-Offset": ANY})["Upload-Offset"])
                if offset == MIB:
                    return
                answer = run.patch(upload, offset, content[offset : offset + 50_000])
                if answer.status not in (204, 400, 409, 503):
                    faults.append(str(answer))
            except Failure as failure:
                faults.append(str(failure))
            except Exception:  # pylint: disable=broad-except
                pass  # A connection that the next client cut.

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not faults, f"{len(faults)} odd answers, the first {faults[:1]}")
    run.head(upload, fields={"Upload-Offset": MIB})
    run.stored(content)


@case("T83 pipe", "OPTIONS /pipe; a checksum on a pipe", "not announced; 400")
def _(run):
    must(run.tus("OPTIONS", "/pipe", tus=None), (200, 204), {"Tus-Extension": lambda got: "checksum" not in got})
    upload = run.create(5, "/pipe")
    must(run.patch(upload, 0, b"hello", {"Upload-Checksum": sha1(b"hello")}), 400)
    must(run.patch(upload, 0, b"hel"), 204, {"Upload-Offset": 3})
    must(run.patch(upload, 3, b"lo"), 204, {"Upload-Offset": 5})


@case("T87", "a chunk with a checksum, kill -9 in its middle -> start -> HEAD", "the offset is that before the chunk")
def _(run):
    upload, content = run.create(4 * MIB), os.urandom(4 * MIB)
    must(run.patch(upload, 0, content[:1000]), 204)
    with run.connect() as connection:
        fields = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": 1000,
            "Content-Type": OCTETS,
            "Content-Length": 4 * MIB - 1000,
            "Upload-Checksum": sha1(content[1000:]),
        }
        connection.send(message("PATCH", upload, fields, host=run.host) + content[1000 : 3 * MIB])
        time.sleep(0.3)
        run.gateway.kill()
    run.gateway.start()
    run.head(upload, fields={"Upload-Offset": 1000})
    must(run.patch(upload, 1000, content[1000:], {"Upload-Checksum": sha1(content[1000:])}), 204)
    run.stored(content)


@case(
    "T89",
    "trailers: a checksum not announced, one that cannot be read, others",
    "400 where wrong, else ignored or checked",
)
def _(run):
    with run.variant("not announced, wrong"):
        upload = run.create(8)
        must(run.patch(upload, 0, None, chunks=[b"0123"], trailers=[("Upload-Checksum", sha1(b""))]), (400, 460))
        run.head(upload, fields={"Upload-Offset": lambda got: got in ("0", "4")})
    with run.variant("announced, missing"):
        upload = run.create(8)
        must(run.patch(upload, 0, None, {"Trailer": "Upload-Checksum"}, chunks=[b"0123"]), (400, 460))
    with run.variant("announced, no checksum"):
        upload = run.create(8)
        must(
            run.patch(
                upload, 0, None, {"Trailer": "Upload-Checksum"}, chunks=[b"0123"], trailers=[("Upload-Checksum", "x")]
            ),
            400,
        )
        run.head(upload, fields={"Upload-Offset": 0})
    with run.variant("others"):
        upload = run.create(4)
        must(run.patch(upload, 0, None, chunks=[b"0123"], trailers=[("A", "b"), ("Digest", "x")]), 204)
        run.stored(b"0123")
    with run.variant("framing"):
        upload = run.create(4)
        must(run.patch(upload, 0, None, chunks=[b"0123"], trailers=[("Content-Length", "9")]), 400)


@case("T95", "tus uploads to /json, by metadata's filetype", "checked: 422 and nothing published, or 204")
def _(run):
    typed = {"Upload_Metadata": "filetype " + base64_text(b"application/json")}
    good = run.create(8, "/json", **typed)
    must(run.patch(good, 0, b'{"a": 1}'), 204)
    run.stored(b'{"a": 1}')
    bad = run.create(8, "/json", **typed)
    must(run.patch(bad, 0, b'{"a": x}'), 422)
    run.head(bad, (404, 410))
    half = run.create(8, "/json", **typed)
    must(run.patch(half, 0, b'{"a"'), 204)
    must(run.patch(half, 4, b": 1}"), 204)
    run.stored(b'{"a": 1}')


@case(
    "T37",
    "while a PATCH stalls: HEAD, PATCH, DELETE and OPTIONS whose clients are gone at once, 20 times each",
    "the gateway lives, the upload goes on",
)
def _(run):
    for variant, fields, more in (
        ("tus", {"Tus-Resumable": "1.0.0"}, {"Content-Type": OCTETS}),
        ("V=10", {"Upload-Draft-Interop-Version": 10}, {"Upload-Complete": "?1", "Content-Type": PARTIAL}),
    ):
        with run.variant(variant):
            content = os.urandom(MIB)
            upload = run.create(MIB) if variant == "tus" else Draft(run, 10).create(b"", {"Upload-Length": MIB})
            for turn in range(20):
                for method in ("HEAD", "PATCH", "PATCH"):
                    offset = _settled(run, upload, fields)
                    with run.connect() as stalled, run.connect() as gone:
                        body = {"Upload-Offset": offset, "Content-Length": MIB - offset, **more}
                        stalled.send(
                            message("PATCH", upload, {**fields, **body}, host=run.host)
                            + content[offset : offset + 1000]
                        )
                        time.sleep(0.002 * (turn % 5))
                        gone.send(
                            message(method, upload, {**fields, **(body if method == "PATCH" else {})}, host=run.host)
                        )
                        gone.cut()
            offset = _settled(run, upload, fields)
            must(
                run.ask("PATCH", upload, {**fields, **more, "Upload-Offset": offset}, content[offset:]), (200, 201, 204)
            )
            run.stored(content)


def _settled(run, upload, fields):
    """The offset. What a client that is gone had sent may still come after the question, and end it."""
    for _ in range(5):
        try:
            answer = run.ask("HEAD", upload, fields)
        except Broken:
            continue
        if answer.status != 400:
            break
    return int(must(answer, (200, 204), {"Upload-Offset": ANY})["Upload-Offset"])


@case(
    "T37 DELETE",
    "while a PATCH stalls: DELETE, and DELETE whose client is gone at once",
    "204 or gone; the gateway lives",
)
def _(run):
    for fields, more in (
        ({"Tus-Resumable": "1.0.0"}, {"Content-Type": OCTETS}),
        ({"Upload-Draft-Interop-Version": 10}, {"Upload-Complete": "?1", "Content-Type": PARTIAL}),
    ):
        for is_cut in (False, True) * 5:
            with run.variant(f"{fields} {'cut' if is_cut else 'answered'}"):
                upload = run.create(MIB)
                with run.connect() as stalled, run.connect() as other:
                    body = {"Upload-Offset": 0, "Content-Length": MIB, **more}
                    stalled.send(message("PATCH", upload, {**fields, **body}, host=run.host) + bytes(1000))
                    time.sleep(0.05)
                    other.send(message("DELETE", upload, fields, host=run.host))
                    if is_cut:
                        other.cut()
                    else:
                        must(other.answer("DELETE"), 204)
                if not is_cut:
                    must(run.ask("HEAD", upload, fields), (404, 410))
    must(run.ask("OPTIONS", "/files"), (200, 204))
