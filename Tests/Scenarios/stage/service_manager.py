"""What systemd is to a gateway: it hears what the gateway says of itself (sd_notify), and builds what it preloads."""

import os
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class ServiceManager:
    """`words` has all that was said, as pairs of the moment and the line; `environment` is the gateway's."""

    def __init__(self, folder, watchdog=None):
        """`watchdog` is in seconds."""
        path = f"{folder}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.environment = {"NOTIFY_SOCKET": path}
        if watchdog:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog * 1_000_000))
        self.words = []
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self):
        while said := self.socket.recv(65_536):
            self.words += [(time.monotonic(), line) for line in said.decode().splitlines()]

    def count(self, word, since=0.0):
        """How often a line that begins so was said since then."""
        return sum(line.startswith(word) and at >= since for at, line in list(self.words))


def shim(folder, name):
    """Builds `shim/NAME.c`: the value of LD_PRELOAD."""
    library = f"{folder}/{name}.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, f"{HERE}/../shim/{name}.c"], check=True)
    return library
