"""The shim under the gateway: counts the system calls of store and ledger, and gives one of them a fault."""

import errno
import mmap
import os
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# As in shim/control.h.
CALLS = ("open", "read", "write", "allocate", "truncate", "fsync", "fdatasync", "syncfs", "write-back", "rename",
         "link", "unlink", "make-folder", "mode", "look", "list", "map", "room", "lock")
PLACES = ("elsewhere", "store", "partial", "log", "database", "shared", "state")
ACTIONS = ("count", "fail", "fail-on", "wait", "kill-before", "kill-after", "half", "kill-within", "fail-all")
RULE = struct.Struct("<IIIIIIQQQ")
SEEN, COLUMNS = RULE.size, 8
DROPPED = SEEN + 32 * COLUMNS * 8
SIZE = DROPPED + 16 + 32 * (1 << 17)

# What is done to a call, by the word that a case has for it: the action, the error, and milliseconds.
FAULTS = {
    "eio": ("fail", errno.EIO, 0),
    "enospc": ("fail", errno.ENOSPC, 0),
    "outage": ("fail-on", errno.EIO, 1200),
    "dead": ("fail-all", errno.EIO, 1500),
    "wait": ("wait", 0, 400),
    "kill-before": ("kill-before", 0, 0),
    "kill-after": ("kill-after", 0, 0),
    "half": ("half", errno.ENOSPC, 0),
    "kill-within": ("kill-within", 0, 0),
}
# As `changes` in shim/faults.c.
_LOOKS = {"open", "read", "look", "list", "map", "room", "lock"}
_NEEDS_ROOM = {"open", "write", "allocate", "fsync", "fdatasync", "rename", "link", "make-folder", "map"}


def faults_of(call):
    """The faults that this kind of call may meet."""
    faults = ["eio", "outage", "wait", "kill-before", "kill-after"]
    faults += ["dead"] if call not in _LOOKS else []
    faults += ["enospc"] if call in _NEEDS_ROOM else []
    faults += ["half", "kill-within"] if call == "write" else []
    return faults


def compile_shim(folder):
    """The path of the library. Ends the run where there is no compiler."""
    library = f"{folder}/faults.so"
    sources = [f"{HERE}/shim/faults.c", f"{HERE}/../Soak/shim/synced_files.c"]
    try:
        subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, *sources, "-ldl"], check=True)
    except FileNotFoundError:
        sys.exit("faults: a C compiler is needed: install one that is called `cc`")
    return library


class Shim:
    """Of one gateway, over all its starts."""

    def __init__(self, library, path, store, state):
        with open(path, "w+b") as file:
            file.truncate(SIZE)
            self._shared = mmap.mmap(file.fileno(), SIZE)
        self.environment = {"LD_PRELOAD": library, "SLUICE_FAULTS_CONTROL": path, "SLUICE_FAULTS_STORE": store,
                            "SLUICE_FAULTS_STATE": state}

    def arm(self, call=None, place=None, number=0, fault=None):
        """From now on calls are counted, and that one has its fault. Without one they are only counted."""
        action, code, milliseconds = FAULTS[fault] if fault else ("count", 0, 0)
        self.disarm()
        self._shared[SEEN:DROPPED] = bytes(DROPPED - SEEN)
        rule = (CALLS.index(call), PLACES.index(place)) if fault else (0, 0)
        RULE.pack_into(self._shared, 0, 0, *rule, ACTIONS.index(action), code, milliseconds, number, 0, 0)
        struct.pack_into("<I", self._shared, 0, 1)

    def disarm(self):
        struct.pack_into("<I", self._shared, 0, 0)

    @property
    def has_fired(self):
        return RULE.unpack_from(self._shared)[7] > 0

    @property
    def failing_until(self):
        """The end of an outage, on the monotonic clock."""
        return RULE.unpack_from(self._shared)[8] / 1e9

    @property
    def kills(self):
        """Whether the fault ends the gateway."""
        return ACTIONS[RULE.unpack_from(self._shared)[3]].startswith("kill")

    def seen(self):
        """How many calls of each kind there were, by (call, place)."""
        counts = {}
        for row, call in enumerate(CALLS):
            for column, place in enumerate(PLACES):
                if count := struct.unpack_from("<Q", self._shared, SEEN + 8 * (row * COLUMNS + column))[0]:
                    counts[call, place] = count
        return counts

    @property
    def dropped(self):
        """Bytes that failed syncs lost."""
        return struct.unpack_from("<Q", self._shared, DROPPED)[0]
