"""P15 to P17: the page, and pages of others."""

import base64
import hashlib
import re

from gateway import ORIGIN
from rows import ABSENT, ANY, case, check, must


@case("P15", "GET /files, Accept: text/html", "the page; its policy's hashes match, it asks nobody else")
def _(run):
    answer = must(
        run.ask("GET", "/files", {"Accept": "text/html,*/*;q=0.8"}),
        200,
        {
            "Content-Type": re.compile("^text/html"),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": re.compile("default-src 'none'"),
        },
    )
    policy = answer["Content-Security-Policy"]
    check("unsafe" not in policy, f"the policy is {policy}")
    for tag in (b"script", b"style"):
        blocks = re.findall(rb"<%s[^>]*>(.*?)</%s>" % (tag, tag), answer.body, re.DOTALL)
        check(blocks, f"no {tag.decode()} in the page")
        for block in blocks:
            wanted = f"'sha256-{base64.b64encode(hashlib.sha256(block).digest()).decode()}'"
            check(wanted in policy, f"the policy has no hash {wanted} of a {tag.decode()}: {policy}")
    foreign = re.findall(rb"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//[^"' >]+""", answer.body)
    check(not foreign, f"the page asks {foreign}")
    must(run.ask("HEAD", "/files", {"Accept": "text/html"}), 200, {"Content-Length": len(answer.body)})
    if answer["ETag"]:
        must(run.ask("GET", "/files", {"Accept": "text/html", "If-None-Match": answer["ETag"]}), (200, 304))


@case("P16", "GET /files, Accept: application/json; GET /nosuch", "406 problem; 404")
def _(run):
    must(run.ask("GET", "/files", {"Accept": "application/json"}), 406, {"Content-Type": "application/problem+json"})
    must(run.ask("GET", "/nosuch", {"Accept": "text/html"}), 404)


@case("P17", "preflight from an origin in the list, and from another", "allowed with the fields; no fields")
def _(run):
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "tus-resumable,upload-offset"}
    allowed = {
        "Access-Control-Allow-Origin": ORIGIN,
        "Access-Control-Allow-Methods": re.compile("PATCH"),
        "Access-Control-Allow-Headers": re.compile("(?i)upload-offset"),
        "Access-Control-Max-Age": "7200",
        "Vary": re.compile("(?i)origin"),
    }
    must(run.ask("OPTIONS", "/files", {"Origin": ORIGIN, **asked}), (200, 204), allowed)
    refused = {name: ABSENT for name in allowed if name != "Vary"}
    must(run.ask("OPTIONS", "/files", {"Origin": "https://other.example", **asked}), range(200, 500), refused)
    must(run.ask("OPTIONS", "/keep", {"Origin": ORIGIN, **asked}), range(200, 500), refused)
    answer = run.tus("POST", "/files", {"Upload-Length": 5, "Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, b"")
    exposed = must(answer, 201, {"Access-Control-Allow-Origin": ORIGIN, "Access-Control-Expose-Headers": ANY})
    names = {one.strip().lower() for one in exposed["Access-Control-Expose-Headers"].split(",")}
    needed = {"location", "upload-offset", "upload-length", "tus-resumable", "upload-complete"}
    check(needed <= names, f"exposed {names}")


@case("P17 writes", "PUT from foreign pages", "403 unless the origin is listed or the page's own")
def _(run):
    for fields, status in (
        ({"Origin": "https://other.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://other.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://other.example"}, 403),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, 201),
        ({"Origin": f"https://{run.host}", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": f"https://{run.host}"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
    ):
        with run.variant(str(fields)):
            must(run.ask("PUT", "/files/x", fields, b"hello"), status)
            if status == 201:
                run.stored(b"hello")
