#!/usr/bin/env python3
"""Takes each complete upload out of a store's folder, once, and never misses one.

usage: consume.py FOLDER TARGET [COMMAND...]

Moves each file into TARGET (on the same file system), with its sidecar if there is one, and runs COMMAND with the path that
it has then, if one is given. What fails stays in TARGET, and the command is not run again for it. Ends at SIGTERM and SIGINT.

Nothing is missed, because the folder is watched first and read then: what comes in between is seen twice, and found gone the
second time. Where the kernel drops events, and each minute in any case, the folder is read once more.

A file is whole and safe as soon as it has its name. Its sidecar is there before it (docs/consumers.md).
"""

import ctypes
import errno
import os
import select
import signal
import struct
import subprocess
import sys

# <sys/inotify.h>. A file gets its name by a rename, or by a link where the file system cannot rename without overwriting.
CREATE, MOVED_TO, OVERFLOW, IS_FOLDER, IGNORED = 0x100, 0x80, 0x4000, 0x40000000, 0x8000
NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
READ_AGAIN_AFTER = 60

libc = ctypes.CDLL(None, use_errno=True)


class Consumer:
    """A store's folder, with those in it."""

    def __init__(self, folder, target, command):
        self.folder, self.target, self.command = folder, target, command
        self.folders = {}
        self.inotify = libc.inotify_init1(NONBLOCK_CLOEXEC)
        if self.inotify < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")

    def watch(self, folder):
        """Before it is read: whatever comes after that is told."""
        descriptor = libc.inotify_add_watch(self.inotify, os.fsencode(folder), CREATE | MOVED_TO)
        if descriptor >= 0:
            self.folders[descriptor] = folder
        elif ctypes.get_errno() != errno.ENOENT:
            print(f"{folder} cannot be watched, and is read each minute", file=sys.stderr)

    def read(self, folder):
        """Takes what is there, in all folders."""
        self.watch(folder)
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        for entry in found:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                self.read(entry.path)
            else:
                self.take(entry.path)

    def take(self, path):
        """Moves a file away, and then its sidecar. One that is gone was taken before."""
        name = os.path.relpath(path, self.folder)
        # A sidecar goes with its file, which has its name without the end.
        if path.endswith(".json") and (os.path.lexists(path[:-5]) or self.is_sidecar(path)):
            return
        place = os.path.join(self.target, name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        try:
            # The sidecar first, under a second name: with its file gone nobody could tell whose it is.
            if os.path.lexists(path + ".json") and not os.path.lexists(place + ".json"):
                os.link(path + ".json", place + ".json")
            os.rename(path, place)
        except FileNotFoundError:
            return
        try:
            os.unlink(path + ".json")
        except FileNotFoundError:
            pass
        print(name, flush=True)
        if self.command:
            done = subprocess.run([*self.command, place], check=False)
            if done.returncode:
                print(f"{name}: {self.command[0]} ended with {done.returncode}", file=sys.stderr)

    @staticmethod
    def is_sidecar(path):
        """Whether it is there before its file, which comes in a moment: an upload of its own would not say so."""
        try:
            with open(path, "rb") as file:
                return file.read(10) == b'{"route": '
        except OSError:
            return True

    def run(self):
        """Until it is told to end."""
        self.read(self.folder)
        while True:
            ready, _, _ = select.select([self.inotify], [], [], READ_AGAIN_AFTER)
            if not ready or self.hear():
                self.read(self.folder)

    def hear(self):
        """Takes what the kernel tells of. Returns whether something was missed."""
        missed = False
        events = os.read(self.inotify, 1 << 16)
        while events:
            descriptor, mask, _, length = struct.unpack_from("iIII", events)
            name = os.fsdecode(events[16:16 + length].rstrip(b"\0"))
            events = events[16 + length:]
            if mask & OVERFLOW:
                missed = True
            elif mask & IGNORED:
                self.folders.pop(descriptor, None)
            elif descriptor in self.folders and not name.startswith("."):
                path = os.path.join(self.folders[descriptor], name)
                if mask & IS_FOLDER:
                    self.read(path)
                else:
                    self.take(path)
        return missed


def main():
    """The command."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    # Whoever started it may have them blocked, and that is inherited.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    Consumer(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]).run()


if __name__ == "__main__":
    main()
