"""P13 to P24: forms."""

import json
import os
import re

from client import message
from gateway import LIMIT, MIB
from plain_cases import file_of, taken_by_curl
from rows import case, check, must, nothing_left, something_arrives


def form(*parts, boundary="xyzzy", preamble=b""):
    """A form's bytes; each part is its head's lines and its bytes."""
    body = preamble
    for head, content in parts:
        body += b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), content)
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body + b"--%s--\r\n" % boundary.encode()


def file_part(filename, content=b"hello"):
    return f'Content-Disposition: form-data; name="file"; {filename}\r\nContent-Type: application/octet-stream', content


@case("P13", "forms with odd file names", "201; labels as the browser meant them")
def _(run):
    for filename, label in (
        ('filename="a.txt"', "a.txt"),
        (r'filename="a\"b.txt"', 'a"b.txt'),
        ('filename="a%22b.txt"', 'a"b.txt'),
        ('filename="\u00e2\u0082\u00ac.txt"', "€.txt"),
        ("filename*=UTF-8''%E2%82%AC.txt", "€.txt"),
        ('filename="C:\\a\\b.txt"', "b.txt"),
        ('filename="/etc/passwd"', "passwd"),
        ('filename="<img>.txt"', "<img>.txt"),
    ):
        with run.variant(filename):
            head, content = file_part(filename)
            fields, body = form((head, content))
            body = body.replace(head.encode(), head.encode("latin-1"))
            must(run.ask("POST", "/dig", fields, body), (200, 201), {"Content-Type": re.compile("^application/json")})
            check((got := run.label(b"hello")) == label, f"the label is {got!r}, expected {label!r}")


@case("P13 several", "a form of a field, two files and an empty choice", "201, JSON of both files")
def _(run):
    content = os.urandom(300_000)
    fields, body = form(
        ('Content-Disposition: form-data; name="text"', b"a word"),
        file_part('filename="a"', content),
        file_part('filename="b"', content[:7]),
        file_part('filename=""', b""),
    )
    answer = must(run.ask("POST", "/dig", fields, body), (200, 201))
    shown = json.loads(answer.body)
    check(len(shown if isinstance(shown, list) else shown.get("files", [])) == 2, f"the answer is {shown}")
    kept = {
        run.gateway.content(one): run.gateway.sidecar(one)["name"]
        for one in run.gateway.published() - run.before - run.named
    }
    run.named |= run.gateway.published()
    check(kept == {content: "a", content[:7]: "b"}, f"the store has {[(len(key), name) for key, name in kept.items()]}")


@case("P13 delimiter", "a file that looks like the delimiter; a form chunked by one byte", "every byte")
def _(run):
    content = b"\r\n--xyzz\r\n-xyzzy\r\r\n-\r\n--\r\n--xyzz\n--xyzzy\r\n --xyzzy--\r\r"
    fields, body = form(file_part('filename="a"', content), preamble=b"before\r\n")
    must(run.ask("POST", "/files", fields, body), (200, 201))
    run.stored(content)
    must(run.ask("POST", "/files", fields, None, chunks=[body[at : at + 1] for at in range(len(body))]), (200, 201))
    run.stored(content)


@case("P13 broken", "forms that end early, have no boundary, or no file", "400, nothing stored")
def _(run):
    fields, body = form(file_part('filename="a"'))
    for name, more, sent in (
        ("no end", fields, body[:-6]),
        ("no boundary", {"Content-Type": "multipart/form-data"}, body),
        ("empty", fields, b""),
        ("no head's end", fields, body[:40]),
        ("other boundary", {"Content-Type": "multipart/form-data; boundary=other"}, body),
        ("boundary goes on", fields, body.replace(b"hello", b"hello\r\n--xyzzyA")),
        ("long boundary", {"Content-Type": f"multipart/form-data; boundary={'b' * 71}"}, body),
    ):
        with run.variant(name):
            must(run.ask("POST", "/files", more, sent), (400, 422))
            run.nothing_stored()


@case("P13 large", "a form whose second file is beyond the limit", "413, what is complete is told")
def _(run):
    fields, body = form(file_part('filename="a"'), file_part('filename="b"', bytes(LIMIT + 1)))
    answer = must(run.ask("POST", "/files", fields, body), 413)
    check("completed" in json.loads(answer.body), f"no member `completed`: {answer.body!r}")
    run.stored(b"hello")


@case("P13 curl", "curl -F file=@f -F file=@g", "201, both files")
def _(run):
    one, other = os.urandom(MIB), os.urandom(70_000)
    taken_by_curl(
        run,
        "-F",
        f"file=@{file_of(run, 'one.bin', one)}",
        "-F",
        f"file=@{file_of(run, 'other.bin', other)}",
        f"{run.gateway.origin}/files",
    )
    kept = {run.gateway.content(path) for path in run.gateway.published() - run.before}
    run.named |= run.gateway.published()
    check(kept == {one, other}, "other files are in the store")


@case("P24", "a form without script, a file called <img>", "an HTML answer, the name escaped")
def _(run):
    fields, body = form(file_part('filename="<img src=x>.txt"'))
    answer = run.ask("POST", "/files", {**fields, "Accept": "text/html,application/xhtml+xml"}, body)
    must(answer, (200, 201), {"Content-Type": re.compile("^text/html"), "X-Content-Type-Options": "nosniff"})
    check(b"<img" not in answer.body and b"&lt;img" in answer.body, f"not escaped: {answer.body[:600]!r}")
    run.stored(b"hello")


@case("P14", "forms with Expect: right, without a token, without a route", "100 and 201; 401 and 404 without 100")
def _(run):
    fields, body = form(file_part('filename="a"'))
    for route, status, interim in (("/files", 201, True), ("/auth", 401, False), ("/nosuch", 404, False)):
        with run.variant(route), run.connect() as connection:
            more = {**fields, "Expect": "100-continue", "Content-Length": len(body)}
            connection.send(message("POST", route, more, host=run.host))
            if interim:
                must(connection.head(), 100)
                connection.send(body)
            answer = must(connection.answer(), status)
            check(not answer.interim, f"100 before it: {answer}")
            if status == 201:
                run.stored(b"hello")


@case("P14 auth", "a form to /auth: no token; the wrong one; no file and no token", "401 each")
def _(run):
    fields, body = form(file_part('filename="a"'))
    bare, nothing = form(('Content-Disposition: form-data; name="a"', b"b"))
    must(run.ask("POST", "/auth", fields, body), 401)
    must(run.ask("POST", "/auth", {**fields, "Authorization": "Bearer x"}, body), 401)
    must(run.ask("POST", "/auth", bare, nothing), 401)
    must(run.ask("POST", "/auth", {**fields, "Authorization": "Bearer a"}, body), 201)
    run.stored(b"hello")


@case("P14 field", "a form whose field has 30 MB, no file", "4xx, less than 20 MB read")
def _(run):
    fields, body = form(('Content-Disposition: form-data; name="a"', bytes(30_000_000)))
    before = run.gateway.bytes_read()
    must(run.ask("POST", "/files", fields, body), range(400, 500))
    check((read := run.gateway.bytes_read() - before) < 20_000_000, f"{read} bytes read")


@case("P14 cut", "a form cut in its second file", "the first is kept, nothing left of the second")
def _(run):
    fields, body = form(file_part('filename="a"'), file_part('filename="b"', bytes(500_000)))
    others = run.gateway.unfinished("/dig")  # Parts of earlier rows, which stay until they expire.
    with run.connect() as connection:
        connection.send(
            message("POST", "/dig", {**fields, "Content-Length": len(body)}, host=run.host) + body[:300_000]
        )
        run.stored(b"hello")
        something_arrives(run, "/dig", besides=others)
        connection.cut()
    nothing_left(run, "/dig", besides=others)


@case("P14 gzip", "a form and a PUT to /gz, a form to /pipe", "201, the content right")
def _(run):
    content = os.urandom(300_000)
    fields, body = form(file_part('filename="a"', content))
    must(run.ask("POST", "/gz", fields, body), 201)
    run.stored(content)
    must(run.ask("PUT", "/gz/x", {}, content), 201)
    run.stored(content)
    must(run.ask("POST", "/pipe", fields, body), 201)
