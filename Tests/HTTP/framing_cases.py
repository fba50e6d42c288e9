"""H01 to H21: HTTP/1.1 itself, each on a fresh connection; and whole uploads in odd pieces."""

import random
import re
import ssl
import time

from client import Broken, message
from gateway import HEAD_TIMEOUT, SILENCE
from rows import OCTETS, Failure, case, check, must

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
    for fields in ("Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5, 5"):
        refused(run, f"{PUT}{fields}\r\n\r\nhello", 400, fields)


@case("H03", "a Content-Length that is no number", "400")
def _(run):
    for value in ("+5", "-5", "0x5", "5 5", "", "18446744073709551616", "18446744073709551615", "9223372036854775808", "5a"):
        refused(run, f"{PUT}Content-Length: {value}\r\n\r\nhello", (400, 413), value)


@case("H05", "Transfer-Encodings that are not `chunked` alone", "400 (501)")
def _(run):
    for value in ("chunked, chunked", "xchunked", "identity", "chunked, gzip", "gzip, chunked", "gzip", "", "chunked;a=b"):
        refused(run, f"{PUT}Transfer-Encoding: {value}\r\n\r\n5\r\nhello\r\n0\r\n\r\n", (400, 501), value)
    twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
    refused(run, f"{PUT}{twice}\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, "two fields")
    refused(run, "PUT /files/x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, "1.0")


@case("H08", "space before a colon, obs-fold, bare LF, bare CR, NUL", "400")
def _(run):
    for name, sent in (("space", PUT + "Content-Length : 5\r\n\r\nhello"), ("fold", PUT + "A: b\r\n c\r\nContent-Length: 5\r\n\r\nhello"),
                       ("bare LF", PUT.replace("\r\n", "\n") + "Content-Length: 5\n\nhello"),
                       ("one bare LF", PUT + "A: b\nContent-Length: 5\r\n\r\nhello"),
                       ("bare CR", PUT + "A: b\rc\r\nContent-Length: 5\r\n\r\nhello"),
                       ("NUL", PUT + "A: b\0c\r\nContent-Length: 5\r\n\r\nhello"),
                       ("no colon", PUT + "A\r\nContent-Length: 5\r\n\r\nhello"),
                       ("control", PUT + "A: b\x01c\r\nContent-Length: 5\r\n\r\nhello"),
                       ("empty name", PUT + ": b\r\nContent-Length: 5\r\n\r\nhello")):
        refused(run, sent, 400, name)


@case("H09", "chunk sizes that are none", "400, nothing stored")
def _(run):
    head = PUT + "Transfer-Encoding: chunked\r\n\r\n"
    for name, rest in (("+5", "+5\r\nhello\r\n0\r\n\r\n"), ("0x5", "0x5\r\nhello\r\n0\r\n\r\n"),
                       ("17 digits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
                       ("no CRLF", "5\r\nhelloX\r\n0\r\n\r\n"), ("-5", "-5\r\nhello"), ("empty", "\r\nhello"),
                       ("5 ", "5 5\r\nhello\r\n0\r\n\r\n"), ("LF", "5\nhello\n0\n\n"), ("g", "g\r\nhello")):
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
    for name, head in (("none", "PUT /files/x HTTP/1.1\r\n"), ("two", PUT + "Host: localhost\r\n"),
                       ("a b", "PUT /files/x HTTP/1.1\r\nHost: a b\r\n"), ("a/b", "PUT /files/x HTTP/1.1\r\nHost: a/b\r\n"),
                       ("user", "PUT /files/x HTTP/1.1\r\nHost: u@localhost\r\n"),
                       ("port", "PUT /files/x HTTP/1.1\r\nHost: localhost:x\r\n"),
                       ("absolute", "PUT https://other/files/x HTTP/1.1\r\nHost: localhost\r\n"),
                       ("fragment", "PUT /files/x#y HTTP/1.1\r\nHost: localhost\r\n")):
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


@case("H13", "a head, one byte a second", "closed after `timeouts.head`")
def _(run):
    with run.connect() as connection:
        began = time.monotonic()
        try:
            for byte in PUT.encode():
                connection.send(bytes([byte]))
                connection.rest(1)
                break
            took = time.monotonic() - began
        except Broken:
            took = _drip(connection, began)
    check(HEAD_TIMEOUT - 1 < took < HEAD_TIMEOUT + 2, f"closed after {took:.1f} s")


def _drip(connection, began):
    for byte in PUT.encode()[1:12]:
        try:
            connection.send(bytes([byte]))
            connection.rest(1)
            break
        except Broken:
            continue
        except OSError:
            break
    return time.monotonic() - began


@case("H14", "a body that stops", "408 or closed after `timeouts.silence`, nothing stored")
def _(run):
    with run.connect() as connection:
        connection.send((PUT + "Content-Length: 5\r\n\r\nhel").encode())
        began = time.monotonic()
        rest = connection.rest(12)
        check(rest == b"" or rest.startswith(b"HTTP/1.1 408"), f"got {rest!r}")
        check(6 < time.monotonic() - began < 11, f"closed after {time.monotonic() - began:.1f} s")


@case("H15", "pipelined PUT, HEAD, DELETE", "three answers in order")
def _(run):
    upload = run.create(10)
    tus = {"Tus-Resumable": "1.0.0"}
    with run.connect() as connection:
        connection.send(message("PUT", "/files/x", {}, b"hello", host=run.host)
                        + message("HEAD", upload, tus, host=run.host) + message("DELETE", upload, tus, host=run.host))
        must(connection.answer("PUT"), 201)
        must(connection.answer("HEAD"), (200, 204), {"Upload-Offset": 0})
        must(connection.answer("DELETE"), 204)
    run.stored(b"hello")


@case("H15 many", "100 pipelined PUTs", "100 answers in order, 100 files")
def _(run):
    with run.connect() as connection:
        connection.send(b"".join(message("PUT", f"/dig/{number}", {}, b"%d" % number, host=run.host) for number in range(100)))
        for _ in range(100):
            must(connection.answer("PUT"), 201)
    fresh = run.gateway.published() - run.before
    run.named |= fresh
    got = sorted(run.gateway.content(one) for one in fresh)
    check(got == sorted(b"%d" % number for number in range(100)), f"{len(got)} files")


@case("H15 refused", "pipelined: a PUT that is refused, then a good one", "both answers, or the first and closed")
def _(run):
    with run.connect() as connection:
        connection.send(message("PUT", "/nosuch/x", {}, b"hello", host=run.host)
                        + message("PUT", "/files/x", {}, b"hello", host=run.host))
        must(connection.answer("PUT"), 404)
        must(connection.answer("PUT"), 201)
    run.stored(b"hello")


@case("H17", "Connection: close; HTTP/1.0 with and without keep-alive", "closed; closed; kept")
def _(run):
    for version, word, is_kept in (("1.1", "close", False), ("1.0", None, False), ("1.0", "keep-alive", True), ("1.1", None, True)):
        with run.variant(f"{version} {word}"), run.connect() as connection:
            sent = message("PUT", "/files/x", {"Connection": word} if word else {}, b"hello", host=run.host, version=version)
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
        refused(run, f"PUT /files/x HTTP/{version}\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", (400, 505), version)


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
    for offered, chosen in ((("x-stream/1",), "x-stream/1"), (("http/1.1",), "http/1.1"),
                            (("http/1.1", "x-stream/1"), "x-stream/1"), (("spdy/3", "http/1.1"), "http/1.1")):
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


# Whole uploads in odd pieces

@case("H30", "one PUT, split at every byte", "201 each, the file is right")
def _(run):
    sent = message("PUT", "/files/x", {}, b"hello, world", host=run.host)
    _split(run, lambda: sent, 201, b"hello, world")


@case("H31", "one tus PATCH, split at every byte", "204 each, the file is right")
def _(run):
    def fresh():
        return message("PATCH", run.create(12), {"Tus-Resumable": "1.0.0", "Upload-Offset": 0, "Content-Type": OCTETS},
                       b"hello, world", host=run.host)
    _split(run, fresh, 204, b"hello, world")


@case("H32", "one chunked PUT with trailers, split at every byte", "201 each, the file is right")
def _(run):
    sent = message("PUT", "/files/x", {}, chunks=[b"hello", b", world"], trailers=[("A", "b")], host=run.host)
    _split(run, lambda: sent, 201, b"hello, world")


def _split(run, make, status, content):
    """Each half in a record and a packet of its own, on one connection as long as it is kept."""
    connection = run.connect()
    try:
        for at in range(1, 10_000):
            sent = make()
            if at >= len(sent):
                return
            with run.variant(f"at {at}"):
                connection.send(sent[:at])
                time.sleep(0.002)
                connection.send(sent[at:])
                must(connection.answer(), status)
                run.stored(content)
            if len(run.failures) > 3:
                return
    finally:
        connection.__exit__()


@case("H33", "a PUT of 1,000 bytes, one byte at a time", "201, the file is right")
def _(run):
    content = bytes(number % 251 for number in range(1000))
    with run.connect() as connection:
        for byte in message("PUT", "/files/x", {}, content, host=run.host):
            connection.send(bytes([byte]))
        must(connection.answer("PUT"), 201)
    run.stored(content)
    with run.connect() as connection:
        for byte in message("PUT", "/files/x", {}, chunks=[bytes([one]) for one in content], host=run.host):
            connection.send(bytes([byte]))
        must(connection.answer("PUT"), 201)
    run.stored(content)


@case("H34", "empty lines before a request", "201")
def _(run):
    with run.connect() as connection:
        connection.send(b"\r\n" + message("PUT", "/files/x", {}, b"hello", host=run.host))
        must(connection.answer("PUT"), 201)
    run.stored(b"hello")


# Clients that stop, and what is left of a request

def _stalls(run):
    """What clients send before they say no more, and what they then drip."""
    chunked = message("PUT", "/files/x", {"Transfer-Encoding": "chunked"}, host=run.host)
    form = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": 1000}
    field = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nhel'
    unsent = {"Content-Length": 500_000}
    return {
        "a body": (message("PUT", "/files/x", {"Content-Length": 9}, host=run.host) + b"hel", None),
        "a chunk's extension": (chunked + b"5;", b"a"),
        "trailers": (chunked + b"5\r\nhello\r\n0\r\nA: ", b"a"),
        "a chunk's size": (chunked + b"5\r\nhel", None),
        "the body of a refused request": (message("PUT", "/files/x", {"Content-Encoding": "gzip", **unsent}, host=run.host), None),
        "the body of HEAD": (message("HEAD", "/files/" + "k" * 32, unsent, host=run.host), None),
        "a form before its first part": (message("POST", "/files", form, host=run.host) + b"before", None),
        "a form's field": (message("POST", "/files", form, host=run.host) + field, None),
        "a form's end": (message("POST", "/files", form, host=run.host) + b"--b--\r\n", None),
    }


@case("H16", "requests that stop, or go on without bytes of a body", "closed after `timeouts.silence` each")
def _(run):
    clients = {}
    for name, (sent, drip) in _stalls(run).items():
        clients[name] = (run.connect(), drip)
        clients[name][0].send(sent)
    deadline = time.monotonic() + 11
    while time.monotonic() < deadline:
        time.sleep(0.5)
        for connection, drip in clients.values():
            try:
                connection.send(drip or b"")
            except OSError:
                pass
    for name, (connection, _) in clients.items():
        with run.variant(name), connection:
            try:
                connection.rest(0.3)
            except Broken:
                check(False, f"still open after {SILENCE + 3} s")


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
        for method, status in (("HEAD", (200, 204)), ("GET", (200, 406)), ("OPTIONS", (200, 204)), ("DELETE", 204), ("PUT", 201)):
            must(connection.answer(method), status)
    run.stored(b"hello")


@case("H15 bad", "pipelined: a good PUT, then a message that is none", "201 and closed, or 201, then 400 and closed")
def _(run):
    for name, bad in (("two lengths", PUT + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), ("no Host", "PUT /files/x HTTP/1.1\r\n\r\n"),
                      ("no HTTP", "hello\r\n\r\n")):
        with run.variant(name), run.connect() as connection:
            connection.send(message("PUT", "/files/x", {}, b"hello", host=run.host) + bad.encode())
            answer = must(connection.answer("PUT"), 201)
            if answer["Connection"] != "close":
                must(connection.answer("PUT"), 400)
            check(connection.is_closed(), "not closed")
        run.stored(b"hello")


@case("H13 second", "a good PUT, then half a head on the same connection", "closed after `timeouts.head`")
def _(run):
    with run.connect() as connection:
        connection.send(message("PUT", "/files/x", {}, b"hello", host=run.host))
        must(connection.answer("PUT"), 201)
        run.stored(b"hello")
        connection.send(PUT.encode())
        connection.rest(HEAD_TIMEOUT + 2)


@case("H35", "100 connections that are cut at odd places", "the gateway lives, nothing stored")
def _(run):
    whole = message("PUT", "/files/x", {}, chunks=[b"hello", b", world"], host=run.host)
    for at in range(0, len(whole) - 1, max(1, len(whole) // 100)):
        with run.connect() as connection:
            connection.send(whole[:at])
            connection.cut()
    time.sleep(0.3)
    must(run.ask("OPTIONS", "/files"), (200, 204))


@case("H36", "closed by the client right after the request, by close_notify and FIN or by a reset", "the gateway lives")
def _(run):
    upload = run.create(10)
    for method, target, body in (("PUT", "/brief/x", b"hello"), ("OPTIONS", "/files", None), ("HEAD", upload, None), ("GET", "/files", None)):
        for is_cut in (True, False):
            with run.connect() as connection:
                connection.send(message(method, target, {"Accept": "text/html"}, body, host=run.host))
                connection.cut() if is_cut else connection.half_close()
    time.sleep(0.3)
    run.named |= run.gateway.published()  # Either is right.
    must(run.ask("OPTIONS", "/files"), (200, 204))


@case("H37", "20,000 pipelined GETs of the page, no answer is read", "memory stays within 64 MiB of what it was")
def _(run):
    sent = message("GET", "/files", {"Accept": "text/html"}, host=run.host) * 100
    before = run.gateway.memory()
    with run.connect() as connection:
        connection.socket.settimeout(2)
        try:
            for _ in range(200):
                connection.send(sent)
        except OSError:
            pass  # The gateway reads no more: right.
        time.sleep(0.5)
        grown = run.gateway.memory() - before
    check(grown < 64 << 20, f"{grown >> 20} MiB more")


def _mutated(draw, sent):
    """The same with one to three faults."""
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(sent))
        kind = draw.choice(("replace", "delete", "insert", "double", "truncate"))
        piece = draw.choice((b"\r\n", b"\0", b"\xff", b":", b";", b" ", b"0", b"9" * 20, b"\r", b"\n", b",", b"-", b"a", b"/", b"%"))
        end = min(len(sent), at + draw.randint(1, 20))
        sent = {"replace": sent[:at] + piece + sent[at + 1:], "delete": sent[:at] + sent[end:],
                "insert": sent[:at] + piece + sent[at:], "double": sent[:end] + sent[at:],
                "truncate": sent[:max(1, at)]}[kind]
    return sent


@case("H38", "900 requests of each kind with random faults, the client's end after them", "an answer or a close, never 5xx; the gateway lives")
def _(run):
    draw = random.Random(38)
    upload = run.create(1000)
    resumable = {"Upload-Draft-Interop-Version": 10, "Upload-Complete": "?0", "Content-Digest": "sha-256=:AAAA:"}
    form = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhello\r\n--b--\r\n'
    bases = [
        message("PUT", "/brief/x", {"Repr-Digest": "sha-256=:AAAA:"}, b"hello", host=run.host),
        message("PUT", "/brief/x", {"Trailer": "A"}, chunks=[b"hello", b"world"], trailers=[("A", "b")], host=run.host),
        message("POST", "/brief", {"Tus-Resumable": "1.0.0", "Upload-Length": 5, "Upload-Metadata": "filename YQ==,b"}, b"", host=run.host),
        message("PATCH", upload, {"Tus-Resumable": "1.0.0", "Upload-Offset": 0, "Content-Type": OCTETS,
                                  "Upload-Checksum": "sha1 AAAA"}, b"hello", host=run.host),
        message("POST", "/brief", resumable, b"hello", host=run.host),
        message("PATCH", upload, {**resumable, "Upload-Offset": 0, "Content-Type": "application/partial-upload"}, b"hello", host=run.host),
        message("POST", "/brief", {"Content-Type": "multipart/form-data; boundary=b"}, form, host=run.host),
        message("OPTIONS", "/files", {"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"}, host=run.host),
        message("GET", "/files", {"Accept": "text/html, */*;q=0.1", "Authorization": "Bearer a"}, host=run.host),
    ]
    for number in range(900):
        sent = _mutated(draw, draw.choice(bases))
        with run.connect() as connection:
            connection.send(sent)
            try:
                connection.half_close()
                rest = connection.rest(3)
            except Broken:
                raise Failure(f"{number}: neither an answer nor a close after {sent!r}") from None
            except OSError:
                continue
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", rest)
        check(not any(one in (b"500", b"502", b"503") for one in statuses), f"{number}: {rest[:300]!r} after {sent!r}")
    run.named |= run.gateway.published()  # Some faults leave a request that is right.
