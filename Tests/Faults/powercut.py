"""Records what a gateway does to its disks while clients upload, and starts it again on what a power cut leaves of them."""

import bisect
import glob
import json
import multiprocessing
import os
import pickle
import queue
import random
import shutil
import signal
import struct
import threading
import time
import traceback

import recording
from client import Client, Line
from content import Content, Pool, Prose
from places import MIB
from promises import Findings, Plan, Upload
from recording import FATES, MissingTool, RecordedDisks, Replay
from shim import Shim
from station import Station
from verdict import Verdict

KIB = 1024
ROUTES = ("plain", "gzip", "named", "both")
# In seconds: at least, and at most where the machine is busy; and uploads that are to be complete by then.
RECORDED_FOR, LONGEST, ENOUGH = 5.0, 25.0, 80
CLIENTS = 10
CUTS, SHORT_CUTS = 26, 12
# Of all clients of a recording: the log stays in memory.
MOST_BYTES = 160 * MIB
# Cuts that another one follows, while the gateway starts.
TWICE = 0.2
# What fails in a recording with faults, one after the other.
TROUBLES = [(call, place, fault) for call, place, faults in (
    ("write", "log", ("eio", "half", "outage")), ("fdatasync", "log", ("eio", "outage")), ("write", "database", ("eio", "outage")),
    ("fdatasync", "database", ("eio", "outage")), ("truncate", "log", ("eio",)), ("write", "partial", ("eio", "enospc")),
    ("fdatasync", "partial", ("eio",)), ("fsync", "store", ("eio", "outage")), ("rename", "store", ("eio",)),
    ("syncfs", "store", ("eio",))) for fault in faults]
# Frames of the log from which on it is moved into the database: `checkpointFrames` in LedgerWriter.swift.
CHECKPOINT = 1000
# Where power is cut: after these words to clients, after such a fault, or anywhere.
MOMENTS = ("right after status 0", "right after an acknowledgement", "right after an upload was dropped",
           "within a fault and what mends it", "right before a flush", "at a random write or flush")


class Recording:
    """One gateway's life on disks that remember."""

    def __init__(self, sluice, certs, folder, seed, system, count, has_faults):
        self.sluice, self.certs, self.folder, self.seed = sluice, certs, folder, seed
        self.system, self.count, self.has_faults = system, count, has_faults
        self.random = random.Random(f"{seed} {system} {count} {has_faults}")
        self.uploads, self.faults, self.first = [], [], 0
        self._lock, self.bytes, self.completed = threading.Lock(), 0, 0

    def __str__(self):
        return f"{self.system}{', ledger on a disk of its own' if self.count > 1 else ''}{', with faults' if self.has_faults else ''}"

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
        """What is written of the log has its salts in each frame (sqlite.org, the WAL-mode file format). Where the log is
        soon to be moved into the database, that is the moment: then its sync is not a commit's."""
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
            self.completed += Client(station, upload, patience=60, is_over=self.is_over, line=line).run()
        line.close()

    # Cuts

    def draw_cuts(self, disks, count):
        """Places, why there, and what becomes of writes that were not flushed; in the log's order."""
        ends, before_flush = recording.boundaries(disks.log)
        words = {moment: [place for upload in self.uploads for promise in upload.promises for place in promise.places(*said)]
                 for moment, said in zip(MOMENTS, (("done",), ("safe",), ("gone",)))}
        words[MOMENTS[3]] = [ends[min(len(ends) - 1, bisect.bisect_left(ends, place) + self.random.randrange(-10, 60))]
                             for place in self.faults]
        words[MOMENTS[4]] = [place for place in before_flush if place > self.first]
        words[MOMENTS[5]] = [place for place in ends if place > self.first]
        last = disks.position()
        weights = {MOMENTS[0]: 9, MOMENTS[1]: 4, MOMENTS[2]: 2, MOMENTS[3]: 7, MOMENTS[4]: 5, MOMENTS[5]: 3}
        there = [moment for moment in MOMENTS if words[moment]]
        cuts = []
        for _ in range(count):
            moment = self.random.choices(there, [weights[moment] for moment in there])[0]
            place = min(last, self.random.choice(words[moment]))
            fate = self.random.choices(list(FATES), (4, 1, 3, 1, 1))[0]
            cuts.append(Cut(place, moment, fate, self.random.randrange(1 << 30), self.random.random() < TWICE))
        return sorted(cuts, key=lambda cut: cut.place)


def frames(station):
    """How many are in the log, by its index (`mxFrame` in wal.c)."""
    try:
        with open(f"{station.state}/ledger.sqlite-shm", "rb") as index:
            return struct.unpack("=16xI", index.read(20))[0]
    except (FileNotFoundError, struct.error):
        return 0


class Cut:
    def __init__(self, place, moment, fate, seed, is_twice):
        self.place, self.moment, self.fate, self.seed, self.is_twice = place, moment, fate, seed, is_twice

    def __str__(self):
        return f"{self.place}-{self.fate}-{self.seed}{'-twice' if self.is_twice else ''}"

    @classmethod
    def named(cls, text):
        place, fate, seed, *twice = text.split("-")
        return cls(int(place), "again", fate, int(seed), bool(twice))


def draw_plan(source, is_large):
    """What a client of a recording sends next."""
    kind = source.random()
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


def cut_again(cut, made, disks, images, program, findings):
    """Starts a gateway on these images, and cuts the power again while it starts. Returns what is left."""
    second = RecordedDisks(f"{disks.folder}/second", program, disks.system, disks.count, images, mounts=disks.folder)
    try:
        station = made.station(findings, second.position)
        station.log = f"{disks.folder}/between.log"
        station.start()
        station.kill()
        findings.count("gateway starts", station.starts)
    finally:
        second.end()
    source = random.Random(f"{cut.seed} again")
    player = Replay(second)
    try:
        player.advance(source.choice(recording.boundaries(second.log)[0]))
        return player.cut(source.choice(list(FATES)), cut.seed)[0]
    finally:
        player.close()


def judge(cut, made, disks, replay, program):
    """Starts a gateway on what this cut leaves. Returns findings."""
    findings = Findings()
    replay.advance(cut.place)
    images, unflushed = replay.cut(cut.fate, cut.seed)
    findings.count("writes that were not flushed when power was cut", unflushed)
    if cut.is_twice:
        findings.count("cuts with another one in the start after it")
        images = cut_again(cut, made, disks, images, program, findings)
    mounted = []
    station = None
    try:
        for number, image in enumerate(images):
            folder = f"{disks.folder}/{number}"
            recording.attach(image, folder, disks.system)
            mounted.append(folder)
        station = made.station(findings, lambda: cut.place)
        station.log = f"{disks.folder}/after.log"
        uploads = [upload.at(cut.place) for upload in made.uploads]
        if station.start():
            source = random.Random(cut.seed)
            go_on(station, uploads, source)
            Verdict(station, uploads, after_cut=True).judge()
            findings.count("uploads held against what was told", sum(1 for upload in uploads if upload.promises))
    finally:
        if station:
            station.kill()
            findings.count("gateway starts", station.starts)
        for folder in mounted:
            recording.detach(folder)
    return findings


def go_on(station, uploads, source):
    """Some of the uploads that are not complete are resumed to their end, and a new one is sent."""
    waiting = []
    for upload in uploads:
        told = upload.promise.told() if upload.promise and upload.plan.kind != "payload" else None
        if told and told.safe and not (told.is_done or told.is_gone or told.is_leaving):
            waiting.append(upload)
    new = Plan(2 * KIB)
    uploads.append(Upload("after-the-cut", next(iter(station.routes.values())), Content(Pool(1), new.size, 7), new))
    for upload in source.sample(waiting, min(3, len(waiting))) + uploads[-1:]:
        upload.plan = Plan(upload.size, kind=upload.plan.kind, ack=upload.plan.ack)
        Client(station, upload, patience=20).run()


def worker(options, certs, program, library, folder, todo, done, deadline):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while time.monotonic() < deadline - RECORDED_FOR:
        try:
            number, system, count, has_faults = todo.get(timeout=1)
        except queue.Empty:
            return
        made = Recording(options.sluice, certs, f"{folder}/{number}", f"{options.seed} {number}", system, count, has_faults)
        try:
            record_and_cut(options, made, program, library, done, deadline)
        except Exception:
            done.put(("wrong", f"recording of {made}", [traceback.format_exc()]))
        shutil.rmtree(made.folder, ignore_errors=True)


def record_and_cut(options, made, program, library, done, deadline):
    findings = Findings()
    disks = made.make(program, library, findings)
    if findings.wrong:
        done.put(("wrong", f"recording of {made}", findings.wrong))
    told = sum(1 for upload in made.uploads for promise in upload.promises if promise.told().is_done)
    done.put(("recorded", str(made), {"recordings": 1, "gateway starts": made.starts, "uploads completed in recordings": told,
                                      "faults in recordings": len(made.faults),
                                      "MiB that recordings wrote": disks.position() // MIB}))
    replay = Replay(disks)
    failed = False
    try:
        for cut in made.draw_cuts(disks, SHORT_CUTS if options.short else CUTS):
            if time.monotonic() > deadline:
                break
            found = judge(cut, made, disks, replay, program)
            done.put(("cut", made.system, cut.moment, cut.fate, found.counts))
            if found.wrong:
                failed = True
                done.put(("wrong", f"cut {kept_folder(options, made)} {cut}", [f"{made}, {cut.moment}"] + found.wrong))
    finally:
        replay.close()
    if failed:
        keep(kept_folder(options, made), made)


# Recordings with cuts that failed

def kept_folder(options, made):
    return f"{os.path.abspath(options.keep)}/{made.system}-{str(made.seed).replace(' ', '-')}"


def keep(folder, made):
    os.makedirs(folder, exist_ok=True)
    for path in glob.glob(f"{made.folder}/base*") + [f"{made.folder}/log"]:
        recording.run("cp", "--sparse=always", path, folder)
    uploads = [(upload.label, upload.route.path, upload.content.size, upload.content.start, upload.plan, upload.promises,
                upload.lost_answers) for upload in made.uploads]
    with open(f"{folder}/uploads", "wb") as file:
        pickle.dump(uploads, file)
    with open(f"{folder}/recording.json", "w", encoding="utf-8") as file:
        json.dump({"system": made.system, "count": made.count, "has_faults": made.has_faults, "seed": made.seed,
                   "folder": made.folder}, file)


def replay(options, certs, folder, summary):
    """A cut of a recording that was kept."""
    with open(f"{options.replay}/recording.json", encoding="utf-8") as file:
        facts = json.load(file)
    made = Recording(options.sluice, certs, f"{folder}/again", facts["seed"], facts["system"], facts["count"], facts["has_faults"])
    os.makedirs(made.folder)
    pools = Pool(1), Prose(1)
    station = made.station(Findings(), lambda: 0)
    routes = {route.path: route for route in station.routes.values()}
    with open(f"{options.replay}/uploads", "rb") as file:
        for label, path, size, start, plan, promises, lost in pickle.load(file):
            route = routes[path]
            made.uploads.append(Upload(label, route, Content(pools[1 if route.gzip else 0], size, start), plan, promises, lost))
    images = []
    for number in range(made.count):
        # The station has made its folder where the file system will be.
        shutil.rmtree(f"{made.folder}/{number}", ignore_errors=True)
        images.append(f"{made.folder}/from{number}")
        recording.run("cp", "--sparse=always", f"{options.replay}/base{number}", images[-1])
    disks = RecordedDisks(made.folder, None, made.system, made.count, images)
    disks.log = f"{os.path.abspath(options.replay)}/log"
    cut = Cut.named(options.cut)
    player = Replay(disks)
    try:
        found = judge(cut, made, disks, player, recording.compile_recorder(folder))
    finally:
        player.close()
    summary.cut(made.system, cut.moment, found.counts)
    if found.wrong:
        with open(f"{made.folder}/after.log", encoding="utf-8", errors="replace") as file:
            print(file.read()[-4000:])
        summary.wrong(f"cut {os.path.abspath(options.replay)} {cut}", found.wrong)


def run(options, certs, library, folder, summary, deadline):
    """Records and cuts, two recordings at a time, until the deadline."""
    try:
        systems = recording.available()
        program = recording.compile_recorder(folder)
    except MissingTool as missing:
        summary.left_out.append(str(missing))
        return
    for system in recording.MAKING.keys() - set(systems):
        summary.left_out.append(f"power cuts of {system}: the kernel does not know it, or {recording.MAKING[system][0]} is missing")
    if not systems:
        return
    todo, done = multiprocessing.Queue(), multiprocessing.Queue()
    kinds = [(system, count, has_faults) for count, has_faults in ((1, False), (2, True), (1, True), (2, False))
             for system in systems]
    for number, kind in enumerate([("ext4", 1, False)] if options.short else kinds * 20):
        todo.put((number, *kind))
    workers = [multiprocessing.Process(target=worker, daemon=True,
                                       args=(options, certs, program, library, folder, todo, done, deadline)) for _ in range(2)]
    for process in workers:
        process.start()
    while any(process.is_alive() for process in workers) or not done.empty():
        try:
            what, name, *more = done.get(timeout=0.5)
        except queue.Empty:
            if time.monotonic() > deadline + 60:
                summary.wrong("power cuts", ["did not end in time"])
                break
            continue
        if what == "wrong":
            summary.wrong(name, more[0])
        elif what == "recorded":
            summary.add(more[0])
        else:
            moment, fate, counts = more
            summary.cut(name, moment, counts)
            summary.fates[fate] += 1
    todo.cancel_join_thread()
    for process in workers:
        if process.is_alive():
            process.kill()
