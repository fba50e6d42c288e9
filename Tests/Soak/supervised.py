"""The gateway's process: starts it, does to it what a run does, and knows what it was to blame for."""

import contextlib
import glob
import os
import resource
import signal
import subprocess
import threading
import time

START_LIMIT = 20.0
STOP_LIMIT = 8.0  # the configuration's `shutdown`, and time to close


class Supervised:
    """One gateway after the other, on the same folder and port."""

    def __init__(self, places, journal, environment):
        self.places, self.journal = places, journal
        self.environment = os.environ | environment
        self.process = None
        self.is_up = False
        self.generation = 0  # rises with each fault, before it is done
        self.life = 0  # rises when a process ends
        self.starts = 0
        self.slowest_start = 0.0
        self.start_time = 0.3
        self._listening = threading.Event()

    # What clients ask

    def mark(self):
        """To be taken before a client does something that may fail."""
        return self.generation, self.is_up

    def explains(self, mark):
        """Whether something was done to the gateway since the mark, so that a client may have lost it."""
        return not mark[1] or not self.is_up or mark[0] != self.generation

    # Life and death

    def start(self, wait=True):
        self._listening.clear()
        self.starts += 1
        began = time.monotonic()
        self.journal.note(f"start {self.starts}")
        with open(self.places.log, "ab") as log:
            self.process = subprocess.Popen([self.places.sluice, "serve", "--config", self.places.config],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            env=self.environment)
        threading.Thread(target=self._watch_output, args=(self.process, self._listening), daemon=True).start()
        if not wait:
            return True
        while not self._listening.wait(0.005):
            if self.process.poll() is not None:
                self.journal.violate(f"start {self.starts} ended with {self.process.returncode} and did not listen")
                return False
            if time.monotonic() - began > START_LIMIT:
                self.journal.violate(f"start {self.starts} does not listen after {START_LIMIT} s")
                return False
        self.start_time = time.monotonic() - began
        self.slowest_start = max(self.slowest_start, self.start_time)
        self.is_up = True
        self.journal.note(f"listens after {self.start_time:.3f} s, process {self.process.pid}")
        return True

    @staticmethod
    def _watch_output(process, listening):
        for line in process.stdout:
            if b"listens on" in line:
                listening.set()

    def check_alive(self):
        """Where it should live, it does."""
        if self.is_up and self.process.poll() is not None:
            self._fault(f"death with {self.process.returncode}")
            self.life += 1
            self.journal.violate(f"the gateway ended by itself with {self.process.returncode}")
            return self.start()
        return True

    def kill(self):
        self._fault("SIGKILL")
        self.process.kill()
        self.process.wait()
        self.life += 1

    def terminate(self, kill_after=None):
        """Asks it to stop. With `kill_after` seconds it does not get the time that it may want."""
        listened = self._listening.is_set()
        self._fault("SIGTERM")
        began = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            if kill_after is None:
                self.journal.violate(f"the gateway has not stopped {STOP_LIMIT} s after SIGTERM")
            self._fault("SIGKILL in the shutdown")
            self.process.kill()
            self.process.wait()
            self.life += 1
            return None
        self.life += 1
        took = time.monotonic() - began
        self.journal.note(f"stopped after {took:.3f} s with {self.process.returncode}")
        # Before it has handlers for signals, SIGTERM ends it as it ends every process.
        if self.process.returncode != 0 and (listened or self.process.returncode != -signal.SIGTERM):
            self.journal.violate(f"the gateway ended with {self.process.returncode} after SIGTERM")
        return took

    def freeze(self, seconds):
        self._fault("SIGSTOP")
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        # A client's patience may end just now, for what happened before.
        self.generation += 1
        self.process.send_signal(signal.SIGCONT)
        self.is_up = True

    @contextlib.contextmanager
    def between_calls(self):
        """It stands still, with no system call under way: what was answered is kept, and what comes fails."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            deadline = time.monotonic() + 5
            while self._is_in_a_call() and time.monotonic() < deadline:
                time.sleep(0.001)
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _is_in_a_call(self):
        """Whether a thread has yet to stop: it does so when its call comes back."""
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/stat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(path, encoding="utf-8") as file:
                if file.read().rpartition(")")[2].split()[0] not in "TZ":
                    return True
        return False

    def abandon(self):
        """Whatever state the run is in, nothing is left running."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _fault(self, what):
        self.is_up = False
        self.generation += 1
        self.journal.note(what)

    # What it uses

    def memory(self):
        """Resident bytes, now and at most."""
        values = {}
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name in ("VmRSS", "VmHWM"):
                    values[name] = int(value.split()[0]) * 1024
        return values["VmRSS"], values["VmHWM"]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def processor_time(self):
        """Seconds, of all its threads."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def limit_descriptors(self, count):
        """It may not have more than so many open; None takes that back. Those that are open stay."""
        hard = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (hard if count is None else count, hard))
