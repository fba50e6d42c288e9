"""Records what a gateway does to its disks while clients upload, and cuts their power, two recordings at a time."""

import multiprocessing
import queue
import shutil
import signal
import time
import traceback

import recording
from cuts import draw_cuts, judge, keep, kept_folder
from life import RECORDED_FOR, Recording
from places import MIB
from promises import Findings
from recording import MissingTool, Replay

# Of each recording.
CUTS, SHORT_CUTS = 26, 12


def worker(options, certs, program, library, folder, todo, done, deadline):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while time.monotonic() < deadline - RECORDED_FOR:
        try:
            number, system, count, has_faults = todo.get(timeout=1)
        except queue.Empty:
            return
        made = Recording(options.sluice, certs, f"{folder}/{number}", f"{options.seed} {number}", system, count,
                         has_faults)
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
    done.put(("recorded", str(made), {
        "recordings": 1, "gateway starts": made.starts, "uploads completed in recordings": told,
        "faults in recordings": len(made.faults), "MiB that recordings wrote": disks.position() // MIB}))
    replay = Replay(disks)
    failed = False
    try:
        for cut in draw_cuts(made, disks, SHORT_CUTS if options.short else CUTS):
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


def run(options, certs, library, folder, summary, deadline):
    """Records and cuts, two recordings at a time, until the deadline."""
    try:
        systems = recording.available()
        program = recording.compile_recorder(folder)
    except MissingTool as missing:
        summary.left_out.append(str(missing))
        return
    for system in recording.MAKING.keys() - set(systems):
        maker = recording.MAKING[system][0]
        summary.left_out.append(f"power cuts of {system}: the kernel does not know it, or {maker} is missing")
    if not systems:
        return
    todo, done = multiprocessing.Queue(), multiprocessing.Queue()
    kinds = [(system, count, has_faults) for count, has_faults in ((1, False), (2, True), (1, True), (2, False))
             for system in systems]
    for number, kind in enumerate([("ext4", 1, False)] if options.short else kinds * 20):
        todo.put((number, *kind))
    parts = (options, certs, program, library, folder, todo, done, deadline)
    workers = [multiprocessing.Process(target=worker, daemon=True, args=parts) for _ in range(2)]
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
