"""H01 to H34: HTTP/1.1 itself, each on a fresh connection."""

import re
import ssl
import time

from client import message
from rows import case, check, must

PUT = "PUT /files/x HTTP/1.1\r\nHost: localhost\r\n"


def refused(run, sent, statuses, name=None):
    """4xx, then closed, no second answer, nothing stored."""
    with run.variant(name or repr(sent[:160])), run.connect() as connection:
        connection.send(sent if isinstance(sent, bytes) else sent.encode("latin-1"))
        answer = must(connection.answer(), statuses)
        # What a close leaves of the request must not be an upload.
        check(connection.is_closed(), f"not closed, or a second answer, after {answer}")
        run.nothing_stored()


@case("H01", "Content-Length and Transfer-Encoding", "400")
def _(run):
    refused(run, PUT + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
    refused(run, PUT + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nPUT /files/y HTTP/1.1\r\n", 400)


@case("H02", "two Content-Length, equal and different; a list", "400")
def _(run):
    for fields in (
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
    ):
        refused(run, f"{PUT}{fields}\r\n\r\nhello", 400, fields)


@case("H03", "a Content-Length that is no number", "400")
def _(run):
    for value in (
        "+5",
        "-5",
        "0x5",
        "5 5",
        "",
        "18446744073709551616",
        "18446744073709551615",
        "9223372036854775808",
        "5a",
    ):
        refused(run, f"{PUT}Content-Length: {value}\r\n\r\nhello", (400, 413), value)


@case("H05", "Transfer-Encodings that are not `chunked` alone", "400 (501)")
def _(run):
    for value in (
        "chunked, chunked",
        "xchunked",
        "identity",
        "chunked, gzip",
        "gzip, chunked",
        "gzip",
        "",
        "chunked;a=b",
    ):
        refused(run, f"{PUT}Transfer-Encoding: {value}\r\n\r\n5\r\nhello\r\n0\r\n\r\n", (400, 501), value)
    twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
    refused(run, f"{PUT}{twice}\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, "two fields")
    old = PUT.replace("1.1", "1.0")
    refused(run, f"{old}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, "1.0")


@case("H08", "space before a colon, obs-fold, bare LF, bare CR, NUL", "400")
def _(run):
    for name, sent in (
        ("space", PUT + "Content-Length : 5\r\n\r\nhello"),
        ("fold", PUT + "A: b\r\n c\r\nContent-Length: 5\r\n\r\nhello"),
        ("bare LF", PUT.replace("\r\n", "\n") + "Content-Length: 5\n\nhello"),
        ("one bare LF", PUT + "A: b\nContent-Length: 5\r\n\r\nhello"),
        ("bare CR", PUT + "A: b\rc\r\nContent-Length: 5\r\n\r\nhello"),
        ("NUL", PUT + "A: b\0c\r\nContent-Length: 5\r\n\r\nhello"),
        ("no colon", PUT + "A\r\nContent-Length: 5\r\n\r\nhello"),
        ("control", PUT + "A: b\x01c\r\nContent-Length: 5\r\n\r\nhello"),
        ("empty name", PUT + ": b\r\nContent-Length: 5\r\n\r\nhello"),
    ):
        refused(run, sent, 400, name)


@case("H09", "chunk sizes that are none", "400, nothing stored")
def _(run):
    head = PUT + "Transfer-Encoding: chunked\r\n\r\n"
    for name, rest in (
        ("+5", "+5\r\nhello\r\n0\r\n\r\n"),
        ("0x5", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("17 digits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("no CRLF", "5\r\nhelloX\r\n0\r\n\r\n"),
        ("-5", "-5\r\nhello"),
        ("empty", "\r\nhello"),
        ("5 ", "5 5\r\nhello\r\n0\r\n\r\n"),
        ("LF", "5\nhello\n0\n\n"),
        ("g", "g\r\nhello"),
    ):
        refused(run, head + rest, 400, name)


@case("H09 semicolon", "chunk size `5;` with nothing after it", "400, or taken as 5")
def _(run):
    with run.connect() as connection:
        connection.send((PUT + "Transfer-Encoding: chunked\r\n\r\n5;\r\nhello\r\n0\r\n\r\n").encode())
        if must(connection.answer(), (201, 400)).status == 201:
            run.stored(b"hello")


@case("H10", "no Host; two; not a host; another in an absolute target", "400")
def _(run):
    rest = "Content-Length: 5\r\n\r\nhello"
    for name, head in (
        ("none", "PUT /files/x HTTP/1.1\r\n"),
        ("two", PUT + "Host: localhost\r\n"),
        ("a b", "PUT /files/x HTTP/1.1\r\nHost: a b\r\n"),
        ("a/b", "PUT /files/x HTTP/1.1\r\nHost: a/b\r\n"),
        ("user", "PUT /files/x HTTP/1.1\r\nHost: u@localhost\r\n"),
        ("port", "PUT /files/x HTTP/1.1\r\nHost: localhost:x\r\n"),
        ("absolute", "PUT https://other/files/x HTTP/1.1\r\nHost: localhost\r\n"),
        ("fragment", "PUT /files/x#y HTTP/1.1\r\nHost: localhost\r\n"),
    ):
        refused(run, head + rest, 400, name)


@case("H10 absolute", "an absolute target with the same authority", "201")
def _(run):
    must(run.ask("PUT", f"https://{run.host}/files/x", {}, b"hello"), 201)
    run.stored(b"hello")


@case("H12", "a field of 9 KiB, 65 fields, 17 KiB in all, a target of 5 KiB", "431, 431, 431, 414")
def _(run):
    many = "".join(f"A{number}: b\r\n" for number in range(65))
    large = "".join(f"A{number}: {'b' * 3400}\r\n" for number in range(5))
    refused(run, f"{PUT}A: {'b' * 9216}\r\n\r\n", 431, "9 KiB")
    refused(run, f"{PUT}{many}\r\n", 431, "65 fields")
    refused(run, f"{PUT}{large}\r\n", 431, "17 KiB")
    refused(run, f"PUT /files/{'x' * 5120} HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "target")


@case("H12 trailers", "trailers of 17 KiB, and 65 of them", "431 or 400, nothing stored")
def _(run):
    head = PUT + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
    refused(run, head + "".join(f"A{number}: {'b' * 3400}\r\n" for number in range(6)) + "\r\n", (400, 431), "17 KiB")
    refused(run, head + "".join(f"A{number}: b\r\n" for number in range(70)) + "\r\n", (400, 431), "70 trailers")


@case("H15", "pipelined PUT, HEAD, DELETE", "three answers in order")
def _(run):
    upload = run.create(10)
    tus = {"Tus-Resumable": "1.0.0"}
    with run.connect() as connection:
        connection.send(
            message("PUT", "/files/x", {}, b"hello", host=run.host)
            + message("HEAD", upload, tus, host=run.host)
            + message("DELETE", upload, tus, host=run.host)
        )
        must(connection.answer("PUT"), 201)
        must(connection.answer("HEAD"), (200, 204), {"Upload-Offset": 0})
        must(connection.answer("DELETE"), 204)
    run.stored(b"hello")


@case("H15 many", "100 pipelined PUTs", "100 answers in order, 100 files")
def _(run):
    with run.connect() as connection:
        connection.send(
            b"".join(message("PUT", f"/dig/{number}", {}, b"%d" % number, host=run.host) for number in range(100))
        )
        for _ in range(100):
            must(connection.answer("PUT"), 201)
    fresh = run.gateway.published() - run.before
    run.named |= fresh
    got = sorted(run.gateway.content(one) for one in fresh)
    check(got == sorted(b"%d" % number for number in range(100)), f"{len(got)} files")


@case("H15 refused", "pipelined: a PUT that is refused, then a good one", "both answers, or the first and closed")
def _(run):
    with run.connect() as connection:
        connection.send(
            message("PUT", "/nosuch/x", {}, b"hello", host=run.host)
            + message("PUT", "/files/x", {}, b"hello", host=run.host)
        )
        must(connection.answer("PUT"), 404)
        must(connection.answer("PUT"), 201)
    run.stored(b"hello")


@case("H17", "Connection: close; HTTP/1.0 with and without keep-alive", "closed; closed; kept")
def _(run):
    for version, word, is_kept in (
        ("1.1", "close", False),
        ("1.0", None, False),
        ("1.0", "keep-alive", True),
        ("1.1", None, True),
    ):
        with run.variant(f"{version} {word}"), run.connect() as connection:
            sent = message(
                "PUT", "/files/x", {"Connection": word} if word else {}, b"hello", host=run.host, version=version
            )
            connection.send(sent)
            must(connection.answer("PUT"), 201)
            run.stored(b"hello")
            if is_kept:
                connection.send(sent)
                must(connection.answer("PUT"), 201)
                run.stored(b"hello")
            else:
                check(connection.is_closed(), "not closed")


@case("H17 no Host", "HTTP/1.0 without Host", "201, or 400")
def _(run):
    if must(run.ask("PUT", "/files/x", {}, b"hello", host=None, version="1.0"), (201, 400)).status == 201:
        run.stored(b"hello")


@case("H18", "Upgrade: h2c, websocket; CONNECT; TRACE", "ignored; ignored; 405 or 501")
def _(run):
    for word in ("h2c", "websocket"):
        with run.variant(word):
            must(run.ask("PUT", "/files/x", {"Upgrade": word, "Connection": "Upgrade"}, b"hello"), 201)
            run.stored(b"hello")
    for method, target in (("CONNECT", "localhost:1"), ("TRACE", "/files"), ("CONNECT", "/files"), ("FOO", "/files")):
        with run.variant(f"{method} {target}"):
            must(run.ask(method, target), (400, 405, 501) if target != "/files" or method == "FOO" else (405, 501, 400))


@case("H19", "OPTIONS *; versions 2.0, 1.2, 0.9", "200, 204 or 4xx; 400 or 505")
def _(run):
    must(run.ask("OPTIONS", "*"), (200, 204, 400, 404))
    for version in ("2.0", "0.9", "11", "1"):
        refused(
            run,
            f"PUT /files/x HTTP/{version}\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
            (400, 505),
            version,
        )


@case("H20", "TLS without ALPN: PUT; headers:; PRI *; a TLS record", "HTTP/1.1; x-stream; 400 and closed; closed")
def _(run):
    with run.variant("PUT"), run.connect(()) as connection:
        check(connection.protocol is None, f"the protocol is {connection.protocol}")
        connection.send(message("PUT", "/files/x", {}, b"hello", host=run.host))
        must(connection.answer("PUT"), 201)
        run.stored(b"hello")
    with run.variant("PUT a byte at a time"), run.connect(()) as connection:
        for byte in message("PUT", "/files/x", {}, b"hello", host=run.host):
            connection.send(bytes([byte]))
        must(connection.answer("PUT"), 201)
        run.stored(b"hello")
    with run.variant("headers:"), run.connect(()) as connection:
        connection.send(b"headers:nonsense")
        rest = connection.rest(12)
        check(not rest.startswith(b"HTTP/"), f"an answer of HTTP: {rest!r}")
    for name, sent in (("PRI", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ("TLS", b"\x16\x03\x01\x00\x05hello")):
        with run.variant(name), run.connect(()) as connection:
            connection.send(sent)
            rest = connection.rest(5)
            # What begins with no upper case letter is x-stream, whose refusal is a packet.
            taken = rb"(headers:\n|$)" if name == "TLS" else rb"HTTP/1.1 400 "
            check(re.match(taken, rest), f"got {rest[:200]!r}")
            check(rest.count(b"HTTP/1.1") <= 1, f"a second answer: {rest!r}")


@case("H21", "ALPN x-stream/1, http/1.1, both, and spdy/3", "each its own; no_application_protocol")
def _(run):
    for offered, chosen in (
        (("x-stream/1",), "x-stream/1"),
        (("http/1.1",), "http/1.1"),
        (("http/1.1", "x-stream/1"), "x-stream/1"),
        (("spdy/3", "http/1.1"), "http/1.1"),
    ):
        with run.variant(str(offered)), run.connect(offered) as connection:
            check(connection.protocol == chosen, f"chosen {connection.protocol}")
    with run.variant("spdy/3"):
        try:
            with run.connect(("spdy/3",)) as connection:
                check(False, f"taken, chosen {connection.protocol}")
        except ssl.SSLError as failure:
            check("no application protocol" in str(failure).lower().replace("_", " "), f"another alert: {failure}")
    with run.variant("http/1.1, headers:"), run.connect(("http/1.1",)) as connection:
        connection.send(b"headers:1234567890\r\n\r\n")
        check(connection.rest(5).startswith(b"HTTP/1.1 400"), "no 400")


@case("H34", "empty lines before a request", "201")
def _(run):
    with run.connect() as connection:
        connection.send(b"\r\n" + message("PUT", "/files/x", {}, b"hello", host=run.host))
        must(connection.answer("PUT"), 201)
    run.stored(b"hello")


@case("H15 close", "pipelined: a PUT with Connection: close, then three more", "one answer, one file")
def _(run):
    with run.connect() as connection:
        more = b"".join(message("PUT", "/files/y", {}, b"more", host=run.host) for _ in range(3))
        connection.send(message("PUT", "/files/x", {"Connection": "close"}, b"hello", host=run.host) + more)
        must(connection.answer("PUT"), 201)
        check(connection.is_closed(), "not closed, or a second answer")
    time.sleep(0.2)
    run.stored(b"hello")


@case("H15 bodies", "pipelined: HEAD, GET, OPTIONS, DELETE with bodies, then a PUT", "five answers in order")
def _(run):
    upload, body = run.create(10), b"PUT /files/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" * 200
    with run.connect() as connection:
        for method, target in (("HEAD", upload), ("GET", "/files"), ("OPTIONS", "/files"), ("DELETE", upload)):
            connection.send(message(method, target, {}, body, host=run.host))
        connection.send(message("PUT", "/files/x", {}, b"hello", host=run.host))
        for method, status in (
            ("HEAD", (200, 204)),
            ("GET", (200, 406)),
            ("OPTIONS", (200, 204)),
            ("DELETE", 204),
            ("PUT", 201),
        ):
            must(connection.answer(method), status)
    run.stored(b"hello")


@case("H15 bad", "pipelined: a good PUT, then a message that is none", "201 and closed, or 201, then 400 and closed")
def _(run):
    for name, bad in (
        ("two lengths", PUT + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
        ("no Host", "PUT /files/x HTTP/1.1\r\n\r\n"),
        ("no HTTP", "hello\r\n\r\n"),
    ):
        with run.variant(name), run.connect() as connection:
            connection.send(message("PUT", "/files/x", {}, b"hello", host=run.host) + bad.encode())
            answer = must(connection.answer("PUT"), 201)
            if answer["Connection"] != "close":
                must(connection.answer("PUT"), 400)
            check(connection.is_closed(), "not closed")
        run.stored(b"hello")
