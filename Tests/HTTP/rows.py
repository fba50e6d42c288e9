"""What a case is, what it may ask for, and how it says what must come."""

import os
import re
import sys
import time
import traceback
from contextlib import contextmanager
from urllib.parse import urlsplit

from client import Broken, message

ROWS = []
OCTETS = "application/offset+octet-stream"
PARTIAL = "application/partial-upload"
# What a field may have to be, besides a text, a pattern or a function.
ANY, ABSENT = object(), None


class Failure(Exception):
    """Something else came than had to."""


def case(name, sent, expected):
    """One row: the function sends, and checks what comes."""

    def add(function):
        ROWS.append((name, sent, expected, function))
        return function

    return add


def must(answer, status, fields=None, body=None):
    """Fails unless status and fields are these. A field is a text, a pattern, a function, ANY or ABSENT."""
    statuses = (status,) if isinstance(status, int) else tuple(status)
    shown = f"{statuses[0]} to {statuses[-1]}" if len(statuses) > 9 else "/".join(map(str, statuses))
    wrong = [] if answer.status in statuses else [f"status {shown}"]
    for name, wanted in (fields or {}).items():
        got = answer[name]
        if not _fits(got, wanted):
            shown = {id(ANY): "present", id(None): "absent"}.get(id(wanted), getattr(wanted, "pattern", wanted))
            shown = getattr(shown, "__doc__", None) or shown if callable(shown) else shown
            wrong.append(f"{name}: {shown}")
    if body is not None and not _fits(answer.body.decode("utf-8", "replace"), body):
        wrong.append(f"body {getattr(body, 'pattern', body)}")
    if wrong:
        first = answer.sent.split(b"\r\n\r\n")[0].decode("latin-1").replace("\r\n", "; ")
        raise Failure(f"sent {first[:600]}\n    got {answer}\n    expected {', '.join(wrong)}")
    return answer


def _fits(got, wanted):
    if wanted is ANY or wanted is None:
        return (got is not None) == (wanted is ANY)
    if got is None:
        return False
    if isinstance(wanted, re.Pattern):
        return wanted.search(got) is not None
    return bool(wanted(got)) if callable(wanted) else got == str(wanted)


def check(condition, text):
    if not condition:
        raise Failure(text)


def _arriving(run, route, besides):
    return set(run.gateway.unfinished(route)) - set(besides)


def nothing_left(run, route, patience=3, besides=()):
    deadline = time.monotonic() + patience
    while _arriving(run, route, besides) and time.monotonic() < deadline:
        time.sleep(0.05)
    check(not _arriving(run, route, besides), f"left: {_arriving(run, route, besides)}")


def something_arrives(run, route, patience=3, besides=()):
    deadline = time.monotonic() + patience
    while not _arriving(run, route, besides) and time.monotonic() < deadline:
        time.sleep(0.02)
    check(_arriving(run, route, besides), f"nothing arrives at {route}")


class Run:
    """What one case has at hand."""

    def __init__(self, gateway):
        self.gateway, self.failures, self.named = gateway, [], set()
        self.before = gateway.published()

    @property
    def host(self):
        return f"localhost:{self.gateway.port}"

    def connect(self, protocols=("http/1.1",)):
        return self.gateway.connect(protocols)

    @contextmanager
    def variant(self, name):
        """One of several of a row: the others are tried as well."""
        try:
            yield
        except Failure as failure:
            self.failures.append(f"[{name}] {failure}")
        except (Broken, OSError) as failure:
            self.failures.append(f"[{name}] {type(failure).__name__}: {failure}")

    # Requests, each on a connection of its own

    def ask(self, method, target, fields=(), body=None, patience=10.0, **more):
        with self.connect() as connection:
            try:
                connection.send(message(method, target, fields, body, host=more.pop("host", self.host), **more))
            except OSError:
                pass  # What the gateway said before it closed can still be read.
            return self._sound(method, connection, connection.answer(method, patience))

    def tus(self, method, target, fields=None, body=None, tus="1.0.0", **more):
        """As `ask`, with `Tus-Resumable`. A PATCH has its media type unless the fields say otherwise."""
        fields = dict(fields or {})
        if tus is not None:
            fields["Tus-Resumable"] = tus
        if method == "PATCH":
            fields.setdefault("Content-Type", OCTETS)
        fields = {name: value for name, value in fields.items() if value is not None}
        answer = self.ask(method, target, fields, body, **more)
        if method != "OPTIONS":
            must(answer, answer.status, {"Tus-Resumable": "1.0.0"})
        return answer

    @staticmethod
    def _sound(method, connection, answer):
        """What holds of each answer; R35: a redirect never comes."""
        check(answer.status // 100 != 3 or answer.status == 304, f"a redirect: {answer}")
        if answer.status == 204:
            check(not connection.buffer and answer["Content-Length"] in (None, "0"), f"a body with 204: {answer}")
        if answer.status >= 400 and answer.body and method != "HEAD":
            must(answer, answer.status, {"Content-Type": re.compile("^application/problem\\+json")})
        return answer

    # Uploads

    def create(self, length, route="/files", **fields):
        """The path of a new tus upload."""
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        answer = self.tus("POST", route, {"Upload-Length": length, **fields}, b"")
        return path(must(answer, 201, {"Location": ANY}))

    def patch(self, target, offset, body, fields=None, **more):
        return self.tus("PATCH", target, {"Upload-Offset": offset, **(fields or {})}, body, **more)

    def head(self, target, status=(200, 204), fields=None):
        return must(self.tus("HEAD", target), status, fields)

    # The store

    def stored(self, content, patience=2.0):
        """Fails unless exactly one more file is there, with this content; returns its path."""
        deadline = time.monotonic() + patience
        while not (fresh := self.gateway.published() - self.before - self.named) and time.monotonic() < deadline:
            time.sleep(0.02)
        check(len(fresh) == 1, f"expected one more file in the store, got {[os.path.basename(one) for one in fresh]}")
        found = fresh.pop()
        self.named.add(found)
        got = self.gateway.content(found)
        check(got == content, f"the file has {len(got)} bytes {got[:40]!r}, expected {len(content)} {content[:40]!r}")
        return found

    def label(self, content):
        """The label of the one more file of `/dig`."""
        return self.gateway.sidecar(self.stored(content))["name"]

    def nothing_stored(self):
        fresh = self.gateway.published() - self.before - self.named
        self.named |= fresh
        check(not fresh, f"a file in the store that the case does not name: {[os.path.basename(one) for one in fresh]}")


def path(answer):
    """The path of an answer's Location."""
    return urlsplit(answer["Location"]).path


def run_all(gateway, only, out=sys.stdout):
    """Runs the rows that fit; returns those that failed, and how many ran."""
    failed, count = [], 0
    for name, sent, expected, function in ROWS:
        if only and not re.search(only, name):
            continue
        count += 1
        run, began = Run(gateway), time.monotonic()
        try:
            function(run)
            run.nothing_stored()
        except Failure as failure:
            run.failures.append(str(failure))
        except (Broken, OSError) as failure:
            line = traceback.extract_tb(failure.__traceback__)
            place = next((one for one in reversed(line) if one.filename.endswith("_cases.py")), line[-1])
            run.failures.append(f"{type(failure).__name__}: {failure} (line {place.lineno}: {place.line})")
        if not gateway.is_alive():
            run.failures.append(f"the gateway ended by itself with {gateway.process.returncode}")
            gateway.start()
        took = time.monotonic() - began
        verdict = "FAILED" if run.failures else "passed"
        print(f"{verdict} {name} ({took:.1f} s): {sent} => {expected}", file=out, flush=True)
        for failure in run.failures:
            print(f"  - {failure}", file=out, flush=True)
        if run.failures:
            failed.append(name)
    return failed, count
