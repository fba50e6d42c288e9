"""A restart with the sockets in systemd's hands, under load: who comes meanwhile waits, and of 200 uploads none fails."""

import os

from load import Load
from succession import SocketUnit

BOUND = 60
UPLOADS = 200


def run(scene):
    gateway = scene.gateway({"/files": {}}, {"timeouts": "{drain: 10s, shutdown: 5s}", "listen": "systemd"}, start=False)
    gateway.write()
    unit = SocketUnit(gateway.port)
    unit.start(gateway)
    load = Load(gateway, "/files")
    for round_ in range(2):
        scene.until(lambda: load.done > UPLOADS // 3 * (round_ + 1), 20)
        gateway.process.terminate()
        scene.equals("it ends in order under load", gateway.process.wait(20), 0)
        unit.start(gateway)
    scene.until(lambda: load.done > UPLOADS, 20)
    load.stop()
    scene.holds("there were as many as are wanted", load.done >= UPLOADS, load.done)
    scene.equals(f"no upload of {load.done} failed", load.failures, [])
    scene.holds("nobody waited for long", load.longest < 8, f"{load.longest:.1f} s")
    if os.environ.get("FIGURES"):
        print(f"{load.done} uploads, the longest took {load.longest:.2f} s")
