"""Backends that come and go break the uploads that they have, and no others; what is complete, a backend has whole."""

import os
import threading

from flapping import FlappingBackend
from sending import WIRES, Answered

CLIENTS, SIZE, FLAPS = 6, 1 << 20, 6


def run(scene):
    backends = [FlappingBackend(), FlappingBackend()]
    for backend in backends:
        scene.finally_do(backend.stop)
    places = ", ".join(f"127.0.0.1:{backend.port}" for backend in backends)
    pipe = f"{{to: [{places}], timeout: 5s, connect-timeout: 1s, health: {{every: 100ms, timeout: 500ms}}}}"
    gateway = scene.gateway({"/pipe": {"pipe": pipe, "resume-for": "2s"}})
    scene.expects_error("the backend broke off")

    sent, told, breaks, flapping = [], [], [], threading.Event()
    flapping.set()
    clients = [threading.Thread(target=_upload_on, args=(gateway, WIRES[at % 2], sent, told, breaks, flapping))
               for at in range(CLIENTS)]
    for client in clients:
        client.start()
    _flap(scene, backends, breaks)
    flapping.clear()
    for client in clients:
        client.join()

    scene.equals("every upload is complete in the end", len(told), len(sent))
    scene.holds("backends did break uploads", len(breaks) >= FLAPS, breaks)
    scene.equals("a broken upload is told so by a status of backends", [one for one, fine in breaks if not fine], [])
    whole = [content for backend in backends for content in backend.whole]
    for content, reply in told:
        scene.holds("what was told to be complete is what a backend has", content in whole)
        scene.equals("the client got that backend's answer", reply, b"%d bytes" % SIZE)
    scene.holds("no backend saw an end in order of anything else", all(content in sent for content in whole))
    scene.comes("nothing stays reserved", lambda: gateway.quota("/pipe")["reserved"] == 0)
    scene.comes("no connection to a backend stays open", lambda: not any(one.connections for one in backends))


def _flap(scene, backends, breaks):
    """One of them is there at any time, and both in the end. One that goes breaks an upload, unless that was just done."""
    for number in range(10 * FLAPS):
        backend, before = backends[number % 2], len(breaks)
        scene.until(lambda: backend.connections)
        backend.stop()
        scene.until(lambda: len(breaks) > before, 0.3)
        backend.start()
        if len(breaks) >= FLAPS:
            return


def _upload_on(gateway, sending, sent, told, breaks, flapping):
    """One upload after the other, as long as backends come and go; each begins anew until a backend has taken it."""
    while flapping.is_set():
        content = os.urandom(SIZE)
        sent.append(content)
        while not _upload(sending(gateway, "/pipe", content), told, breaks):
            pass


def _upload(one, told, breaks):
    """In portions, so that a flap meets it."""
    try:
        one.begin()
        for _ in range(8):
            one.send(SIZE // 8)
        status = one.outcome()
    except Answered as answered:
        status = answered.args[0]
    if status in one.COMPLETE:
        told.append((one.content, one.reply))
        return True
    breaks.append((f"{one.wire} {status}", status in one.BACKEND))
    return False
