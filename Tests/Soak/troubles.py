"""What is done to the gateway from outside without ending it, and when: what clients may be told because of it."""

import contextlib
import threading
import time

# What a fault's consequences may still come after it: a retry of the ledger's, a backlog.
GRACE = 6.0


class Troubles:
    """Shared by all threads of a run."""

    def __init__(self):
        self._lock = threading.Lock()
        self._last = {}  # by kind, the end of the last one; infinity while it lasts

    @contextlib.contextmanager
    def under_way(self, kind):
        with self._lock:
            self._last[kind] = float("inf")
        try:
            yield
        finally:
            with self._lock:
                self._last[kind] = time.monotonic()

    def explain(self, since, *kinds):
        """Whether one of these was there since that moment, or not long before."""
        with self._lock:
            return any(self._last.get(kind, -1e9) + GRACE >= since for kind in kinds)

    def explain_storage(self, since):
        """Whether a store or the ledger may have failed."""
        return self.explain(since, "syncs", "ledger", "read-only", "descriptors", "power")

    def were_there(self, *kinds):
        return any(kind in self._last for kind in kinds)


class Gate:
    """Many may read what is on a disk; who takes it away is alone."""

    def __init__(self):
        self._condition = threading.Condition()
        self._readers, self._is_closed = 0, False

    @contextlib.contextmanager
    def reading(self):
        with self._condition:
            while self._is_closed:
                self._condition.wait()
            self._readers += 1
        try:
            yield
        finally:
            with self._condition:
                self._readers -= 1
                self._condition.notify_all()

    @contextlib.contextmanager
    def alone(self):
        with self._condition:
            while self._is_closed:
                self._condition.wait()
            self._is_closed = True
            while self._readers:
                self._condition.wait()
        try:
            yield
        finally:
            with self._condition:
                self._is_closed = False
                self._condition.notify_all()
