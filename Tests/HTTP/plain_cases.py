"""P01 to P25: plain uploads, and curl as a client."""

import base64
import hashlib
import os
import re
import subprocess
import time

from client import message
from gateway import MIB
from rows import ANY, case, check, must, nothing_left, path, something_arrives

OCTET_STREAM = {"Content-Type": "application/octet-stream"}


def curl(run, *arguments, data=None, limit=60, protocol="--http1.1"):
    """What curl says: the status, its exit code, the fields and the body."""
    options = ["-sS", "-i", protocol, "--cacert", run.gateway.authority, "-w", "\n%{http_code}"]
    command = ["curl", *options, *arguments]
    done = subprocess.run(command, input=data, capture_output=True, timeout=limit)
    text = done.stdout.decode("utf-8", "replace")
    return int(text.rpartition("\n")[2] or 0), done.returncode, text, done.stderr.decode()


def taken_by_curl(run, *arguments, status=201, **more):
    got, code, text, errors = curl(run, *arguments, **more)
    check(got == status and code == 0, f"curl {' '.join(arguments)}\n    got {got}, exit {code}, {errors} {text[:600]}")
    return text


def file_of(run, name, content):
    place = f"{run.gateway.folder}/{name}"
    with open(place, "wb") as file:
        file.write(content)
    return place


@case("P01", "curl -T f /dig/, 2 MiB", "100, 201, Location; the label is f")
def _(run):
    content = os.urandom(2 * MIB)
    text = taken_by_curl(run, "-T", file_of(run, "f.bin", content), f"{run.gateway.origin}/dig/")
    check("HTTP/1.1 100" in text and re.search(r"(?im)^location: https://", text), f"no 100 or no Location: {text}")
    check((label := run.label(content)) == "f.bin", f"the label is {label!r}")


@case("P02", "curl -T - /dig/x, chunked", "201; the label is x")
def _(run):
    taken_by_curl(run, "-T", "-", f"{run.gateway.origin}/dig/x", data=b"hello")
    check((label := run.label(b"hello")) == "x", f"the label is {label!r}")


@case("P03", "curl --data-binary, octet-stream", "201")
def _(run):
    content = os.urandom(100_000)
    taken_by_curl(
        run,
        "-H",
        "Content-Type: application/octet-stream",
        "--data-binary",
        "@-",
        f"{run.gateway.origin}/files",
        data=content,
    )
    run.stored(content)


@case("P03 urlencoded", "curl --data-binary without a type", "201 or 415, not lost")
def _(run):
    got, _, text, _ = curl(run, "--data-binary", "@-", f"{run.gateway.origin}/files", data=b"hello")
    check(got in (201, 415), f"got {got}: {text}")
    if got == 201:
        run.stored(b"hello")


@case("P03 many", "curl -T, three files over one connection", "201 each")
def _(run):
    places = [file_of(run, f"{name}.bin", name.encode() * 1000) for name in "abc"]
    arguments = [word for place in places for word in ("-T", place, f"{run.gateway.origin}/files/")]
    got, code, text, errors = curl(run, *arguments)
    check(text.count("HTTP/1.1 201") == 3 and code == 0, f"got {got}, exit {code}, {errors} {text}")
    check(len(run.gateway.published() - run.before) == 3, "not three files")
    run.named |= run.gateway.published()


@case("P04", "PUT cut in the middle", "nothing left, the quota is free")
def _(run):
    for _ in range(2):
        with run.connect() as connection:
            connection.send(message("PUT", "/quota/x", {"Content-Length": MIB}, host=run.host) + bytes(300_000))
            time.sleep(0.3)
            connection.cut()
        deadline = time.monotonic() + 3
        while run.gateway.unfinished("/quota") and time.monotonic() < deadline:
            time.sleep(0.05)
        check(not run.gateway.unfinished("/quota"), f"left: {run.gateway.unfinished('/quota')}")
        upload = run.create(MIB, "/quota")
        must(run.tus("DELETE", upload), 204)


@case("P04 ended", "PUT with less than Content-Length, then close_notify", "nothing stored")
def _(run):
    with run.connect() as connection:
        connection.send(message("PUT", "/files/x", {"Content-Length": 10}, host=run.host) + b"01234")
        connection.half_close()
        rest = connection.rest(5)
        check(not re.match(rb"HTTP/1.1 2", rest), f"got {rest!r}")
    with run.connect() as connection:
        connection.send(message("PUT", "/files/x", {"Transfer-Encoding": "chunked"}, host=run.host) + b"5\r\n01234\r\n")
        connection.half_close()
        rest = connection.rest(5)
        check(not re.match(rb"HTTP/1.1 2", rest), f"got {rest!r}")


@case("P05", "PUT, then close_notify from the client before the answer is read", "201")
def _(run):
    with run.connect() as connection:
        connection.send(message("PUT", "/files/x", {}, b"hello", host=run.host))
        connection.half_close()
        must(connection.answer("PUT"), 201)
    run.stored(b"hello")


@case("P06", "PUT, Content-Encoding: gzip; identity", "415, Accept-Encoding: identity; 201")
def _(run):
    must(run.ask("PUT", "/files/x", {"Content-Encoding": "gzip"}, b"hello"), 415, {"Accept-Encoding": "identity"})
    must(run.ask("PUT", "/files/x", {"Content-Encoding": "identity"}, b"hello"), 201)
    run.stored(b"hello")


@case("P06 range", "PUT with Content-Range", "400")
def _(run):
    must(run.ask("PUT", "/files/x", {"Content-Range": "bytes 0-4/10"}, b"hello"), 400)


@case("P06 digest", "PUT with Repr-Digest, right and wrong", "201 with Repr-Digest; 400 digest-mismatching-values")
def _(run):
    value = f"sha-256=:{base64.b64encode(hashlib.sha256(b'hello').digest()).decode()}:"
    must(run.ask("PUT", "/files/x", {"Repr-Digest": value}, b"hello"), 201, {"Repr-Digest": value})
    run.stored(b"hello")
    must(
        run.ask("PUT", "/files/x", {"Repr-Digest": value}, b"hullo"), 400, None, re.compile("digest-mismatching-values")
    )


@case("P06 json", "POST /json: JSON, no JSON, no type, octet-stream", "201; 422; taken as the only format; 415")
def _(run):
    typed = {"Content-Type": "application/json"}
    must(run.ask("POST", "/json", typed, b'{"a": 1}'), 201)
    run.stored(b'{"a": 1}')
    must(run.ask("POST", "/json", typed, b'{"a": 1'), 422)
    must(run.ask("POST", "/json", typed, b'{"a": x}'), 422)
    must(run.ask("POST", "/json", {}, b"[]"), 201)
    run.stored(b"[]")


@case("P06 pipe", "PUT to a pipe", "201 or 200, the backend's answer as body")
def _(run):
    must(run.ask("PUT", "/pipe/x", {}, bytes(MIB)), (200, 201), None, f"{MIB} bytes")


@case("P06 empty", "PUT of nothing; PUT without Content-Length", "201, an empty file each")
def _(run):
    must(run.ask("PUT", "/files/x", {}, b""), 201, {"Location": ANY})
    run.stored(b"")
    must(run.ask("PUT", "/files/x"), 201, {"Location": ANY})
    run.stored(b"")


@case("P07", "PUT to names that are no file names", "a safe label or 400; no other path")
def _(run):
    long = "x" * 300
    for name in (
        "a%2Fb",
        "..%2Fx",
        "%00",
        "%ff",
        long,
        "..",
        ".",
        "%2e%2e",
        "a%0d%0ab",
        "%E2%82%AC",
        "a%20b",
        "a%5Cb",
        "%",
        "%zz",
        "a?b=c",
        "a/b",
        "k" * 32,
    ):
        with run.variant(name[:20]):
            answer = run.ask("PUT", f"/dig/{name}", OCTET_STREAM, b"hello")
            must(answer, (201, 400, 404))
            if answer.status == 201:
                label = run.label(b"hello") or ""
                check(not re.search(r"[/\\\x00-\x1f]", label) and label not in (".", ".."), f"the label is {label!r}")
                check(len(label.encode()) <= 255, f"the label has {len(label.encode())} bytes")
    outside = [
        name
        for name in os.listdir(run.gateway.folder + "/store")
        if not os.path.isdir(f"{run.gateway.folder}/store/{name}")
    ]
    check(not outside, f"files beside the stores: {outside}")


@case("P07 label", "PUT /dig/%E2%82%AC%20a.txt; POST with Content-Disposition", "the label decoded")
def _(run):
    must(run.ask("PUT", "/dig/%E2%82%AC%20a.txt", {}, b"hello"), 201)
    check((label := run.label(b"hello")) == "€ a.txt", f"the label is {label!r}")
    for value, wanted in (
        ('attachment; filename="a b.txt"', "a b.txt"),
        ("attachment; filename*=UTF-8''%E2%82%AC.txt", "€.txt"),
    ):
        with run.variant(value):
            must(run.ask("POST", "/dig", {"Content-Disposition": value, **OCTET_STREAM}, b"hello"), 201)
            check((label := run.label(b"hello")) == wanted, f"the label is {label!r}")


@case("P08", "Expect: 200-maybe", "417")
def _(run):
    must(run.ask("PUT", "/files/x", {"Expect": "200-maybe"}, b"hello"), 417)


@case("P09", "Expect: 100-continue, 11 MiB", "413, no 100; curl exits without sending")
def _(run):
    with run.connect() as connection:
        fields = {"Expect": "100-continue", "Content-Length": 11 * MIB}
        connection.send(message("PUT", "/files/x", fields, host=run.host))
        answer = must(connection.answer(), 413)
        check(not answer.interim, f"100 before it: {answer}")
        check(connection.is_closed(), "the connection stays open")
    text = taken_by_curl(
        run,
        "-H",
        "Expect: 100-continue",
        "-T",
        file_of(run, "big", bytes(11 * MIB)),
        f"{run.gateway.origin}/files/",
        status=413,
    )
    check("HTTP/1.1 100" not in text, f"100: {text[:400]}")


@case("P10", "curl sends 200 MB without Expect to a route of 10 MiB, 10 times", "413 each, less than 32 MiB read")
def _(run):
    place = f"{run.gateway.folder}/huge"
    with open(place, "wb") as file:
        file.truncate(200_000_000)
    for turn in range(10):
        with run.variant(f"turn {turn}"):
            before = run.gateway.bytes_read()
            taken_by_curl(run, "-H", "Expect:", "-T", place, f"{run.gateway.origin}/files/", status=413)
            check((read := run.gateway.bytes_read() - before) < 32 * MIB, f"{read} bytes read")
    os.remove(place)


@case("P10 chunked", "curl sends 40 MB in chunks to a route of 10 MiB", "413")
def _(run):
    for expect in ("Expect:", "Expect: 100-continue"):
        with run.variant(expect):
            taken_by_curl(
                run, "-H", expect, "-T", "-", f"{run.gateway.origin}/files/x", status=413, data=bytes(40_000_000)
            )


@case("P10 small", "413, 415 with a body of 1 MiB at most", "the connection is kept, the next request answered")
def _(run):
    with run.connect() as connection:
        connection.send(message("PUT", "/files/x", {"Content-Encoding": "gzip"}, bytes(500_000), host=run.host))
        must(connection.answer(), 415)
        connection.send(message("PUT", "/files/x", {}, b"hello", host=run.host))
        must(connection.answer(), 201)
    run.stored(b"hello")


@case("P11", "PUT /nosuch, POST /, GET /files/KEY, PATCH without a dialect", "404, 404, no body of the file, 4xx")
def _(run):
    must(run.ask("PUT", "/nosuch/x", {}, b"hello"), 404)
    must(run.ask("POST", "/", {}, b"hello"), (404, 405))
    must(run.ask("PATCH", "/files/" + "k" * 32, {}, b"hello"), range(400, 500))


@case("P11 auth", "PUT /auth with and without a token", "201; 401")
def _(run):
    must(run.ask("PUT", "/auth/x", {"Authorization": "Bearer a"}, b"hello"), 201)
    run.stored(b"hello")
    must(run.ask("PUT", "/auth/x", {}, b"hello"), 401, {"WWW-Authenticate": ANY})


@case("P12", "PUT of 2 MiB to /quota, chunked and known", "413 or 507, nothing left")
def _(run):
    must(run.ask("PUT", "/quota/x", {}, bytes(2 * MIB)), (413, 507))
    must(run.ask("PUT", "/quota/x", {}, None, chunks=[bytes(MIB), b"x"]), (413, 507))
    nothing_left(run, "/quota")


@case("P25", "HEAD and DELETE of a complete plain upload's Location", "complete, its size; 403")
def _(run):
    upload = path(must(run.ask("PUT", "/keep/x", {}, b"hello"), 201))
    run.stored(b"hello")
    must(
        run.ask("HEAD", upload), (200, 204), {"Upload-Offset": 5, "Upload-Complete": "?1", "Cache-Control": "no-store"}
    )
    must(run.ask("DELETE", upload), 403)


@case("P18", "SIGTERM in the middle of a PUT and of a tus PATCH -> start", "503 or cut; what the PATCH brought goes on")
def _(run):
    content = os.urandom(MIB)
    upload = run.create(MIB)
    with run.connect() as put, run.connect() as append:
        put.send(message("PUT", "/quota/x", {"Content-Length": MIB}, host=run.host) + content[:300_000])
        fields = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": 0,
            "Content-Length": MIB,
            "Content-Type": "application/offset+octet-stream",
        }
        append.send(message("PATCH", upload, fields, host=run.host) + content[:300_000])
        something_arrives(run, "/quota")
        run.gateway.process.terminate()
        for connection in (put, append):
            rest = connection.rest(8)
            check(not rest or rest.startswith(b"HTTP/1.1 503"), f"got {rest!r}")
        run.gateway.process.wait(8)
    check(run.gateway.process.returncode == 0, f"the gateway ended with {run.gateway.process.returncode}")
    run.gateway.start()
    offset = int(run.head(upload, fields={"Upload-Offset": lambda got: 0 < int(got) <= 300_000})["Upload-Offset"])
    must(run.patch(upload, offset, content[offset:]), 204)
    run.stored(content)
    check(not run.gateway.unfinished("/quota"), f"left of the PUT: {run.gateway.unfinished('/quota')}")


@case("P19", "413 and 415, after which the client sends on slowly", "closed within 5 s")
def _(run):
    with run.connect() as connection:
        connection.send(message("PUT", "/files/x", {"Content-Length": 11 * MIB}, host=run.host))
        must(connection.answer(), 413)
        began = time.monotonic()
        try:
            while time.monotonic() - began < 6:
                connection.send(bytes(1000))
                time.sleep(0.1)
        except OSError:
            pass
        check(time.monotonic() - began < 5, "the gateway still reads after 5 s")
