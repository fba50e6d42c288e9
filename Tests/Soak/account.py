"""What must be true at the end: ledger, files and log against each other and against what clients were told."""

import collections
import glob
import json
import os
import sqlite3
import subprocess

from places import PIPE_TIMEOUT, ROUTES

# What the gateway may call an error in a run: clients' digests that are wrong on purpose, backends that break off, and
# a disk that is full.
EXPECTED_ERRORS = ("the digest is another", "the backend broke off", "the backend was silent", "the store is full")
# And what the faults from outside make it say; each with the faults of which one must have been there.
PROVOKED = (("write-ahead log", ("ledger", "power", "read-only")), ("Input/output error", ("syncs", "power")),
            ("SQLite", ("ledger", "power", "descriptors", "read-only")),
            ("Read-only file system", ("read-only",)), ("Too many open files", ("descriptors",)))
TRAPS = ("Fatal error", "Crash", "crashed", "Illegal instruction", "Segmentation", "terminate called",
         "AddressSanitizer")


class Account:
    """Each `check_` method returns what is wrong, as a list of (text, key or None)."""

    def __init__(self, places, journal, told):
        self.places, self.journal, self.told, self.kept = places, journal, told, told.kept
        self.troubles = told.troubles

    def read(self, what, *more):
        """`sluice uploads --json` or `sluice quota --json`."""
        run = subprocess.run([self.places.sluice, what, "--json", "--config", self.places.config, *more],
                             capture_output=True, timeout=20, check=False)
        if run.returncode:
            raise RuntimeError(f"sluice {what} ended with {run.returncode}: {run.stderr.decode().strip()}")
        return json.loads(run.stdout)["quotas" if what == "quota" else what]

    def rows(self):
        """The ledger itself, for what the commands do not say: how much each upload has reserved."""
        ledger = sqlite3.connect(f"file:{self.places.state}/ledger.sqlite?mode=ro", uri=True)
        try:
            ledger.row_factory = sqlite3.Row
            return [dict(row) for row in ledger.execute("SELECT * FROM upload")]
        finally:
            ledger.close()

    def load(self):
        self.uploads, self.quotas = self.read("uploads"), self.read("quota")
        self.granted = {row["key"]: row["granted"] for row in self.rows()}
        self.open = [upload for upload in self.uploads if upload["state"] == "open"]
        self.done = [upload for upload in self.uploads if upload["state"] == "done"]

    def forgotten_left(self):
        """Unfinished streams of routes that keep nothing for long. What goes in one has an expiry of its own, a minute."""
        forgets = {route.path for route in ROUTES.values() if route.forgets}
        return [upload for upload in self.read("uploads")
                if upload["state"] != "done" and upload["route"] in forgets and not self._is_in_one(upload)]

    def _is_in_one(self, upload):
        planned = self.journal.uploads.get(upload.get("name"))
        return planned is not None and planned.kind in ("payload", "put")

    def check_quotas(self):
        """Reserved is what open uploads hold, used is what done ones have."""
        wrong, reserved, used = [], collections.Counter(), collections.Counter()
        for upload in self.open:
            reserved[upload["route"]] += self.granted.get(upload["key"], 0)
            if upload["safe"] > self.granted.get(upload["key"], 0):
                wrong.append((f"{upload['safe']} bytes are safe of an upload that has less reserved", upload["key"]))
        pipes = {route.path for route in ROUTES.values() if route.is_pipe}
        for upload in self.done:
            # What passed through a pipe is not held.
            used[upload["route"]] += 0 if upload["route"] in pipes else upload["safe"]
        # A client's own quota, if a route has one, holds the same bytes a second time.
        said = {quota["route"]: quota for quota in self.quotas
                if not quota["subject"] and "window" not in quota}
        for path in said.keys() | reserved.keys() | used.keys():
            quota = said.get(path, {"reserved": 0, "used": 0, "cap": 0})
            if quota["reserved"] != reserved[path]:
                wrong.append((f"{path}: reserved is {quota['reserved']}, open uploads hold {reserved[path]}", None))
            if quota["used"] != used[path]:
                wrong.append((f"{path}: used is {quota['used']}, complete uploads have {used[path]}", None))
            if quota["reserved"] + quota["used"] > quota["cap"]:
                wrong.append((f"{path}: more is taken than the cap {quota['cap']}", None))
        return wrong

    def check_forgotten(self):
        return [(f"{upload['route']}: {upload['name']} should have expired, {upload['safe']} safe", upload["key"])
                for upload in self.forgotten_left()]

    def check_told(self):
        """What clients were told is what the ledger has."""
        wrong, states = [], {upload["key"]: upload["state"] for upload in self.uploads}
        for planned in self.journal.uploads.values():
            for promise in planned.promises.values():
                state = states.get(promise.key)
                if promise.is_done and state != "done":
                    wrong.append((f"{planned.label} was told to be complete; the ledger says {state}", promise.key))
                if promise.is_broken and state not in (None, "failed"):
                    wrong.append((f"{planned.label} was broken off; the ledger says {state}", promise.key))
                if promise.is_gone and state not in (None, *(["failed"] if planned.route.is_pipe else [])):
                    wrong.append((f"{planned.label} was given up or refused; the ledger says {state}", promise.key))
                if not (promise.is_done or promise.is_gone or promise.is_broken or state or planned.route.forgets
                        or self.told.may_forget(promise)):
                    wrong.append((f"{planned.label} with {promise.safe} bytes acknowledged is not in the ledger",
                                  promise.key))
        for upload in self.open:
            planned = self.journal.uploads.get(upload.get("name"))
            promise = planned.promises.get(upload["key"]) if planned else None
            if promise and upload["safe"] < promise.safe:
                wrong.append((f"{upload['safe']} bytes are safe, but {promise.safe} was acknowledged", upload["key"]))
        return wrong

    def check_files(self):
        """Every upload has its file with exactly its bytes, and no file is nobody's."""
        wrong = []
        for upload in self.done:
            planned = self.journal.uploads.get(upload.get("name"))
            if upload["route"] in self.of_loads:
                wrong += self._check_load(upload)
            elif not planned:
                wrong.append((f"an upload by the name {upload['name']}, which nobody sent", upload["key"]))
            elif difference := self.kept.difference(planned, upload["key"]):
                wrong.append((f"{planned.label} is complete in the ledger, but {difference}", upload["key"]))
            elif upload["safe"] != planned.size:
                wrong.append((f"{planned.label} has {upload['safe']} bytes in the ledger, not {planned.size}",
                              upload["key"]))
        for upload in self.open:
            planned = self.journal.uploads.get(upload.get("name"))
            if not upload["safe"] or not planned or planned.route.is_pipe:
                continue
            if difference := self.kept.partial_difference(planned, upload["key"], upload["safe"]):
                wrong.append((f"of the {upload['safe']} safe bytes of {planned.label} {difference}", upload["key"]))
        for route in self.places.routes.values():
            if route.is_pipe:
                continue
            folder = self.places.store(route)
            mine = {self.kept.path(route, upload["key"], upload.get("name")) for upload in self.done
                    if upload["route"] == route.path}
            mine |= {f"{path}.json" for path in mine} if route.name else set()
            # A sidecar gets its place first: after a kill between the two it waits for its file, as the upload does.
            waiting = tuple(f"-{upload['key']}{'.gz' if route.gzip else ''}.json" for upload in self.open
                            if upload["route"] == route.path)
            mine |= {path for path in self.kept.files(route) if path.endswith(waiting)} if route.name else set()
            wrong += [(f"{route.path} has a file that no upload owns: {path}", None)
                      for path in self.kept.files(route) - mine]
            mine = {upload["key"] for upload in self.open if upload["route"] == route.path}
            wrong += [(f"{route.path}/.partial has a file that no upload owns", name)
                      for name in set(os.listdir(f"{folder}/.partial")) - mine - {".store"}]
        return wrong

    @property
    def of_loads(self):
        return {route.path for route in self.places.routes.values() if route.is_loads}

    def _check_load(self, upload):
        """What `sluice load` sent has its size; the rest is in that command's own account."""
        path = self.kept.path(ROUTES["load"], upload["key"], upload.get("name"))
        size = os.path.getsize(path) if os.path.isfile(path) else "no file"
        return [] if size == upload["safe"] else [(f"{upload['safe']} bytes in the ledger, {size} there", upload["key"])]

    def check_log(self):
        """Nothing but the gateway's own records, and no error that was not provoked."""
        wrong = []
        with open(self.places.log, encoding="utf-8", errors="replace") as log:
            for number, line in enumerate(log, 1):
                try:
                    record = json.loads(line)
                except ValueError:
                    what = "a trap" if any(trap in line for trap in TRAPS) else "no record"
                    wrong.append((f"line {number} of the log is {what}: {line.strip()[:200]}", None))
                    continue
                if record["level"] not in ("error", "critical"):
                    continue
                reason = record.get("metadata", {}).get("reason", "")
                if record["message"] == "Upload failed" and reason.startswith(EXPECTED_ERRORS):
                    self.journal.count(f"errors in the log that were provoked: {reason.partition(':')[0]}")
                    continue
                if phrase := next((phrase for phrase, kinds in PROVOKED
                                   if phrase in reason and self.troubles.were_there(*kinds)), None):
                    self.journal.count(f"errors in the log that were provoked: {phrase}")
                    continue
                wrong.append((f"line {number} of the log: {line.strip()[:300]}", None))
        return wrong

    def check_ledger(self):
        """`sluice check --ledger`."""
        run = subprocess.run([self.places.sluice, "check", "--ledger", "--config", self.places.config],
                             capture_output=True, timeout=60, check=False)
        said = (run.stdout + run.stderr).decode("utf-8", "replace").strip()
        self.ledger_said = said.splitlines()[-1] if said else ""
        return [(f"sluice check --ledger ended with {run.returncode}: {said[:2000]}", None)] if run.returncode else []

    def check_backends(self):
        """No connection to a backend outlives the gateway, and each complete pipe came over one."""
        return [(f"a backend's connection is still open: {one}", None)
                for one in self.kept.backends.wait_until_closed(PIPE_TIMEOUT + 5)]

    def evidence(self, key):
        """What is known of a key: its ledger row, its files, and the last lines of the log about it."""
        lines = [f"ledger: {row}" for row in self.rows() if row["key"] == key]
        lines += [f"backend: {one}" for one in self.kept.backends.of(key)]
        for route in self.places.routes.values():
            folder = self.places.store(route)
            for path in (*glob.glob(f"{folder}/**/*{key}*", recursive=True), f"{folder}/.partial/{key}"):
                if os.path.exists(path):
                    lines.append(f"file: {path}, {os.path.getsize(path)} bytes")
        with open(self.places.log, encoding="utf-8", errors="replace") as log:
            mine = [line.strip() for line in log if f'"upload":"{key[:12]}"' in line]
        return lines + mine[-12:]
