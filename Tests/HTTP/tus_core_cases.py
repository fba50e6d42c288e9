"""T01 to T38: the core of tus 1.0.0."""

import os
import threading
import time

from client import message
from gateway import LIMIT, MIB
from rows import ABSENT, OCTETS, case, check, must

UNKNOWN = "/files/" + "k" * 32
EXTENSIONS = {
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "checksum-trailer",
    "termination",
    "concatenation",
    "concatenation-unfinished",
}
OPTIONS = {
    "Tus-Version": "1.0.0",
    "Tus-Max-Size": LIMIT,
    "Tus-Extension": lambda got: EXTENSIONS <= _list(got),
    "Tus-Checksum-Algorithm": lambda got: "sha1" in _list(got),
}


def _list(value):
    return {one.strip() for one in value.split(",")}


@case("T01", "OPTIONS /files, no Tus-Resumable", "200 or 204, what tus can do here")
def _(run):
    must(run.tus("OPTIONS", "/files", tus=None), (200, 204), OPTIONS)


@case("T02", "OPTIONS /files, Tus-Resumable: 9.9", "the field is ignored")
def _(run):
    must(run.tus("OPTIONS", "/files", tus="9.9"), (200, 204), OPTIONS)


@case("T03", "OPTIONS U", "as T01")
def _(run):
    must(run.tus("OPTIONS", run.create(5)), (200, 204), OPTIONS)


@case("T05", "POST, Upload-Length: 5, no Tus-Resumable", "412, Tus-Version, nothing created")
def _(run):
    before = run.gateway.unfinished("/files")
    must(
        run.tus("POST", "/files", {"Upload-Length": 5}, b"", tus=None),
        412,
        {"Tus-Version": "1.0.0", "Location": ABSENT},
    )
    check(run.gateway.unfinished("/files") == before, "something was created")


@case("T06", "as T05 with Tus-Resumable: 0.2.2", "412, Tus-Version")
def _(run):
    must(
        run.tus("POST", "/files", {"Upload-Length": 5}, b"", tus="0.2.2"),
        412,
        {"Tus-Version": "1.0.0", "Location": ABSENT},
    )


@case("T08", "U(5) -> HEAD", "offset 0, length 5, no-store")
def _(run):
    run.head(run.create(5), fields={"Upload-Offset": 0, "Upload-Length": 5, "Cache-Control": "no-store"})


@case("T09", "U(5) -> PATCH 5 bytes -> HEAD", "offset 5, length 5")
def _(run):
    upload = run.create(5)
    must(run.patch(upload, 0, b"hello"), 204, {"Upload-Offset": 5})
    run.head(upload, fields={"Upload-Offset": 5, "Upload-Length": 5})
    run.stored(b"hello")


@case("T10", "HEAD of an unknown key", "404, no offset")
def _(run):
    run.head(UNKNOWN, (404, 410, 403), {"Upload-Offset": ABSENT})


@case("T11", "HEAD /files/short", "404")
def _(run):
    run.head("/files/short", 404)


@case("T12", "PATCH of an unknown key", "404")
def _(run):
    must(run.patch(UNKNOWN, 0, b"hello"), 404)


@case("T13 T14", "U(10) -> PATCH 4 at 0 -> PATCH 6 at 4", "204 and the offset each; the file has the 10 bytes")
def _(run):
    upload = run.create(10)
    must(run.patch(upload, 0, b"0123"), 204, {"Upload-Offset": 4})
    must(run.patch(upload, 4, b"456789"), 204, {"Upload-Offset": 10})
    run.stored(b"0123456789")


@case("T15", "U(10) -> PATCH at 3", "409 with the offset, which stays")
def _(run):
    upload = run.create(10)
    must(run.patch(upload, 3, b"3456"), 409, {"Upload-Offset": 0})
    run.head(upload, fields={"Upload-Offset": 0})


@case("T16", "U(10) -> PATCH 4 -> PATCH at 0", "409, offset 4")
def _(run):
    upload = run.create(10)
    must(run.patch(upload, 0, b"0123"), 204)
    must(run.patch(upload, 0, b"0123"), 409, {"Upload-Offset": 4})
    run.head(upload, fields={"Upload-Offset": 4})


@case("T17", "PATCH, Content-Type: text/plain", "415, nothing stored")
def _(run):
    upload = run.create(10)
    must(run.patch(upload, 0, b"0123", {"Content-Type": "text/plain"}), 415)
    run.head(upload, fields={"Upload-Offset": 0})


@case("T18", "PATCH without Content-Type", "415")
def _(run):
    upload = run.create(10)
    must(run.patch(upload, 0, b"0123", {"Content-Type": None}), 415)
    run.head(upload, fields={"Upload-Offset": 0})


@case("T20", "PATCH without Upload-Offset", "400")
def _(run):
    must(run.tus("PATCH", run.create(10), {}, b"0123"), 400)


@case("T21", "PATCH with an offset that is no number", "400; 00 may be taken")
def _(run):
    for offset in ("-1", "+0", "0x0", "1e1", "", "9223372036854775808", "00"):
        with run.variant(repr(offset)):
            upload = run.create(10)
            taken = must(run.patch(upload, offset, b"0123"), (400, 204) if offset == "00" else 400).status == 204
            run.head(upload, fields={"Upload-Offset": 4 if taken else 0})


@case("T23", "U(5) -> PATCH of 8 bytes", "413; not complete")
def _(run):
    upload = run.create(5)
    must(run.patch(upload, 0, b"01234567"), 413)
    run.head(upload, fields={"Upload-Offset": lambda got: int(got) < 5})


@case("T25", "U(10) -> empty PATCH at 0", "204, offset 0")
def _(run):
    must(run.patch(run.create(10), 0, b""), 204, {"Upload-Offset": 0})


@case("T26", "U(5) -> PATCH 5 -> empty PATCH at 5", "204, offset 5")
def _(run):
    upload = run.create(5)
    must(run.patch(upload, 0, b"hello"), 204)
    must(run.patch(upload, 5, b""), 204, {"Upload-Offset": 5})
    run.stored(b"hello")


@case("T28", "U(5) -> PATCH 5 -> PATCH at 0", "409")
def _(run):
    upload = run.create(5)
    must(run.patch(upload, 0, b"hello"), 204)
    run.stored(b"hello")
    must(run.patch(upload, 0, b"hello"), 409)


@case("T29", "PATCH chunked, 3 chunks of 4 bytes", "204, offset 12")
def _(run):
    upload = run.create(20)
    must(run.patch(upload, 0, None, chunks=[b"0123", b"4567", b"89ab"]), 204, {"Upload-Offset": 12})
    must(run.patch(upload, 12, None, chunks=[b"cdefghij"]), 204, {"Upload-Offset": 20})
    run.stored(b"0123456789abcdefghij")


@case("T30", "POST U, X-HTTP-Method-Override: PATCH", "204, as PATCH")
def _(run):
    upload = run.create(5)
    fields = {"X-HTTP-Method-Override": "PATCH", "Upload-Offset": 0, "Content-Type": OCTETS}
    must(run.tus("POST", upload, fields, b"hello"), 204, {"Upload-Offset": 5})
    run.stored(b"hello")


@case("T34", "U(1 MiB) -> PATCH, cut after 300,000 bytes -> HEAD -> PATCH", "what arrived is kept, and goes on")
def _(run):
    content = os.urandom(MIB)
    upload = run.create(MIB)
    with run.connect() as connection:
        connection.send(_patch_head(run, upload, 0, MIB) + content[:300_000])
        time.sleep(0.3)  # A reset drops what the gateway has not read.
        connection.cut()
    offset = int(run.head(upload, fields={"Upload-Offset": lambda got: 1 <= int(got) <= 300_000})["Upload-Offset"])
    must(run.patch(upload, offset, content[offset:]), 204, {"Upload-Offset": MIB})
    run.stored(content)


@case("T36", "PATCH, 204 read -> kill -9 -> start -> HEAD", "no less than the 204 said, and it goes on")
def _(run):
    content = os.urandom(MIB)
    upload = run.create(MIB)
    must(run.patch(upload, 0, content[:700_000]), 204, {"Upload-Offset": 700_000})
    run.gateway.kill()
    run.gateway.start()
    offset = int(run.head(upload, fields={"Upload-Offset": lambda got: int(got) >= 700_000})["Upload-Offset"])
    must(run.patch(upload, offset, content[offset:]), 204, {"Upload-Offset": MIB})
    run.stored(content)


@case("T36 complete", "the PATCH that completes, 204 read -> kill -9 -> start -> HEAD", "complete, the file is there")
def _(run):
    upload = run.create(5)
    must(run.patch(upload, 0, b"hello"), 204, {"Upload-Offset": 5})
    run.gateway.kill()
    run.gateway.start()
    run.head(upload, fields={"Upload-Offset": 5, "Upload-Length": 5})
    run.stored(b"hello")


@case("T36 under way", "kill -9 in the middle of a PATCH -> start -> HEAD -> PATCH", "it goes on, the file is right")
def _(run):
    content = os.urandom(4 * MIB)
    upload = run.create(4 * MIB)
    with run.connect() as connection:
        connection.send(_patch_head(run, upload, 0, 4 * MIB) + content[: 3 * MIB])
        run.gateway.kill()
    run.gateway.start()
    offset = int(run.head(upload, fields={"Upload-Offset": lambda got: int(got) <= 3 * MIB})["Upload-Offset"])
    must(run.patch(upload, offset, content[offset:]), 204, {"Upload-Offset": 4 * MIB})
    run.stored(content)


@case("T38", "PATCH stalls; HEAD and PATCH from another connection", "HEAD within 5 s, its offset is accepted")
def _(run):
    content = os.urandom(MIB)
    upload = run.create(MIB)
    with run.connect() as connection:
        connection.send(_patch_head(run, upload, 0, MIB) + content[:300_000])
        time.sleep(0.3)
        began = time.monotonic()
        told = run.head(upload, fields={"Upload-Offset": lambda got: 0 <= int(got) <= 300_000})
        check(time.monotonic() - began < 5, "HEAD was not answered within 5 s")
        offset = int(told["Upload-Offset"])
        must(run.patch(upload, offset, content[offset:]), 204, {"Upload-Offset": MIB})
        try:
            connection.send(b"late")
        except OSError:
            pass
    run.stored(content)


@case("T38 together", "8 connections send the same PATCH at once", "exactly one of them is taken, the file is right")
def _(run):
    content = os.urandom(MIB)
    upload = run.create(MIB)
    statuses = []

    def send():
        try:
            statuses.append(run.patch(upload, 0, content).status)
        except Exception as failure:  # pylint: disable=broad-except
            statuses.append(type(failure).__name__)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    offset = int(run.head(upload)["Upload-Offset"])
    if offset < MIB:
        must(run.patch(upload, offset, content[offset:]), 204)
    check(statuses.count(204) <= 1 and set(statuses) <= {204, 400, 409, 503, "Broken"}, f"the answers are {statuses}")
    run.stored(content)


def _patch_head(run, upload, offset, length):
    fields = {"Tus-Resumable": "1.0.0", "Upload-Offset": offset, "Content-Type": OCTETS, "Content-Length": length}
    return message("PATCH", upload, fields, host=run.host)


@case("T23 chunked", "U(5) -> PATCH of 8 bytes in chunks -> PATCH from the offset told", "413; then it goes on")
def _(run):
    upload = run.create(5)
    must(run.patch(upload, 0, None, chunks=[b"012", b"34567"]), 413)
    offset = int(run.head(upload, fields={"Upload-Offset": lambda got: int(got) < 5})["Upload-Offset"])
    must(run.patch(upload, offset, b"01234"[offset:]), 204, {"Upload-Offset": 5})
    run.stored(b"01234")


@case("T30 DELETE", "POST U, X-HTTP-Method-Override: HEAD, DELETE", "as HEAD and DELETE")
def _(run):
    upload = run.create(5)
    must(run.tus("POST", upload, {"X-HTTP-Method-Override": "DELETE"}, b""), 204)
    run.head(upload, (404, 410))


@case(
    "T33",
    "PATCH, HEAD and DELETE of tus without Tus-Resumable, or with another",
    "412 (HEAD and DELETE without: taken)",
)
def _(run):
    upload = run.create(5)
    must(run.tus("PATCH", upload, {"Upload-Offset": 0}, b"hello", tus=None), 412, {"Tus-Version": "1.0.0"})
    for method in ("PATCH", "HEAD", "DELETE"):
        with run.variant(method):
            body = b"hello" if method == "PATCH" else None
            must(
                run.tus(method, upload, {"Upload-Offset": 0} if body else {}, body, tus="0.2.2"),
                412,
                {"Tus-Version": "1.0.0"},
            )
    must(run.ask("HEAD", upload), (200, 204), {"Upload-Offset": 0, "Upload-Length": 5})
    must(run.ask("DELETE", upload), 204)


@case("T35", "PATCH with Expect: 100-continue, right, and at a wrong offset", "100, 204; 409 without 100, closed")
def _(run):
    upload = run.create(5)
    for offset, status in ((3, 409), (0, 204)):
        with run.variant(str(status)), run.connect() as connection:
            fields = {
                "Tus-Resumable": "1.0.0",
                "Upload-Offset": offset,
                "Content-Type": OCTETS,
                "Content-Length": 5,
                "Expect": "100-continue",
            }
            connection.send(message("PATCH", upload, fields, host=run.host))
            if status == 204:
                must(connection.head(), 100)
                connection.send(b"hello")
            answer = must(connection.answer(), status)
            check(not answer.interim, f"100 before it: {answer}")
            check(status == 204 or connection.is_closed(), "not closed")
    run.stored(b"hello")


@case("T36 gzip", "the same as T36 on a route that compresses", "it goes on, the file is right")
def _(run):
    content = os.urandom(MIB) + b"text " * 200_000
    upload = run.create(len(content), "/gz")
    must(run.patch(upload, 0, content[:700_000]), 204, {"Upload-Offset": 700_000})
    run.gateway.kill()
    run.gateway.start()
    offset = int(run.head(upload, fields={"Upload-Offset": lambda got: int(got) >= 700_000})["Upload-Offset"])
    must(run.patch(upload, offset, content[offset:]), 204)
    run.stored(content)


@case(
    "T36 often",
    "the last PATCH, kill -9 some milliseconds after it -> start -> HEAD",
    "an offset of the whole is told only of a file that is there",
)
def _(run):
    for delay in (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30):
        with run.variant(f"{delay} ms"):
            content = os.urandom(MIB)
            upload = run.create(MIB)
            with run.connect() as connection:
                connection.send(_patch_head(run, upload, 0, MIB) + content)
                time.sleep(delay / 1000)
                run.gateway.kill()
            run.gateway.start()
            offset = int(run.head(upload)["Upload-Offset"])
            if offset < MIB:
                must(run.patch(upload, offset, content[offset:]), 204, {"Upload-Offset": MIB})
            run.stored(content)
