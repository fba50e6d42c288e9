"""One measurement: a server is started, warmed up, loaded by the client, and asked what that cost."""

import json
import os
import shutil
import subprocess
import time

import processes
from processes import Failed
from workloads import GIB, KIB, MIB

# A run that takes longer than this has failed; in seconds.
RUN_LIMIT = 60


class Measurement:
    """A contender under a workload, once."""

    def __init__(self, contender, workload, places):
        self.contender, self.workload = contender, workload
        self.places = dict(places, port=processes.free_port(), sink=processes.free_port())
        self.server_core, self.client_core = processes.cores()
        self.log = os.path.join(places["run"], "server.log")
        self.server = self.sink = self.line = None

    def run(self):
        """The figures. Raises `Failed`."""
        self._clear_store()
        try:
            if self.workload.kind == "relay":
                self._start_sink()
            self._start_server()
            if self.workload.delay:
                self._start_line()
            self._warm_up()
            return self._hold() if self.workload.hold else self._load()
        finally:
            processes.stop(self.line)
            processes.stop(self.server)
            processes.stop(self.sink)
            self._clear_store()

    # Servers

    def _clear_store(self):
        shutil.rmtree(self.places["store"], ignore_errors=True)
        os.makedirs(os.path.join(self.places["store"], ".unfinished"))
        if self.workload.kind != "relay":
            os.sync()  # what the last one left to be written is not to burden this one

    def _start_sink(self):
        command = [f"{self.places['tools']}/sink", str(self.places["sink"])]
        if self.workload.http and not self.contender.is_sluice:
            command.append("http")
        self.sink = processes.start(command, self.client_core, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        processes.wait_for(self.places["sink"], self.sink, "the sink", os.devnull)

    def _sunk(self):
        self.sink.stdin.write(b"\n")
        self.sink.stdin.flush()
        return int(self.sink.stdout.readline())

    def _start_server(self):
        command = self.contender.start_command(self.places)
        with open(self.log, "wb") as log:
            self.server = processes.start(
                command, self.server_core, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        processes.wait_for(self.places["port"], self.server, self.contender.name, self.log)

    def _start_line(self):
        self.places["line"] = processes.free_port()
        half = self.workload.delay / 2
        command = [f"{self.places['tools']}/line", str(self.places["line"]), str(self.places["port"]), str(half)]
        self.line = processes.start(command, self.client_core)
        processes.wait_for(self.places["line"], self.line, "the line", os.devnull)

    # Client

    def _client(self, connections, size, rounds=1, total=0, hold=False, rate=0):
        port = self.places.get("line", self.places["port"])
        words = [f"{self.places['tools']}/client", "--port", str(port)]
        words += ["--connections", str(connections), "--bytes", str(size), "--rounds", str(rounds)]
        words += ["--timeout", str(RUN_LIMIT), "--rate", str(rate)]
        words += ["--total", str(total)] if total else []
        words += [f"--{flag}" for flag in ("text", "resume") if getattr(self.workload, flag)]
        words += ["--hold"] if hold else []
        words += self.contender.client_options(self.workload)
        return processes.start(
            words, self.client_core, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def _finish(self, client, go="\n"):
        try:
            output, errors = client.communicate(go, timeout=RUN_LIMIT + 10)
        except subprocess.TimeoutExpired:
            raise Failed("the client does not end") from None
        finally:
            processes.stop(client)
        if client.returncode != 0:
            raise Failed(f"{errors.strip()[-300:]} {output.strip()[-200:]} server: {processes.tail(self.log)}")
        return json.loads(output.splitlines()[-1])

    def _warm_up(self):
        load = self.workload
        for _ in range(2):
            self._finish(self._client(4, min(load.size, 256 * KIB), rounds=2 if load.rounds > 1 else 1))
        if load.kind != "relay":
            os.sync()
        time.sleep(0.15)

    # Figures

    def _load(self):
        load = self.workload
        pids = processes.family(self.server.pid)
        processes.forget_peaks(pids)
        memory, sunk = processes.resident_kib(pids), self._sunk() if self.sink else 0
        stored = self._stored()
        cpu = processes.cpu_seconds(pids)
        told = self._finish(self._client(load.connections, load.size, load.rounds, load.total, rate=load.rate))
        if self.sink:
            self._expect_sunk(sunk + told["bytes"])
        pids = processes.family(self.server.pid)
        cpu = processes.cpu_seconds(pids) - cpu
        peak = processes.resident_kib(pids, "VmHWM")
        figures = {
            "seconds": told["seconds"],
            "cpu_seconds": cpu,
            "cpu_per_gib": cpu / (told["bytes"] / GIB),
            "gib_per_second": told["bytes"] / GIB / told["seconds"],
            "mb_per_second": told["bytes"] / 1e6 / told["seconds"],
            "cpu_us": cpu / max(1, told["uploads"]) * 1e6,
            "per_second": told["uploads"] / told["seconds"],
            "peak_mib": peak * KIB / MIB,
            "growth_kib_each": (peak - memory) / load.connections,
        }
        if load.kind != "relay":
            stored = self._stored() - stored
            figures["stored_ratio"] = stored / told["bytes"]
            if stored < (1 if load.kind == "gzip" else told["bytes"]):
                raise Failed(f"{told['bytes']} bytes were sent, {stored} are in the store")
        if load.resume and told["resumed"] < 0.99 * told["handshakes"]:
            raise Failed(f"only {told['resumed']} of {told['handshakes']} handshakes were resumed")
        if not load.resume and told["resumed"]:
            raise Failed("sessions were resumed that should not")
        return figures

    def _hold(self):
        load = self.workload
        pids = processes.family(self.server.pid)
        memory = processes.resident_kib(pids)
        client = self._client(load.connections, load.size, hold=True)
        line = client.stdout.readline()
        if not line.startswith("held "):
            self._finish(client)
            raise Failed("no connection was held")
        time.sleep(1)  # time for a server to give back what it no longer needs
        held = int(line.split()[1])
        memory = processes.resident_kib(processes.family(self.server.pid)) - memory
        self._finish(client)
        return {"held": held, "kib_each": memory / max(1, held)}

    def _expect_sunk(self, expected):
        """What was sent has to arrive, if only in a moment: a relay answers nobody."""
        end = time.monotonic() + 5
        while (got := self._sunk()) < expected:
            if time.monotonic() > end:
                raise Failed(f"{expected - got} bytes did not arrive at the backend")
            time.sleep(0.01)

    def _stored(self):
        """Bytes in the store, without the state that a gateway keeps beside it."""
        total = 0
        for folder, folders, files in os.walk(self.places["store"]):
            folders[:] = [name for name in folders if name != "state"]
            total += sum(os.path.getsize(os.path.join(folder, name)) for name in files)
        return total
