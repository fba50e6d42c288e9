"""Somebody sets the machine's clock, forth and back, while the gateway runs: nothing times out, nothing is lost, quota stays exact.

What lasts by the calendar, resume windows, follows the calendar where no connection has the upload, and nowhere else.
"""

import os
import time

import client
from sending import WIRES, Answered
from service_manager import ServiceManager, shim

# What has expired is looked for each quarter of `resume-for`.
BOUND = 60
SIZE = 2 << 20
HOUR = 3600


def run(scene):
    gateway = scene.gateway({"/files": {"resume-for": "60s"}}, start=False)
    manager = ServiceManager(gateway.folder, 4)
    jump = f"{gateway.folder}/jump"
    gateway.environment = manager.environment | {"LD_PRELOAD": shim(gateway.folder, "clock"), "CLOCK_JUMP": jump}
    # The library that moves the calendar reads a file of its own.
    gateway.settings["landlock"] = "off"
    gateway.write()
    gateway.start()
    connected = [sending(gateway, "/files", os.urandom(SIZE)).begin().send(SIZE // 4) for sending in WIRES]
    resting = gateway.connect_http()
    resting.send(client.message("OPTIONS", "/files", host=f"localhost:{gateway.port}"))
    resting.answer("OPTIONS")
    for seconds in (2 * HOUR, -2 * HOUR, 0):
        _set(scene, gateway, manager, jump, seconds)
        for one in connected:
            one.send(SIZE // 4 - 1)
        _uploads(scene, gateway)
    resting.send(client.message("OPTIONS", "/files", host=f"localhost:{gateway.port}"))
    scene.equals("a connection at rest is still served", resting.answer("OPTIONS").status, 200)
    resting.close()
    for one in connected:
        scene.holds(f"an upload that is connected goes on to its end over {one.wire}", one.send().outcome() in one.COMPLETE)
    _window(scene, gateway, jump)
    scene.equals("nothing is reserved any more", gateway.quota("/files")["reserved"], 0)


def _set(scene, gateway, manager, jump, seconds):
    with open(f"{jump}.new", "w", encoding="ascii") as file:
        file.write(str(seconds))
    os.rename(f"{jump}.new", jump)
    began = time.monotonic()
    scene.comes("the watchdog goes on", lambda: manager.count("WATCHDOG=1", since=began) > 1)


def _uploads(scene, gateway):
    for sending in WIRES:
        one = sending(gateway, "/files", os.urandom(10_000)).begin()
        scene.holds(f"a new upload is complete over {one.wire}", one.send().outcome() in one.COMPLETE)


def _window(scene, gateway, jump):
    """The resume window of an upload whose client is gone."""
    one = WIRES[0](gateway, "/files", os.urandom(SIZE)).begin().send(SIZE // 4)
    scene.comes("a quarter is safe", lambda: gateway.uploads("open")[0]["safe"] == SIZE // 4)
    one.cut()
    with open(jump, "w", encoding="ascii") as file:
        file.write(str(-HOUR))
    scene.equals("the calendar goes back, and the upload goes on", one.again().offset, SIZE // 4)
    left = gateway.text().count("Upload left")
    one.cut()
    scene.comes("its window has begun", lambda: gateway.says("Upload left", left + 1))
    with open(jump, "w", encoding="ascii") as file:
        file.write(str(HOUR))
    scene.comes("the calendar is past its window: it is dropped", lambda: not gateway.uploads("open"), 40)
    try:
        one.again()
        scene.fault("an upload whose window has passed goes on")
    except Answered as answered:
        scene.holds("its client hears that there is none", answered.args[0] in one.UNKNOWN, answered.args[0])
