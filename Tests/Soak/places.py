"""The gateway's configuration: routes with different limits, and where everything is."""

import hashlib
import os
import socket
import subprocess
from dataclasses import dataclass

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

    @property
    def forgets(self):
        """Whether its uploads may expire while the run lasts."""
        return self.resume_for < 600


ROUTES = {
    "plain": Route("/plain", 64 * 1024 * MIB, 1024 * MIB, 86_400, MIB),
    # Offers of a part, and refusals for lack of quota.
    "tight": Route("/tight", 48 * MIB, 40 * MIB, 4, 64 * 1024),
    # What is left here is gone soon.
    "brief": Route("/brief", 8 * 1024 * MIB, 256 * MIB, 3, MIB),
    # Too many at once, too large, and a client that is known.
    "guarded": Route("/guarded", 16 * 1024 * MIB, 24 * MIB, 86_400, 256 * 1024, 2, "soak-token-0123456789abcdef"),
}


class Places:
    """The folder of one run."""

    def __init__(self, folder, sluice):
        self.folder, self.sluice = folder, os.path.abspath(sluice)
        self.certs, self.state = f"{folder}/certs", f"{folder}/state"
        self.config, self.log = f"{folder}/sluice.yaml", f"{folder}/gateway.log"
        self.files, self.keys = f"{folder}/files", f"{folder}/keys"
        self.port = free_port()
        for path in (self.files, self.keys):
            os.mkdir(path)
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run([f"{here}/../../certs/make", self.certs], check=True, stdout=subprocess.DEVNULL)
        self._write()

    @property
    def ca(self):
        return f"{self.certs}/ca.pem"

    def store(self, route):
        return f"{self.folder}/store{route.path}"

    def _write(self):
        os.mkdir(f"{self.folder}/store")
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
            "routes:",
        ]
        for route in ROUTES.values():
            lines += [
                f"  {route.path}:",
                f"    limits: {{upload: {route.upload}, held: {route.held}, concurrent: {route.concurrent}, "
                f"payload: {route.payload}}}",
                f"    resume-for: {route.resume_for}s",
                f"    access: {f'{{tokens: {tokens}}}' if route.token else 'anyone'}",
                f"    store: {{directory: {self.store(route)}}}",
            ]
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
