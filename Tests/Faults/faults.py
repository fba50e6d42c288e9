#!/usr/bin/env python3
"""Gives system calls of a gateway faults, and cuts the power of its disks; see README.md."""

import argparse
import collections
import multiprocessing
import os
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from cases import Bench, case_named, cases_of, in_order, scenarios, seeded, short_scenarios
from station import HERE  # noqa: F401  the path to the modules below
from disk import Disk
from shim import compile_shim
from summary import Summary
import cuts
import powercut

MEMORY = "/dev/shm"
GIB = 1 << 30
# Of the time, for system calls; the rest is for power cuts.
CALLS_SHARE = 0.6
# Of the short run: what there is to do, and not how long.
SHORT_SEED, SHORT_CASES, SHORT_LIMIT = 1, 48, 240


def worker(bench, todo, done, deadline):
    """Takes scenarios and cases until there are none, or no time is left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            kind, what = todo.get(timeout=0.2)
        except queue.Empty:
            continue
        if kind == "end":
            return
        if time.monotonic() > deadline:
            done.put((kind, what, None))
            continue
        try:
            done.put((kind, what, bench.run(what) if kind == "scenario" else bench.run(what.scenario, what)))
        except Exception:  # what the driver does not know is a finding too
            done.put((kind, what, traceback.format_exc()))


def run_calls(options, bench, summary, deadline):
    """Counts the calls of each scenario, and runs cases for as long as there is time."""
    todo, done = multiprocessing.Queue(), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=worker, args=(bench, todo, done, deadline), daemon=True)
               for _ in range(options.workers)]
    for process in workers:
        process.start()
    try:
        if options.only:
            cases = [case_named(name) for name in options.only]
        else:
            cases = _enumerate(options, todo, done, summary)
        _run(cases, todo, done, summary, options.workers, deadline)
    finally:
        for _ in workers:
            todo.put(("end", None))
        for process in workers:
            process.join(60)
            if process.is_alive():
                process.kill()


def _enumerate(options, todo, done, summary):
    wanted = list(short_scenarios() if options.short else scenarios())
    for scenario in wanted:
        todo.put(("scenario", scenario))
    source, cases, found = seeded(options.seed, "cases"), [], {}
    for _ in wanted:
        _, scenario, result = done.get(timeout=120)
        if result is None or isinstance(result, str):
            summary.wrong(f"{scenario}/clean", [f"could not be run: {result}"])
            continue
        found[scenario], wrong, _, _ = result
        if wrong:
            summary.wrong(f"{scenario}/clean", wrong)
    for scenario in wanted:
        cases += cases_of(scenario, found.get(scenario, {}), source)
    if options.match:
        cases = [case for case in cases if options.match.search(str(case))]
    summary.enumerated(found, cases)
    return in_order(cases, source)[: SHORT_CASES if options.short else None]


def _run(cases, todo, done, summary, workers, deadline):
    waiting, running = collections.deque(cases), 0
    while waiting or running:
        while waiting and running < workers and time.monotonic() < deadline:
            todo.put(("case", waiting.popleft()))
            running += 1
        if not running:
            break
        _, case, result = done.get(timeout=120)
        running -= 1
        summary.case(case, result)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sluice", required=True, type=os.path.abspath, help="the gateway's program")
    parser.add_argument("--seconds", type=float, default=570, help="in all; system calls have three fifths of it")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--workers", type=int, default=2 * os.cpu_count() + 1, help="cases at a time")
    parser.add_argument("--part", choices=("calls", "cuts", "all"), default="all")
    parser.add_argument("--short", action="store_true",
                        help="under a minute, and the same each time: some cases, and cuts of one recording on ext4")
    parser.add_argument("--only", action="append", metavar="CASE", help="this case of a system call alone")
    parser.add_argument("--match", metavar="REGEX", type=re.compile,
                        help="cases of system calls whose name has this, alone")
    parser.add_argument("--replay", metavar="FOLDER", help="a recording that was kept; with --cut, one cut of it")
    parser.add_argument("--cut", help="the cut's name, as the run said it")
    parser.add_argument("--keep", metavar="FOLDER", default=".build/faults-found",
                        help="where recordings with failing cuts go")
    parser.add_argument("--report-markdown", metavar="FILE", help="the page with a section for what was tried")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = SHORT_SEED if options.short else random.SystemRandom().randrange(1 << 31)
    if options.short:
        options.seconds = SHORT_LIMIT
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
    in_own_mounts()
    began = time.monotonic()
    folder = tempfile.mkdtemp(prefix="sluice-faults-", dir=MEMORY if os.path.isdir(MEMORY) else None)
    summary = Summary(options)
    disk = None
    try:
        certs = f"{folder}/certs"
        subprocess.run([f"{HERE}/../../certs/make", certs], check=True, stdout=subprocess.DEVNULL)
        library = compile_shim(folder)
        if options.replay:
            cuts.replay(options, certs, folder, summary)
        else:
            if options.part != "cuts" or options.only:
                # In memory, and a file system as gateways have it: with direct writes, and syncs of all of it.
                disk = Disk(f"{folder}/disk", 8 * GIB)
                share = 1 if options.part == "calls" or options.only else CALLS_SHARE
                bench = Bench(options.sluice, certs, library, disk.folder)
                run_calls(options, bench, summary, began + options.seconds * share)
                disk.unmount(keep=False)
                disk = None
            if options.part != "calls" and not options.only:
                powercut.run(options, certs, library, folder, summary, began + options.seconds)
    finally:
        if disk:
            disk.unmount(keep=False)
        shutil.rmtree(folder, ignore_errors=True)
    return summary.conclude(time.monotonic() - began)


def in_own_mounts():
    """Begins this program again in a mount namespace of its own: whatever ends it, nothing stays mounted."""
    if os.geteuid() == 0 and not os.environ.get("SLUICE_FAULTS_MOUNTS") and shutil.which("unshare"):
        os.environ["SLUICE_FAULTS_MOUNTS"] = "own"
        os.execvp("unshare", ["unshare", "--mount", "--", sys.executable, *sys.argv])


if __name__ == "__main__":
    sys.exit(main())
