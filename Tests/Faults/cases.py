"""Each system call of store and ledger on the way of an upload, and each fault that it may meet."""

import contextlib
import os
import random
import shutil
import threading
import zlib
from dataclasses import dataclass

from uploaders import uploader_for  # first: it knows where modules are
from content import Content, Pool, Prose
from places import MIB
from promises import Findings, Plan, Upload
from shim import Shim, faults_of
from station import Station
from verdict import Verdict

KIB = 1024
# What is sent in one case, all of it at once.
WAYS = {
    # Few enough bytes to be published in groups.
    "small": [Plan(3 * KIB), Plan(20 * KIB, digest="right"), Plan(60 * KIB), Plan(0)],
    "large": [Plan(5 * MIB + 123, ack=MIB, digest="right")],
    "unknown": [Plan(2 * MIB + 77, kind="unknown", ack=MIB)],
    "payload": [Plan(10 * KIB, kind="payload"), Plan(100, kind="payload")],
    "resumed": [Plan(4 * MIB + 5, ack=MIB, cut=2 * MIB + 9), Plan(700 * KIB, ack=64 * KIB, cut=300 * KIB)],
    "dropped": [Plan(3 * MIB, ack=MIB, cut=2 * MIB, ends="given up"), Plan(200 * KIB, digest="wrong")],
    # Over HTTP: in one go; in parts, each of which is made safe before its answer; and by a request that a 104 names.
    "put": [Plan(3 * KIB, kind="put"), Plan(60 * KIB, kind="put", digest="right"), Plan(2 * MIB + 77, kind="put"),
            Plan(200 * KIB, kind="put", digest="wrong")],
    "tus": [Plan(4 * MIB + 5, kind="tus", ack=MIB), Plan(700 * KIB, kind="tus", cut=300 * KIB), Plan(0, kind="tus")],
    "draft": [Plan(5 * MIB + 123, kind="draft", digest="right"), Plan(2 * MIB, kind="draft", cut=MIB),
              Plan(MIB, kind="draft", cut=500 * KIB, ends="given up")],
    # So many that the ledger's log is moved into the database.
    "many": [Plan(200, kind="payload")] * 320,
}
# In "start" there are unfinished uploads when the gateway starts; in "stop" it is stopped after the last answer.
BEFORE_START = [Plan(3 * MIB, ack=MIB, cut=2 * MIB, ends="left"),
                Plan(300 * KIB, ack=64 * KIB, cut=200 * KIB, ends="left"), Plan(9 * KIB)]
# A call that is made more often is tried at these places, and at some that the seed draws.
ALL_OF_IT = 10


@dataclass(frozen=True)
class Scenario:
    store: str
    way: str
    phase: str = "upload"

    def __str__(self):
        return f"{self.store}/{self.way}/{self.phase}"


@dataclass(frozen=True)
class Case:
    scenario: Scenario
    call: str
    place: str
    number: int
    fault: str

    def __str__(self):
        return f"{self.scenario}/{self.place}.{self.call}.{self.number}/{self.fault}"


def scenarios():
    for store in ("plain", "gzip", "named"):
        for way in WAYS:
            if way != "many":
                yield Scenario(store, way)
        yield Scenario(store, "waiting", "start")
        yield Scenario(store, "small", "stop")
    yield Scenario("plain", "many")
    yield Scenario("both", "large")


def short_scenarios():
    return [Scenario("plain", "small"), Scenario("gzip", "resumed"), Scenario("named", "large"),
            Scenario("plain", "waiting", "start")]


def case_named(text):
    """The case that `str` gave this name."""
    store, way, phase, call, fault = text.split("/")
    place, kind, number = call.rsplit(".", 2)
    return Case(Scenario(store, way, phase), kind, place, int(number), fault)


def cases_of(scenario, counts, source):
    """All of a scenario whose clean run made so many calls of each kind."""
    for (call, place), count in sorted(counts.items()):
        numbers = set(range(1, count + 1))
        if scenario.way == "many" and place not in ("database", "log"):
            continue
        if count > ALL_OF_IT:
            numbers = {1, 2, 3, 4, count, count - 1} | {source.randrange(1, count + 1) for _ in range(4)}
        for number in sorted(numbers):
            for fault in faults_of(call):
                yield Case(scenario, call, place, number, fault)


def in_order(cases, source):
    """Shuffled, but each call of a phase is to fail once and to kill once before one does so twice, whatever the store;
    the first calls of a kind are each one of their own, as they are mostly made at different places of the program.
    Waits, which find the least, come later."""
    source.shuffle(cases)
    times, order = {}, []
    for case in cases:
        effect = {"wait": "wait", "dead": "dead"}.get(case.fault, "kill" if case.fault.startswith("kill") else "fail")
        same = (case.call, case.place, min(case.number, 6), effect, case.scenario.phase)
        turn = times[same] = times.get(same, 0) + 1
        order.append((turn + 2 * (case.fault == "wait"), case))
    return [case for _, case in sorted(order, key=lambda one: one[0])]


class Bench:
    """Runs cases, each in a folder of its own."""

    def __init__(self, sluice, certs, library, folder, keeps=False):
        self.sluice, self.certs, self.library, self.folder, self.keeps = sluice, certs, library, folder, keeps
        self.pools = Pool(1), Prose(1)

    def run(self, scenario, case=None):
        """The calls that were counted, what was wrong, other counts, and whether the fault was met."""
        name = str(case or scenario).replace("/", "_")
        folder = f"{self.folder}/{os.getpid()}-{threading.get_native_id()}-{name}"
        os.mkdir(folder)
        findings = Findings()
        station = Station(self.sluice, self.certs, folder, [scenario.store], findings)
        station.shim = shim = Shim(self.library, f"{folder}/control", station.store_folder, station.state)
        uploads = []
        try:
            getattr(self, f"_{scenario.phase}")(station, scenario, case, uploads)
            shim.disarm()
            counts = shim.seen()
            self._finish(station, uploads)
        finally:
            shim.disarm()
            station.kill()
        if not self.keeps or not findings.wrong:
            shutil.rmtree(folder, ignore_errors=True)
        findings.count("gateway starts", station.starts)
        findings.count("bytes that failed syncs lost", shim.dropped)
        return counts, findings.wrong, findings.counts, shim.has_fired

    def _uploads(self, station, plans, word):
        route = next(iter(station.routes.values()))
        pool = self.pools[1 if route.gzip else 0]
        contents = [Content(pool, plan.size, zlib.crc32(f"{word}{number}".encode()))
                    for number, plan in enumerate(plans)]
        return [Upload(f"{word}-{number}", route, content, plan)
                for number, (content, plan) in enumerate(zip(contents, plans))]

    @staticmethod
    def _send(station, uploads, at_once=4):
        """All of them, so many at a time."""
        waiting = list(reversed(uploads))

        def work():
            with contextlib.suppress(IndexError):
                while True:
                    uploader_for(station, waiting.pop()).run()

        threads = [threading.Thread(target=work) for _ in range(min(at_once, len(uploads)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @staticmethod
    def _arm(station, case):
        if case:
            station.shim.arm(case.call, case.place, case.number, case.fault)
        else:
            station.shim.arm()

    def _upload(self, station, scenario, case, uploads):
        uploads += self._uploads(station, WAYS[scenario.way], scenario.way)
        if station.start():
            self._arm(station, case)
            self._send(station, uploads)

    def _start(self, station, scenario, case, uploads):
        uploads += self._uploads(station, BEFORE_START, "waiting")
        if not station.start():
            return
        self._send(station, uploads)
        station.kill()
        self._arm(station, case)
        if station.start(may_fail=True):
            station.shim.disarm()
            for upload in uploads:
                upload.plan = Plan(upload.size, ack=upload.plan.ack)
            self._send(station, uploads)

    def _stop(self, station, scenario, case, uploads):
        uploads += self._uploads(station, WAYS[scenario.way], scenario.way)
        if not station.start():
            return
        self._send(station, uploads)
        self._arm(station, case)
        status = station.terminate()
        if status is None:
            station.findings.add("the gateway does not stop after SIGTERM")
        elif status < 0 and not (case and case.fault.startswith("kill") and status == -9):
            station.findings.add(f"the gateway ended with {status} after SIGTERM")
        elif status > 0 and not case:
            station.findings.add(f"the gateway ended with {status} after SIGTERM: {station.last_words()}")

    def _finish(self, station, uploads):
        """Starts it again where its fault has not made that happen, tries it, and judges."""
        if not station.killed or station.process.poll() is not None:
            station.kill()
            if not station.start():
                return
        more = self._uploads(station, [Plan(5 * KIB)], "afterwards")
        self._send(station, more)
        Verdict(station, uploads + more).judge()


def seeded(seed, word):
    return random.Random(f"{seed} {word}")
