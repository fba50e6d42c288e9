"""T92: complete uploads that are removed. K: routes on which an upload's URL is the right to it."""

import json
import os
import time

from form_cases import file_part, form
from gateway import MIB, ORIGIN
from resumable_cases import drafts, final
from rows import ABSENT, ANY, OCTETS, case, check, must, path

ALICE, BOB = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}
WRONG = ({"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTph"}, {"Authorization": "Bearer"})
GONE = (404, 410)


def put(run, route, content=b"hello", fields=None):
    """A complete upload: its path, and its file."""
    return path(must(run.ask("PUT", f"{route}/x", fields or {}, content), 201)), run.stored(content)


def is_away(place):
    check(not os.path.exists(place), "the file is still there")
    check(not os.path.exists(f"{place}.json"), "the file's sidecar is still there")


# Removing


@case("T92", "a complete upload on /files -> DELETE -> HEAD, DELETE", "204; gone; the file is gone")
def _(run):
    upload = run.create(5)
    must(run.patch(upload, 0, b"hello"), 204)
    place = run.stored(b"hello")
    must(run.tus("DELETE", upload), 204)
    is_away(place)
    run.head(upload, GONE)
    must(run.tus("DELETE", upload), GONE)
    must(run.patch(upload, 5, b""), GONE)


@case("T92 kinds", "the same without tus, where files are compressed, named, have sidecars", "204; gone; all of it")
def _(run):
    for route in ("/files", "/gz", "/dig", "/keys"):
        with run.variant(route):
            upload, place = put(run, route, fields=ALICE)
            must(run.ask("DELETE", upload, ALICE), 204)
            is_away(place)
            must(run.ask("HEAD", upload, ALICE), GONE)


@case("T92 drafts", "a complete upload of each version -> DELETE -> HEAD", "204; gone; the file is gone")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create(b"hello")
            final(draft.patch(upload, 5, True), draft)
            place = run.stored(b"hello")
            must(run.ask("DELETE", upload, draft.fields()), 204)
            is_away(place)
            must(draft.head(upload), GONE)


@case("T92 quota", "uploads that fill their quota, removed one after the other", "the quota is free each time")
def _(run):
    for _ in range(3):
        upload, _ = put(run, "/quota", bytes(MIB))
        must(run.ask("PUT", "/quota/y", {}, bytes(MIB)), 507)
        must(run.ask("DELETE", upload), 204)
        must(run.ask("DELETE", upload), GONE)
    upload, _ = put(run, "/quota", bytes(MIB))
    must(run.ask("PUT", "/quota/y", {}, b"1"), 507)
    must(run.ask("DELETE", upload), 204)


@case("T92 taken", "its consumer has taken the file away -> DELETE -> HEAD", "204; gone")
def _(run):
    for route in ("/files", "/keys"):
        with run.variant(route):
            upload, place = put(run, route, fields=ALICE)
            os.remove(place)
            must(run.ask("DELETE", upload, ALICE), 204)
            is_away(place)
            must(run.ask("HEAD", upload, ALICE), GONE)


@case("T92 others", "DELETE of alice's complete upload by others", "404 with bob's token, 401 with a wrong one")
def _(run):
    upload, place = put(run, "/keys", fields=ALICE)
    must(run.ask("DELETE", upload, BOB), 404)
    for fields in WRONG:
        must(run.ask("DELETE", upload, fields), 401)
    check(os.path.exists(place), "the file is gone")
    must(run.ask("HEAD", upload, ALICE), (200, 204), {"Upload-Offset": 5})
    must(run.ask("DELETE", upload, ALICE), 204)


@case("T92 killed", "DELETE, 204 read -> kill -9 -> start -> HEAD", "gone; the file is gone")
def _(run):
    upload, place = put(run, "/dig")
    must(run.ask("DELETE", upload), 204)
    run.gateway.kill()
    run.gateway.start()
    is_away(place)
    must(run.ask("HEAD", upload), GONE)


@case("T92 in between", "DELETE that cannot remove the file -> kill -9 -> it can be removed -> start", "gone; it is swept")
def _(run):
    upload, place = put(run, "/keys", fields=ALICE)
    os.rename(place, f"{place}.aside")
    os.mkdir(place)
    must(run.ask("DELETE", upload, ALICE), 500)
    must(run.ask("HEAD", upload, ALICE), 410)
    run.gateway.kill()
    # What a crash between the ledger and the disk leaves.
    os.rmdir(place)
    os.rename(f"{place}.aside", place)
    run.gateway.start()
    deadline = time.monotonic() + 5
    while os.path.exists(f"{place}.json") and time.monotonic() < deadline:
        time.sleep(0.05)
    is_away(place)
    while (answer := run.ask("HEAD", upload, ALICE)).status == 410 and time.monotonic() < deadline:
        time.sleep(0.05)
    must(answer, 404)


@case("T92 foreign", "DELETE of a complete upload by another page's script", "403; 204 from an origin in the list")
def _(run):
    upload, place = put(run, "/files")
    must(run.ask("DELETE", upload, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}), 403)
    check(os.path.exists(place), "the file is gone")
    must(run.ask("DELETE", upload, {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}), 204)
    is_away(place)


# Keys


@case("K01", "alice creates on /keys; HEAD, PATCH, DELETE by the URL alone", "as if alice asked; the file is alice's")
def _(run):
    upload = run.create(10, "/keys", **ALICE)
    run.head(upload, fields={"Upload-Offset": 0})
    must(run.ask("GET", upload), (200, 204), {"Upload-Offset": 0})
    must(run.patch(upload, 0, b"01234"), 204, {"Upload-Offset": 5})
    must(run.patch(upload, 5, b"56789", ALICE), 204, {"Upload-Offset": 10})
    place = run.stored(b"0123456789")
    must(run.tus("HEAD", upload, ALICE), (200, 204), {"Upload-Offset": 10})
    must(run.tus("DELETE", upload), 204)
    is_away(place)
    upload = run.create(5, "/keys", **ALICE)
    must(run.patch(upload, 0, b"hello"), 204)
    place = run.stored(b"hello")
    check("/token_alice/" in place or "/token:alice/" in place, f"it is at {place}")
    with open(f"{place}.json", encoding="utf-8") as file:
        check((client := json.load(file)["client"]) == "token:alice", f"it is called {client}'s")
    upload = run.create(5, "/keys", **ALICE)
    must(run.tus("DELETE", upload), 204)
    run.head(upload, GONE)


@case("K02", "HEAD, PATCH and DELETE with a wrong token, and with bob's", "401; 404; nothing changes")
def _(run):
    upload = run.create(5, "/keys", **ALICE)
    for fields, status in (*((one, 401) for one in WRONG), (BOB, 404)):
        with run.variant(str(fields)):
            must(run.tus("HEAD", upload, fields), status, {"Upload-Offset": ABSENT})
            must(run.patch(upload, 0, b"hello", fields), status)
            must(run.tus("DELETE", upload, fields), status)
    run.head(upload, fields={"Upload-Offset": 0})
    must(run.patch(upload, 0, b"hello"), 204, {"Upload-Offset": 5})
    run.stored(b"hello")


@case("K03", "what begins an upload on /keys without a token, and what names none", "401; 404")
def _(run):
    upload = run.create(5, "/keys", **ALICE)
    must(run.tus("POST", "/keys", {"Upload-Length": 5}, b""), 401)
    must(run.tus("POST", "/keys", {"Upload-Length": 5, "Content-Type": OCTETS}, b"hello"), 401)
    must(run.ask("PUT", "/keys/x", {}, b"hello"), 401)
    must(run.ask("PUT", upload, {}, b"hello"), 401)
    must(run.ask("POST", "/keys", *form(file_part('filename="a"'))), 401)
    for variant, draft in drafts(run):
        with variant:
            must(draft.post(False, route="/keys"), 401)
    unknown = "/keys/" + "k" * 32
    run.head(unknown, 404)
    must(run.patch(unknown, 0, b"hello"), 404)
    must(run.tus("DELETE", unknown), 404)
    # A key of another route is none here.
    run.head("/keys/" + run.create(5).rsplit("/", 1)[1], 404)


@case("K04", "each version: alice creates; HEAD, PATCH ?0, PATCH ?1 by the URL alone", "it goes on, the file is right")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create(b"0123", ALICE, "/keys")
            must(draft.head(upload), (200, 204), draft.state(4, False))
            must(draft.head(upload, BOB), 404)
            must(draft.patch(upload, 4, False, b"45", WRONG[0]), 401)
            must(draft.patch(upload, 4, False, b"45"), (201, 204))
            final(draft.patch(upload, 6, True, b"67"), draft)
            run.stored(b"01234567")


@case("K05", "PATCH by the URL from pages of others", "403; taken from an origin in the list")
def _(run):
    upload = run.create(5, "/keys", **ALICE)
    must(run.patch(upload, 0, b"hello", {"Origin": "https://evil.example"}), 403)
    must(run.patch(upload, 0, b"hello", {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}), 204, {"Upload-Offset": ANY})
    run.stored(b"hello")


@case("K06", "alice's upload on /auth, which has no keys", "401 by the URL alone")
def _(run):
    upload = run.create(5, "/auth", **ALICE)
    run.head(upload, 401)
    must(run.patch(upload, 0, b"hello"), 401)
    must(run.tus("DELETE", upload), 401)
