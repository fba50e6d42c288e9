"""Honest uploads beside hostile clients; see README.md.

usage: hostile.py --sluice PATH [--rounds 5] [--uploads 20] [--mib 64] [--bound 240] [--keep]
"""

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../HTTP"))

from attackers import Attackers  # noqa: E402
from honest import HonestGateway, Round  # noqa: E402

# The share of their rate that honest uploads keep, and what the gateway's memory may grow by under attack.
SHARE = 0.9
GROWTH = 64 << 20


def main():
    options = arguments()
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {options.bound} s"))
    signal.alarm(options.bound)
    folder = tempfile.mkdtemp(prefix="sluice-hostile-")
    gateway, attackers, faults = HonestGateway(folder, options.sluice), None, ["did not end"]
    try:
        gateway.start()
        # The first round finds everything cold, and counts for nothing.
        Round(gateway, options.uploads, options.mib).run()
        quiet, attacked = [], []
        for number in range(options.rounds):
            quiet.append(Round(gateway, options.uploads, options.mib).run())
            attackers = Attackers(gateway)
            attackers.start()
            attacked.append(Round(gateway, options.uploads, options.mib).run())
            counts = attackers.stop()
            print(f"round {number + 1}: {quiet[-1]} | attacked: {attacked[-1]}", flush=True)
            print(f"  {counts}", flush=True)
            faults = counts.faults() if number == 0 else faults + counts.faults()
        faults += judge(gateway, quiet, attacked)
    finally:
        if attackers:
            attackers.stop()
        gateway.stop()
        if options.keep or faults:
            print(f"the gateway's folder is {folder}")
        else:
            shutil.rmtree(folder)
    for fault in faults:
        print(f"FAILED: {fault}")
    return 1 if faults else 0


def judge(gateway, quiet, attacked):
    """What is wrong; prints the figures."""
    rates = [statistics.median(one.rate for one in rounds) for rounds in (quiet, attacked)]
    processor = [statistics.median(one.processor for one in rounds) for rounds in (quiet, attacked)]
    memory = [max(one.memory for one in rounds) for rounds in (quiet, attacked)]
    share = rates[1] / rates[0]
    print(
        f"medians: {rates[0]:.0f} MB/s alone, {rates[1]:.0f} MB/s under attack, which is {share:.0%}; "
        f"the gateway took {processor[0]:.2f} and {processor[1]:.2f} CPU-s/GiB, "
        f"and at most {memory[0] >> 20} and {memory[1] >> 20} MiB of memory"
    )
    faults = [] if share >= SHARE else [f"honest uploads keep {share:.0%} of their rate, less than {SHARE:.0%}"]
    if memory[1] - memory[0] > GROWTH:
        faults.append(f"memory grew by {(memory[1] - memory[0]) >> 20} MiB, more than {GROWTH >> 20}")
    if not gateway.is_alive():
        faults.append(f"the gateway ended by itself with {gateway.process.returncode}")
    return faults + [fault for one in quiet + attacked for fault in one.faults] + gateway.complaints()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sluice", required=True, metavar="PATH")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of a round alone and one under attack")
    parser.add_argument("--uploads", type=int, default=20, help="honest uploads at once")
    parser.add_argument("--mib", type=int, default=64, help="the size of each, in MiB")
    parser.add_argument("--bound", type=int, default=240, metavar="SECONDS", help="the most that the run may take")
    parser.add_argument("--keep", action="store_true", help="keep the gateway's folder")
    options = parser.parse_args()
    if not os.access(options.sluice, os.X_OK):
        parser.error(f"{options.sluice} cannot be executed")
    return options


if __name__ == "__main__":
    sys.exit(main())
