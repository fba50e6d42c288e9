"""A scenario as it runs: its gateways, what has to hold, and what holds at every end."""

import os
import shutil
import tempfile
import time
import traceback

from scene_gateway import SceneGateway

# How much larger a gateway may be at the end than at its start, in bytes and in descriptors.
GROWTH = 64 << 20
DESCRIPTORS = 8
TRAPS = ("Fatal error", "Crash", "crashed", "Illegal instruction", "Segmentation", "AddressSanitizer")


def shown(value):
    """In words, and not too many: of contents their sizes."""
    if isinstance(value, bytes) and len(value) > 100:
        return f"{len(value)} bytes"
    if isinstance(value, list):
        return f"{len(value)} of them: [{', '.join(shown(one) for one in value[:8])}]"
    return repr(value)[:300]


class Scene:
    """What a scenario's `run` is given. It says `holds` of whatever must be so; the rest is seen to at its end."""

    def __init__(self, name, sluice, keep=False):
        self.name, self.sluice, self.keep = name, sluice, keep
        self.folder = tempfile.mkdtemp(prefix=f"sluice-{name.replace('_', '-')}-")
        self.gateways, self.faults, self.expected = [], [], []
        self._cleanups = []
        # A scenario may allow for more where it says why.
        self.growth = GROWTH

    def __enter__(self):
        return self

    def __exit__(self, kind, failure, line):
        try:
            if failure is None:
                for gateway in self.gateways:
                    self._close(gateway)
            elif isinstance(failure, Exception):
                places = [one for one in traceback.extract_tb(line) if "Tests/" in one.filename]
                where = ", ".join(f"{os.path.basename(one.filename)}:{one.lineno}" for one in places[-4:])
                self.fault(f"{kind.__name__}: {failure} ({where})")
        finally:
            for cleanup in reversed(self._cleanups):
                cleanup()
            for gateway in self.gateways:
                gateway.stop()
            if self.faults or self.keep:
                print(f"the folder is {self.folder}", flush=True)
            else:
                shutil.rmtree(self.folder, ignore_errors=True)
        return isinstance(failure, Exception)

    # What a scenario arranges

    def gateway(self, routes, settings=None, start=True):
        """A gateway with these routes; see `SceneGateway`. It is stopped and looked at in the end."""
        folder = f"{self.folder}/{len(self.gateways)}" if self.gateways else f"{self.folder}/gateway"
        os.mkdir(folder)
        gateway = SceneGateway(folder, self.sluice, routes, settings)
        self.gateways.append(gateway)
        if start:
            gateway.start()
        return gateway

    def finally_do(self, action):
        """Called whatever comes, before the gateways are stopped for good; the last one first."""
        self._cleanups.append(action)

    def expects_error(self, text):
        """The log may have errors with this in them; all others are faults."""
        self.expected.append(text)

    # What a scenario says

    def holds(self, sentence, condition, detail=""):
        """A sentence that must be true. Returns whether it is."""
        if not condition:
            self.fault(f"it does not hold that {sentence}" + (f": {detail}" if detail != "" else ""))
        return bool(condition)

    def equals(self, sentence, found, wanted):
        return self.holds(sentence, found == wanted, f"found {shown(found)}, expected {shown(wanted)}")

    def fault(self, text):
        self.faults.append(text)
        print(text, flush=True)

    @staticmethod
    def until(condition, patience=10.0):
        """Waits until the condition is true, and returns what it was last."""
        deadline = time.monotonic() + patience
        while not (found := condition()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def comes(self, sentence, condition, patience=10.0):
        """A sentence that must become true in time."""
        return self.holds(sentence, self.until(condition, patience), f"not within {patience:.0f} s")

    # What holds at every end

    def _close(self, gateway):
        """Alive, no larger than it was, with a ledger that fits its files, and it stops when it is asked to."""
        if not self.holds("the gateway is alive", gateway.is_alive(), gateway.last_words()):
            return
        self._check_leaks(gateway)
        self.check_ledger(gateway)
        gateway.stop()
        self.equals("SIGTERM ends the gateway in order", gateway.process.returncode, 0)
        for line in gateway.text().splitlines():
            if any(trap in line for trap in TRAPS):
                self.fault(f"the log has a trap: {line[:300]}")
        for record in gateway.records():
            if record.get("level") in ("error", "critical") and not any(one in str(record) for one in self.expected):
                self.fault(f"the log has an error that nobody expects: {record}")

    def _check_leaks(self, gateway):
        most = gateway.first_descriptors + DESCRIPTORS
        self.holds("no descriptor leaked", self.until(lambda: gateway.descriptors() <= most, 5),
                   f"{gateway.descriptors()} are open, {gateway.first_descriptors} were at the start")
        grown = gateway.memory() - gateway.first_memory
        self.holds(f"memory grew by no more than {self.growth >> 20} MiB", grown <= self.growth, f"{grown >> 20} MiB")

    def check_ledger(self, gateway):
        """Ledger against files and quotas, by the command, and `used` against the store's bytes by our own sum."""
        audit = gateway.command("check", "--ledger")
        # Between two looks the gateway may end what has expired.
        if audit.returncode:
            audit = gateway.command("check", "--ledger")
        self.holds("`sluice check --ledger` finds nothing", audit.returncode == 0, audit.stdout + audit.stderr)
        for route in gateway.stores():
            # A compressed file counts its upload's own bytes.
            stored = sum(len(gateway.content(path)) if path.endswith(".gz") else os.path.getsize(path)
                         for path in gateway.files(route))
            self.equals(f"{route} has used what its files have", gateway.quota(route)["used"], stored)
