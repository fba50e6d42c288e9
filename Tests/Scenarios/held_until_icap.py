"""What an ICAP service finds never gets its place; one that is dead says nothing, and nothing is lost."""

import os

from gateway import free_port
from scanner import EICAR, Clamd, Icap
from sending import WIRES

BOUND = 60
# c-icap's scanner looks at what begins like text.
CLEAN = b"a report\n" + os.urandom(100_000).hex().encode()


def run(scene):
    if not scene.holds("c-icap and clamd are installed", Clamd.is_installed() and Icap.is_installed()):
        return
    gateway = scene.gateway({"/files": {}}, start=False)
    clamd = Clamd(gateway.folder)
    scene.finally_do(clamd.kill)
    icap = Icap(clamd, free_port())
    scene.finally_do(icap.kill)
    gateway.routes["/files"]["hold-until"] = f'{{icap: "{icap.url}", time-limit: 4s}}'
    gateway.write()
    clamd.start()
    icap.start()
    gateway.start()
    kept = []
    for sending in WIRES:
        for content in (EICAR, EICAR + b" " * 200_000):
            one = sending(gateway, "/files", content).begin().send()
            scene.holds(f"over {one.wire} what is found is refused", one.outcome() in (1, 422))
        for content in (CLEAN, os.urandom(3_000_000), b"x"):
            one = sending(gateway, "/files", content).begin().send()
            scene.holds(f"over {one.wire} what is clean is complete", one.outcome() in one.COMPLETE)
            kept.append(content)
    scene.equals("only what is clean has its place", gateway.contents("/files"), sorted(kept))
    icap.kill()
    for text in ("Nobody could check an upload", "`hold-until` has no answer"):
        scene.expects_error(text)
    one = WIRES[0](gateway, "/files", CLEAN).begin().send()
    scene.equals("without the service the upload is not complete", one.outcome(), 11)
    icap.start()
    scene.holds("with it, it is", one.again().send().outcome() in one.COMPLETE)
