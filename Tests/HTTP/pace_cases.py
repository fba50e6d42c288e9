"""H13 to H38: clients that are slow, stop, go, or send whole uploads in odd pieces and with faults."""

import random
import re
import time

from client import Broken, message
from framing_cases import PUT
from gateway import HEAD_TIMEOUT, SILENCE
from rows import OCTETS, PARTIAL, Failure, case, check, must


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


@case("H30", "one PUT, split at every byte", "201 each, the file is right")
def _(run):
    sent = message("PUT", "/files/x", {}, b"hello, world", host=run.host)
    _split(run, lambda: sent, 201, b"hello, world")


@case("H31", "one tus PATCH, split at every byte", "204 each, the file is right")
def _(run):
    def fresh():
        return message(
            "PATCH",
            run.create(12),
            {"Tus-Resumable": "1.0.0", "Upload-Offset": 0, "Content-Type": OCTETS},
            b"hello, world",
            host=run.host,
        )

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


def _stalls(run):
    """What clients send before they say no more, and what they then drip."""
    chunked = message("PUT", "/files/x", {"Transfer-Encoding": "chunked"}, host=run.host)
    form = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": 1000}
    field = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nhel'
    unsent = {"Content-Length": 500_000}
    coded = {"Content-Encoding": "gzip", **unsent}
    return {
        "a body": (message("PUT", "/files/x", {"Content-Length": 9}, host=run.host) + b"hel", None),
        "a chunk's extension": (chunked + b"5;", b"a"),
        "trailers": (chunked + b"5\r\nhello\r\n0\r\nA: ", b"a"),
        "a chunk's size": (chunked + b"5\r\nhel", None),
        "the body of a refused request": (message("PUT", "/files/x", coded, host=run.host), None),
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
    for method, target, body in (
        ("PUT", "/brief/x", b"hello"),
        ("OPTIONS", "/files", None),
        ("HEAD", upload, None),
        ("GET", "/files", None),
    ):
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
        piece = draw.choice(
            (b"\r\n", b"\0", b"\xff", b":", b";", b" ", b"0", b"9" * 20, b"\r", b"\n", b",", b"-", b"a", b"/", b"%")
        )
        end = min(len(sent), at + draw.randint(1, 20))
        sent = {
            "replace": sent[:at] + piece + sent[at + 1 :],
            "delete": sent[:at] + sent[end:],
            "insert": sent[:at] + piece + sent[at:],
            "double": sent[:end] + sent[at:],
            "truncate": sent[: max(1, at)],
        }[kind]
    return sent


@case("H37 read", "1,000 pipelined OPTIONS, and a PUT on another connection", "1,000 answers; the PUT waits for few of them")
def _(run):
    with run.connect() as many, run.connect() as other:
        many.send(message("OPTIONS", "/files", host=run.host) * 1000)
        other.send(message("PUT", "/files/x", {}, b"hello", host=run.host))
        must(other.answer(), 201)
        run.stored(b"hello")
        for _ in range(1000):
            must(many.answer("OPTIONS"), 200)


@case(
    "H38",
    "900 requests of each kind with random faults, the client's end after them",
    "an answer or a close, never 5xx; the gateway lives",
)
def _(run):
    draw = random.Random(38)
    upload = run.create(1000)
    resumable = {"Upload-Draft-Interop-Version": 10, "Upload-Complete": "?0", "Content-Digest": "sha-256=:AAAA:"}
    form = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhello\r\n--b--\r\n'
    bases = [
        message("PUT", "/brief/x", {"Repr-Digest": "sha-256=:AAAA:"}, b"hello", host=run.host),
        message("PUT", "/brief/x", {"Trailer": "A"}, chunks=[b"hello", b"world"], trailers=[("A", "b")], host=run.host),
        message(
            "POST",
            "/brief",
            {"Tus-Resumable": "1.0.0", "Upload-Length": 5, "Upload-Metadata": "a YQ==,b"},
            b"",
            host=run.host,
        ),
        message(
            "PATCH",
            upload,
            {"Tus-Resumable": "1.0.0", "Upload-Offset": 0, "Content-Type": OCTETS, "Upload-Checksum": "sha1 AAAA"},
            b"hello",
            host=run.host,
        ),
        message("POST", "/brief", resumable, b"hello", host=run.host),
        message("PATCH", upload, {**resumable, "Upload-Offset": 0, "Content-Type": PARTIAL}, b"hello", host=run.host),
        message("POST", "/brief", {"Content-Type": "multipart/form-data; boundary=b"}, form, host=run.host),
        message(
            "OPTIONS",
            "/files",
            {"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"},
            host=run.host,
        ),
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
