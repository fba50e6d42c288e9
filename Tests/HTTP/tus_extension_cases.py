"""T40 to T118: the extensions of tus 1.0.0, and credentials."""

import email.utils
import re
import time

from client import message
from gateway import LIMIT, MIB
from rows import ABSENT, ANY, OCTETS, case, check, must, path
from tus_checksum_cases import base64_text, sha1

GONE = (404, 410)


def in_an_hour(value):
    """a date in an hour"""
    if not re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", value):
        return False
    return abs(email.utils.parsedate_to_datetime(value).timestamp() - time.time() - 3600) < 60


# Creation


@case("T40", "POST, Upload-Length: 100", "201, an absolute Location")
def _(run):
    answer = run.tus("POST", "/files", {"Upload-Length": 100})
    must(answer, 201, {"Location": re.compile(f"^{re.escape(run.gateway.origin)}/files/.{{32}}$")})


@case("T41", "POST with tus and without a length", "400")
def _(run):
    must(run.tus("POST", "/files", {}, b""), 400, {"Location": ABSENT})


@case("T42", "POST, Upload-Length and Upload-Defer-Length", "400")
def _(run):
    must(run.tus("POST", "/files", {"Upload-Length": 5, "Upload-Defer-Length": 1}, b""), 400, {"Location": ABSENT})


@case("T43", "POST with a length that is no number", "400")
def _(run):
    for length in ("-1", "abc", "1.0", ""):
        with run.variant(repr(length)):
            must(run.tus("POST", "/files", {"Upload-Length": length}, b""), 400, {"Location": ABSENT})


@case("T44", "POST, Upload-Defer-Length other than 1", "400")
def _(run):
    for value in ("2", "0", "true"):
        with run.variant(value):
            must(run.tus("POST", "/files", {"Upload-Defer-Length": value}, b""), 400, {"Location": ABSENT})


@case("T45", "POST, Upload-Length: 0 -> HEAD", "201; 0 of 0; an empty file is there")
def _(run):
    upload = run.create(0)
    run.head(upload, fields={"Upload-Offset": 0, "Upload-Length": 0})
    run.stored(b"")


@case("T46", "POST, Upload-Length beyond the limit", "413, Tus-Max-Size")
def _(run):
    must(run.tus("POST", "/files", {"Upload-Length": LIMIT + 1}, b""), 413, {"Tus-Max-Size": LIMIT, "Location": ABSENT})


@case("T48", "POST with an empty body of some type", "201, the type is ignored")
def _(run):
    for media in ("application/x-www-form-urlencoded", "application/octet-stream", OCTETS):
        with run.variant(media):
            must(run.tus("POST", "/files", {"Upload-Length": 5, "Content-Type": media}, b""), 201, {"Location": ANY})


@case("T50", "POST, Host: example.test:8443", "a Location with that authority")
def _(run):
    answer = run.tus("POST", "/files", {"Upload-Length": 5}, b"", host="example.test:8443")
    must(answer, 201, {"Location": re.compile("^https://example.test:8443/files/")})


@case("T52", "POST /nosuch", "404")
def _(run):
    must(run.tus("POST", "/nosuch", {"Upload-Length": 5}, b""), 404)


# Metadata


@case("T53", "POST with metadata -> HEAD -> PATCH", "metadata byte for byte; the label is world.pdf")
def _(run):
    metadata = "filename d29ybGQucGRm,is_confidential"
    upload = run.create(5, "/dig", Upload_Metadata=metadata)
    run.head(upload, fields={"Upload-Metadata": metadata})
    must(run.patch(upload, 0, b"hello"), 204)
    check((label := run.label(b"hello")) == "world.pdf", f"the label is {label!r}")
    run.head(upload, fields={"Upload-Metadata": metadata})


@case("T54", "metadata whose values are empty", "201")
def _(run):
    for metadata in ("a ", "a", "a,b"):
        with run.variant(repr(metadata)):
            run.head(run.create(5, Upload_Metadata=metadata), fields={"Upload-Metadata": metadata.strip()})


@case("T55", "metadata that is no base64", "400")
def _(run):
    for metadata in ("a !!!", "a YQ=", "a Y", "a YQ==,b ?"):
        with run.variant(metadata):
            must(run.tus("POST", "/files", {"Upload-Length": 5, "Upload-Metadata": metadata}, b""), 400)


@case("T57", "metadata with an empty key, or one twice", "400")
def _(run):
    for metadata in (", YQ==", ",", "a YQ==,", "a YQ==,a YQ=="):
        with run.variant(repr(metadata)):
            must(run.tus("POST", "/files", {"Upload-Length": 5, "Upload-Metadata": metadata}, b""), 400)


@case("T59", "metadata of 5,000 bytes", "201 and the whole of it on HEAD, or 400, 431")
def _(run):
    metadata = "a " + base64_text(b"x" * 3748)
    answer = run.tus("POST", "/files", {"Upload-Length": 5, "Upload-Metadata": metadata}, b"")
    if must(answer, (201, 400, 431)).status == 201:
        run.head(path(answer), fields={"Upload-Metadata": metadata})


# Creation with upload


def _creation(length, more=None):
    return {"Upload-Length": length, "Content-Type": OCTETS, **(more or {})}


@case("T61", "POST length 10 with 4 bytes", "201, offset 4")
def _(run):
    answer = must(run.tus("POST", "/files", _creation(10), b"0123"), 201, {"Upload-Offset": 4, "Location": ANY})
    must(run.patch(path(answer), 4, b"456789"), 204, {"Upload-Offset": 10})
    run.stored(b"0123456789")


@case("T62", "POST length 5 with 5 bytes", "201, offset 5; the file is there")
def _(run):
    must(run.tus("POST", "/files", _creation(5), b"hello"), 201, {"Upload-Offset": 5, "Location": ANY})
    run.stored(b"hello")


@case("T62 chunked", "POST length 5 with 5 bytes in chunks", "201, offset 5; the file is there")
def _(run):
    must(run.tus("POST", "/files", _creation(5), chunks=[b"he", b"llo"]), 201, {"Upload-Offset": 5, "Location": ANY})
    run.stored(b"hello")


@case("T63", "POST length 5 with 8 bytes", "413 or 400, no complete file")
def _(run):
    must(run.tus("POST", "/files", _creation(5), b"01234567"), (400, 413))
    must(run.tus("POST", "/files", _creation(5), chunks=[b"0123", b"4567"]), (400, 413))


@case("T64", "POST with Expect: 100-continue", "100, then 201")
def _(run):
    with run.connect() as connection:
        fields = _creation(5, {"Tus-Resumable": "1.0.0", "Expect": "100-continue", "Content-Length": 5})
        connection.send(message("POST", "/files", fields, host=run.host))
        must(connection.head(), 100)
        connection.send(b"hello")
        must(connection.answer(), 201, {"Upload-Offset": 5})
    run.stored(b"hello")


@case("T66", "POST length 10 with 4 bytes of text/plain", "415, or 201 with offset 0")
def _(run):
    answer = run.tus("POST", "/files", {"Upload-Length": 10, "Content-Type": "text/plain"}, b"0123")
    if must(answer, (201, 415)).status == 201:
        run.head(path(answer), fields={"Upload-Offset": 0})


@case("T85 creation", "creation with 5 of 5 bytes and a wrong sha1", "460; no file")
def _(run):
    must(run.tus("POST", "/files", _creation(5, {"Upload-Checksum": sha1(b"")}), b"hello"), 460)


# Deferred length


@case(
    "T68 T69 T70 T71",
    "a deferred length, told by the second PATCH, and another one by the third",
    "deferred until then; 400 for the other",
)
def _(run):
    answer = must(run.tus("POST", "/files", {"Upload-Defer-Length": 1}, b""), 201)
    upload, deferred = path(answer), {"Upload-Defer-Length": 1, "Upload-Length": ABSENT}
    run.head(upload, fields={**deferred, "Upload-Offset": 0})
    must(run.patch(upload, 0, b"0123"), 204, {"Upload-Offset": 4})
    run.head(upload, fields={**deferred, "Upload-Offset": 4})
    must(run.patch(upload, 4, b"45", {"Upload-Length": 10}), 204, {"Upload-Offset": 6})
    known = {"Upload-Length": 10, "Upload-Defer-Length": ABSENT}
    run.head(upload, fields={**known, "Upload-Offset": 6})
    must(run.patch(upload, 6, b"6789", {"Upload-Length": 11}), 400)
    run.head(upload, fields={**known, "Upload-Offset": 6})
    must(run.patch(upload, 6, b"6789"), 204, {"Upload-Offset": 10})
    run.stored(b"0123456789")


@case("T70 at the end", "a deferred length, told by an empty PATCH at the end", "204; the file is there")
def _(run):
    answer = must(
        run.tus("POST", "/files", {"Upload-Defer-Length": 1, "Content-Type": OCTETS}, b"hello"),
        201,
        {"Upload-Offset": 5},
    )
    run.nothing_stored()
    must(run.patch(path(answer), 5, b"", {"Upload-Length": 5}), 204, {"Upload-Offset": 5})
    run.stored(b"hello")


@case("T70 less", "a deferred length, told as less than there is", "400 or 413, nothing changes")
def _(run):
    answer = must(run.tus("POST", "/files", {"Upload-Defer-Length": 1, "Content-Type": OCTETS}, b"hello"), 201)
    must(run.patch(path(answer), 5, b"", {"Upload-Length": 4}), (400, 413))
    run.head(path(answer), fields={"Upload-Offset": 5, "Upload-Defer-Length": 1})


@case("T76", "PATCH with the length that is known", "204")
def _(run):
    must(run.patch(run.create(10), 0, b"0123", {"Upload-Length": 10}), 204, {"Upload-Offset": 4})


# Expiration


@case("T77", "POST; PATCH that does not complete", "Upload-Expires in an hour")
def _(run):
    answer = must(run.tus("POST", "/files", {"Upload-Length": 10}, b""), 201, {"Upload-Expires": in_an_hour})
    must(run.patch(path(answer), 0, b"0123"), 204, {"Upload-Expires": in_an_hour})


@case("T78", "resume-for: 2s, after 4 s HEAD, PATCH", "404 or 410")
def _(run):
    upload = run.create(10, "/brief")
    must(run.patch(upload, 0, b"0123"), 204)
    time.sleep(4)
    run.head(upload, GONE)
    must(run.patch(upload, 4, b"4567"), GONE)


# Termination


@case("T91", "U(10), PATCH 4 -> DELETE -> HEAD", "204; gone; nothing left; the quota is free")
def _(run):
    for _ in range(3):  # The route holds one of them.
        upload = run.create(MIB, "/quota")
        must(run.patch(upload, 0, b"0123"), 204)
        must(run.tus("POST", "/quota", {"Upload-Length": MIB}, b""), 507)
        must(run.tus("DELETE", upload), 204)
        run.head(upload, GONE)
        check(not run.gateway.unfinished("/quota"), f"left in the store: {run.gateway.unfinished('/quota')}")


@case("T93", "a complete upload on /keep -> DELETE", "403 problem, the file stays")
def _(run):
    upload = run.create(5, "/keep")
    must(run.patch(upload, 0, b"hello"), 204)
    must(run.tus("DELETE", upload), 403, {"Content-Type": re.compile("^application/problem\\+json")})
    run.stored(b"hello")
    run.head(upload, fields={"Upload-Offset": 5})


@case("T94", "DELETE of an unknown key; DELETE twice", "404 or 410")
def _(run):
    must(run.tus("DELETE", "/files/" + "k" * 32), GONE)
    upload = run.create(5)
    must(run.tus("DELETE", upload), 204)
    must(run.tus("DELETE", upload), GONE)


# Credentials


@case("T117", "POST /auth without a token", "401, WWW-Authenticate: Bearer")
def _(run):
    for fields in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTph"}, {"Authorization": "Bearer"}):
        with run.variant(str(fields)):
            must(
                run.tus("POST", "/auth", {"Upload-Length": 5, **fields}, b""),
                401,
                {"WWW-Authenticate": re.compile("^Bearer")},
            )


@case("T118", "alice creates; HEAD and PATCH of others", "401 without a token, 404 with bob's")
def _(run):
    alice, bob = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}
    upload = run.create(5, "/auth", **alice)
    for fields, status in (({}, 401), (bob, 404)):
        with run.variant(str(status)):
            must(run.tus("HEAD", upload, fields), status, {"Upload-Offset": ABSENT})
            must(run.patch(upload, 0, b"hello", fields), status)
            must(run.tus("DELETE", upload, fields), status)
    must(run.patch(upload, 0, b"hello", alice), 204, {"Upload-Offset": 5})
    run.stored(b"hello")
