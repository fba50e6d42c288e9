"""The soak: uploads of all kinds, over x-stream and HTTP, while the gateway is killed, stopped and frozen; see README.md.

usage: soak.py --sluice PATH [--seconds 300] [--kills 30] [--uploads 50] [--parallel 16] [--seed N] [--short]
               [--report-markdown FILE]
"""

import argparse
import faulthandler
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../Clients")
sys.path.append(f"{HERE}/../HTTP")
sys.dont_write_bytecode = True

from account import Account  # noqa: E402
from backends import Backends  # noqa: E402
from content import Pool, Prose  # noqa: E402
from control import Control  # noqa: E402
from faults import Faults  # noqa: E402
from filler import Filler  # noqa: E402
from journal import Journal  # noqa: E402
from kept import Kept  # noqa: E402
from loads import Loads  # noqa: E402
from outside import Outside  # noqa: E402
from places import MIB, ROUTES, Places  # noqa: E402
from report import Report  # noqa: E402
from sender import Sender  # noqa: E402
from streams import Streamer  # noqa: E402
from supervised import Supervised  # noqa: E402
from troubles import Troubles  # noqa: E402
from uploads import Planner, Told  # noqa: E402
from web import KINDS as WEB_KINDS, Web  # noqa: E402
from http2_client import MISSING as MISSING_HTTP2  # noqa: E402

# How far memory may be above what it was before the last uploads: allocators keep some.
MEMORY_SLACK = 32 * MIB


class Soak:
    """One run."""

    def __init__(self, options):
        self.options, self.random = options, random.Random(options.seed)
        self.folder = tempfile.mkdtemp(prefix="sluice-soak-")
        self.places = Places(self.folder, options.sluice, options.short)
        self.journal = Journal(f"{self.folder}/driver.log")
        self.backends = Backends(self.places, self.journal, options.seed, flaps=not options.short)
        self.kept = Kept(self.places, self.backends)
        self.filler = Filler(self.places, self.journal, random.Random(f"disk {options.seed}"))
        self.troubles = Troubles()
        self.told = Told(self.places, self.journal, self.kept, self.troubles)
        self.control = None if options.short else Control(self.places, options.seed)
        self.gateway = Supervised(self.places, self.journal, self.control.environment if self.control else {})
        self.outside = Outside(self.gateway, self.told, self.control, self.random)
        self.loads = Loads(self.places, self.journal)
        self.account = Account(self.places, self.journal, self.told)
        largest, self.budget = (6 * MIB, 160 * MIB) if options.short else (200 * MIB, 5120 * MIB)
        self.planner = Planner(random.Random(options.seed), Pool(options.seed), Prose(options.seed), largest,
                               {name: one for name, one in self.places.routes.items() if not one.is_loads})
        self.planning = threading.Lock()
        self.passed = 0
        self.peak = 0
        self.settled = "not reached"

    # Clients

    def _upload(self, deadline, calm=False):
        with self.planning:
            upload = self.planner.draw(calm)
            seed = f"{self.options.seed} {upload.label}"
            self.journal.uploads[upload.label] = upload
        self.journal.note(f"begin {upload}")
        try:
            if upload.kind in ("send", "pipe"):
                Sender(upload, self.gateway, self.told, deadline, seed).run()
            elif upload.kind in WEB_KINDS:
                Web(upload, self.gateway, self.told, deadline, seed, self.backends).run()
            else:
                Streamer(upload, self.gateway, self.told, deadline, seed, self.backends).run()
        except Exception as error:  # noqa: BLE001 - a fault of the driver's own must not pass for a success
            self.journal.violate(f"the driver failed: {type(error).__name__}: {error}", upload)
            faulthandler.dump_traceback(self.journal._file, all_threads=False)
            raise
        self.journal.note(f"end {upload.label} {upload.outcome}")

    def _work(self, begin_until, deadline, at_least, calm=False):
        """`parallel` threads that do one upload after the other."""
        pause = random.Random(self.options.seed)

        def work():
            while time.monotonic() < deadline:
                if time.monotonic() > begin_until and len(self.journal.uploads) >= at_least:
                    return
                self._upload(deadline, calm)
                time.sleep(pause.random() * 0.1)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(self.options.parallel)]
        for thread in threads:
            thread.start()
        return threads

    def _describe(self):
        outcomes = [upload.outcome for upload in list(self.journal.uploads.values())]
        rss, peak = self.gateway.memory()
        self.peak = max(self.peak, peak)
        return (f"{len(outcomes)} uploads begun, {outcomes.count('complete')} complete, "
                f"{len(self.journal.violations)} violations, {rss // MIB} MiB")

    # The run

    def run(self):
        options = self.options
        begin = time.monotonic()
        print(f"soak: seed {options.seed}, {options.seconds} s, {options.parallel} clients, {self.folder}", flush=True)
        if not self.places.has_disk:
            print("  no small disk: that takes root, who may mount; /small is left out", flush=True)
        if not options.short and not self.places.has_power:
            print("  no disks in images: that takes root and ext4; no power cuts, nothing read-only", flush=True)
        if MISSING_HTTP2:
            print(f"  no HTTP/2: {MISSING_HTTP2}", flush=True)
            if os.environ.get("CI"):
                self.journal.violate("HTTP/2 is not tried")
        if self.control and not self.control.is_there:
            print("  no shim: that takes a C compiler as `cc`; no failing syncs, no jumping clock", flush=True)
        if not self.gateway.start():
            return
        rough = options.seconds * (0.5 if options.short else 0.8)
        begin_until, deadline = begin + rough, begin + rough + (3 if options.short else 12)
        self.planner.allow(self.budget, rough)
        threads = self._work(begin_until, deadline, options.uploads)
        troubles = [threading.Thread(target=trouble, args=(begin_until,), daemon=True)
                    for trouble in (self.backends.trouble, self.filler.run)]
        for trouble in troubles:
            trouble.start()
        if not options.short:
            self.loads.start(rough, options.seed)
        Faults(self.gateway, self.told, self.random, rough, options.kills, self.outside).run(
            self._describe, options.short)
        self.backends.is_calm = self.filler.is_calm = True
        for trouble in troubles:
            trouble.join()
        for thread in threads:
            thread.join(max(0, deadline + 27 - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            self.journal.violate("a client does not come to its end")
            faulthandler.dump_traceback(self.journal._file)
        if not options.short:
            self._judge("clients of sluice load", self.loads.judge(60))
            self._judge("more connections than descriptors", self.outside.judge_full_table())
            # What was begun while the clock was ahead expires when its time comes.
            self.outside.set_clock(self.control.furthest / 3600)
        self._calm()
        self._wait_for_expiry()
        self._settle_accounts()

    def _calm(self):
        """Clients still break off, but nothing happens to the gateway: what it uses must come back to what it was."""
        print(f"  {self.journal.elapsed():5.1f}s  calm: clients alone misbehave", flush=True)
        first = len(self.journal.uploads)
        self.gateway.terminate()
        self.gateway.start()
        span = 1 if self.options.short else 5
        self.planner.allow(self.budget / 4, 3 * span)
        # The first uploads fill the allocators; what the last ones add is what counts.
        rounds = [self._calm_round(span) for _ in range(3 - self.options.short)]
        before, after = rounds[-2:]
        text = (f"memory {' -> '.join(str(one[0] // MIB) for one in rounds)} MiB, "
                f"descriptors {' -> '.join(str(one[1]) for one in rounds)}, "
                f"at most {max(self.peak, self.gateway.memory()[1]) // MIB} MiB")
        print(f"  {self.journal.elapsed():5.1f}s  {text}", flush=True)
        self.settled = text
        self._judge("uploads while it is calm", [
            (f"{upload} ended: {upload.outcome}", None) for upload in list(self.journal.uploads.values())[first:]
            if upload.outcome not in ("complete", "unfinished")])
        self._judge("descriptors at the end", [] if after[1] <= before[1] else [(text, None)])
        self._judge("memory at the end", [] if after[0] <= before[0] + MEMORY_SLACK else [(text, None)])

    def _calm_round(self, span):
        now = time.monotonic()
        for thread in self._work(now + span, now + span + (3 if self.options.short else 8), 0, calm=True):
            thread.join()
        # Connections that were half closed are read for a while, and cut ones are found out.
        best, settled = None, time.monotonic() + 6
        while time.monotonic() < settled:
            now = self.gateway.memory()[0], self.gateway.descriptors()
            if best is None or now[1] < best[1]:
                best, settled = now, min(settled, time.monotonic() + 2.2)
            time.sleep(0.1)
        return self.gateway.memory()[0], best[1]

    def _wait_for_expiry(self):
        longest = max(route.resume_for for route in ROUTES.values() if route.forgets)
        deadline = time.monotonic() + longest + 5
        while self.account.forgotten_left() and time.monotonic() < deadline:
            time.sleep(0.5)
        self._judge("abandoned uploads expire", self.account.check_forgotten())

    def _settle_accounts(self):
        self.account.load()
        self._judge("quotas while it runs", self.account.check_quotas())
        self._judge("ledger while it runs", self.account.check_ledger())
        self.gateway.check_alive()
        self.gateway.terminate()
        self.account.load()
        for name in ("quotas", "told", "files", "log", "backends", "ledger"):
            self._judge(name, getattr(self.account, f"check_{name}")())
        print(f"  {self.journal.elapsed():5.1f}s  {self.account.ledger_said}", flush=True)

    def _judge(self, name, wrong):
        for text, key in wrong:
            self.journal.violate(f"{name}: {text}", key=key)
        self.passed += not wrong

    # The end

    def summary(self):
        """Prints it. Returns the exit status."""
        journal = self.journal
        if self.control:
            for name, count in self.control.failed().items():
                journal.count(f"failed: {name}", count)
        uploads = list(journal.uploads.values())
        print(f"\n{len(uploads)} uploads, {self.gateway.starts} starts, slowest {self.gateway.slowest_start:.2f} s")
        for attribute in ("kind", "outcome"):
            values = [getattr(upload, attribute) for upload in uploads]
            print("  " + ", ".join(f"{values.count(value)} {value}" for value in sorted(set(values))))
        stored = sum(upload.size for upload in uploads if upload.outcome == "complete")
        print(f"  {stored / MIB:.0f} MiB complete and verified")
        for name, count in sorted(journal.counts.items()):
            print(f"  {count:7} {name}")
        for number, (text, key) in enumerate(journal.violations[:40], 1):
            print(f"\n{number}. {text}")
            for line in self.account.evidence(key) if key else []:
                print(f"     {line}")
        failed = len(journal.violations)
        if self.options.report_markdown:
            Report(self).write(self.options.report_markdown)
        if failed:
            self.places.unmount(keep=True)
            print(f"\nkept: {self.folder} (gateway.log, driver.log, state/ledger.sqlite, store/); "
                  f"again: --seed {self.options.seed}")
        else:
            self.places.unmount()
            shutil.rmtree(self.folder, ignore_errors=True)
        print(f"{self.passed + sum(not upload.is_broken for upload in uploads)} passed, {failed} failed", flush=True)
        return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sluice", required=True, help="the gateway's program")
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--uploads", type=int, help="begin at least so many")
    parser.add_argument("--parallel", type=int, help="clients at a time")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--report-markdown", metavar="FILE", help="what was tried and survived, as docs/reliability.md")
    parser.add_argument("--short", action="store_true", help="about 20 seconds, smaller files, fewer kills")
    options = parser.parse_args()
    for name, long, short in (("seconds", 300, 20), ("kills", 30, 4), ("uploads", 50, 24), ("parallel", 16, 8)):
        if getattr(options, name) is None:
            setattr(options, name, short if options.short else long)
    if not options.short and "--kills" not in sys.argv and options.seconds != 300:
        options.kills = max(1, options.seconds // 10)
    soak = Soak(options)

    def out_of_time():
        print(f"out of time; kept: {soak.folder}\n0 passed, 1 failed", flush=True)
        faulthandler.dump_traceback()
        soak.gateway.abandon()
        soak.places.unmount(keep=True)
        os._exit(1)

    timer = threading.Timer(options.seconds + (75 if options.short else 150), out_of_time)
    timer.daemon = True
    timer.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(f"stopped; kept: {soak.folder}"))
    try:
        soak.run()
        return soak.summary()
    finally:
        soak.loads.abandon()
        soak.gateway.abandon()
        soak.places.unmount(keep=True)


if __name__ == "__main__":
    sys.exit(main())
