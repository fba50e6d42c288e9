"""Hostile clients, a few of each kind, at a modest pace: what they show is a guard's worth, not a network's."""

import multiprocessing
import os
import signal
import threading
import time

from attacks import ATTACKS, ENDED

# Seconds between two connections of one attack.
PAUSE = 0.25


class Counts(dict):
    """How often each attack was carried out, and how its connections ended."""

    def __str__(self):
        ended = ", ".join(f"{name} {ends}" for name, (ends, _) in sorted(self.items()))
        return f"attacks: {ended}; their CPU: {self.processor:.1f} s"

    processor = 0.0

    def faults(self):
        wrong = [f"{name}: {fault}" for name, (_, faults) in sorted(self.items()) for fault in faults[:2]]
        return wrong + [f"{name} was never carried out" for name, (ends, _) in self.items() if not ends]


class Attackers:
    """A process beside the honest clients, so that its interpreter holds up none of them."""

    def __init__(self, gateway):
        self.result, self.stopping = multiprocessing.Queue(), multiprocessing.Event()
        words = (gateway.port, gateway.authority, self.stopping, self.result, os.getpid())
        self.process = multiprocessing.Process(target=_attack, args=words, daemon=True)

    def start(self):
        self.process.start()

    def stop(self):
        """Ends the attacks, and tells what came of them."""
        if self.process.exitcode is not None:
            return None
        self.stopping.set()
        counts = Counts()
        found, counts.processor = self.result.get(timeout=30)
        counts.update(found)
        self.process.join(10)
        return counts


def _attack(port, authority, stopping, result, parent):
    signal.alarm(0)
    # Nobody is left to stop it where the command was killed.
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    found = {}
    threads = [
        threading.Thread(target=_repeat, args=(name, attack, port, authority, stopping, found), daemon=True)
        for name, attack in ATTACKS.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    times = os.times()
    result.put((found, times.user + times.system))


def _end_with(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _repeat(name, attack, port, authority, stopping, found):
    """One connection after the other, until it is enough."""
    ends, faults = 0, []
    while not stopping.is_set():
        try:
            fault = attack(port, authority, stopping)
            ends += 1
            if fault:
                faults.append(fault)
        except ENDED:
            ends += 1
        time.sleep(PAUSE)
    found[name] = (ends, faults)
