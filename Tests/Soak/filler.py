"""The small disk of `/small`, which fills and empties."""

import errno
import os
import time

from places import MIB


class Filler:
    """Takes the small disk's room with a file, nearly or wholly, and gives it back."""

    def __init__(self, places, journal, random):
        self.path, self.journal, self.random = f"{places.disk}/filler", journal, random
        self.gate = places.gate
        self.is_calm = False
        self.is_present = places.has_disk

    def run(self, until):
        while self.is_present and not self.is_calm and time.monotonic() < until:
            time.sleep(self.random.uniform(0.5, 3))
            with self.gate.reading():
                self._fill(self.random.choice((0, 0, 0, 1, MIB, 5 * MIB)))
            time.sleep(self.random.uniform(0.5, 3))
            with self.gate.reading():
                self._empty()

    def _fill(self, leave):
        self.journal.note(f"the disk is filled but for {leave} bytes")
        try:
            with open(self.path, "wb", buffering=0) as file:
                self.journal.count("times that the disk was filled")
                while not self.is_calm:
                    room = os.statvfs(self.path)
                    count = min(MIB, room.f_bavail * room.f_frsize - leave)
                    if count <= 0:
                        return
                    file.write(bytes(count))
        except OSError as error:
            # Read-only for a moment: another fault's turn.
            if error.errno not in (errno.ENOSPC, errno.EROFS):
                raise

    def _empty(self):
        while True:
            try:
                os.unlink(self.path)
                return self.journal.note("the disk is emptied")
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno != errno.EROFS:
                    raise
                time.sleep(0.1)
