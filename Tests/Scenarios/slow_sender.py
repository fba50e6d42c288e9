"""A slow client whose bytes keep coming is served to its end; one that falls silent is let go, and loses nothing."""

import os
import threading
import time

from sending import WIRES

SILENCE = 1
# A portion comes four times in each such time, over three of them.
PORTIONS, PORTION = 12, 1_000


def run(scene):
    timeouts = f"{{handshake: 5s, head: 5s, idle: 20s, silence: {SILENCE}s, shutdown: 2s}}"
    gateway = scene.gateway({"/files": {}}, {"timeouts": timeouts})
    done, contents = [], []
    steps = [(step, sending) for sending in WIRES for step in (_slow, _silent)]
    threads = [threading.Thread(target=_play, args=(scene, gateway, one, contents, done)) for one in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scene.equals("every client came to its end", len(done), len(steps))
    scene.equals("the store has exactly what was sent", gateway.contents("/files"), sorted(contents))


def _play(scene, gateway, step, contents, done):
    action, sending = step
    contents.append(action(scene, gateway, sending))
    done.append(step)


def _slow(scene, gateway, sending):
    """Its pace is what is tested, so it waits."""
    one = sending(gateway, "/files", os.urandom(PORTIONS * PORTION)).begin()
    for _ in range(PORTIONS):
        one.send(PORTION)
        time.sleep(SILENCE / 4)
    scene.holds(f"a slow upload is complete over {one.wire}", one.outcome() in one.COMPLETE)
    return one.content


def _silent(scene, gateway, sending):
    one = sending(gateway, "/files", os.urandom(PORTIONS * PORTION)).begin()
    one.send(5 * PORTION)
    began = time.monotonic()
    status = one.outcome(SILENCE + 5)
    waited = time.monotonic() - began
    scene.holds(f"a silent client is told so over {one.wire}", status in one.TIMEOUT, status)
    scene.holds(f"it is let go after `silence`, over {one.wire}", SILENCE - 0.5 < waited < SILENCE + 3, f"{waited:.1f} s")
    one.again()
    scene.equals(f"all that it sent is safe over {one.wire}", one.offset, 5 * PORTION)
    one.send()
    scene.holds(f"it is complete in the end over {one.wire}", one.outcome() in one.COMPLETE)
    return one.content
