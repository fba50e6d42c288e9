"""The conformance cases of the HTTP front; see README.md.

usage: cases.py --sluice PATH [--only REGEX] [--bound SECONDS] [--keep]
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile

sys.dont_write_bytecode = True

import rows  # noqa: E402
import tus_core_cases  # noqa: E402,F401
import tus_extension_cases  # noqa: E402,F401
import tus_checksum_cases  # noqa: E402,F401
import tus_concat_cases  # noqa: E402,F401
import resumable_cases  # noqa: E402,F401
import resumable_fault_cases  # noqa: E402,F401
import mixed_cases  # noqa: E402,F401
import removal_cases  # noqa: E402,F401
import digest_cases  # noqa: E402,F401
import plain_cases  # noqa: E402,F401
import form_cases  # noqa: E402,F401
import page_cases  # noqa: E402,F401
import settings_cases  # noqa: E402,F401
import framing_cases  # noqa: E402,F401
import pace_cases  # noqa: E402,F401
import http2_cases  # noqa: E402,F401
import http2_stream_cases  # noqa: E402,F401
import http2_upload_cases  # noqa: E402,F401
from http2_client import MISSING  # noqa: E402
from http2_rows import LEFT_OUT  # noqa: E402
from gateway import Gateway  # noqa: E402

# What the gateway does not do yet, or what runs by hand.
PLANNED = {
    "R33": "other clients and suites; by hand",
    "P20, P23": "the page in a browser: Tests/Page",
    "F09": "the throughput of HTTP/2 over a long line",
}


def main():
    options = arguments()
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {options.bound} s"))
    signal.alarm(options.bound)
    folder = tempfile.mkdtemp(prefix="sluice-http-")
    gateway = Gateway(folder, options.sluice)
    failed, count = ["start"], 0
    try:
        gateway.start()
        failed, count = rows.run_all(gateway, options.only)
    finally:
        gateway.stop()
        if options.keep or failed:
            print(f"the gateway's folder is {folder}")
        else:
            shutil.rmtree(folder)
    if LEFT_OUT:
        print(f"LEFT OUT {len(LEFT_OUT)} cases over HTTP/2, from {LEFT_OUT[0]} to {LEFT_OUT[-1]}: {MISSING}")
    for name, why in PLANNED.items():
        print(f"PLANNED {name}: {why}")
    print(f"{count - len(failed)} of {count} cases passed" + (f"; failed: {' '.join(failed)}" if failed else ""))
    return 1 if failed or not count else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sluice", required=True, metavar="PATH")
    parser.add_argument("--only", metavar="REGEX", help="cases whose name fits")
    parser.add_argument("--bound", type=int, default=600, metavar="SECONDS", help="the most that the run may take")
    parser.add_argument("--keep", action="store_true", help="keep the gateway's folder")
    options = parser.parse_args()
    if not os.access(options.sluice, os.X_OK):
        parser.error(f"{options.sluice} cannot be executed")
    return options


if __name__ == "__main__":
    sys.exit(main())
