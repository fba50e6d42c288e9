"""Cuts the power at chosen places of a recording, and judges what a gateway makes of what is left."""

import bisect
import glob
import json
import os
import pickle
import random
import shutil

import recording
from uploaders import uploader_for  # first: it knows where modules are
from content import Content, Pool, Prose
from life import KIB, Recording
from promises import Findings, Plan, Upload
from recording import FATES, RecordedDisks, Replay
from verdict import Verdict

# Cuts that another one follows, while the gateway starts.
TWICE = 0.2
# Where power is cut: after these words to clients, after such a fault, or anywhere.
MOMENTS = ("right after status 0", "right after an acknowledgement", "right after an upload was dropped",
           "within a fault and what mends it", "right before a flush", "at a random write or flush")


class Cut:
    def __init__(self, place, moment, fate, seed, is_twice):
        self.place, self.moment, self.fate, self.seed, self.is_twice = place, moment, fate, seed, is_twice

    def __str__(self):
        return f"{self.place}-{self.fate}-{self.seed}{'-twice' if self.is_twice else ''}"

    @classmethod
    def named(cls, text):
        place, fate, seed, *twice = text.split("-")
        return cls(int(place), "again", fate, int(seed), bool(twice))


def draw_cuts(made, disks, count):
    """Places, why there, and what becomes of writes that were not flushed; in the log's order."""
    ends, before_flush = recording.boundaries(disks.log)
    promises = [promise for upload in made.uploads for promise in upload.promises]
    words = {moment: [place for promise in promises for place in promise.places(said)]
             for moment, said in zip(MOMENTS, ("done", "safe", "gone"))}
    words[MOMENTS[3]] = [ends[min(len(ends) - 1, bisect.bisect_left(ends, place) + made.random.randrange(-10, 60))]
                         for place in made.faults]
    words[MOMENTS[4]] = [place for place in before_flush if place > made.first]
    words[MOMENTS[5]] = [place for place in ends if place > made.first]
    last = disks.position()
    weights = {MOMENTS[0]: 9, MOMENTS[1]: 4, MOMENTS[2]: 2, MOMENTS[3]: 7, MOMENTS[4]: 5, MOMENTS[5]: 3}
    there = [moment for moment in MOMENTS if words[moment]]
    cuts = []
    for _ in range(count):
        moment = made.random.choices(there, [weights[moment] for moment in there])[0]
        place = min(last, made.random.choice(words[moment]))
        fate = made.random.choices(list(FATES), (4, 1, 3, 1, 1))[0]
        cuts.append(Cut(place, moment, fate, made.random.randrange(1 << 30), made.random.random() < TWICE))
    return sorted(cuts, key=lambda cut: cut.place)


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
        told = upload.promise.told() if upload.promise and upload.plan.kind not in ("payload", "put") else None
        if told and told.safe and not (told.is_done or told.is_gone or told.is_leaving):
            waiting.append(upload)
    new = Plan(2 * KIB)
    uploads.append(Upload("after-the-cut", next(iter(station.routes.values())), Content(Pool(1), new.size, 7), new))
    for upload in source.sample(waiting, min(3, len(waiting))) + uploads[-1:]:
        upload.plan = Plan(upload.size, kind=upload.plan.kind, ack=upload.plan.ack)
        uploader_for(station, upload, patience=20).run()


# Recordings with cuts that failed

def kept_folder(options, made):
    return f"{os.path.abspath(options.keep)}/{made.system}-{str(made.seed).replace(' ', '-')}"


def keep(folder, made):
    os.makedirs(folder, exist_ok=True)
    for path in glob.glob(f"{made.folder}/base*") + [f"{made.folder}/log"]:
        recording.run("cp", "--sparse=always", path, folder)
    uploads = [(upload.label, upload.route.path, upload.content.size, upload.content.start, upload.plan,
                upload.promises, upload.lost_answers) for upload in made.uploads]
    with open(f"{folder}/uploads", "wb") as file:
        pickle.dump(uploads, file)
    with open(f"{folder}/recording.json", "w", encoding="utf-8") as file:
        json.dump({"system": made.system, "count": made.count, "has_faults": made.has_faults, "seed": made.seed,
                   "folder": made.folder}, file)


def replay(options, certs, folder, summary):
    """A cut of a recording that was kept."""
    with open(f"{options.replay}/recording.json", encoding="utf-8") as file:
        facts = json.load(file)
    made = Recording(options.sluice, certs, f"{folder}/again", *(facts[name] for name in
                                                                 ("seed", "system", "count", "has_faults")))
    os.makedirs(made.folder)
    pools = Pool(1), Prose(1)
    station = made.station(Findings(), lambda: 0)
    routes = {route.path: route for route in station.routes.values()}
    with open(f"{options.replay}/uploads", "rb") as file:
        for label, path, size, start, plan, promises, lost in pickle.load(file):
            route = routes[path]
            content = Content(pools[1 if route.gzip else 0], size, start)
            made.uploads.append(Upload(label, route, content, plan, promises, lost))
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
