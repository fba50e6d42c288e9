"""A gateway without file descriptors keeps what it has, lets others wait, and takes them when there are some again."""

import os
import resource
import socket

from sending import WIRES

SIZE = 1 << 20
WAITING = 30


def run(scene):
    gateway = scene.gateway({"/files": {}})
    had = [sending(gateway, "/files", os.urandom(SIZE)).begin().send(SIZE // 2) for sending in WIRES]
    limits = resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE)
    # No descriptor is above this one: the process can have none any more.
    most = max(int(name) for name in os.listdir(f"/proc/{gateway.process.pid}/fd")) + 1
    scene.expects_error("Too many open files")
    resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (_filled(gateway, most), limits[1]))
    waiting = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(WAITING)]
    scene.comes("the log says that connections wait", lambda: gateway.says("Connections wait"))
    for one in had:
        scene.holds(f"an upload that has its descriptors is complete over {one.wire}", one.send().outcome() in one.COMPLETE)
    busy = _processor_time(gateway)
    scene.holds("it does not turn in circles meanwhile",
                not scene.until(lambda: _processor_time(gateway) - busy > 0.5, 1))
    resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, limits)
    for one in waiting:
        one.close()
    for sending in WIRES:
        one = sending(gateway, "/files", os.urandom(SIZE)).begin()
        scene.holds(f"a new upload is complete over {one.wire}", one.send().outcome() in one.COMPLETE)


def _filled(gateway, most):
    """A limit with no free descriptor below it, or few: those between are closed ones."""
    used = {int(name) for name in os.listdir(f"/proc/{gateway.process.pid}/fd")}
    limit = 0
    while limit in used:
        limit += 1
    return min(most, limit + 3)


def _processor_time(gateway):
    """In seconds, of all its threads."""
    with open(f"/proc/{gateway.process.pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
