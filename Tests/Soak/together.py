#!/usr/bin/env python3
"""Many small uploads that are finished together, while the syncs of their store fail; see README.md.

Three or more that wait for the disk at the same time are made durable by one `syncfs`. When that fails the gateway has to find
out which of them are not there, and must acknowledge none of those. `sluice load` holds its answers against the ledger; here
every file that has a final name is read: all that is sent is text, so a byte of 0 is one that a failed sync lost.

usage: together.py --sluice PATH [--seconds 18] [--seed 1]
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

sys.dont_write_bytecode = True

from control import CALLS, Control  # noqa: E402
from disk import Disk  # noqa: E402

CONFIGURATION = """\
listen: 127.0.0.1:0
tls: {{certificate: {certs}/server.pem, private-key: {certs}/server.key}}
state: {state}
log: {{level: info, format: json}}
routes:
  /load:
    limits: {{upload: 1 MiB, held: 1 TiB, unfinished: 100000}}
    client-limits: {{begun: off}}
    store: {{directory: {store}}}
"""
SCENARIO = """\
stages: [{{clients: 48, for: {seconds}s}}]
uploads: [{{size: {{from: 1 KiB, to: 8 KiB}}, format: text}}]
"""
# The disk is in memory: where a `syncfs` takes long, the gateway leaves it alone for a while.
MEMORY = "/dev/shm"
SYNCFS = CALLS[2]


def wait_for_port(gateway, log):
    for line in gateway.stdout:
        if found := re.search(r"listens on .*?:(\d+)\"?}?$", line.strip()):
            return found.group(1)
    with open(log, encoding="utf-8") as file:
        sys.exit(f"the gateway did not start: {file.read()[-1000:]}")


def end(gateway):
    """Has it end in order, or at all. Returns its exit status."""
    gateway.send_signal(signal.SIGTERM)
    try:
        return gateway.wait(30)
    except subprocess.TimeoutExpired:
        gateway.kill()
        return gateway.wait()


def judge(load, uploads, store):
    """What is wrong, as texts; of a result of `sluice load`, the ledger's complete uploads, and the files."""
    wrong = [f"{check['meaning']}: {check['violations']} are not so" for check in load["checks"] if check["violations"]]
    wrong += [f"the account: {difference}" for difference in load["account"]["differences"]]
    wrong += [f"sluice load: {error}" for error in load["errors"] if (error["kind"], error.get("status")) != ("status", 11)]
    files = {name for name in os.listdir(store) if not name.startswith(".")}
    wrong += [f"{name} has a final name, and is not complete in the ledger" for name in files - uploads.keys()]
    for key, size in uploads.items():
        if key not in files:
            wrong.append(f"{key} is complete, and has no file")
            continue
        with open(f"{store}/{key}", "rb") as file:
            content = file.read()
        if len(content) != size or b"\0" in content:
            wrong.append(f"{key} is complete with {size} bytes; its file has {len(content)}, {content.count(0)} of them lost")
    return wrong


def run(options, folder):
    disk = Disk(f"{folder}/disk", 1 << 30)
    if not disk.is_mounted:
        print("skipped: a disk of its own takes root, who may mount, and ext4")
        return 0
    try:
        return run_on(options, folder, disk)
    finally:
        disk.unmount(keep=False)


def run_on(options, folder, disk):
    here, store, state = os.path.dirname(os.path.abspath(__file__)), f"{disk.folder}/store", f"{disk.folder}/state"
    places = SimpleNamespace(folder=folder, big=disk.folder, disk=f"{folder}/none", state=state)
    control = Control(places, options.seed)
    if not control.is_there:
        print("skipped: the shim takes a C compiler as `cc`")
        return 0
    certs, config, log, result = (f"{folder}/{name}" for name in ("certs", "sluice.yaml", "gateway.log", "load.json"))
    subprocess.run([f"{here}/../../certs/make", certs], check=True, stdout=subprocess.DEVNULL)
    for path, text in ((config, CONFIGURATION.format(certs=certs, state=state, store=store)),
                       (f"{folder}/together.yaml", SCENARIO.format(seconds=options.seconds))):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    os.mkdir(store)
    with open(log, "wb") as errors:
        gateway = subprocess.Popen([options.sluice, "serve", "--config", config], stdin=subprocess.DEVNULL, text=True,
                                   stdout=subprocess.PIPE, stderr=errors, env=os.environ | control.environment)
    load = None
    try:
        port = wait_for_port(gateway, log)
        load = subprocess.Popen(
            [options.sluice, "load", f"{folder}/together.yaml", "--ca", f"{certs}/ca.pem", "--json", result, "--quiet",
             "--seed", str(options.seed), "--gateway-config", config, f"xstream://localhost:{port}/load"],
            stdout=subprocess.DEVNULL)
        # All of them for a moment, some of them for longer, and none.
        for odds in (0.0, 0.05, 0.3, 1.0, 0.3, 0.0) * max(1, options.seconds // 6):
            control.fail_syncs(of_stores=odds)
            time.sleep(1)
            if load.poll() is not None:
                break
        control.fail_syncs()
        load.wait(120)
    finally:
        if load:
            load.kill()
        ended = end(gateway)
    said = subprocess.run([options.sluice, "uploads", "--config", config, "--json", "--state", "done"], capture_output=True,
                          text=True, check=True)
    uploads = {upload["key"]: upload["total"] for upload in json.loads(said.stdout)["uploads"]}
    with open(result, encoding="utf-8") as file:
        load = json.load(file)
    wrong = judge(load, uploads, store) + ([f"the gateway ended with {ended}"] if ended else [])
    failed = control.failed()
    if not failed[SYNCFS]:
        wrong.append("no syncfs has failed, so nothing was tried")
    print(f"{load['totals']['completed']} uploads told to be complete, {len(uploads)} files read, "
          f"{control.dropped()[0]} bytes lost")
    told = [f"{error['count']} {error.get('name')}: {error['example']}" for error in load["errors"] + load["setbacks"]]
    print("told: " + ("; ".join(told) or "nothing"))
    print("failed: " + ", ".join(f"{count} {name}" for name, count in failed.items() if count))
    for text in wrong[:20]:
        print(f"WRONG: {text}")
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sluice", required=True, type=os.path.abspath, help="the gateway's program")
    parser.add_argument("--seconds", type=int, default=18)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # An exit goes through what ends the gateway and unmounts its disk.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
    folder = tempfile.mkdtemp(prefix="sluice-together-", dir=MEMORY if os.path.isdir(MEMORY) else None)
    try:
        return run(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
