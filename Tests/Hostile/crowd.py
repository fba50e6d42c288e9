"""Honest uploads beside crowds of connections that do next to nothing; see README.md.

usage: crowd.py --sluice PATH [--kinds drips,half-open] [--drips 2000] [--half-open 10000] [--rounds 3] [--uploads 20]
                [--mib 64] [--bound 600] [--keep]
"""

import argparse
import os
import resource
import shutil
import signal
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../HTTP"))

from crowds import KINDS, Crowd  # noqa: E402
from honest import HonestGateway, Round  # noqa: E402

SHARE = 0.9
BUDGET = 512 << 20

CONFIGURATION = """
listen: 127.0.0.1:{port}
tls: {{certificate: certs/server.pem, private-key: certs/server.key}}
state: state
memory: 512 MiB
connections: 16000
log: {{level: warning, format: json}}
http: {{}}
routes:
  /files:
    limits: {{upload: 1 GiB, held: 1024 TiB, concurrent: 10000, unfinished: 1000000}}
    access: anyone
    resume-for: 1m
    store: {{directory: store/files, min-free: 1 MiB}}
"""


class CrowdedGateway(HonestGateway):
    """With room for all of a crowd, so that it is nothing but what they cost that is measured."""

    def _write(self):
        os.mkdir(f"{self.folder}/store")
        with open(f"{self.folder}/sluice.yaml", "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(port=self.port))


def main():
    options = arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {options.bound} s"))
    signal.alarm(options.bound)
    faults = []
    for kind in options.kinds.split(","):
        faults += measure(kind, options)
    for fault in faults:
        print(f"FAILED: {fault}")
    return 1 if faults else 0


def measure(kind, options):
    """Rounds with and without the crowd, in turn; what was wrong."""
    count = options.drips if kind == "drips" else options.half_open
    folder = tempfile.mkdtemp(prefix="sluice-crowd-")
    gateway, crowd, faults = CrowdedGateway(folder, options.sluice), None, ["did not end"]
    try:
        gateway.start()
        # The first round finds everything cold, and counts for nothing.
        Round(gateway, options.uploads, options.mib).run()
        quiet, crowded, each = [], [], 0
        for number in range(options.rounds):
            quiet.append(Round(gateway, options.uploads, options.mib).run())
            before = gateway.memory()
            crowd = Crowd(kind, gateway, count)
            crowd.start()
            each = max(each, (gateway.memory() - before) / count)
            crowded.append(Round(gateway, options.uploads, options.mib).run())
            words = crowd.stop()
            print(f"{kind} {number + 1}: {quiet[-1]} | crowded: {crowded[-1]}", flush=True)
            print(f"  {words}", flush=True)
        faults = judge(kind, count, gateway, quiet, crowded, each)
    finally:
        if crowd:
            crowd.stop()
        gateway.stop()
        if options.keep or faults:
            print(f"the gateway's folder is {folder}")
        else:
            shutil.rmtree(folder)
    return faults


def judge(kind, count, gateway, quiet, crowded, each):
    """What is wrong; prints the figures."""
    rates = [statistics.median(one.rate for one in rounds) for rounds in (quiet, crowded)]
    memory = [max(one.memory for one in rounds) for rounds in (quiet, crowded)]
    share = rates[1] / rates[0]
    print(
        f"{kind}, {count}: {rates[0]:.0f} MB/s alone, {rates[1]:.0f} MB/s beside them, which is {share:.0%}; "
        f"at most {memory[0] >> 20} and {memory[1] >> 20} MiB of memory, {each / 1024:.1f} KiB more for each"
    )
    faults = [] if share >= SHARE else [f"{kind}: honest uploads keep {share:.0%} of their rate, less than {SHARE:.0%}"]
    if memory[1] > BUDGET:
        faults.append(f"{kind}: {memory[1] >> 20} MiB of memory, more than the budget's {BUDGET >> 20}")
    if not gateway.is_alive():
        faults.append(f"{kind}: the gateway ended by itself with {gateway.process.returncode}")
    return faults + [f"{kind}: {fault}" for one in quiet + crowded for fault in one.faults] + gateway.complaints()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sluice", required=True, metavar="PATH")
    parser.add_argument("--kinds", default="drips,half-open", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--drips", type=int, default=2000, help="connections at one byte a second")
    parser.add_argument("--half-open", type=int, default=10_000, help="handshakes that are never complete")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of a round alone and one beside the crowd")
    parser.add_argument("--uploads", type=int, default=20, help="honest uploads at once")
    parser.add_argument("--mib", type=int, default=64, help="the size of each, in MiB")
    parser.add_argument("--bound", type=int, default=600, metavar="SECONDS", help="the most that the run may take")
    parser.add_argument("--keep", action="store_true", help="keep the gateway's folder")
    options = parser.parse_args()
    if not os.access(options.sluice, os.X_OK):
        parser.error(f"{options.sluice} cannot be executed")
    return options


if __name__ == "__main__":
    sys.exit(main())
