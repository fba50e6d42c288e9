"""Each scenario against a gateway of its own; see README.md.

usage: scenarios.py --sluice PATH [--jobs N] [--keep] [NAME...]
"""

import argparse
import concurrent.futures
import contextlib
import glob
import importlib
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/stage", f"{HERE}/../HTTP", f"{HERE}/../Clients"]
# Seconds that a scenario may take which names no `BOUND` of its own.
BOUND = 30


def main():
    options = arguments()
    if options.inside:
        return play(options.names[0], options)
    began, players = time.monotonic(), set()
    pool = concurrent.futures.ThreadPoolExecutor(options.jobs)
    try:
        passed = list(pool.map(lambda name: run(name, options, players), options.names))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for player in list(players):
            end(player)
        raise
    failed = [name for name, fine in zip(options.names, passed) if not fine]
    count, took = len(options.names), time.monotonic() - began
    ending = f"; failed: {' '.join(failed)}" if failed else ""
    print(f"{count - len(failed)} of {count} scenarios passed in {took:.0f} s{ending}")
    return 1 if failed else 0


def run(name, options, players):
    """Plays a scenario in a process of its own, which takes its gateway along where it takes too long. Prints its lines."""
    module = importlib.import_module(name)
    bound, began = getattr(module, "BOUND", BOUND), time.monotonic()
    words = [sys.executable, "-B", __file__, "--sluice", options.sluice, "--inside", name]
    words += ["--keep"] if options.keep else []
    player = subprocess.Popen(words, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    players.add(player)
    try:
        said = player.communicate(timeout=bound)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        end(player)
        said = player.communicate()[0].decode("utf-8", "replace") + f"not done after {bound} s\n"
    players.discard(player)
    verdict = "FAILED" if player.returncode else "passed"
    line = f"{verdict} {name} ({time.monotonic() - began:.1f} s): {summary(module)}"
    print("\n  ".join([line, *said.splitlines()]), flush=True)
    return player.returncode == 0


def end(player):
    """With its gateways."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(player.pid, signal.SIGKILL)


def play(name, options):
    """The scenario itself; what does not hold is printed."""
    from scene import Scene  # pylint: disable=import-outside-toplevel

    scene = Scene(name, options.sluice, options.keep)
    with scene:
        importlib.import_module(name).run(scene)
    return 1 if scene.faults else 0


def is_long(name):
    """Whether a scenario is played only where it is named."""
    return getattr(importlib.import_module(name), "IS_LONG", False)


def summary(module):
    return module.__doc__.strip().partition("\n\n")[0].replace("\n", " ")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sluice", required=True, metavar="PATH")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="scenarios at a time")
    parser.add_argument("--keep", action="store_true", help="keep the gateways' folders")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="files without .py; else all that are not long")
    options = parser.parse_args()
    known = sorted(os.path.basename(path)[:-3] for path in glob.glob(f"{HERE}/*.py"))
    known.remove("scenarios")
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"no such scenario: {' '.join(sorted(unknown))}; there are {' '.join(known)}")
    if not os.access(options.sluice, os.X_OK):
        parser.error(f"{options.sluice} cannot be executed")
    options.sluice = os.path.abspath(options.sluice)
    options.names = options.names or [name for name in known if not is_long(name)]
    return options


if __name__ == "__main__":
    sys.exit(main())
