"""Uploads through `sluice send`, which is stopped and run again, and gets standard input that comes slowly."""

import json
import os
import random
import signal
import subprocess
import threading
import time

from places import MIB

# Above what any fault takes; a client that is still there then hangs.
RETRY_FOR = 30


class Sender:
    """Carries out one planned upload of the kinds `send` and `pipe`."""

    def __init__(self, upload, gateway, told, deadline, seed):
        self.upload, self.gateway, self.told, self.deadline = upload, gateway, told, deadline
        self.journal, self.random = told.journal, random.Random(seed)
        self.path = "-" if upload.kind == "pipe" else f"{told.places.files}/{upload.label}"
        # What an earlier run said of the key that it keeps.
        self.kept = (None, 0)
        self.interruptions = upload.breaks + (1 if upload.fate == "vanish" else 0)

    def run(self):
        if self.path != "-":
            self.upload.content.write_to(self.path)
        try:
            while time.monotonic() < self.deadline and self._once():
                time.sleep(self.random.uniform(0, 0.3))
        finally:
            if self.path != "-":
                os.unlink(self.path)

    def _command(self):
        upload, places = self.upload, self.told.places
        command = [places.sluice, "send", "--ca", places.ca, "--json", "--quiet", "--name", upload.label,
                   "--retry-for", f"{RETRY_FOR}s", "--buffer", str(max(1, upload.buffer))]
        if upload.digest:
            command.append("--digest")
        if upload.ack:
            command += ["--ack", str(upload.ack)]
        return command + [self.path, f"xstream://127.0.0.1:{places.port}{upload.route.path}"]

    def _once(self):
        """One run of the command. Returns whether there is to be another."""
        environment = os.environ | {"XDG_STATE_HOME": self.told.places.keys}
        if self.upload.route.token:
            environment["SLUICE_TOKEN"] = self.upload.route.token
        for promise in self.upload.promises.values():
            promise.sent = self.upload.size
        mark = self.gateway.mark()
        self.since = time.monotonic()
        process = subprocess.Popen(self._command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                                   stdin=subprocess.PIPE if self.path == "-" else subprocess.DEVNULL)
        feeder = threading.Thread(target=self._feed, args=(process,), daemon=True)
        if self.path == "-":
            feeder.start()
        interruption = self._interruption()
        deadline = max(self.deadline, time.monotonic() + 1)
        ended_by = None
        try:
            wait = deadline - time.monotonic()
            wait = wait if interruption is None else min(wait, interruption[0])
            output, errors = process.communicate(timeout=wait) if self.path != "-" else self._read(process, wait)
        except subprocess.TimeoutExpired:
            ended_by = signal.SIGTERM if interruption is None else interruption[1]
            self.journal.note(f"{self.upload.label} {ended_by.name} to the command")
            process.send_signal(ended_by)
            output, errors = self._reap(process)
        return self._ended(process.returncode, ended_by, output, errors, mark)

    def _reap(self, process):
        try:
            return process.communicate(timeout=10) if self.path != "-" else self._read(process, 10)
        except subprocess.TimeoutExpired:
            self.journal.violate("sluice send is there 10 s after SIGTERM", self.upload)
            process.kill()
            return process.communicate() if self.path != "-" else self._read(process, 10)

    @staticmethod
    def _read(process, wait):
        """`communicate`, without touching standard input, which somebody else fills."""
        process.wait(wait)
        return process.stdout.read(), process.stderr.read()

    def _interruption(self):
        if self.interruptions <= 0:
            return None
        self.interruptions -= 1
        expected = self.upload.size / (self.upload.pace or 60 * MIB) if self.path == "-" else self.upload.size / 60e6
        number = self.random.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
        return self.random.uniform(0.02, 0.1 + expected), number

    def _feed(self, process):
        began, sent = time.monotonic(), 0
        try:
            for piece in self.upload.content.pieces():
                process.stdin.write(piece)
                sent += len(piece)
                if self.upload.pace:
                    time.sleep(max(0, sent / self.upload.pace - (time.monotonic() - began)))
            process.stdin.close()
        except (BrokenPipeError, ValueError):
            try:
                process.stdin.close()
            except BrokenPipeError:
                pass

    # How it ended

    def _ended(self, status, ended_by, output, errors, mark):
        upload, journal = self.upload, self.journal
        journal.count(f"sluice send ended with {status}")
        report = self._report(output)
        journal.note(f"{upload.label} sluice send: {status} {output.decode('utf-8', 'replace').strip()}")
        if status == 0:
            return self._complete(report)
        if ended_by and status == -ended_by:
            # Killed after its last word it may have been complete; then what it says next is of another upload.
            self.kept = (None, 0)
            return self._again("killed")
        if status == 75 and report:
            key, safe = report.get("key"), report.get("safe") or 0
            if key and self.path != "-":
                promise = upload.promise(key)
                promise.sent = upload.size
                # Stopped before the server has said anything it reports 0, which is no word of the server's.
                if safe:
                    self.told.offset(upload, key, safe, "sluice send's report")
                self.kept = (key, promise.safe)
            if not ended_by and not self._may_fail(report):
                journal.violate(f"sluice send gave up: {report}", upload, key)
                return False
            return self._again("interrupted")
        if status == 1 and report and report.get("status") == 6 and upload.size > upload.route.upload:
            upload.outcome = "refused for its size"
            return False
        # Standard input that breaks off in the middle cannot be sent again by the same command. Nor can a file whose key
        # expired while the command waited for its next try.
        is_over = self.path == "-" or (report or {}).get("status") == 10
        if is_over and status == 1 and report and (ended_by or self._may_fail(report)):
            return self._again("interrupted")
        text = errors.decode("utf-8", "replace").strip()
        journal.violate(f"sluice send ended with {status}: {report} {text}", upload)
        return False

    def _may_fail(self, report):
        """What `sluice send` may give up for: a quota or disk that stays full, or its stream expired meanwhile."""
        upload = self.upload
        is_full = upload.route.is_small or self.told.troubles.explain_storage(self.since)
        # It tells its last try alone, and that of a client that had waited for room may meet a gateway that is just killed.
        if report.get("error") == "connection" and (upload.route.is_small or upload.route.runs_out):
            return True
        may_be_unknown = upload.route.forgets or any(map(self.told.may_forget, upload.promises.values()))
        return (report.get("status") in (7, 8, 9, *((11,) if is_full else ()))
                or (may_be_unknown and report.get("status") == 10))

    def _again(self, why):
        upload = self.upload
        if upload.fate == "vanish" and self.interruptions <= upload.breaks:
            upload.outcome = "vanished"
            self.journal.count("clients that vanished for good")
            return False
        self.journal.count(f"sluice send {why} and run again")
        return True

    @staticmethod
    def _report(output):
        try:
            return json.loads(output)
        except ValueError:
            return None

    def _complete(self, report):
        upload, (kept, safe) = self.upload, self.kept
        if not report or report.get("result") != "complete":
            self.journal.violate(f"sluice send ended with 0 and said {report}", upload)
            return False
        key = report["key"]
        if kept and kept != key and not upload.route.forgets and not self.told.may_forget(upload.promise(kept)):
            self.journal.violate(f"sluice send began anew as {key}, with {safe} bytes acknowledged", upload, kept)
        if kept == key and report["resumedFrom"] < safe:
            self.journal.violate(f"resumed from {report['resumedFrom']}, but {safe} was acknowledged", upload, key)
        if report["bytes"] != upload.size:
            self.journal.violate(f"sluice send says {report['bytes']} bytes, not {upload.size}", upload, key)
        if report["resumedFrom"]:
            self.journal.count("resumes by sluice send")
        upload.promise(key).sent = upload.size
        self.told.done(upload, key)
        return False
