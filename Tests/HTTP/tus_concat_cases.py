"""T96 to T115: uploads that are made of parts (tus 1.0.0, "Concatenation")."""

import base64
import hashlib
import json
import os
import subprocess
import time

from client import message
from gateway import MIB
from rows import ABSENT, ANY, OCTETS, Failure, case, check, must, path
from tus_checksum_cases import base64_text

GONE = (404, 410)
ALICE, BOB = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}


def part(run, content, route="/files", fields=None):
    """The path of a part that is full."""
    upload = empty_part(run, len(content), route, fields)
    if content:
        must(run.patch(upload, 0, content, fields), 204, {"Upload-Offset": len(content)})
    return upload


def empty_part(run, length, route="/files", fields=None):
    told = {"Upload-Defer-Length": 1} if length is None else {"Upload-Length": length}
    answer = run.tus("POST", route, {**told, "Upload-Concat": "partial", **(fields or {})}, b"")
    return path(must(answer, 201, {"Location": ANY}))


def ask_final(run, parts, route="/files", fields=None, **more):
    return run.tus("POST", route, {"Upload-Concat": "final;" + " ".join(parts), **(fields or {})}, b"", **more)


def final(run, parts, route="/files", fields=None):
    return path(must(ask_final(run, parts, route, fields), 201, {"Location": ANY}))


def whole(run, upload, length, concat=ANY, fields=None):
    told = must(run.tus("HEAD", upload, fields), (200, 204))
    must(told, told.status, {"Upload-Offset": length, "Upload-Length": length, "Upload-Concat": concat})


def becomes_whole(run, upload, length, patience=10):
    """A final that the gateway makes by itself."""
    deadline = time.monotonic() + patience
    while (told := run.tus("HEAD", upload))["Upload-Offset"] is None and time.monotonic() < deadline:
        must(told, (200, 204), {"Upload-Offset": ABSENT, "Upload-Concat": ANY})
        time.sleep(0.02)
    must(told, (200, 204), {"Upload-Offset": length, "Upload-Length": length})


def reserved(run, route):
    """What the ledger says of the route's own quota: reserved and used."""
    return quota(run.gateway, route)


def quota(gateway, route):
    command = [gateway.sluice, "quota", "show", "--config", f"{gateway.folder}/sluice.yaml", "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    of_route = [one for one in told["quotas"] if one["route"] == route and not one["subject"]]
    return (of_route[0]["reserved"], of_route[0]["used"]) if of_route else (0, 0)


def held_of(run, route):
    """Names of what the store keeps for uploads that are not complete."""
    return set(run.gateway.unfinished(route))


def sidecar_of(run, file):
    return run.gateway.sidecar(file)


def name_all(run):
    """What the store has more is the case's own."""
    run.named |= run.gateway.published() - run.before


@case("T96", "Upload-Concat to /pipe, which cannot join parts", "not announced; 400, nothing created")
def _(run):
    check("concatenation" not in run.tus("OPTIONS", "/pipe", tus=None)["Tus-Extension"], "it is announced")
    refused = {"Location": ABSENT}
    must(run.tus("POST", "/pipe", {"Upload-Length": 5, "Upload-Concat": "partial"}, b""), 400, refused)
    must(run.tus("POST", "/pipe", {"Upload-Concat": f"final;/pipe/{'k' * 32}"}, b""), 400, refused)


@case("T97", "POST partial twice, PATCH full -> HEAD", "Upload-Concat: partial, offset and length; no file")
def _(run):
    for content in (b"hello", b"world!"):
        upload = part(run, content)
        whole(run, upload, len(content), "partial")
        must(run.patch(upload, len(content), b""), 204, {"Upload-Offset": len(content)})
        whole(run, upload, len(content), "partial")
        must(run.tus("DELETE", upload), 204)
        run.head(upload, GONE)


@case("T97 creation", "POST partial with all of its bytes, with none, and of a deferred length", "a part; no file")
def _(run):
    fields = {"Upload-Concat": "partial", "Upload-Length": 5, "Content-Type": OCTETS}
    answer = must(run.tus("POST", "/files", fields, b"hello"), 201, {"Upload-Offset": 5, "Upload-Expires": ANY})
    whole(run, path(answer), 5, "partial")
    whole(run, empty_part(run, 0), 0, "partial")
    late = empty_part(run, None)
    must(run.patch(late, 0, b"hello"), 204)
    must(run.patch(late, 5, b"", {"Upload-Length": 5}), 204)
    whole(run, late, 5, "partial")


@case("T98", "final;A B with absolute URLs -> HEAD", "201; offset = length = sum; Upload-Concat as sent; A+B")
def _(run):
    parts = [f"https://{run.host}" + part(run, content) for content in (b"hello ", b"world")]
    text = f"final;{parts[0]} {parts[1]}"
    upload = path(must(run.tus("POST", "/files", {"Upload-Concat": text}, b""), 201))
    whole(run, upload, 11, text)
    run.stored(b"hello world")


@case("T99", "final;A B with paths", "201; HEAD as sent")
def _(run):
    parts = [part(run, content) for content in (b"hello ", b"world")]
    whole(run, final(run, parts), 11, f"final;{parts[0]} {parts[1]}")
    run.stored(b"hello world")


@case("T100", "PATCH of a final, done and waiting", "403, unchanged")
def _(run):
    first, second = part(run, b"hello"), empty_part(run, 5)
    done, waiting = final(run, [first]), final(run, [first, second])
    for upload in (done, waiting):
        for offset in (0, 5):
            must(run.patch(upload, offset, b"x"), 403)
        must(run.ask("PATCH", upload, draft(0), b"x"), 403)
    whole(run, done, 5)
    run.stored(b"hello")
    must(run.tus("HEAD", waiting), (200, 204), {"Upload-Offset": ABSENT, "Upload-Length": 10})


def draft(offset):
    return {
        "Upload-Draft-Interop-Version": 6,
        "Upload-Complete": "?1",
        "Upload-Offset": offset,
        "Content-Type": "application/partial-upload",
    }


@case("T100 draft", "PATCH ?1 of resumable uploads to a part", "no end: it stays a part")
def _(run):
    upload = empty_part(run, 5)
    must(run.ask("PATCH", upload, draft(0), b"hello"), range(200, 300))
    whole(run, upload, 5, "partial")


@case("T101", "final with Upload-Length, with Upload-Defer-Length, with a body", "400, 400, 403; nothing created")
def _(run):
    first = part(run, b"hello")
    for more in ({"Upload-Length": 5}, {"Upload-Defer-Length": 1}):
        must(ask_final(run, [first], fields=more), 400, {"Location": ABSENT})
    fields = {"Upload-Concat": f"final;{first}", "Content-Type": OCTETS}
    must(run.tus("POST", "/files", fields, b"hello"), (400, 403), {"Location": ABSENT})


@case("T102", "final of what is unknown, no part, of another route, of another host, of another client", "400 or 404")
def _(run):
    good = part(run, b"hello")
    complete = run.create(5)
    must(run.patch(complete, 0, b"whole"), 204)
    run.stored(b"whole")
    elsewhere = part(run, b"hello", "/keep")
    others = {
        "unknown": "/files/" + "k" * 32,
        "complete": complete,
        "unfinished": run.create(5),
        "a final": final(run, [good, empty_part(run, 1)]),
        "another route": elsewhere,
        "the other's key here": elsewhere.replace("/keep", "/files"),
        "another host": f"https://elsewhere.example{good}",
        "no URL": good[1:],
        "a query": "*",
        "dots": good.replace("/files", "/files/../files"),
    }
    for name, other in others.items():
        with run.variant(name):
            before = held_of(run, "/files")
            for parts in ([other], [good, other]):
                must(ask_final(run, parts), (400, 404), {"Location": ABSENT})
            check(held_of(run, "/files") == before, "something was created")
    with run.variant("another client"):
        upload = part(run, b"hello", "/auth", ALICE)
        must(ask_final(run, [upload], "/auth", BOB), 404, {"Location": ABSENT})
        must(ask_final(run, [upload], "/auth"), 401, {"Location": ABSENT})
        whole(run, final(run, [upload], "/auth", ALICE), 5, fields=ALICE)
        run.stored(b"hello")


@case("T103", "final; without parts, other words", "400")
def _(run):
    for text in ("final;", "final", "both;x", "Partial", "partial;", ""):
        with run.variant(repr(text)):
            fields = {"Upload-Concat": text, "Upload-Length": 5} if text[:5] != "final" else {"Upload-Concat": text}
            must(run.tus("POST", "/files", fields, b""), 400, {"Location": ABSENT})


@case("T103 space", "final; with a space behind it", "400")
def _(run):
    must(run.tus("POST", "/files", {"Upload-Concat": "final; "}, b""), 400, {"Location": ABSENT})


@case("T104", "parts B A", "B+A")
def _(run):
    first, second = part(run, b"hello"), part(run, b"world")
    whole(run, final(run, [second, first]), 10)
    run.stored(b"worldhello")


@case("T105", "the same part twice, and in several finals", "copied each time; the part stays")
def _(run):
    first, second = part(run, b"hello"), part(run, b"world")
    whole(run, final(run, [first, second, first]), 15)
    run.stored(b"helloworldhello")
    whole(run, final(run, [first]), 5)
    run.stored(b"hello")
    whole(run, first, 5, "partial")


@case("T106", "final with metadata, to /dig; then with a digest, wrong and right", "label and digest as of any upload")
def _(run):
    first, second = part(run, b"hello ", "/dig"), part(run, b"world", "/dig")
    metadata = "filename d29ybGQucGRm,is_confidential"
    upload = final(run, [first, second], "/dig", {"Upload-Metadata": metadata})
    run.head(upload, fields={"Upload-Metadata": metadata})
    sidecar = sidecar_of(run, run.stored(b"hello world"))
    check(sidecar["name"] == "world.pdf" and sidecar["size"] == 11, f"the sidecar is {sidecar}")
    check(sidecar["sha256"] == hashlib.sha256(b"hello world").hexdigest(), f"the digest is {sidecar['sha256']}")
    for content, status in ((b"hello there", 400), (b"hello world", 201)):
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        must(ask_final(run, [first, second], "/dig", {"Repr-Digest": f"sha-256=:{digest}:"}), status)
    run.stored(b"hello world")
    fields = {"Upload-Length": 5, "Upload-Concat": "partial", "Repr-Digest": f"sha-256=:{digest}:"}
    must(run.tus("POST", "/dig", fields, b""), 400, {"Location": ABSENT})


@case("T106 check", "parts of a JSON text, to /json", "judged as a whole: 201, and 422 with nothing kept")
def _(run):
    typed = {"Upload-Metadata": "filetype " + base64_text(b"application/json")}
    parts = [part(run, content, "/json", typed) for content in (b'{"a": ', b"[1, 2", b"]}")]
    whole(run, final(run, parts, "/json", typed), 13)
    run.stored(b'{"a": [1, 2]}')
    must(ask_final(run, parts[:2], "/json", typed), 422, {"Location": ABSENT})


@case("T107", "final beyond the quota, and beyond the limit", "507, 413; nothing changed")
def _(run):
    parts = [part(run, os.urandom(300_000), "/small") for _ in range(2)]
    before = (held_of(run, "/small"), reserved(run, "/small"))
    check(before[1][0] == 600_000, f"reserved and used: {before[1]}")
    must(ask_final(run, parts, "/small"), 507, {"Location": ABSENT})
    must(ask_final(run, [*parts, parts[0], parts[0]], "/small"), 413, {"Location": ABSENT})
    check((held_of(run, "/small"), reserved(run, "/small")) == before, "something changed")
    must(run.tus("DELETE", parts.pop()), 204)
    used = reserved(run, "/small")[1]
    whole(run, final(run, parts, "/small"), 300_000)
    check(reserved(run, "/small") == (300_000, used + 300_000), f"reserved and used: {reserved(run, '/quota')}")
    name_all(run)
    must(run.tus("DELETE", parts.pop()), 204)
    check(reserved(run, "/small") == (0, used + 300_000), f"reserved and used: {reserved(run, '/quota')}")


@case("T108", "final while A is unfinished -> HEAD; then A is full", "no offset until then; the gateway makes it")
def _(run):
    first, second = empty_part(run, 6), part(run, b"world")
    upload = final(run, [first, second, first])
    text = f"final;{first} {second} {first}"
    waits = {"Upload-Offset": ABSENT, "Upload-Length": 17, "Upload-Concat": text, "Upload-Expires": ANY}
    run.head(upload, fields=waits)
    must(run.ask("HEAD", upload), 200, waits)
    must(run.patch(first, 0, b"hel"), 204)
    run.head(upload, fields=waits)
    run.nothing_stored()
    must(run.patch(first, 3, b"lo "), 204)
    becomes_whole(run, upload, 17)
    run.stored(b"hello worldhello ")
    whole(run, upload, 17, text)


@case("T108 deferred", "final while the length of A is unknown", "no length either, until A has one")
def _(run):
    first, second = part(run, b"hello "), empty_part(run, None)
    upload = final(run, [first, second])
    run.head(upload, fields={"Upload-Offset": ABSENT, "Upload-Length": ABSENT})
    must(run.patch(second, 0, b"wor"), 204)
    run.head(upload, fields={"Upload-Offset": ABSENT, "Upload-Length": ABSENT})
    must(run.patch(second, 3, b"ld", {"Upload-Length": 5}), 204)
    becomes_whole(run, upload, 11)
    run.stored(b"hello world")


@case("T108 given up", "final while A is unfinished; DELETE A; DELETE final", "the final is gone, and holds nothing")
def _(run):
    for removed in ("part", "final"):
        with run.variant(removed):
            before = reserved(run, "/small")
            first, second = part(run, b"hello", "/small"), empty_part(run, 100_000, "/small")
            upload = final(run, [first, second], "/small")
            check(reserved(run, "/small")[0] == 200_010, f"reserved and used: {reserved(run, '/quota')}")
            must(run.tus("DELETE", second if removed == "part" else upload), 204)
            deadline = time.monotonic() + 5
            while (told := run.tus("HEAD", upload)).status not in GONE and time.monotonic() < deadline:
                time.sleep(0.02)
            must(told, GONE)
            left = reserved(run, "/small")[0]
            check(left == (5 if removed == "part" else 100_005), f"reserved: {left}")
            for one in [first] if removed == "part" else [first, second]:
                must(run.tus("DELETE", one), 204)
            check(reserved(run, "/small") == before, f"reserved and used: {reserved(run, '/quota')}")
            check(not held_of(run, "/small"), f"left in the store: {held_of(run, '/quota')}")


@case("T108 expired", "final of /brief, whose part expires", "the final is gone; one whose parts live goes on")
def _(run):
    lost, kept, full = empty_part(run, 5, "/brief"), empty_part(run, 60, "/brief"), part(run, b"hello", "/brief")
    dead, alive = final(run, [lost], "/brief"), final(run, [kept], "/brief")
    for offset in range(50):
        must(run.patch(kept, offset, b"x"), 204)
        time.sleep(0.1)
    run.head(dead, GONE)
    run.head(full, GONE)
    run.head(alive, fields={"Upload-Offset": ABSENT, "Upload-Length": 60})
    must(run.patch(kept, 50, b"x" * 10), 204)
    becomes_whole(run, alive, 60)
    run.stored(b"x" * 60)


@case("T109", "final; kill -9; HEAD; then A is full; kill -9 once more", "waits and goes on after both")
def _(run):
    first, second = part(run, b"hello "), empty_part(run, 5)
    upload = final(run, [first, second])
    run.gateway.kill()
    run.gateway.start()
    run.head(upload, fields={"Upload-Offset": ABSENT, "Upload-Length": 11})
    run.head(first, fields={"Upload-Offset": 6, "Upload-Concat": "partial"})
    must(run.patch(second, 0, b"world"), 204)
    run.gateway.kill()
    run.gateway.start()
    becomes_whole(run, upload, 11)
    run.stored(b"hello world")


@case("T110", "final on /parts, which says drop-parts", "the parts are gone once no final wants them")
def _(run):
    first, second, third = part(run, b"hello ", "/parts"), part(run, b"world", "/parts"), empty_part(run, 1, "/parts")
    waiting = final(run, [second, third], "/parts")
    whole(run, final(run, [first, second], "/parts"), 11)
    run.stored(b"hello world")
    run.head(first, GONE)
    whole(run, second, 5, "partial")
    must(run.patch(third, 0, b"!"), 204)
    becomes_whole(run, waiting, 6)
    run.stored(b"world!")
    for one in (second, third):
        deadline = time.monotonic() + 5
        while run.tus("HEAD", one).status not in GONE and time.monotonic() < deadline:
            time.sleep(0.02)
        run.head(one, GONE)
    check(not held_of(run, "/parts"), f"left in the store: {held_of(run, '/parts')}")
    check(reserved(run, "/parts")[0] == 0, f"reserved and used: {reserved(run, '/parts')}")


@case("T111", "parts of no bytes", "as all others")
def _(run):
    for route in ("/files", "/gz"):
        nothing, something = part(run, b"", route), part(run, b"hello", route)
        whole(run, final(run, [nothing, nothing], route), 0)
        run.stored(b"")
        whole(run, final(run, [nothing, something, nothing], route), 5)
        run.stored(b"hello")


@case("T113", "concat on /gz, 3 parts of 9 MiB, random and text", "the content is right; `sluice cat` reads the members")
def _(run):
    texts = b"".join(b"%d bottles of beer on the wall\n" % number for number in range(400_000))
    contents = [os.urandom(9 * MIB), texts[: 9 * MIB - 77], os.urandom(4 * MIB) + texts[: 5 * MIB + 5]]
    parts = []
    for content in contents:
        upload = empty_part(run, len(content), "/gz")
        cut = len(content) // 3 + 1
        must(run.patch(upload, 0, content[:cut]), 204, {"Upload-Offset": cut})
        must(run.patch(upload, cut, content[cut:]), 204, {"Upload-Offset": len(content)})
        parts.append(upload)
    joined = b"".join(contents) + contents[1]
    whole(run, final(run, [*parts, parts[1]], "/gz"), len(joined))
    found = run.stored(joined)
    for arguments, take in (([], ["gzip", "-dc"]), (["--contents"], ["cat"])):
        one = subprocess.run([sluice_of(run), "cat", *arguments, found], check=True, capture_output=True).stdout
        got = subprocess.run(take, input=one, check=True, capture_output=True).stdout
        check(got == joined, f"sluice cat {arguments} gives {len(got)} bytes")
    check(os.path.getsize(found) < len(joined) - 20 * MIB // 2, f"{os.path.getsize(found)} bytes are stored")


def sluice_of(run):
    return run.gateway.sluice


@case("T114", "final of 400 MiB, the connection is cut meanwhile", "it goes on, whole; or there is none")
def _(run):
    parts = [part(run, os.urandom(8 * MIB), "/large")]
    before = reserved(run, "/large")
    for wait in (0.0, 0.02, 0.2):
        with run.connect() as connection:
            fields = {"Tus-Resumable": "1.0.0", "Upload-Concat": "final;" + " ".join(parts * 50), "Content-Length": 0}
            connection.send(message("POST", "/large", fields, host=run.host))
            time.sleep(wait)
            connection.cut()
    settled(run.gateway, "/large")
    whole_or_none(run, before, 400 * MIB)


@case("T115", "final of 400 MiB; kill -9 at some moment; again and again", "the whole final or none, the quota exact")
def _(run):
    content = os.urandom(8 * MIB)
    upload = part(run, content, "/large")
    before = reserved(run, "/large")
    for wait in (0.0, 0.005, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6):
        with run.connect() as connection:
            fields = {"Tus-Resumable": "1.0.0", "Upload-Concat": "final;" + f"{upload} " * 50, "Content-Length": 0}
            connection.send(message("POST", "/large", fields, host=run.host))
            time.sleep(wait)
            run.gateway.kill()
        run.gateway.start()
        settled(run.gateway, "/large")
        whole_or_none(run, before, 400 * MIB, content)
        run.head(upload, fields={"Upload-Offset": 8 * MIB, "Upload-Concat": "partial"})
        before = reserved(run, "/large")
    check(before[1] > 0, "no final was ever whole")


def settled(gateway, route, patience=60):
    """Waits until the gateway has nothing to make on a route."""
    command = [gateway.sluice, "uploads", "--config", f"{gateway.folder}/sluice.yaml", "--json", "--route", route]
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["uploads"]
        if not [one for one in told if one["state"] == "open" and one["total"] == 400 * MIB]:
            return
        time.sleep(0.05)
    raise Failure("a final is still not made")


def whole_or_none(run, before, size, content=None):
    """Each file is whole, and the quota has exactly what there is; the files go, as they are large."""
    fresh = run.gateway.published() - run.before - run.named
    for one in fresh:
        check(os.path.getsize(one) == size, f"a file has {os.path.getsize(one)} bytes")
        if content is not None:
            with open(one, "rb") as file:
                check(all(file.read(len(content)) == content for _ in range(50)), "a file has other bytes")
        os.truncate(one, 0)
    run.named |= fresh
    now = quota(run.gateway, "/large")
    wanted = (before[0], before[1] + len(fresh) * size)
    check(now == wanted, f"reserved and used are {now}, and {wanted} with {len(fresh)} files more")
