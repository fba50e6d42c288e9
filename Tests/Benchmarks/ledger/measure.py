#!/usr/bin/env python3
"""Measures a gateway whose ledger has taken millions beside one whose ledger is empty.

usage: measure.py SLUICE FOLDER [--count N] [--seconds S] [--rounds R] [--there PERCENT]

FOLDER is made, with a store and two state folders in it, on the disk that counts; `full` is filled once (fill.py) and used
again. Says how long a start takes, the commands that look into the ledger, and small uploads one after another: of each
gateway in turn, so that both see the same machine.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time

CONFIGURATION = """\
listen: 127.0.0.1:0
tls: {{certificate: {certs}/server.pem, private-key: {certs}/server.key}}
state: {folder}/{name}
log: {{level: info, format: json}}
routes:
  /upload-file:
    limits: {{held: 100 TiB, unfinished: 100000}}
    store: {{directory: {folder}/store-{name}, min-free: 1 MiB}}
"""
SCENARIO = """\
stages: [{{clients: 16, for: {seconds}s}}]
uploads: [{{size: 4 KiB}}]
"""


ASKED = ("quota", "uploads", "uploads --json --limit 1000")


class Place:
    """One gateway's configuration."""

    def __init__(self, sluice, folder, name):
        self.sluice, self.folder, self.name = sluice, folder, name
        self.config = f"{folder}/{name}.yaml"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(certs=f"{folder}/certs", folder=folder, name=name))

    def start(self):
        """Returns the process, its port and the seconds until it listened."""
        begin = time.monotonic()
        with open(f"{self.folder}/{self.name}.log", "ab") as log:
            process = subprocess.Popen([self.sluice, "serve", "--config", self.config], stdout=subprocess.PIPE, stderr=log,
                                       text=True)
        for line in process.stdout:
            if found := re.search(r"listens on .*?:(\d+)", line.strip()):
                return process, int(found[1]), time.monotonic() - begin
        sys.exit(f"the gateway did not start: see {self.folder}/{self.name}.log")

    def ask(self, *command):
        """The seconds that a command takes."""
        begin = time.monotonic()
        subprocess.run([self.sluice, *command, "--config", self.config], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        return time.monotonic() - begin

    def load(self, port, seconds):
        """Uploads a second, and the milliseconds that they took: median, 99th percentile, longest."""
        with open(f"{self.folder}/load.yaml", "w", encoding="utf-8") as file:
            file.write(SCENARIO.format(seconds=seconds))
        result = f"{self.folder}/load.json"
        subprocess.run([self.sluice, "load", f"{self.folder}/load.yaml", "--ca", f"{self.folder}/certs/ca.pem", "--json",
                        result, "--quiet", f"xstream://localhost:{port}/upload-file"], check=True,
                       stdout=subprocess.DEVNULL)
        with open(result, encoding="utf-8") as file:
            return json.load(file)


def end(process):
    """In order."""
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sluice")
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--there", type=int, default=0)
    options = parser.parse_args()
    here, folder = os.path.dirname(os.path.abspath(__file__)), os.path.abspath(options.folder)
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(f"{folder}/certs"):
        subprocess.run([f"{here}/../../../certs/make", f"{folder}/certs"], check=True, stdout=subprocess.DEVNULL)
    places = [Place(os.path.abspath(options.sluice), folder, name) for name in ("empty", "full")]
    full = places[1]
    if not os.path.exists(f"{folder}/full/ledger.sqlite"):
        end(full.start()[0])
        subprocess.run([f"{here}/fill.py", f"{folder}/full/ledger.sqlite", str(options.count), "--there",
                        str(options.there)], check=True)
    runs = {place.name: [] for place in places}
    for number in range(options.rounds):
        for place in places:
            process, port, start = place.start()
            loaded = place.load(port, options.seconds)
            asked = [place.ask(*command.split()) for command in ASKED]
            end(process)
            runs[place.name].append((start, loaded, asked))
    for place in places:
        of = runs[place.name]
        size = os.path.getsize(f"{folder}/{place.name}/ledger.sqlite") >> 20
        figures = {name: statistics.median(run[2][number] for run in of) for number, name in enumerate(ASKED)}
        figures["start"] = statistics.median(run[0] for run in of)
        print(f"{place.name}: {size} MiB; " + ", ".join(f"{name} {value:.2f} s" for name, value in figures.items()))
        rates = [run[1]["totals"]["completed"] / run[1]["seconds"] for run in of]
        offers = {name: statistics.median(run[1]["latency"]["offer"][name] for run in of) * 1000 for name in ("p50", "p99")}
        longest = max(run[1]["latency"]["offer"]["max"] for run in of) * 1000
        print(f"  {statistics.median(rates):.0f} uploads/s ({min(rates):.0f} to {max(rates):.0f}); offers: median "
              f"{offers['p50']:.1f} ms, 99th percentile {offers['p99']:.1f} ms, longest {longest:.1f} ms")


if __name__ == "__main__":
    main()
