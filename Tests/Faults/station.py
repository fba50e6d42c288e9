"""One gateway with its folder, its routes and its starts."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../Clients", f"{HERE}/../Soak"]
sys.path.append(f"{HERE}/../HTTP")

from kept import Kept  # noqa: E402
from places import MIB, Route, free_port  # noqa: E402

START_LIMIT = 30.0
ROUTES = {
    "plain": Route("/plain", 1024 * MIB, 64 * MIB, 86_400, MIB),
    "gzip": Route("/gzip", 1024 * MIB, 64 * MIB, 86_400, MIB, gzip=1),
    "named": Route("/named", 1024 * MIB, 64 * MIB, 86_400, MIB, name="{date}/{client}/{name}-{key}"),
    "both": Route("/both", 1024 * MIB, 64 * MIB, 86_400, MIB, gzip=1, name="{date}/{client}/{name}-{key}"),
}


class Station:
    """Its `store` has a folder for each route; `state` is the ledger's."""

    def __init__(self, sluice, certs, folder, routes, findings, store=None, state=None, position=None):
        self.sluice, self.certs, self.folder, self.findings = sluice, certs, folder, findings
        self.routes = {name: ROUTES[name] for name in routes}
        self.store_folder, self.state = store or f"{folder}/store", state or f"{folder}/state"
        self.config, self.log = f"{folder}/sluice.yaml", f"{folder}/gateway.log"
        self.port = free_port()
        # Where the disks' log is, if there is one.
        self.position = position or (lambda: 0)
        self.shim, self.process = None, None
        self.starts = self.killed = 0
        # Whether the driver has just ended it, and whether its faults may meet a start.
        self.is_taken_away = self.may_start_fail = False
        self.slowest_start = 0.0
        self.kept = Kept(self, None)
        self._lock = threading.Lock()
        os.makedirs(self.store_folder, exist_ok=True)
        self._write()

    def store(self, route):
        return f"{self.store_folder}{route.path}"

    @property
    def ca(self):
        return f"{self.certs}/ca.pem"

    # Life

    def start(self, may_fail=False):
        """Returns whether it listens."""
        first = time.monotonic()
        while True:
            self.starts += 1
            began, had_fired = time.monotonic(), self.shim and self.shim.has_fired
            with open(self.log, "ab") as log:
                log.write(f"--- start {self.starts}\n".encode())
                log.flush()
                self.process = subprocess.Popen(
                    [self.sluice, "serve", "--config", self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=os.environ | (self.shim.environment if self.shim else {}))
            while self.process.poll() is None:
                if self._listens():
                    self.slowest_start = max(self.slowest_start, time.monotonic() - began)
                    return True
                if time.monotonic() - began > START_LIMIT:
                    self.findings.add(f"the gateway does not listen {START_LIMIT:.0f} s after its start")
                    self.process.kill()
                    self.process.wait()
                    return False
                time.sleep(0.01)
            code = self.process.returncode
            if code == -signal.SIGKILL and self._has_killed():
                continue
            if code > 0 and may_fail and self._was_met(began, first, had_fired):
                # A fault in the start may be an error with words.
                self.findings.count("starts that ended with an error")
                time.sleep(0.2)
                continue
            self.findings.add(f"a start ended with {code}: {self.last_words()}")
            return False

    def _was_met(self, began, first, had_fired):
        """Whether a start since that moment may have met the fault."""
        if self.may_start_fail:
            return time.monotonic() < first + START_LIMIT
        return began < self.shim.failing_until or self.shim.has_fired and not had_fired

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def _has_killed(self):
        """Whether the fault has ended the gateway, and was not blamed for it yet."""
        if self.shim and self.shim.kills and self.shim.has_fired and not self.killed:
            self.killed = 1
            return True
        return False

    def ensure_up(self):
        """Starts it again where its fault has killed it. Returns whether it is there."""
        with self._lock:
            if self.process.poll() is None:
                return True
            code, is_taken_away, self.is_taken_away = self.process.returncode, self.is_taken_away, False
            if not is_taken_away and not (code == -signal.SIGKILL and self._has_killed()):
                self.findings.add(f"the gateway ended by itself with {code}: {self.last_words()}")
            return self.start(self.may_start_fail)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def terminate(self, patience=12.0):
        """Asks it to stop. Returns its status, or None where it had to be killed."""
        self.process.terminate()
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def ask(self, *arguments):
        """A command of `sluice` beside it: its status, and what it said."""
        run = subprocess.run([self.sluice, *arguments, "--config", self.config], capture_output=True, timeout=60,
                             check=False)
        return run.returncode, run.stdout.decode("utf-8", "replace"), run.stderr.decode("utf-8", "replace")

    def last_words(self, count=300):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return " | ".join(log.read()[-count:].strip().splitlines())

    def _write(self):
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
            words = [f"directory: {self.store(route)}", "min-free: 1 MiB"]
            words += [f"gzip: {route.gzip}"] if route.gzip else []
            words += [f'name: "{route.name}", metadata: sidecar'] if route.name else []
            lines += [
                f"  {route.path}:",
                f"    limits: {{upload: {route.upload}, held: {route.held}, concurrent: {route.concurrent}, "
                f"payload: {route.payload}}}",
                f"    resume-for: {route.resume_for}s",
                "    access: anyone",
                f"    store: {{{', '.join(words)}}}",
            ]
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
