"""The gateway of the cases: its certificates, its routes, its process, and what its stores hold."""

import gzip
import hashlib
import json
import os
import socket
import subprocess
import threading
import time
from contextlib import suppress

from client import Connection

MIB = 1024 * 1024
START_LIMIT = 20.0
STOP_LIMIT = 8.0
LIMIT = 10 * MIB
ORIGIN = "https://app.example"
TOKENS = {"alice": "a", "bob": "b"}
# Short, so that cases can wait for it.
HEAD_TIMEOUT = 3
SILENCE = 8

ROUTES = {
    "/files": {"formats": "[bytes]", "http": f"{{cors: {{origins: [{ORIGIN}]}}, remove-complete: true}}"},
    "/keep": {"formats": "[bytes]"},
    "/gz": {"gzip": "6", "upload": "64 MiB", "http": "{remove-complete: true}"},
    "/json": {"formats": "[json]", "check": "true"},
    "/quota": {"held": "1 MiB", "upload": "1 MiB", "http": "{remove-complete: true}"},
    "/auth": {"access": "{tokens: tokens.txt}"},
    "/keys": {
        "access": "{tokens: tokens.txt}",
        "metadata": "sidecar",
        "name": '"{client}/{name}-{key}"',
        "http": f"{{keys: true, remove-complete: true, cors: {{origins: [{ORIGIN}]}}}}",
    },
    "/pipe": {"pipe": True, "upload": "64 MiB"},
    "/dig": {"metadata": "sidecar", "http": "{remove-complete: true}"},
    "/brief": {"resume-for": "2s"},
    "/small": {"held": "1 MiB", "upload": "1 MiB"},
    "/parts": {"http": "{drop-parts: true}"},
    "/large": {"upload": "1 GiB"},
}


class Gateway:
    """One gateway after the other, on the same folder and port."""

    def __init__(self, folder, sluice, http="http: {}", limits="", idle=20, progress="64 KiB per 30s"):
        """`http` is a line of the configuration; `limits` is added to those of each route; `idle` is in seconds."""
        self.progress = progress
        self.folder, self.sluice = folder, os.path.abspath(sluice)
        self.http, self.limits, self.idle = http, limits, idle
        self.port, self.process = free_port(), None
        # Variables that the next start has beside ours.
        self.environment = {}
        self.backend = Backend()
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run([f"{here}/../../certs/make", f"{folder}/certs"], check=True, stdout=subprocess.DEVNULL)
        self.authority = f"{folder}/certs/ca.pem"
        self._write()

    @property
    def origin(self):
        return f"https://localhost:{self.port}"

    def connect(self, protocols=("http/1.1",)):
        return Connection(self.port, self.authority, protocols)

    # Life and death

    def start(self):
        listening = threading.Event()
        with open(f"{self.folder}/gateway.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.sluice, "serve", "--config", f"{self.folder}/sluice.yaml"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | self.environment,
            )
        threading.Thread(target=_watch, args=(self.process.stdout, listening), daemon=True).start()
        deadline = time.monotonic() + START_LIMIT
        while not listening.wait(0.01):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the gateway does not listen; see {self.folder}/gateway.log")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Whatever state the run is in, nothing is left running."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self.kill()
        self.backend.close()

    def is_alive(self):
        return self.process.poll() is None

    def bytes_read(self):
        """What the process has read by system calls since it started."""
        with open(f"/proc/{self.process.pid}/io", encoding="ascii") as file:
            return int(next(line for line in file if line.startswith("rchar")).split()[1])

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # What the stores hold

    def published(self):
        """The complete uploads' files of all stores, without sidecars."""
        kept = ("/.partial/", "/.rejected/")
        return {path for path in self._files()
                if not any(one in path for one in kept) and not path.endswith(".json")}

    def unfinished(self, route):
        """Names of what a store keeps for uploads that are not complete, with the bytes of each."""
        found = {}
        for path in self._files():
            name = os.path.basename(path)
            if path.startswith(f"{self.folder}/store{route}/.partial/") and not name.startswith("."):
                # The gateway may remove it meanwhile.
                with suppress(FileNotFoundError):
                    found[name] = os.path.getsize(path)
        return found

    def _files(self):
        return [f"{place}/{name}" for place, _, names in os.walk(f"{self.folder}/store") for name in names]

    @staticmethod
    def content(path):
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            return file.read()

    @staticmethod
    def sidecar(path):
        with open(f"{path}.json", encoding="utf-8") as file:
            return json.load(file)

    # The configuration

    def _write(self):
        os.mkdir(f"{self.folder}/store")
        with open(f"{self.folder}/tokens.txt", "w", encoding="ascii") as file:
            for name, token in TOKENS.items():
                file.write(f"{name} {hashlib.sha256(token.encode()).hexdigest()}\n")
        os.chmod(f"{self.folder}/tokens.txt", 0o600)
        lines = [
            f"listen: 127.0.0.1:{self.port}",
            "tls: {certificate: certs/server.pem, private-key: certs/server.key}",
            "state: state",
            f"timeouts: {{handshake: 5s, head: {HEAD_TIMEOUT}s, idle: {self.idle}s,"
            f" silence: {SILENCE}s, progress: {self.progress}, shutdown: 2s}}",
            "log: {level: debug, format: json}",
            self.http,
            "routes:",
        ]
        for path, route in ROUTES.items():
            limits = f"upload: {route.get('upload', '10 MiB')}, held: {route.get('held', '10 GiB')}{self.limits}"
            lines += [
                f"  {path}:",
                f"    limits: {{{limits}}}",
                f"    access: {route.get('access', 'anyone')}",
                f"    resume-for: {route.get('resume-for', '1h')}",
            ]
            lines += [f"    {key}: {route[key]}" for key in ("formats", "check", "http") if key in route]
            lines.append(self._pipe() if route.get("pipe") else self._store(path, route))
        with open(f"{self.folder}/sluice.yaml", "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def _pipe(self):
        return f"    pipe: {{to: [127.0.0.1:{self.backend.port}], timeout: 8s}}"

    @staticmethod
    def _store(path, route):
        words = [f"directory: store{path}", "min-free: 1 MiB"]
        words += [f"{key}: {route[key]}" for key in ("gzip", "metadata", "name") if key in route]
        return f"    store: {{{', '.join(words)}}}"


class Backend:
    """The backend of `/pipe`: reads everything, answers with how much that was, and closes. It reads while it may."""

    def __init__(self):
        self.may_read = threading.Event()
        self.may_read.set()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=_count, args=(connection, self.may_read), daemon=True).start()


def _count(connection, may_read):
    count = 0
    may_read.wait()
    try:
        while data := connection.recv(262_144):
            count += len(data)
        connection.sendall(f"{count} bytes".encode())
    except OSError:
        pass
    connection.close()


def _watch(output, listening):
    for line in output:
        if b"listens on" in line:
            listening.set()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
