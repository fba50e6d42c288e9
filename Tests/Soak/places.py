"""The gateway's configuration: routes with different limits, and where everything is."""

import hashlib
import os
import random
import socket
import subprocess
from dataclasses import dataclass

from disk import Disk, MemoryDisk
from troubles import Gate

MIB = 1024 * 1024


@dataclass(frozen=True)
class Route:
    path: str
    held: int
    upload: int
    resume_for: int  # seconds
    payload: int
    concurrent: int = 256
    token: str | None = None
    gzip: int | None = None
    name: str | None = None  # a template, with a sidecar
    is_pipe: bool = False
    is_small: bool = False  # on a disk of its own, which fills
    is_loads: bool = False  # `sluice load` uses it, and holds its own account
    more: str = ""  # lines of the configuration

    @property
    def runs_out(self):
        """Whether its quotas may be short."""
        return self.path in ("/tight", "/limited")

    @property
    def forgets(self):
        """Whether its uploads may expire while the run lasts."""
        return self.resume_for < 600


ROUTES = {
    # What is left where nothing is forgotten keeps its reservation to the end of a run, however long that is.
    "plain": Route("/plain", 1024 * 1024 * MIB, 1024 * MIB, 86_400, MIB),
    # Offers of a part, and refusals for lack of quota.
    "tight": Route("/tight", 48 * MIB, 40 * MIB, 4, 64 * 1024),
    # What is left here is gone soon.
    "brief": Route("/brief", 8 * 1024 * MIB, 256 * MIB, 3, MIB),
    # Too many at once, too large, and a client that is known.
    "guarded": Route("/guarded", 64 * 1024 * MIB, 24 * MIB, 86_400, 256 * 1024, 2, "soak-token-0123456789abcdef"),
    "compressed": Route("/compressed", 1024 * 1024 * MIB, 1024 * MIB, 86_400, MIB, gzip=1),
    "named": Route("/named", 64 * 1024 * MIB, 64 * MIB, 86_400, MIB, gzip=1, name="{date}/{client}/{name}-{key}"),
    # `held` bounds what is under way.
    "piped": Route("/piped", 512 * MIB, 48 * MIB, 5, MIB, is_pipe=True),
    # A window that is soon used up, and few streams for its one client.
    "limited": Route("/limited", 8 * 1024 * MIB, 16 * MIB, 4, 256 * 1024, token="soak-token-0123456789abcdef",
                     more="    on-quota: refuse\n    client-limits: {held: 4 GiB, concurrent: 3, unfinished: 8, "
                          "window: {bytes: 24 MiB, every: 6s}}"),
    "small": Route("/small", 8 * 1024 * MIB, 24 * MIB, 4, 256 * 1024, is_small=True,
                   more="    client-limits: {room: 100%}"),
    "load": Route("/load", 1024 * 1024 * MIB, 64 * MIB, 86_400, MIB, is_loads=True),
}
SMALL_DISK = 96 * MIB
# What an ext4 of that room takes with its journal.
SMALL_IMAGE = 112 * MIB
# Of stores and ledger. Sparse; an upload of unknown length is promised a GiB of it.
BIG_IMAGE = 512 * 1024 * MIB
# How long a backend of `/piped` may be silent.
PIPE_TIMEOUT = 4


class Places:
    """The folder of one run."""

    def __init__(self, folder, sluice, is_short=False):
        self.folder, self.sluice = folder, os.path.abspath(sluice)
        self.gate = Gate()
        self.big, self.disk = f"{folder}/big", f"{folder}/disk"
        self.certs, self.state = f"{folder}/certs", f"{self.big}/state"
        self.config, self.log = f"{folder}/sluice.yaml", f"{folder}/gateway.log"
        self.files, self.keys = f"{folder}/files", f"{folder}/keys"
        self.port, self.backend_ports = free_port(), (free_port(), free_port())
        for path in (self.files, self.keys):
            os.mkdir(path)
        if is_short:
            os.mkdir(self.big)
            self.disks = [MemoryDisk(self.disk, SMALL_DISK)]
        else:
            self.disks = [Disk(self.disk, SMALL_IMAGE), Disk(self.big, BIG_IMAGE)]
        self.has_disk = self.disks[0].is_mounted
        self.has_power = not is_short and all(disk.is_mounted for disk in self.disks)
        self.routes = {name: route for name, route in ROUTES.items()
                       if not (route.is_small and not self.has_disk or route.is_loads and is_short)}
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run([f"{here}/../../certs/make", self.certs], check=True, stdout=subprocess.DEVNULL)
        self._write()

    @property
    def ca(self):
        return f"{self.certs}/ca.pem"

    def store(self, route):
        return f"{self.disk}/store" if route.is_small else f"{self.big}/store{route.path}"

    def unmount(self, keep=False):
        """With `keep`, what is on the disks stays."""
        for disk in self.disks:
            disk.unmount(keep)

    def _write(self):
        os.mkdir(f"{self.big}/store")
        tokens = f"{self.folder}/tokens.txt"
        with open(tokens, "w", encoding="utf-8") as file:
            token = ROUTES["guarded"].token.encode()
            file.write(f"soak {hashlib.sha256(token).hexdigest()}\n")
        os.chmod(tokens, 0o600)
        lines = [
            f"listen: 127.0.0.1:{self.port}",
            f"tls: {{certificate: {self.certs}/server.pem, private-key: {self.certs}/server.key}}",
            f"state: {self.state}",
            "timeouts: {handshake: 10s, head: 10s, idle: 60s, silence: 30s, shutdown: 3s}",
            "memory: 64 MiB",
            "log: {level: info, format: json}",
            "http: {}",
            "routes:",
        ]
        for route in self.routes.values():
            lines += [
                f"  {route.path}:",
                f"    limits: {{upload: {route.upload}, held: {route.held}, concurrent: {route.concurrent}, "
                f"payload: {route.payload}}}",
                f"    resume-for: {route.resume_for}s",
                f"    access: {f'{{tokens: {tokens}}}' if route.token else 'anyone'}",
            ]
            lines += [route.more] if route.more else []
            lines.append(self._pipe() if route.is_pipe else self._store(route))
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def _store(self, route):
        words = [f"directory: {self.store(route)}", "min-free: 1 MiB"]
        words += [f"gzip: {route.gzip}"] if route.gzip else []
        words += [f'name: "{route.name}", metadata: sidecar'] if route.name else []
        return f"    store: {{{', '.join(words)}}}"

    def _pipe(self):
        backends = ", ".join(f"127.0.0.1:{port}" for port in self.backend_ports)
        return (f"    pipe: {{to: [{backends}], timeout: {PIPE_TIMEOUT}s, connect-timeout: 3s, header: packet, "
                "health: {every: 1s, timeout: 1s}}")


def free_port():
    """Not one of those that the system gives to connections: somebody listens on it again and again."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.SystemRandom().randrange(15_000, 32_000)))
                return probe.getsockname()[1]
            except OSError:
                continue
