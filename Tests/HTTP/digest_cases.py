"""D: digests that answers tell because the client wants them (RFC 9530)."""

import json
import os

from form_cases import file_part, form
from gateway import MIB
from resumable_cases import drafts, final
from resumable_fault_cases import digest
from rows import ABSENT, OCTETS, case, check, must, path

WISH = {"Want-Repr-Digest": "sha-256=1"}
OTHERS = ("sha-512=10", "md5=3, unixsum=1", "sha-256", "sha-256=0.5", "nonsense=", "", "sha-256=11")


def takes_note(run):
    """How many files are new in the stores."""
    fresh = run.gateway.published() - run.before - run.named
    run.named |= fresh
    return len(fresh)


@case("D01", "PUT with Want-Repr-Digest, with others, and without", "201 with Repr-Digest; without; HEAD as the PUT")
def _(run):
    told = {"Repr-Digest": digest(b"hello")}
    for fields in (WISH, {"Want-Repr-Digest": "sha-512=10, sha-256=10"}):
        upload = path(must(run.ask("PUT", "/files/x", fields, b"hello"), 201, told))
        run.stored(b"hello")
        must(run.ask("HEAD", upload), (200, 204), told)
        must(run.tus("HEAD", upload), (200, 204), told)
        must(run.ask("HEAD", upload, {"Want-Repr-Digest": "sha-256=0"}), (200, 204), {"Repr-Digest": ABSENT})
        for variant, draft in drafts(run):
            with variant:
                must(draft.head(upload), (200, 204), told)
    for wish in (None, "sha-256=0", *OTHERS):
        with run.variant(str(wish)):
            fields = {} if wish is None else {"Want-Repr-Digest": wish}
            upload = path(must(run.ask("PUT", "/files/x", fields, b"hello"), 201, {"Repr-Digest": ABSENT}))
            run.stored(b"hello")
            must(run.ask("HEAD", upload, WISH), (200, 204), {"Repr-Digest": ABSENT})


@case("D02", "PUT of 3 MiB to each kind of route, with the wish or not", "Repr-Digest where wished, or computed anyway")
def _(run):
    content = os.urandom(3 * MIB)
    for route, is_known in (("/files", False), ("/gz", False), ("/dig", True), ("/pipe", False)):
        for fields in ({}, WISH, {"Want-Repr-Digest": "sha-256=0"}):
            with run.variant(f"{route} {fields}"):
                is_told = fields == WISH or is_known and not fields
                answer = run.ask("PUT", f"{route}/x", fields, content)
                must(answer, 201, {"Repr-Digest": digest(content) if is_told else ABSENT})
                if route != "/pipe":
                    run.stored(content)


@case("D03", "tus in one request, and in pieces with the wish", "Repr-Digest with the one that completes; HEAD")
def _(run):
    content = os.urandom(300_000)
    told, fields = {"Repr-Digest": digest(content)}, {"Upload-Length": 300_000, "Content-Type": OCTETS, **WISH}
    for how in ({"body": content}, {"chunks": [content[:1000], content[1000:]]}):
        upload = path(must(run.tus("POST", "/files", fields, **how), 201, told))
        run.stored(content)
        run.head(upload, fields=told)
    upload = path(must(run.tus("POST", "/files", fields, content[:1000]), 201, {"Repr-Digest": ABSENT}))
    must(run.patch(upload, 1000, content[1000:2000], WISH), 204, {"Repr-Digest": ABSENT})
    run.head(upload, fields={"Repr-Digest": ABSENT})
    must(run.patch(upload, 2000, content[2000:], WISH), 204, told)
    run.stored(content)
    run.head(upload, fields=told)
    must(run.patch(upload, 300_000, b""), 204, told)
    upload = run.create(300_000)
    must(run.patch(upload, 0, content), 204, {"Repr-Digest": ABSENT})
    run.stored(content)


@case("D04", "each version: ?1 in one request, and ?0 and then ?1, with the wish", "Repr-Digest with ?1; HEAD")
def _(run):
    content = os.urandom(100_000)
    told = {"Repr-Digest": digest(content)}
    for variant, draft in drafts(run):
        with variant:
            must(final(draft.post(True, content, WISH), draft), 201, told)
            run.stored(content)
            upload = path(must(draft.post(False, content[:1000], WISH), 201, {"Repr-Digest": ABSENT}))
            must(draft.patch(upload, 1000, False, content[1000:], WISH), (201, 204), {"Repr-Digest": ABSENT})
            final(must(draft.patch(upload, 100_000, True, b"", WISH), (200, 201, 204), told), draft)
            run.stored(content)
            must(draft.head(upload), (200, 204), told)
            if draft.rules >= 9:
                must(draft.patch(upload, 100_000, True), (200, 201, 204), told)


@case("D05", "a form of two files, with and without the wish", "201, a repr-digest for each; none")
def _(run):
    for fields in (WISH, {}):
        media, body = form(file_part('filename="a"', b"one"), file_part('filename="b"', b"two"))
        files = json.loads(must(run.ask("POST", "/files", {**media, **fields}, body), 201).body)["files"]
        wanted = [digest(one) if fields else None for one in (b"one", b"two")]
        check([one.get("repr-digest") for one in files] == wanted, f"the answer is {files}")
        check(takes_note(run) == 2, "not two files")


@case("D06", "Want-Content-Digest where the answer has content, and where it has none", "Content-Digest of it; none")
def _(run):
    wish = {"Want-Content-Digest": "sha-256=1"}
    media, body = form(file_part('filename="a"'))
    for method, target, fields, content in (
        ("POST", "/dig", media, body),
        ("PUT", "/pipe/x", {}, b"hello"),
        ("PUT", "/nosuch/x/y", {}, b"hello"),
        ("GET", "/files", {"Accept": "text/html"}, None),
    ):
        with run.variant(f"{method} {target}"):
            answer = run.ask(method, target, {**fields, **wish}, content)
            check(answer.body, f"no body: {answer}")
            must(answer, answer.status, {"Content-Digest": digest(answer.body)})
            for more in ({}, {"Want-Content-Digest": "sha-512=1"}):
                must(run.ask(method, target, {**fields, **more}, content), answer.status, {"Content-Digest": ABSENT})
    takes_note(run)
    must(run.ask("PUT", "/files/x", wish, b"hello"), 201, {"Content-Digest": ABSENT})
    run.stored(b"hello")


@case("D07", "OPTIONS", "Want-Repr-Digest and Want-Content-Digest with sha-256; of a pipe the first alone")
def _(run):
    for route, content in (("/files", "sha-256=10"), ("/pipe", ABSENT)):
        must(run.ask("OPTIONS", route), 200, {"Want-Repr-Digest": "sha-256=10", "Want-Content-Digest": content})
