#!/usr/bin/env python3
"""Measures Sluice beside nginx, HAProxy, Envoy, tusd and a bare C loop; docs/benchmarks.md says what and how.

Prints a table, and writes docs/benchmarks.json, docs/benchmarks.svg and the results in docs/benchmarks.md.
"""

import argparse
import contextlib
import dataclasses
import fcntl
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import chart  # noqa: E402
import machine  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
from contenders import configurations, contenders, find_envoy  # noqa: E402
from disk import Image  # noqa: E402
from measurement import Measurement  # noqa: E402
from processes import Failed  # noqa: E402
from results import Results  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    names = ",".join(load.name for load in WORKLOADS)
    parser.add_argument("--sluice", default=f"{ROOT}/.build/release/sluice", help="the program that is measured")
    parser.add_argument("--minutes", type=float, default=10, help="ends in time, with fewer runs if need be")
    parser.add_argument("--runs", type=int, default=5, help="of each; the median counts")
    parser.add_argument("--scale", type=float, default=1, help="of the uploads' sizes and numbers")
    parser.add_argument("--workloads", default=names, help=f"some of {names}")
    parser.add_argument("--contenders", default="", help="only those whose names begin with one of these; commas between")
    parser.add_argument("--envoy", default="", help="Envoy's program; by default the one in PATH, if there is one")
    parser.add_argument("--folder", default=os.environ.get("BENCH_TMP", f"{ROOT}/.build/bench"),
                        help="where the store and the tools are; by default $BENCH_TMP or .build/bench")
    parser.add_argument("--image", action="store_true", help="stores on an ext4 image of 8 GiB; needs root")
    parser.add_argument("--docs", default=f"{ROOT}/docs", help="where results go; `-` prints them only")
    parser.add_argument("--lock", help="a file that is locked (flock) during each run, for others on the machine")
    parser.add_argument("--report", action="store_true", help="measures nothing: writes what benchmarks.json has")
    return parser.parse_args()


class Comparison:
    """All runs, in rounds: each round has each workload, and each workload all its contenders one after the other."""

    def __init__(self, options, places):
        self.options, self.places = options, places
        self.end = options.started + options.minutes * 60 - 5
        self.envoy = find_envoy(options.envoy)
        has_isal = os.path.exists("/usr/include/isa-l/igzip_lib.h")
        everybody = contenders(os.path.abspath(options.sluice), self.envoy, has_isal, places)
        begins = tuple(name for name in options.contenders.split(",") if name)
        self.contenders = [one for one in everybody if not begins or one.name.startswith(begins)]
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.workloads = [
            load.scaled(options.scale, descriptors) for load in WORKLOADS if load.name in options.workloads.split(",")
        ]
        self.lasted = {}  # seconds of each workload's longest turn
        self.failed = set()
        self.waited = 0.0  # seconds, for the lock

    def run(self):
        """The results of as many rounds as there is time for."""
        results = Results()
        results.data["about"] = machine.describe(self.options.sluice, self.envoy, self.places["store"])
        results.data["settings"] = {
            "command": command_line(sys.argv[1:]),
            "configurations": configurations(self.contenders),
            "workloads": {load.name: dataclasses.asdict(load) for load in self.workloads},
        }
        for setting in results.data["settings"]["workloads"].values():
            del setting["metrics"]
        results.data["limit"]["aes_gcm_seconds_per_gib"] = machine.aes_gcm_seconds_per_gib()
        for number in range(1, self.options.runs + 1):
            for load in self.workloads:
                self._turn(number, load, results)
        if not results.data["workloads"]:
            raise Failed("nothing could be measured; see above")
        return results

    def _turn(self, number, load, results):
        """One run of all contenders, so that what disturbs one disturbs the others."""
        began, waited = time.monotonic(), self.waited
        ready = [one for one in self.contenders if one.takes(load) and (load.name, one.name) not in self.failed]
        if began + 1.1 * self.lasted.get(load.name, 5 * len(ready)) > self.end + self.waited:
            print(f"{load.name}: no time is left for run {number}", flush=True)
            return
        for contender in ready:
            try:
                with self._locked():
                    figures = Measurement(contender, load, self.places).run()
            except Failed as failure:
                self.failed.add((load.name, contender.name))
                results.fail(load, contender, str(failure))
                print(f"{number} {load.name}, {contender.name}: FAILED: {failure}", flush=True)
                continue
            results.add(load, contender, figures)
            shown = ", ".join(f"{metric.format.format(figures[metric.key])} {metric.title}" for metric in load.metrics)
            print(f"{number} {load.name}, {contender.name}: {shown}", flush=True)
        lasted = time.monotonic() - began - (self.waited - waited)
        self.lasted[load.name] = max(self.lasted.get(load.name, 0), lasted)
        print(f"{number} {load.name}: {lasted:.0f} s", flush=True)

    @contextlib.contextmanager
    def _locked(self):
        """Keeps others out for one run; waiting for them is no part of the time that the comparison may take."""
        if not self.options.lock:
            yield
            return
        began = time.monotonic()
        with open(self.options.lock, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.waited += time.monotonic() - began
            yield


def command_line(words):
    """What to type for the same again; how others were kept out is nobody's business."""
    if "--lock" in words:
        place = words.index("--lock")
        words = words[:place] + words[place + 2:]
    if not words:
        return "make bench"
    shown = [os.path.relpath(word, ROOT) if word.startswith(ROOT) else word for word in words]
    return f'make bench BENCH="{shlex.join(shown)}"'


def prepare(folder):
    """Builds the tools and makes a certificate."""
    tools = os.path.join(folder, "tools")
    subprocess.run([f"{HERE}/tools/build.sh", tools], check=True)
    run = os.path.join(folder, "run")
    shutil.rmtree(run, ignore_errors=True)
    os.makedirs(run)
    paths = {name: os.path.join(run, f"{name}.pem") for name in ("certificate", "key", "both")}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", paths["key"], "-out", paths["certificate"]], check=True, capture_output=True)
    with open(paths["both"], "w") as both:
        for name in ("certificate", "key"):
            with open(paths[name]) as part:
                both.write(part.read())
    # Root's nginx would give its rights away to a user who cannot write to the store.
    user = "user root;" if os.geteuid() == 0 else ""
    return dict(paths, tools=tools, run=run, user=user, port=0, sink=1)


def write(results, docs):
    """Puts the results where readers look for them."""
    results.write(f"{docs}/benchmarks.json")
    with open(f"{docs}/benchmarks.svg", "w") as file:
        file.write(chart.draw(results))
    report.put_into(f"{docs}/benchmarks.md", results)


def measure(options):
    if not os.access(options.sluice, os.X_OK):
        raise Failed(f"{options.sluice} is not there; `make release` builds it, `--sluice` names another")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.suppress(PermissionError):
        os.nice(-10)
    folder = os.path.abspath(options.folder)
    os.makedirs(folder, exist_ok=True)
    places = prepare(folder)
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(Image(folder)) if options.image else folder
        places["store"] = os.path.join(disk, "store")
        os.makedirs(places["store"], exist_ok=True)
        stack.callback(shutil.rmtree, places["store"], ignore_errors=True)
        stack.callback(processes.stop_all)
        return Comparison(options, places).run()


def stop_on_signals():
    """Every wish to stop ends the same way, so that nothing is left behind."""

    def stop(*_):
        raise KeyboardInterrupt

    for wish in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(wish, stop)


def main():
    options = parse()
    options.started = time.monotonic()
    unknown = set(options.workloads.split(",")) - {load.name for load in WORKLOADS}
    if unknown:
        sys.exit(f"no such workload: {', '.join(sorted(unknown))}")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    stop_on_signals()
    try:
        results = Results.read(f"{options.docs}/benchmarks.json") if options.report else measure(options)
        print("\n" + report.tables(results))
        if options.docs != "-":
            write(results, options.docs)
            print(f"\nwritten: benchmarks.md, benchmarks.svg and benchmarks.json in {options.docs}")
        print(f"{time.monotonic() - options.started:.0f} s")
    except KeyboardInterrupt:
        sys.exit("stopped; nothing was written")
    except (Failed, OSError, ValueError, subprocess.CalledProcessError) as failure:
        sys.exit(f"compare.py: {failure}")
    sys.exit(1 if results.data["failures"] else 0)


if __name__ == "__main__":
    main()
