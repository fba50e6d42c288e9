"""`sluice load` beside the soak's own clients: a scenario of clients that misbehave, with checks of its own."""

import json
import os
import re
import signal
import subprocess

# What an upload may fail with in the end, when everything happens to the gateway: a status that is worth another try,
# and no connection. What the generator itself calls a broken promise is in none of these.
ALLOWED = ("status", "connect", "tls", "lost", "silent", "unfinished", "missed")
ALLOWED_STATUS = (7, 8, 11, 15, 500, 503, 507)  # of x-stream, and of HTTP


class Loads:
    """One run of the command, for the rough part of the soak."""

    def __init__(self, places, journal):
        self.places, self.journal = places, journal
        self.process, self.report = None, f"{places.folder}/load.json"

    def start(self, seconds, seed):
        here = os.path.dirname(os.path.abspath(__file__))
        with open(f"{here}/hostile.yaml", encoding="utf-8") as file:
            scenario = re.sub(r"for: 60s", f"for: {max(1, int(seconds))}s", file.read(), count=1)
        path = f"{self.places.folder}/hostile.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(scenario)
        places = self.places
        command = [places.sluice, "load", path, "--ca", places.ca, "--seed", str(seed), "--json", self.report,
                   "--gateway-config", places.config, f"xstream://127.0.0.1:{places.port}/load"]
        with open(f"{places.folder}/load.log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def judge(self, patience):
        """Waits for its end. What is wrong, as a list of (text, None)."""
        if not self.process:
            return []
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.abandon()
            return [("sluice load does not come to its end", None)]
        try:
            with open(self.report, encoding="utf-8") as file:
                said = json.load(file)
        except (FileNotFoundError, ValueError) as error:
            with open(f"{self.places.folder}/load.log", encoding="utf-8", errors="replace") as log:
                return [(f"sluice load ended with {status} and no result ({error}): {log.read()[-500:]}", None)]
        self._count(said)
        wrong = [f"sluice load ended with {status}"] if status else []
        wrong += [f"sluice load: {check['meaning']}: {check['violations']} of {check['checked']} are not so"
                  for check in said["checks"] if check["violations"]]
        wrong += [f"sluice load: {error}" for error in said["errors"] if error["kind"] not in ALLOWED
                  or error["kind"] == "status" and error["status"] not in ALLOWED_STATUS]
        account = said.get("account")
        wrong += ["sluice load has no account"] if account is None else [
            f"sluice load's account: {difference}" for difference in account["differences"]]
        return [(text, None) for text in wrong]

    def _count(self, said):
        totals = said["totals"]
        for name in ("completed", "faulted", "failed", "resumes", "retries"):
            self.journal.count(f"sluice load: {name}", totals[name])
        for fault in said["faults"]:
            self.journal.count(f"sluice load: {fault['fault']} as expected", fault["asExpected"])
        self.journal.count("sluice load: answers checked", sum(check["checked"] for check in said["checks"]))

    def abandon(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
