"""One gateway process after the other over the same folder, without a moment in which clients are refused."""

import os
import socket
import subprocess
import threading


def take_over(gateway, scene, start_limit=15.0):
    """Starts a process that takes over, and returns the one before as it brings what is under way to its end."""
    listening = threading.Event()
    before = gateway.process
    with open(f"{gateway.folder}/gateway.log", "ab") as log:
        gateway.process = subprocess.Popen(
            [gateway.sluice, "serve", "--take-over", "--config", gateway.config], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=log, env=os.environ | gateway.environment)
    threading.Thread(target=_watch, args=(gateway.process.stdout, listening), daemon=True).start()
    scene.finally_do(lambda: before.poll() is None and before.kill())
    if not listening.wait(start_limit):
        raise RuntimeError("the new process does not listen")
    return before


def _watch(output, listening):
    for line in output:
        if b"listens on" in line:
            listening.set()


class SocketUnit:
    """What a socket unit of systemd is to its service: it listens, and each process gets the same socket as descriptor 3."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)

    def start(self, gateway, start_limit=15.0):
        listening = threading.Event()
        with open(f"{gateway.folder}/gateway.log", "ab") as log:
            gateway.process = subprocess.Popen(
                ["/bin/sh", "-c", 'exec 3<&"$0"; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', str(self.listener.fileno()),
                 gateway.sluice, "serve", "--config", gateway.config],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, pass_fds=[self.listener.fileno()],
                env=os.environ | gateway.environment)
        threading.Thread(target=_watch, args=(gateway.process.stdout, listening), daemon=True).start()
        if not listening.wait(start_limit):
            raise RuntimeError("the gateway does not listen")
        gateway.first_descriptors, gateway.first_memory = gateway.descriptors(), gateway.memory()
