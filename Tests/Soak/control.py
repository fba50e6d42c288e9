"""The shim under the gateway, and what is asked of it: syncs that fail, and a wall clock that jumps."""

import mmap
import os
import struct
import subprocess

# As in shim/control.h.
CLOCK, STORE_ODDS, LEDGER_ODDS, DRAWS, FAILED = 0, 8, 16, 24, 32
CALLS = ("fsync of a store", "fdatasync of a store", "syncfs of a store", "sync_file_range of a store",
         "fsync of the ledger", "fdatasync of the ledger")
DROPPED, FULL = FAILED + 8 * 8, FAILED + 9 * 8
SIZE = FAILED + 10 * 8 + 32 * (1 << 17)


class Control:
    """Compiles the shim into the folder of the run. Without a compiler `environment` is empty, and `is_there` false."""

    def __init__(self, places, seed):
        self.path, library = f"{places.folder}/control", f"{places.folder}/shim.so"
        here = os.path.dirname(os.path.abspath(__file__))
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", library,
                   *(f"{here}/shim/{name}.c" for name in ("failing_sync", "synced_files", "jumping_clock"))]
        try:
            self.is_there = subprocess.run(command, check=False).returncode == 0
        except FileNotFoundError:
            self.is_there = False
        self.environment = {}
        self.furthest = 0
        if not self.is_there:
            return
        with open(self.path, "w+b") as file:
            file.truncate(SIZE)
            self.shared = mmap.mmap(file.fileno(), SIZE)
        self._set(DRAWS, seed)
        self.environment = {
            "LD_PRELOAD": library, "SLUICE_SOAK_CONTROL": self.path, "SLUICE_SOAK_STORE": f"{places.big}/store",
            "SLUICE_SOAK_DISK": places.disk, "SLUICE_SOAK_LEDGER": places.state}

    def _set(self, at, value):
        struct.pack_into("<q", self.shared, at, value)

    def _get(self, at):
        return struct.unpack_from("<q", self.shared, at)[0]

    def fail_syncs(self, of_stores=0.0, of_ledger=0.0):
        """From now on each sync fails with these chances."""
        self._set(STORE_ODDS, int(of_stores * 1_000_000))
        self._set(LEDGER_ODDS, int(of_ledger * 1_000_000))

    def failed(self):
        """How often each call failed."""
        return {name: self._get(FAILED + 8 * index) for index, name in enumerate(CALLS)} if self.is_there else {}

    def dropped(self):
        """Bytes that failed syncs lost, and files that were too many to be looked after."""
        return (self._get(DROPPED), self._get(FULL)) if self.is_there else (0, 0)

    def set_clock(self, seconds):
        """The gateway's wall clock is so far before the true one."""
        self.furthest = max(self.furthest, seconds)
        self._set(CLOCK, int(seconds * 1_000_000_000))

    @property
    def clock(self):
        return self._get(CLOCK) / 1e9 if self.is_there else 0
