"""What clamd finds never gets its place; while clamd is dead `fail` decides, and nothing is lost."""

import gzip
import os
import threading

from scanner import EICAR, NAME, Clamd
from sending import WIRES, Answered

BOUND = 60
SIZE = 300_000
# Of an upload that clamd found something in: what the waiting client hears, and who asks later; and while clamd is dead.
FOUND = {"x-stream": (1, 17), "HTTP": (422, 410)}
DEAD = {"x-stream": 11, "HTTP": 500}


def run(scene):
    if not scene.holds("clamd is installed (Debian's clamav-daemon)", Clamd.is_installed()):
        return
    gateway = scene.gateway({"/files": {}, "/small": {}, "/gz": {}, "/open": {}}, start=False)
    clamd = Clamd(gateway.folder)
    scene.finally_do(clamd.kill)
    hold = f"clamd: \"unix:{clamd.path}\", time-limit: 4s"
    for route in ("/files", "/gz"):
        gateway.routes[route]["hold-until"] = f"{{{hold}, rejected: keep}}"
    gateway.routes["/small"]["hold-until"] = f"{{{hold}}}"
    gateway.routes["/gz"]["store"] = "{directory: store/gz, gzip: 6, min-free: 1 MiB}"
    gateway.routes["/open"]["hold-until"] = f"{{{hold}, fail: open}}"
    gateway.write()
    clamd.start()
    gateway.start()
    for sending in WIRES:
        for route in ("/files", "/small", "/gz"):
            _found(scene, gateway, sending, route)
            _clean(scene, gateway, sending, route)
        _waits(scene, gateway, sending, clamd)
    clamd.kill()
    for text in ("Nobody could check an upload", "`hold-until` has no answer"):
        scene.expects_error(text)
    waiting = [_dead(scene, gateway, sending) for sending in WIRES]
    _passes(scene, gateway)
    clamd.start()
    for one in waiting:
        one.again().send()
        scene.holds(f"over {one.wire} the upload passes once clamd is back", one.outcome() in one.COMPLETE)
    scene.equals("what passed is in its place, and nothing else", gateway.contents("/files"),
                 sorted([one.content for one in waiting] + _clean.contents["/files"]))


def _content(route):
    # Half of what is compressed goes.
    return os.urandom(SIZE // 2).hex().encode() if route == "/gz" else os.urandom(1000 if route == "/small" else SIZE)


def _found(scene, gateway, sending, route):
    one = sending(gateway, route, EICAR + (b"" if route == "/small" else bytes(SIZE)))
    before, kept = gateway.files(route), _rejected(gateway, route)
    status = one.begin().send().outcome()
    heard, later = FOUND[one.wire]
    scene.equals(f"{route} over {one.wire}: who waits hears of it", status, heard)
    scene.equals(f"{route} over {one.wire}: it has no place", gateway.files(route), before)
    scene.comes(f"{route} over {one.wire}: nothing is left unfinished", lambda: not gateway.unfinished(route))
    try:
        one.again()
        later_status = None
    except Answered as answered:
        later_status = answered.args[0]
    scene.equals(f"{route} over {one.wire}: who asks later hears that it is gone", later_status, later)
    scene.holds(f"{route}: the log says what was found", gateway.says(NAME))
    aside = _rejected(gateway, route) - kept
    scene.equals(f"{route} over {one.wire}: it is put aside where the route says so", len(aside), route != "/small")
    for path in aside:
        with (gzip.open if route == "/gz" else open)(path, "rb") as file:
            scene.holds("what was put aside is what came", file.read() == one.content)


def _rejected(gateway, route):
    folder = f"{gateway.folder}/store{route}/.rejected"
    return {f"{folder}/{name}" for name in os.listdir(folder)} if os.path.isdir(folder) else set()


def _clean(scene, gateway, sending, route):
    one = sending(gateway, route, _content(route))
    scene.holds(f"{route} over {one.wire}: what is clean is complete", one.begin().send().outcome() in one.COMPLETE)
    _clean.contents[route].append(one.content)


_clean.contents = {"/files": [], "/small": [], "/gz": []}


def _waits(scene, gateway, sending, clamd):
    """A client waits for as long as clamd takes."""
    one = sending(gateway, "/files", _content("/files"))
    clamd.pause(True)
    one.begin().send()
    before = gateway.files("/files")
    resume = threading.Timer(1.5, clamd.pause, (False,))
    resume.start()
    scene.holds(f"over {one.wire} a file has no place before it was judged", gateway.files("/files") == before)
    scene.holds(f"over {one.wire} its client waits meanwhile", one.outcome() in one.COMPLETE)
    scene.holds("clamd was what it waited for", not resume.is_alive())
    _clean.contents["/files"].append(one.content)


def _dead(scene, gateway, sending):
    one = sending(gateway, "/files", _content("/files"))
    scene.equals(f"over {one.wire} the client hears that it is not complete", one.begin().send().outcome(),
                 DEAD[one.wire])
    scene.holds(f"over {one.wire} what was safe stays so", one.key in gateway.unfinished("/files"))
    return one


def _passes(scene, gateway):
    for sending in WIRES:
        one = sending(gateway, "/open", _content("/open"))
        scene.holds(f"over {one.wire} an upload passes where `fail: open`", one.begin().send().outcome() in one.COMPLETE)
