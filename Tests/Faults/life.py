"""One gateway's life on disks that remember, with what its clients are told."""

import os
import random
import struct
import threading
import time

from uploader import Line
from content import Content, Pool, Prose
from places import MIB
from promises import Plan, Upload
from recording import RecordedDisks
from shim import Shim
from station import Station
from uploaders import uploader_for

KIB = 1024
ROUTES = ("plain", "gzip", "named", "both")
# In seconds: at least, and at most where the machine is busy; and uploads that are to be complete by then.
RECORDED_FOR, LONGEST, ENOUGH = 5.0, 25.0, 80
CLIENTS = 10
# Of all clients of a recording: the log stays in memory.
MOST_BYTES = 160 * MIB
# What fails in a recording with faults, one after the other.
TROUBLES = [(call, place, fault) for call, place, faults in (
    ("write", "log", ("eio", "half", "outage")), ("fdatasync", "log", ("eio", "outage")),
    ("write", "database", ("eio", "outage")), ("fdatasync", "database", ("eio", "outage")),
    ("truncate", "log", ("eio",)), ("write", "partial", ("eio", "enospc")), ("fdatasync", "partial", ("eio",)),
    ("fsync", "store", ("eio", "outage")), ("rename", "store", ("eio", "dead")),
    ("syncfs", "store", ("eio",))) for fault in faults]
# Frames of the log from which on it is moved into the database: `checkpointFrames` in LedgerWriter.swift.
CHECKPOINT = 1000


class Recording:
    """One gateway's life on disks that remember."""

    def __init__(self, sluice, certs, folder, seed, system, count, has_faults):
        self.sluice, self.certs, self.folder, self.seed = sluice, certs, folder, seed
        self.system, self.count, self.has_faults = system, count, has_faults
        self.random = random.Random(f"{seed} {system} {count} {has_faults}")
        self.uploads, self.faults, self.first = [], [], 0
        self._lock, self.bytes, self.completed = threading.Lock(), 0, 0

    def __str__(self):
        return (self.system + (", ledger on a disk of its own" if self.count > 1 else "")
                + (", with faults" if self.has_faults else ""))

    def make(self, program, library, findings):
        """Records, and returns the disks."""
        os.makedirs(self.folder)
        disks = RecordedDisks(self.folder, program, self.system, self.count)
        try:
            station = self.station(findings, disks.position)
            if self.has_faults:
                station.shim = Shim(library, f"{self.folder}/control", station.store_folder, station.state)
                station.may_start_fail = True
            self.began = time.monotonic()
            self.disks = disks
            if station.start():
                self.first = disks.position()
                threads = [threading.Thread(target=self._work, args=(station, number)) for number in range(CLIENTS)]
                for thread in threads:
                    thread.start()
                self._disturb(station)
                for thread in threads:
                    thread.join()
            if station.shim:
                station.shim.disarm()
            self.starts = station.starts
            station.kill()
        finally:
            disks.end()
        return disks

    def station(self, findings, position):
        return Station(self.sluice, self.certs, self.folder, ROUTES, findings, store=f"{self.folder}/0/store",
                       state=f"{self.folder}/{self.count - 1}/state", position=position)

    def is_over(self):
        lasts = time.monotonic() - self.began
        return lasts > LONGEST or lasts > RECORDED_FOR and self.completed >= ENOUGH

    def _disturb(self, station):
        """Kills the gateway now and then, and with faults makes calls fail."""
        next_kill = time.monotonic() + self.random.uniform(1, 3)
        while not self.is_over():
            if time.monotonic() > next_kill:
                with station._lock:
                    station.is_taken_away = True
                    station.process.kill()
                    station.process.wait()
                next_kill = time.monotonic() + self.random.uniform(1.5, 3)
            if station.shim:
                self._trouble(station)
            else:
                time.sleep(0.05)

    def _trouble(self, station):
        """One fault: the disk's, which cannot write the ledger's log, or a system call's."""
        is_disk = self.random.random() < 0.4
        if is_disk:
            self._fail_log_writes(station)
        else:
            call, place, fault = self.random.choice(TROUBLES)
            station.shim.arm(call, place, self.random.randrange(1, 4), fault)
        deadline = time.monotonic() + self.random.uniform(0.2, 0.6)
        noted = False
        while time.monotonic() < deadline and not self.is_over():
            if not noted and (self.disks.failed_writes() if is_disk else station.shim.has_fired):
                noted = True
                self.faults.append(station.position())
            time.sleep(0.003)
        station.shim.disarm()
        self.disks.fail_writes(bytes(8), 0)

    def _fail_log_writes(self, station):
        """What is written of the log has its salts in each frame (sqlite.org, the WAL-mode file format). Where the log
        is soon to be moved into the database, that is the moment: then its sync is not a commit's."""
        deadline = time.monotonic() + 1
        while CHECKPOINT - 400 < frames(station) < CHECKPOINT - 12 and time.monotonic() < deadline:
            time.sleep(0.002)
        try:
            with open(f"{station.state}/ledger.sqlite-wal", "rb") as log:
                salts = log.read(32)[16:24]
        except FileNotFoundError:
            return
        if len(salts) == 8 and any(salts):
            self.disks.fail_writes(salts, self.random.choice((1, 2, 3)))

    def _work(self, station, number):
        source = random.Random(f"{self.random.random()} {number}")
        pools = Pool(1), Prose(1)
        turn, line = 0, Line(station)
        while not self.is_over() and self.bytes < MOST_BYTES:
            turn += 1
            plan = draw_plan(source, is_large=number < 2)
            route = station.routes[source.choice(ROUTES)]
            pool = pools[1 if route.gzip else 0]
            upload = Upload(f"cut-{number}-{turn}", route, Content(pool, plan.size, source.randrange(1 << 20)), plan)
            with self._lock:
                self.uploads.append(upload)
                self.bytes += plan.size
            self.completed += uploader_for(station, upload, patience=60, is_over=self.is_over, line=line).run()
        line.close()


def frames(station):
    """How many are in the log, by its index (`mxFrame` in wal.c)."""
    try:
        with open(f"{station.state}/ledger.sqlite-shm", "rb") as index:
            return struct.unpack("=16xI", index.read(20))[0]
    except (FileNotFoundError, struct.error):
        return 0


def draw_plan(source, is_large):
    """What a client of a recording sends next."""
    kind = source.random()
    web = source.choice((None, "put", "tus", "draft"))
    if web and not is_large:
        size = source.choice((0, 100, 3 * KIB, 20 * KIB, 60 * KIB))
        return Plan(size, kind=web, digest="right" if kind < 0.5 else None)
    if web:
        size = source.randrange(200 * KIB, 6 * MIB)
        # A PUT that is cut cannot be gone on with.
        cut = None if web == "put" or kind < 0.4 else size // 2 + 1
        ends = "complete" if cut is None or kind < 0.8 else "left" if kind < 0.9 else "given up"
        return Plan(size, kind=web, ack=source.choice((None, MIB)), cut=cut, ends=ends)
    if not is_large:
        size = source.choice((0, 100, 3 * KIB, 20 * KIB, 60 * KIB))
        return Plan(max(1, size), kind="payload") if kind < 0.2 else Plan(size, digest="right" if kind < 0.5 else None)
    size = source.randrange(200 * KIB, 6 * MIB)
    if kind < 0.2:
        return Plan(size, kind="unknown", ack=MIB)
    if kind < 0.3:
        return Plan(size, ack=64 * KIB, cut=size // 2 + 1, ends="given up")
    if kind < 0.4:
        return Plan(size, ack=64 * KIB, cut=size // 2 + 1, ends="left")
    if kind < 0.6:
        return Plan(size, ack=64 * KIB, cut=size // 3 + 1)
    if kind < 0.7:
        return Plan(300 * KIB, digest="wrong")
    return Plan(size, ack=MIB, digest="right")
