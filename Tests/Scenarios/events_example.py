"""The example of a receiver (deploy/examples/receive-events.py) prints each complete upload's path once, killed or not."""

import base64
import os
import subprocess
import sys

from gateway import free_port
from sending import WIRES

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/examples/receive-events.py")
COUNT = 10


def run(scene):
    gateway = scene.gateway({"/files": {}}, start=False)
    folder, port = gateway.folder, free_port()
    with open(os.open(f"{folder}/secret", os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(f"# of the example\nwhsec_{base64.b64encode(os.urandom(32)).decode()}\n")
    gateway.settings["events"] = (
        f'{{example: {{url: "https://localhost:{port}/", secret: secret, ca: certs/ca.pem, time-limit: 5s}}}}')
    gateway.write()
    gateway.start()
    receiver = Example(folder, port)
    scene.finally_do(receiver.kill)
    for number in range(COUNT):
        if number == COUNT // 2:
            receiver.kill()
        one = WIRES[number % 2](gateway, "/files", os.urandom(1000)).begin().send()
        scene.holds("an upload is complete", one.outcome() in one.COMPLETE)
    receiver.start()
    scene.comes("each path was printed", lambda: set(receiver.paths()) == gateway.files("/files"), 20)
    scene.equals("each once", len(receiver.paths()), COUNT)


class Example:
    def __init__(self, folder, port):
        self._folder, self._process = folder, None
        self._words = [sys.executable, "-B", EXAMPLE, str(port), f"{folder}/certs/server.pem",
                       f"{folder}/certs/server.key", f"{folder}/secret", f"{folder}/seen"]
        self.start()

    def start(self):
        with open(f"{self._folder}/paths", "ab") as output:
            self._process = subprocess.Popen(self._words, stdout=output)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def paths(self):
        with open(f"{self._folder}/paths", encoding="utf-8") as file:
            return file.read().split()
