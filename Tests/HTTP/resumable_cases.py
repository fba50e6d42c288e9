"""R01 to R20: resumable uploads for HTTP, in each interop version where its draft says something else."""

import re

from draft import VERSIONS, Words
from gateway import LIMIT
from rows import ANY, PARTIAL, case, check, must, path


class Draft(Words):
    """One interop version's words, and its requests."""

    def __init__(self, run, version):
        super().__init__(version)
        self.run = run

    def post(self, is_complete, body=b"", more=None, route="/files", **how):
        return self.run.ask("POST", route, self.fields(is_complete, more), body, **how)

    def patch(self, target, offset, is_complete, body=b"", more=None, **how):
        fields = {"Upload-Offset": offset, **(more or {})}
        if self.rules >= 6:
            fields.setdefault("Content-Type", PARTIAL)
        return self.run.ask("PATCH", target, self.fields(is_complete, fields), body, **how)

    def head(self, target, more=None):
        return self.run.ask("HEAD", target, self.fields(None, more))

    def create(self, body=b"", more=None, route="/files"):
        """The path of a new upload of which more comes."""
        return path(must(self.post(False, body, more, route), 201, {"Location": ANY, **self.unfinished()}))

    # What answers have to say

    def unfinished(self):
        return {self.field: self.complete(False)}

    def refused(self):
        """What a refusal says of an upload that is not complete."""
        return {self.field: "?0"} if self.rules >= 8 else {}

    def state(self, offset, is_complete):
        fields = {"Upload-Offset": offset, self.field: self.complete(is_complete), "Cache-Control": "no-store"}
        return {**fields, "Upload-Limit": ANY} if self.rules >= 8 and not is_complete else fields


def drafts(run, versions=(*VERSIONS, None)):
    """Each version as a variant of the row."""
    for version in versions:
        yield run.variant(f"V={version}"), Draft(run, version)


def is_104(one, draft):
    fields = {"Location": ANY, "Upload-Draft-Interop-Version": draft.version}
    must(one, 104, {**fields, "Upload-Limit": ANY} if draft.rules >= 8 else fields)


def final(answer, draft, status=(200, 201, 204)):
    """A final answer of a completed upload."""
    must(answer, status)
    if draft.rules >= 7:
        must(answer, status, {draft.field: "?1"})
    else:
        check(answer[draft.field] != draft.complete(False), f"a final answer says that it is incomplete: {answer}")
    return answer


def problem(name):
    return re.compile(re.escape(name))


@case("R01", "POST of the whole, 10 bytes", "104 with Location and V, then 2xx; the file is there")
def _(run):
    for variant, draft in drafts(run, VERSIONS):
        with variant:
            answer = draft.post(True, b"0123456789")
            check(len(answer.interim) >= 1, f"no 104: {answer}")
            is_104(answer.interim[0], draft)
            final(answer, draft, (200, 201))
            told = {one["Location"] for one in [*answer.interim, answer] if one["Location"]}
            check(len(told) == 1, f"several Locations: {answer}")
            run.stored(b"0123456789")


@case("R02", "as R01 without a version, or with one that is unknown", "no 104, else the newest rules")
def _(run):
    for version in (None, "2", "99", "x", "?1", ""):
        with run.variant(f"V={version}"):
            fields = {"Upload-Complete": "?1"} | ({} if version is None else {"Upload-Draft-Interop-Version": version})
            answer = run.ask("POST", "/files", fields, b"0123456789")
            check(not answer.interim, f"interim answers: {answer}")
            must(answer, (200, 201), {"Upload-Complete": "?1"})
            run.stored(b"0123456789")
        with run.variant(f"V={version}, ?0"):
            fields["Upload-Complete"] = "?0"
            must(run.ask("POST", "/files", fields, b"0123456789"), 201, {"Location": ANY, "Upload-Complete": "?0"})
            run.nothing_stored()


@case("R03", "V=3 POST, Upload-Incomplete: ?0 and ?1", "complete; 201 with Upload-Incomplete: ?1 and the offset")
def _(run):
    draft = Draft(run, 3)
    final(draft.post(True, b"01234"), draft)
    run.stored(b"01234")
    must(draft.post(False, b"01234"), 201, {"Upload-Incomplete": "?1", "Upload-Offset": 5, "Location": ANY})


@case("R04", "POST of nothing yet", "201, Location, incomplete; Upload-Limit from 6 on")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            limit = {"Upload-Limit": re.compile(f"max-size={LIMIT}")} if draft.rules >= 6 else {}
            offset = {"Upload-Offset": 0} if draft.rules <= 6 else {}
            must(draft.post(False), 201, {"Location": ANY, **draft.unfinished(), **limit, **offset})


@case("R05 R06", "POST ?0 with all 4 bytes -> HEAD -> empty PATCH ?1", "not complete before the ?1")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            length = {"Upload-Length": 4} if draft.rules >= 6 else {}
            upload = draft.create(b"0123", length)
            must(draft.head(upload), (200, 204), {**draft.state(4, False), **length})
            run.nothing_stored()
            final(draft.patch(upload, 4, True), draft)
            run.stored(b"0123")
            must(draft.head(upload), (200, 204), draft.state(4, True))


@case("R07", "PATCH ?0, then ?1", "201 (to 6) or 204 (from 7); then final")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create()
            must(
                draft.patch(upload, 0, False, b"0123"),
                201 if draft.rules <= 6 else 204,
                {**draft.unfinished(), **({"Upload-Offset": 4} if draft.rules <= 6 else {})},
            )
            final(draft.patch(upload, 4, True, b"456789"), draft)
            run.stored(b"0123456789")


@case("R08", "PATCH of another media type", "415 from 6 on, taken before")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create()
            answer = draft.patch(upload, 0, True, b"01234", {"Content-Type": "text/plain"})
            if draft.rules >= 6:
                must(answer, 415, draft.refused())
                must(draft.head(upload), (200, 204), {"Upload-Offset": 0})
            else:
                final(answer, draft)
                run.stored(b"01234")


@case("R09", "PATCH that does not say whether it is the end", "the end to 6, 400 from 7 on")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            answer = draft.patch(draft.create(), 0, None, b"01234")
            if draft.rules >= 7:
                must(answer, 400, draft.refused())
            else:
                final(answer, draft)
                run.stored(b"01234")


@case("R10", "PATCH at another offset", "409, the offset, its problem type")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create(b"0123")
            answer = draft.patch(upload, 5, True, b"56789")
            body = problem("mismatching-upload-offset") if draft.rules >= 6 else None
            must(answer, 409, {"Upload-Offset": 4, **draft.refused()}, body)
            must(draft.head(upload), (200, 204), draft.state(4, False))


@case("R11", "HEAD", "204 (200 from 5 on): offset, completeness, length, limit, no-store")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            length = {"Upload-Length": 9} if draft.rules >= 6 else {}
            upload = draft.create(b"0123", length)
            must(draft.head(upload), 204 if draft.rules < 5 else (200, 204), {**draft.state(4, False), **length})


@case("R12", "HEAD with an offset or completeness", "400 to 6, ignored from 7 on")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create(b"0123")
            for more in ({"Upload-Offset": 0}, {draft.field: draft.complete(True)}):
                answer = draft.head(upload, more)
                must(answer, 400) if draft.rules <= 6 else must(answer, (200, 204), draft.state(4, False))


@case("R14", "POST ?1 with two lengths that differ", "400 inconsistent-upload-length from 6 on")
def _(run):
    for variant, draft in drafts(run, (*range(6, 11), None)):
        with variant:
            answer = draft.post(True, b"0123456789", {"Upload-Length": 9})
            must(answer, 400, draft.refused(), problem("inconsistent-upload-length"))


@case("R16", "more than Upload-Length, chunked; 5 times", "400; the upload is invalid from 8 on")
def _(run):
    for variant, draft in drafts(run, (*range(6, 11), None)):
        with variant:
            for _ in range(5):
                upload = draft.create(b"", {"Upload-Length": 5})
                answer = draft.patch(upload, 0, True, None, chunks=[b"0123", b"4567"])
                must(answer, 400, draft.refused(), problem("inconsistent-upload-length"))
                if draft.rules >= 8:
                    must(draft.head(upload), range(400, 500))
                    must(draft.patch(upload, 0, True, b"01234"), range(400, 500))


@case("R17", "PATCH with bytes to a complete upload", "4xx, with the version's problem type")
def _(run):
    types = {6: "completed-upload", 7: "completed-upload", 8: "inconsistent-upload-length"}
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create(b"01234")
            final(draft.patch(upload, 5, True), draft)
            run.stored(b"01234")
            name = types.get(draft.version)
            must(draft.patch(upload, 5, True, b"567"), range(400, 500), None, name and problem(name))


@case("R18", "empty PATCH ?1 to a complete upload", "400 to 7, 4xx in 8, the final answer again from 9 on")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create(b"01234")
            final(draft.patch(upload, 5, True), draft)
            run.stored(b"01234")
            answer = draft.patch(upload, 5, True)
            if draft.rules >= 9:
                final(answer, draft)
            else:
                must(answer, range(400, 500) if draft.rules == 8 else (400, 404))


@case("R19", "DELETE", "204, then 404; to 6 with an offset 400")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            upload = draft.create(b"0123")
            if draft.rules <= 6:
                must(run.ask("DELETE", upload, draft.fields(None, {"Upload-Offset": 0})), 400)
            must(run.ask("DELETE", upload, draft.fields()), 204)
            must(run.ask("DELETE", upload, draft.fields()), 404)
            must(draft.head(upload), (404, 410))


@case("R20", "OPTIONS /files", "200, Upload-Limit from 6 on; Accept-Patch for 8")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            accepts = {"Accept-Patch": re.compile(re.escape(PARTIAL))} if draft.version == 8 else {}
            limit = {"Upload-Limit": re.compile(f"max-size={LIMIT}(,|;|$)")} if draft.rules >= 6 else {}
            must(run.ask("OPTIONS", "/files", draft.fields()), 200, {**limit, **accepts})


@case("R20 PUT", "PUT /files/name ?1, PUT ?0 and PATCH", "as POST")
def _(run):
    for variant, draft in drafts(run):
        with variant:
            final(run.ask("PUT", "/files/name", draft.fields(True), b"hello"), draft)
            run.stored(b"hello")
            answer = must(run.ask("PUT", "/files/name", draft.fields(False), b"hel"), 201, {"Location": ANY})
            final(draft.patch(path(answer), 3, True, b"lo"), draft)
            run.stored(b"hello")
