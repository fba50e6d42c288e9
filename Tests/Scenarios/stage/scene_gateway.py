"""The gateway of a scenario: the one of the HTTP cases, with routes and settings of the scenario's own."""

import json
import os
import signal
import subprocess

import client
from gateway import Gateway
from xstream_tls import Connection, tls_context

SETTINGS = {
    "tls": "{certificate: certs/server.pem, private-key: certs/server.key}",
    "state": "state",
    "timeouts": "{handshake: 5s, head: 5s, idle: 20s, silence: 10s, shutdown: 2s}",
    "log": "{level: debug, format: json}",
    "http": "{}",
}
ROUTE = {"limits": "{upload: 64 MiB, held: 1 GiB}", "access": "anyone", "resume-for": "1h"}


class SceneGateway(Gateway):
    """`routes` has for each path what its keys say, as YAML; `settings` the same of the top level.

    Both can be changed, written by `write`, and taken by `reload`."""

    def __init__(self, folder, sluice, routes, settings=None):
        self.routes, self.settings = routes, SETTINGS | (settings or {})
        self.first_descriptors = self.first_memory = 0
        super().__init__(folder, sluice)

    @property
    def config(self):
        return f"{self.folder}/sluice.yaml"

    # The configuration

    def write(self):
        settings = {"listen": f"127.0.0.1:{self.port}"} | self.settings
        lines = [f"{key}: {value}" for key, value in settings.items() if value is not None] + ["routes:"]
        for path, own in self.routes.items():
            route = ROUTE | ({} if "pipe" in own else {"store": self._directory(path)}) | own
            lines += [f"  {path}:"] + [f"    {key}: {value}" for key, value in route.items() if value is not None]
        text = "\n".join(lines) + "\n"
        with open(f"{self.config}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(f"{self.config}.new", self.config)

    @staticmethod
    def _directory(path):
        return f"{{directory: store{path}, min-free: 1 MiB}}"

    def _write(self):
        os.mkdir(f"{self.folder}/store")
        self.write()

    # Life

    def start(self):
        super().start()
        self.first_descriptors, self.first_memory = self.descriptors(), self.memory()

    def command(self, *words):
        """`sluice WORDS` beside it, with its configuration."""
        return self.run(*words, "--config", self.config)

    def run(self, *words):
        return subprocess.run([self.sluice, *words], capture_output=True, text=True, timeout=20, check=False)

    def reload(self):
        """`sluice reload`: returns what came of it."""
        return self.command("reload")

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    # Its log

    def text(self):
        with open(f"{self.folder}/gateway.log", encoding="utf-8", errors="replace") as file:
            return file.read()

    def records(self):
        """The log's records, in order."""
        found = []
        for line in self.text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def says(self, text, count=1):
        """Whether so many of the log's records have this in them."""
        return sum(text in line for line in self.text().splitlines()) >= count

    def last_words(self):
        return " | ".join(self.text().splitlines()[-5:])

    # Its stores and its ledger

    def stores(self):
        return [path for path, route in self.routes.items() if "pipe" not in route]

    def files(self, route):
        """The complete uploads' files, without sidecars."""
        return {path for path in self.published() if path.startswith(f"{self.folder}/store{route}/")}

    def contents(self, route):
        """What they have, as a sorted list."""
        return sorted(self.content(path) for path in self.files(route))

    def quota(self, route):
        """`cap`, `reserved` and `used` of the route itself."""
        quotas = json.loads(self.command("quota", "--json").stdout)["quotas"]
        return next((one for one in quotas if one["route"] == route and not one["subject"] and "window" not in one),
                    {"cap": 0, "reserved": 0, "used": 0})

    def uploads(self, state=None):
        """The ledger's rows, as `sluice uploads` has them."""
        rows = json.loads(self.command("uploads", "--json").stdout)["uploads"]
        return [row for row in rows if state in (None, row["state"])]

    # Clients

    def connect_xstream(self, identity=None, timeout=10.0, port=None):
        """`identity` is the path of a certificate and its key, without `.pem` and `.key`."""
        files = (f"{identity}.pem", f"{identity}.key") if identity else (None, None)
        context = tls_context(self.authority, *files)
        return Connection("127.0.0.1", port or self.port, context, "localhost", timeout)

    def connect_http(self, identity=None, timeout=10.0):
        return client.Connection(self.port, self.authority, patience=timeout, identity=identity)
