"""T, R and P once more over HTTP/2, and curl as its client."""

import os
import re
import subprocess

from gateway import MIB
from http2_rows import RunHTTP2, http2_case
from plain_cases import curl, file_of, taken_by_curl
from rows import ROWS, case, check

HTTP2 = {"protocol": "--http2"}
# A row that leaves its connections to `ask` says the same over HTTP/2. These names show that a row does more.
MORE = {"connect", "curl", "taken_by_curl", "kill", "terminate", "gateway", "Thread"}
# Rows about the framing of HTTP/1.1; and about fields that end in a space, which HTTP/2 forbids.
APART = {"T89", "T54", "T103 space"}


def _once_more(modules):
    """Adds the rows of these modules that can run over HTTP/2 too. All of them are there by now."""
    for name, sent, expected, function in list(ROWS):
        if function.__module__ in modules and name not in APART and not MORE & _names(function.__code__):
            http2_case(f"{name} h2", sent, expected)(_over_http2(function))


def _names(code):
    return set(code.co_names).union(*(_names(one) for one in code.co_consts if hasattr(one, "co_names")))


def _over_http2(function):
    def run_it(run):
        over = RunHTTP2(run)
        try:
            function(over)
        finally:
            over.close()

    return run_it


_once_more(
    {
        "tus_core_cases",
        "tus_extension_cases",
        "tus_checksum_cases",
        "tus_concat_cases",
        "resumable_cases",
        "resumable_fault_cases",
        "mixed_cases",
        "removal_cases",
        "digest_cases",
        "plain_cases",
        "form_cases",
        "page_cases",
    }
)


@case("P01 h2", "curl --http2 -T f /dig/, 2 MiB", "201, Location; the label is f")
def _(run):
    content = os.urandom(2 * MIB)
    text = taken_by_curl(run, "-T", file_of(run, "f.bin", content), f"{run.gateway.origin}/dig/", **HTTP2)
    check("HTTP/2 201" in text and re.search(r"(?im)^location: https://", text), f"no Location: {text}")
    check((label := run.label(content)) == "f.bin", f"the label is {label!r}")


@case("P02 h2", "curl --http2 -T - /dig/x, without Content-Length", "201; the label is x")
def _(run):
    taken_by_curl(run, "-T", "-", f"{run.gateway.origin}/dig/x", data=b"hello", **HTTP2)
    check((label := run.label(b"hello")) == "x", f"the label is {label!r}")


@case("P02 cat h2", "cat 3 MiB | curl --http2 -T - /files/x", "201, the file is right")
def _(run):
    content = os.urandom(3 * MIB)
    place = file_of(run, "piped", content)
    command = ["curl", "-sS", "--http2", "--cacert", run.gateway.authority, "-w", "%{http_code}", "-o", f"{place}.out"]
    with subprocess.Popen(["cat", place], stdout=subprocess.PIPE) as cat:
        command += ["-T", "-", f"{run.gateway.origin}/files/x"]
        done = subprocess.run(command, stdin=cat.stdout, capture_output=True, timeout=30, check=False)
    check(done.stdout == b"201" and done.returncode == 0, f"got {done.stdout}, exit {done.returncode}, {done.stderr}")
    run.stored(content)


@case("P02 many h2", "curl --http2 -Z, 12 files of 1 MiB over one connection", "201 each")
def _(run):
    contents = [os.urandom(MIB) for _ in range(12)]
    words = []
    for number, content in enumerate(contents):
        words += ["-T", file_of(run, f"{number}.bin", content), f"{run.gateway.origin}/files/"]
    got, code, text, errors = curl(run, "-Z", *words, **HTTP2)
    check(code == 0 and len(re.findall("HTTP/2 201", text)) == 12, f"got {got}, exit {code}, {errors} {text[:600]}")
    fresh = run.gateway.published() - run.before
    run.named |= fresh
    check(sorted(map(run.gateway.content, fresh)) == sorted(contents), f"{len(fresh)} files, or other bytes")


@case("P03 h2", "curl --http2 --data-binary, octet-stream", "201")
def _(run):
    content = os.urandom(MIB)
    kind = "Content-Type: application/octet-stream"
    url = f"{run.gateway.origin}/files"
    taken_by_curl(run, "-H", kind, "--data-binary", "@-", url, data=content, **HTTP2)
    run.stored(content)


@case("P13 h2", "curl --http2 -F file=@f /dig", "201; the label is f")
def _(run):
    content = os.urandom(2 * MIB)
    place = file_of(run, "form.bin", content)
    taken_by_curl(run, "-F", f"file=@{place}", f"{run.gateway.origin}/dig", **HTTP2)
    check((label := run.label(content)) == "form.bin", f"the label is {label!r}")


@case("P09 h2", "curl --http2, Expect: 100-continue, 11 MiB; 1 MiB", "413, no 100; 100, 201")
def _(run):
    expect, url = "Expect: 100-continue", f"{run.gateway.origin}/files/"
    large = file_of(run, "big", bytes(11 * MIB))
    before = run.gateway.bytes_read()
    text = taken_by_curl(run, "-H", expect, "-T", large, url, status=413, **HTTP2)
    check("HTTP/2 100" not in text, f"100: {text[:400]}")
    check((read := run.gateway.bytes_read() - before) < MIB, f"{read} bytes read")
    content = os.urandom(MIB)
    text = taken_by_curl(run, "-H", expect, "-T", file_of(run, "fits", content), url, **HTTP2)
    check("HTTP/2 100" in text, f"no 100: {text[:400]}")
    run.stored(content)


@case("P10 h2", "curl --http2 sends 200 MB to a route of 10 MiB, 10 times", "413 each, less than 32 MiB read")
def _(run):
    place = f"{run.gateway.folder}/huge"
    with open(place, "wb") as file:
        file.truncate(200_000_000)
    for turn in range(10):
        with run.variant(f"turn {turn}"):
            before = run.gateway.bytes_read()
            url = f"{run.gateway.origin}/files/"
            taken_by_curl(run, "-H", "Expect:", "-T", place, url, status=413, **HTTP2)
            check((read := run.gateway.bytes_read() - before) < 32 * MIB, f"{read} bytes read")
    os.remove(place)


@case("P10 chunked h2", "curl --http2 sends 40 MB without a length to a route of 10 MiB", "413")
def _(run):
    url = f"{run.gateway.origin}/files/x"
    taken_by_curl(run, "-H", "Expect:", "-T", "-", url, status=413, data=bytes(40_000_000), **HTTP2)
    check(not run.gateway.published() - run.before, "a file was stored")
