"""What was tried, what the gateway promised, and which promises it broke."""

import collections
import threading
import time


class Journal:
    """Shared by all threads of a run."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.violations = []
        self.uploads = {}  # by label
        self.began = time.monotonic()
        self._file = open(path, "w", encoding="utf-8", buffering=1)
        self._awaited, self._happened = None, threading.Event()

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] += by

    def note(self, text):
        """A line of the driver's own log, which can be laid beside the gateway's: both have the same clock."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        self._file.write(f"{stamp} {text}\n")

    def violate(self, what, upload=None, key=None):
        """Something was broken. Does not raise: the run goes on, and shows what else there is."""
        where = f" [{upload.label} on {upload.route.path}{f', key {key}' if key else ''}]" if upload else ""
        with self.lock:
            self.violations.append((f"{what}{where}", key))
            if upload:
                upload.is_broken = True
        self.note(f"VIOLATION {what}{where}")
        print(f"  {self.elapsed():5.1f}s  VIOLATION: {what}{where}", flush=True)

    def elapsed(self):
        return time.monotonic() - self.began

    # Faults at the moments that matter

    def happened(self, moment):
        """A client is at one of the moments that a fault may wait for."""
        if self._awaited == moment:
            self._happened.set()

    def wait_for(self, moment, timeout):
        """Waits until some client is at that moment. Returns whether one was."""
        self._happened.clear()
        self._awaited = moment
        found = self._happened.wait(timeout)
        self._awaited = None
        return found
