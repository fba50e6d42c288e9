"""C: what `http:` in the configuration and the limits of routes do, each with a gateway of its own."""

import re
import shutil
import ssl
import tempfile
from contextlib import contextmanager

from client import Broken, message
from gateway import MIB, Gateway
from resumable_cases import Draft
from rows import ABSENT, ANY, Run, case, check, must, nothing_left, something_arrives


@contextmanager
def gateway(run, **settings):
    folder = tempfile.mkdtemp(prefix="sluice-http-")
    one = Gateway(folder, run.gateway.sluice, **settings)
    try:
        one.start()
        yield Run(one)
        check(one.is_alive(), "the gateway ended by itself")
    finally:
        one.stop()
        shutil.rmtree(folder)


@case("C01", "no `http:`; ALPN http/1.1, x-stream/1; PUT without ALPN", "HTTP is not spoken")
def _(run):
    with gateway(run, http="") as other:
        with run.variant("http/1.1"):
            try:
                with other.connect() as connection:
                    check(False, f"taken: {connection.protocol}")
            except (ssl.SSLError, Broken):
                pass
        with run.variant("x-stream/1"), other.connect(("x-stream/1",)) as connection:
            check(connection.protocol == "x-stream/1", f"chosen {connection.protocol}")
        with run.variant("no ALPN"), other.connect(()) as connection:
            connection.send(message("PUT", "/files/x", {}, b"hello"))
            check(not connection.rest(5).startswith(b"HTTP/"), "an answer of HTTP")


@case("C02", "`hosts: [up.example]`; Host: up.example, other.example", "201; 421")
def _(run):
    with gateway(run, http="http: {hosts: [up.example]}") as other:
        must(
            other.ask("PUT", "/files/x", {}, b"hello", host="up.example"),
            201,
            {"Location": re.compile("^https://up.example/")},
        )
        must(other.ask("PUT", "/files/x", {}, b"hello", host="other.example"), 421)
        check(len(other.gateway.published()) == 1, "not one file")


@case("C03", "`origin: https://up.example:1`, `interim: never`, `page: false`", "that Location; no 104; no page")
def _(run):
    settings = "http: {origin: https://up.example:1, interim: never, page: false}"
    with gateway(run, http=settings) as other:
        there = {"Location": re.compile("^https://up.example:1/files/")}
        must(other.tus("POST", "/files", {"Upload-Length": 5}, b""), 201, there)
        answer = must(Draft(other, 10).post(True, b"hello"), (200, 201), there)
        check(not answer.interim, f"interim answers: {answer}")
        must(other.ask("GET", "/files", {"Accept": "text/html"}), (404, 405, 406))


@case(
    "C04", "`concurrent: 1`, `unfinished: 2`", "503 or 507 with Retry-After for what is too much, then it works again"
)
def _(run):
    with gateway(run, limits=", concurrent: 1, unfinished: 2") as other:
        with run.variant("concurrent"), other.connect() as connection:
            connection.send(message("PUT", "/files/x", {"Content-Length": MIB}, host=other.host) + b"x")
            something_arrives(other, "/files")
            must(other.ask("PUT", "/files/y", {}, b"hello"), 503, {"Retry-After": ANY})
            connection.cut()
        nothing_left(other, "/files")
        with run.variant("afterwards"):
            must(other.ask("PUT", "/files/y", {}, b"hello"), 201)
        with run.variant("unfinished"):
            uploads = [other.create(5), other.create(5)]
            answer = other.tus("POST", "/files", {"Upload-Length": 5}, b"")
            must(answer, (503, 507), {"Location": ABSENT, **({"Retry-After": ANY} if answer.status == 503 else {})})
            must(other.tus("DELETE", uploads[0]), 204)
            other.create(5)


@case("C05", "`window: {bytes: 1 MiB, every: 1h}`: 600,000 bytes twice", "201; 503 with Retry-After")
def _(run):
    with gateway(run, limits=", window: {bytes: 1 MiB, every: 1h}") as other:
        must(other.ask("PUT", "/files/x", {}, bytes(600_000)), 201)
        must(other.ask("PUT", "/files/y", {}, bytes(600_000)), 503, {"Retry-After": lambda got: 0 < int(got) <= 3600})
        must(other.tus("POST", "/files", {"Upload-Length": 600_000}, b""), 503, {"Retry-After": ANY})
