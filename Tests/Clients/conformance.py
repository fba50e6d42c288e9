#!/usr/bin/env python3
"""Runs named checks of x-stream/1 against a running gateway.

Prints `ok NAME`, `not ok NAME: why` or `skip NAME: needs OPTION` for each, and at last `N passed, N failed`.
Exit status 1 if any failed. The gateway's main route must store, take `bytes` and have room for --big
bytes; the client that the options describe must be let in, and not be held to fewer than 40 unfinished streams
(some checks leave streams behind whose keys they never saw). Checks without their option are skipped.
"""

import argparse
import fnmatch
import signal
import sys
import time

import checks  # noqa: F401 - registers them
from checks.gateway import CHECKS, Failure, Gateway, run_check


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--ca", required=True, help="PEM file of the authority that signed the server's certificate")
    add("--host", default="localhost", help="default localhost")
    add("--port", type=int, default=8443, help="default 8443")
    add("--server-name", help="the name to verify, where it is not the host")
    add("--route", required=True, help="the route that all but special checks use")
    add("--cert", help="the client's certificate, PEM")
    add("--key", help="the certificate's private key, PEM")
    add("--token", help="bearer token of every check that is not about tokens")
    add("--token-a", help="one client's token, good on --route")
    add("--token-b", help="another client's token, good on --route")
    add("--store", help="the route's directory, to look for the file KEY after each upload")
    add("--other-route", help="another route that stores and takes bytes: a key of one is unknown on the other")
    add("--protected-route", help="a route that refuses clients without credentials (status 5)")
    add("--max-upload", type=int, metavar="BYTES", help="what one stream may have on --route (status 6 above)")
    add("--max-payload", type=int, metavar="BYTES", default=1_048_576,
        help="largest payload on --route (default 1 MiB)")
    add("--partial-route", help="a storing route whose held quota is smaller than an upload may be")
    add("--partial-held", type=int, metavar="BYTES", help="that quota; the offer must not be for more")
    add("--formats-route", help="a route that takes json alone (status 4)")
    add("--streamless-route", help="a route that takes payloads and no streams (status 3)")
    add("--payloadless-route", help="a route that takes streams and no payloads (status 3)")
    add("--relay-route", help="a piped route that relays its backend's answer as the final's payload")
    add("--dead-route", help="a piped route whose backend cannot be reached (status 12)")
    add("--max-streams", type=int, metavar="N", help="streams at once of one client on --route (status 8 above)")
    add("--idle", type=float, metavar="SECONDS",
        help="the silence after which the server ends a stream (status 14)")
    add("--window", type=float, metavar="SECONDS",
        help="the resume window of --route, to see a stream dropped after it")
    add("--big", type=int, metavar="BYTES", default=32 << 20, help="size of the largest uploads (default 32 MiB)")
    add("--timeout", type=float, metavar="SECONDS", default=10, help="longest wait for the server (default 10)")
    add("--limit", type=int, metavar="SECONDS", default=120, help="longest time of one check (default 120)")
    add("--seed", type=int, default=None, help="of the random data and splits; printed, for a repetition")
    add("--only", metavar="PATTERN", action="append", help="run the checks whose name has this in it (or fits it)")
    add("--list", action="store_true", help="print the checks' names and stop")
    return parser.parse_args()


def chosen(name, patterns):
    return not patterns or any(part in name or fnmatch.fnmatch(name, part) for part in patterns)


def main():
    options = arguments()
    selected = [entry for entry in CHECKS if chosen(entry[0], options.only)]
    if options.list:
        print(*(name for name, *_ in selected), sep="\n")
        return 0
    options.seed = time.time_ns() % 1_000_000 if options.seed is None else options.seed
    print(f"# seed {options.seed}")

    def too_long(*_):
        raise Failure(f"the check takes longer than {options.limit} seconds")

    signal.signal(signal.SIGALRM, too_long)
    gateway, passed, failed = Gateway(options), 0, 0
    for name, function, needs, hostile in selected:
        missing = [need for need in needs if getattr(options, need.replace("-", "_")) is None]
        if missing:
            print(f"skip {name}: needs {' '.join('--' + need for need in missing)}", flush=True)
            continue
        signal.alarm(options.limit)
        try:
            why = run_check(gateway, function, hostile)
        except Failure as failure:  # the alarm may ring while the check cleans up
            why = str(failure)
        signal.alarm(0)
        passed, failed = passed + (why is None), failed + (why is not None)
        print(f"ok {name}" if why is None else f"not ok {name}: {why}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
