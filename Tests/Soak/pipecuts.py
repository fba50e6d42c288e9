#!/usr/bin/env python3
"""Cuts connections of piped uploads over HTTP a thousand times, and holds what backends got against what was sent.

Sixteen clients bring one upload each by PATCHes of tus or of the draft, over HTTP/1.1 or HTTP/2, at a gateway of their
own that nobody disturbs. Each upload must come to its end over one connection of one backend, byte for byte, and its
client's offsets must never go back.

usage: pipecuts.py --sluice PATH [--cuts 1000] [--uploads 16] [--seed 1] [--bound 180]
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../Clients")
sys.path.append(f"{HERE}/../HTTP")
sys.dont_write_bytecode = True

from backends import Backends  # noqa: E402
from content import Content, Pool  # noqa: E402
from journal import Journal  # noqa: E402
from kept import Kept  # noqa: E402
from places import MIB, ROUTES, Places  # noqa: E402
from supervised import Supervised  # noqa: E402
from troubles import Troubles  # noqa: E402
from uploads import Told, Upload  # noqa: E402
from web import PIECE, Web  # noqa: E402
from wires import VERSIONS  # noqa: E402

SIZE = 24 * MIB


class Often(Web):
    """An upload that is begun without bytes, so that each cut is of a PATCH, and goes on with all that is left."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.part = None
        # Every cut has a byte behind it.
        self.breaks = sorted(self.random.randrange(self.upload.size - 2 * PIECE) for _ in range(self.upload.breaks))

    def _is_in_one(self):
        return False

    def _first_part(self):
        return 0


class Run:
    def __init__(self, options, folder):
        self.options, self.deadline = options, time.monotonic() + options.bound
        self.places = Places(folder, options.sluice, is_short=True)
        self.journal = Journal(f"{folder}/driver.log")
        self.backends = Backends(self.places, self.journal, options.seed, flaps=False)
        self.backends.is_calm = True
        self.kept = Kept(self.places, self.backends)
        self.told = Told(self.places, self.journal, self.kept, Troubles())
        self.gateway = Supervised(self.places, self.journal, {})

    def run(self):
        options = self.options
        source, pool = random.Random(options.seed), Pool(options.seed)
        if not self.gateway.start():
            return
        threads = []
        for number in range(options.uploads):
            cuts = options.cuts // options.uploads + (number < options.cuts % options.uploads)
            label = f"cut{number:02d}"
            upload = Upload(label, "tus" if number % 4 == 3 else "draft", ROUTES["piped"],
                            Content(pool, SIZE + source.randrange(MIB), source.randrange(1 << 30)), 0, breaks=cuts,
                            http=VERSIONS[number % len(VERSIONS)])
            upload.total = upload.size if number % 3 else "*"
            self.journal.uploads[label] = upload
            client = Often(upload, self.gateway, self.told, self.deadline, f"{options.seed} {label}", self.backends)
            threads.append(threading.Thread(target=client.run, daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join(max(0, self.deadline + 30 - time.monotonic()))
        self._judge()

    def _judge(self):
        journal, counts = self.journal, self.journal.counts
        for upload in journal.uploads.values():
            if upload.outcome != "complete" or len(upload.promises) != 1:
                journal.violate(f"{upload} ended: {upload.outcome}, with {len(upload.promises)} keys", upload)
        for one in self.backends.wait_until_closed(10):
            journal.violate(f"a backend's connection is still open: {one}")
        # What was complete when its client heard of it is looked at once more.
        for upload in journal.uploads.values():
            for promise in upload.promises.values():
                if promise.is_done:
                    self.told.verify(upload, promise.key, all_of_it=True)
        self.cuts = sum(count for name, count in counts.items() if name.startswith("client cuts by"))
        if self.cuts != self.options.cuts:
            journal.violate(f"{self.cuts} cuts were made, not {self.options.cuts}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sluice", required=True, type=os.path.abspath, help="the gateway's program")
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--uploads", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bound", type=int, default=180, help="seconds that all of it may take")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="sluice-pipecuts-")
    run = Run(options, folder)
    try:
        run.run()
    finally:
        run.gateway.abandon()
        run.places.unmount()
    journal = run.journal
    for name, count in sorted(journal.counts.items()):
        print(f"  {count:7} {name}")
    done = [upload for upload in journal.uploads.values() if upload.outcome == "complete"]
    print(f"{run.cuts} cuts over {len(journal.uploads)} uploads in {journal.elapsed():.0f} s: {len(done)} complete, "
          f"{sum(upload.size for upload in done)} bytes the same at the backends; {len(journal.violations)} wrong")
    if journal.violations:
        print(f"kept: {folder}; again: --seed {options.seed}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
