"""What must be true of files and ledger once the gateway has been started again: see README.md."""

import collections
import json
import os
import sqlite3
import time

HIDDEN = "."  # how the names begin of what a store has for itself


class Verdict:
    """Holds a station against what was told to its uploads."""

    def __init__(self, station, uploads, after_cut=False):
        """After a power cut an offer of which no byte was acknowledged may be forgotten."""
        self.station, self.uploads, self.after_cut, self.findings = station, uploads, after_cut, station.findings
        self.wrong = []
        self.by_key = {promise.key: (upload, promise) for upload in uploads for promise in upload.promises}

    def judge(self):
        """What is wrong twice is wrong: between two looks the gateway may drop what has expired."""
        self._look()
        if self.wrong:
            time.sleep(0.5)
            first, self.wrong = self.wrong, []
            self._look()
            for text in self.wrong:
                if text in first:
                    self.findings.add(text)

    def _look(self):
        self.rows = self._rows()
        self._check_told()
        self._check_files()
        self._check_quota()
        status, said, complaint = self.station.ask("check", "--ledger")
        if status:
            self._wrong(f"sluice check --ledger ended with {status}: {(said + complaint).strip()[-800:]}")
        with open(self.station.log, encoding="utf-8", errors="replace") as log:
            for line in log:
                if any(word in line for word in ("Fatal error", "Illegal instruction", "crashed", "AddressSanitizer")):
                    self._wrong(f"the log has a trap: {line.strip()[:200]}")

    def _wrong(self, text):
        self.wrong.append(text)

    def _rows(self):
        ledger = sqlite3.connect(f"file:{self.station.state}/ledger.sqlite?mode=ro", uri=True, timeout=10)
        try:
            granted = dict(ledger.execute("SELECT key, granted FROM upload"))
        finally:
            ledger.close()
        status, said, complaint = self.station.ask("uploads", "--json")
        if status:
            self._wrong(f"sluice uploads ended with {status}: {complaint.strip()}")
            return {}
        return {row["key"]: row | {"granted": granted.get(row["key"], 0)} for row in json.loads(said)["uploads"]}

    def _check_told(self):
        for key, (upload, promise) in self.by_key.items():
            told, row = promise.told(), self.rows.get(key)
            state = row["state"] if row else None
            name = f"{upload.label} ({key})"
            if told.is_done and state != "done":
                self._wrong(f"{name} was told to be complete; the ledger says {state}")
            elif told.is_gone and state not in (None, "failed"):
                self._wrong(f"{name} was given up or refused; the ledger says {state}")
            elif told.is_done or told.is_gone or told.is_leaving and state is None:
                continue
            elif told.safe and state is None:
                self._wrong(f"{name}: {told.safe} bytes were acknowledged; the ledger does not know it")
            elif state == "open" and row["safe"] < told.safe:
                self._wrong(f"{name}: {told.safe} bytes were acknowledged; the ledger has {row['safe']}")
            elif told.is_offered and state is None and not self.after_cut:
                self._wrong(f"{name} was offered; the ledger does not know it")

    def _check_files(self):
        station, kept = self.station, self.station.kept
        for key, row in self.rows.items():
            upload = self._upload_of(row)
            if upload is None:
                self._wrong(f"the ledger has an upload {key} by the name {row.get('name')}, which nobody sent")
            elif row["state"] == "done":
                if difference := kept.difference(upload, key):
                    self._wrong(f"{upload.label} ({key}) is complete in the ledger, but {difference}")
                elif row["safe"] != upload.size:
                    self._wrong(f"{upload.label} ({key}) has {row['safe']} bytes in the ledger, not {upload.size}")
                elif key not in self.by_key and not upload.lost_answers:
                    self._wrong(f"{upload.label} is there twice, as {key} too")
            elif row["state"] == "open" and row["safe"]:
                if difference := kept.partial_difference(upload, key, row["safe"]):
                    self._wrong(f"of the {row['safe']} safe bytes of {upload.label} ({key}) {difference}")
        for route in station.routes.values():
            self._check_folder(route)

    def _upload_of(self, row):
        if row["key"] in self.by_key:
            return self.by_key[row["key"]][0]
        # Its key was lost with the answer; the name is the upload's own.
        return next((upload for upload in self.uploads if upload.label == row.get("name")), None)

    def _check_folder(self, route):
        folder, kept = self.station.store(route), self.station.kept
        mine = {kept.path(route, key, row.get("name")) for key, row in self.rows.items()
                if row["route"] == route.path and row["state"] == "done"}
        sidecars = {f"{path}.json" for path in mine} if route.name else set()
        there = {path for path in kept.files(route)
                 if not os.path.relpath(path, folder).startswith(HIDDEN)}
        unfinished = {key for key, row in self.rows.items() if row["route"] == route.path and row["state"] == "open"}
        for path in sorted(there - mine - sidecars):
            is_sidecar = route.name and path.endswith(".json")
            self._wrong(f"a {'sidecar without its file' if is_sidecar else 'file that no upload owns'}: {path}")
        for path in sorted(sidecars - there):
            self._wrong(f"a file without its sidecar: {path}")
        if os.path.isdir(f"{folder}/.partial"):
            for name in sorted(set(os.listdir(f"{folder}/.partial")) - unfinished):
                if not name.startswith(HIDDEN):
                    self._wrong(f"in .partial there is a file that no upload owns: {name}")

    def _check_quota(self):
        status, said, complaint = self.station.ask("quota", "--json")
        if status:
            return self._wrong(f"sluice quota ended with {status}: {complaint.strip()}")
        reserved, used = collections.Counter(), collections.Counter()
        for row in self.rows.values():
            if row["state"] == "open":
                reserved[row["route"]] += row["granted"]
                if row["safe"] > row["granted"]:
                    self._wrong(f"{row['safe']} bytes of {row['key']} are safe, but {row['granted']} are reserved")
            elif row["state"] == "done":
                used[row["route"]] += row["safe"]
        quotas = {quota["route"]: quota for quota in json.loads(said)["quotas"] if not quota["subject"]}
        for route in self.station.routes.values():
            quota = quotas.get(route.path, {"reserved": 0, "used": 0})
            for name, sums in (("reserved", reserved), ("used", used)):
                if quota[name] != sums[route.path]:
                    self._wrong(f"{route.path}: {name} is {quota[name]}, the uploads have {sums[route.path]}")
        return None
