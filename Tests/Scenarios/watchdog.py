"""The service manager hears that the gateway lives only while every event loop and every store thread answers."""

import os
import socket
import time

import client
from service_manager import ServiceManager, shim

# Seconds within which the manager wants to hear of the gateway; it sees to itself that half of them are enough.
WATCHDOG = 2.0


def run(scene):
    gateway = scene.gateway({"/files": {}}, start=False)
    manager = ServiceManager(gateway.folder, WATCHDOG)
    holds = {"store": f"{gateway.folder}/hold-store", "loop": f"{gateway.folder}/hold-loop"}
    gateway.environment = manager.environment | {
        "LD_PRELOAD": shim(gateway.folder, "hold"), "HOLD_BELOW": f"{gateway.folder}/store/",
        "HOLD_STORE": holds["store"], "HOLD_LOOP": holds["loop"]}
    gateway.start()
    scene.comes("the manager hears READY", lambda: manager.count("READY=1"))
    scene.comes("the manager hears of it again and again", lambda: manager.count("WATCHDOG=1") > 3)
    scene.expects_error("A part of the gateway does not answer")
    _hung_disk(scene, gateway, manager, holds["store"])
    _hung_loop(scene, gateway, manager, holds["loop"])


def _hung_disk(scene, gateway, manager, hold):
    """A sync that does not end: one store thread of eight."""
    put(hold)
    connection = gateway.connect_http(timeout=30)
    connection.send(client.message("PUT", "/files/a", {"Content-Length": "3"}, b"abc", host=f"localhost:{gateway.port}"))
    _falls_silent(scene, gateway, manager, "store-thread-")
    os.unlink(hold)
    scene.equals("the upload is complete once the disk goes on", connection.answer("PUT").status, 201)
    connection.close()
    _is_heard_again(scene, gateway, manager, 1)


def _hung_loop(scene, gateway, manager, hold):
    """An event loop that does not come back from what it does."""
    put(hold)
    with socket.create_connection(("127.0.0.1", gateway.port)):
        _falls_silent(scene, gateway, manager, "event-loop-")
        os.unlink(hold)
    _is_heard_again(scene, gateway, manager, 2)


def _falls_silent(scene, gateway, manager, part):
    scene.comes(f"the log names a {part}", lambda: any(part in str(one) for one in gateway.records()))
    began = time.monotonic()
    # Longer than it is otherwise between two words, by far.
    scene.holds(f"the manager hears nothing while a {part} hangs",
                not scene.until(lambda: manager.count("WATCHDOG=1", since=began), WATCHDOG))


def _is_heard_again(scene, gateway, manager, times):
    scene.comes("the log says that it is over", lambda: gateway.says("All parts of the gateway answer again", times))
    began = time.monotonic()
    scene.comes("the manager hears of it again", lambda: manager.count("WATCHDOG=1", since=began) > 2)


def put(path):
    with open(path, "w", encoding="ascii"):
        pass
