"""Disks that remember each write and each flush, and what is left of them when the power goes."""

import contextlib
import mmap
import os
import random
import shutil
import struct
import subprocess
import time

from station import HERE

RECORD = struct.Struct("<IIQQ")
# As in recorder.c: writes that are still to fail, that have failed, and what is in them.
CONTROL = struct.Struct("<II8s")
WRITTEN, FLUSHED, ZEROED = 1, 2, 3
MIB = 1 << 20
IMAGE_SIZE = 640 * MIB
# How each file system is made; all with blocks of 4096 bytes.
MAKING = {
    "ext4": ["mkfs.ext4", "-q", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"],
    "xfs": ["mkfs.xfs", "-q", "-K", "-s", "size=4096"],
    "btrfs": ["mkfs.btrfs", "-q", "-K"],
}
SECTOR = 4096
# What becomes of writes that no flush has followed.
FATES = {
    "none": "none of them",
    "all": "all of them",
    "sectors": "some sectors of them",
    "writes": "some of them, whole",
    "torn": "all but the end of the last",
}


class MissingTool(Exception):
    """Something that is needed is not there, in words."""


def available():
    """The file systems that this machine has and can make. Raises MissingTool."""
    if os.geteuid() != 0:
        raise MissingTool("power cuts need root")
    for path in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(path):
            raise MissingTool(f"power cuts need {path}")
    with open("/proc/filesystems", encoding="ascii") as file:
        known = {line.split()[-1] for line in file}
    return [name for name, command in MAKING.items() if name in known and shutil.which(command[0])]


def run(*command):
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode().strip()


def compile_recorder(folder):
    program = f"{folder}/recorder"
    subprocess.run(["cc", "-O2", "-Wall", "-o", program, f"{HERE}/recorder.c"], check=True)
    return program


def attach(image, folder, system):
    """Mounts an image by a loop device with sectors of 4096 bytes."""
    device = run("losetup", "-f", "--show", "-b", str(SECTOR), image)
    try:
        # Beside a file system of the same identity.
        options = ["-o", "nouuid"] if system == "xfs" else []
        run("mount", "-t", system, *options, device, folder)
    finally:
        # Goes with the mount, or at once.
        run("losetup", "-d", device)


def detach(folder):
    """Waits for who has files open there."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return run("umount", folder)
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class RecordedDisks:
    """One or two file systems whose disks write down what happens: `folder/0`, `folder/1`."""

    def __init__(self, folder, program, system, count, images=None, mounts=None):
        """New ones; or, with `images`, these, mounted where the first ones were."""
        self.folder, self.system, self.count, self.mounts = folder, system, count, mounts or folder
        self.log = f"{folder}/log"
        os.makedirs(folder, exist_ok=True)
        for number in range(count):
            os.makedirs(f"{self.mounts}/{number}", exist_ok=True)
            if images:
                os.rename(images[number], self.image(number))
            else:
                with open(self.image(number), "wb") as file:
                    file.truncate(IMAGE_SIZE)
                run(*MAKING[system], self.image(number))
            run("cp", "--sparse=always", self.image(number), self.base(number))
        if program:
            self._begin(program)

    def image(self, number):
        return f"{self.folder}/image{number}"

    def base(self, number):
        return f"{self.folder}/base{number}"

    def _begin(self, program):
        self.devices = f"{self.folder}/devices"
        os.makedirs(self.devices, exist_ok=True)
        images = [self.image(number) for number in range(self.count)]
        with open(f"{self.folder}/failing", "w+b") as file:
            file.truncate(CONTROL.size)
            self.control = mmap.mmap(file.fileno(), CONTROL.size)
        self.recorder = subprocess.Popen([program, self.devices, self.log, f"{self.folder}/failing", *images],
                                         stdout=subprocess.PIPE)
        if self.recorder.stdout.readline() != b"ready\n":
            raise RuntimeError("the recorder does not begin")
        for number in range(self.count):
            attach(f"{self.devices}/{number}", f"{self.mounts}/{number}", self.system)

    def position(self):
        """How long the log is: what was written before is in it."""
        return os.stat(self.log).st_size

    def fail_writes(self, data, count):
        """So many of the next writes that have these 8 bytes fail with EIO."""
        CONTROL.pack_into(self.control, 0, 0, 0, data)
        struct.pack_into("<I", self.control, 0, count)

    def failed_writes(self):
        return CONTROL.unpack_from(self.control)[1]

    def end(self):
        for number in range(self.count):
            with contextlib.suppress(RuntimeError):
                detach(f"{self.mounts}/{number}")
        with contextlib.suppress(RuntimeError):
            detach(self.devices)
        try:
            self.recorder.wait(10)
        except subprocess.TimeoutExpired:
            self.recorder.kill()
        self.recorder.wait()
        for number in range(self.count):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.image(number))


def boundaries(log):
    """Where the log's records end, and those of them behind which a flush comes that has something to flush."""
    ends, before_flush, place, unflushed = [], [], 0, 0
    with open(log, "rb") as file:
        while len(head := file.read(RECORD.size)) == RECORD.size:
            kind, _, _, count = RECORD.unpack(head)
            if kind == FLUSHED and unflushed:
                before_flush.append(place)
            unflushed = 0 if kind == FLUSHED else unflushed + 1
            place += RECORD.size + (count if kind == WRITTEN else 0)
            file.seek(place)
            ends.append(place)
    return ends, before_flush


class Replay:
    """Makes the disks of a recording as they are after cuts at ever later places."""

    def __init__(self, disks):
        self.disks, self.place = disks, 0
        self.log = open(disks.log, "rb")
        self.kept, self.unflushed = [], []
        for number in range(disks.count):
            path = f"{disks.folder}/kept{number}"
            run("cp", "--sparse=always", disks.base(number), path)
            self.kept.append(os.open(path, os.O_RDWR))
            self.unflushed.append([])

    def close(self):
        self.log.close()
        for number, file in enumerate(self.kept):
            os.close(file)
            os.unlink(f"{self.disks.folder}/kept{number}")

    def advance(self, place):
        """To what had happened when the log was so long."""
        while self.place < place:
            head = self.log.read(RECORD.size)
            if len(head) < RECORD.size:
                return
            kind, disk, offset, count = RECORD.unpack(head)
            data = self.log.read(count) if kind == WRITTEN else None
            end = self.place + RECORD.size + (count if kind == WRITTEN else 0)
            if end > place:
                self.log.seek(self.place)
                return
            self.place = end
            if kind != FLUSHED:
                self.unflushed[disk].append((offset, count, data))
                continue
            for write in self.unflushed[disk]:
                apply(self.kept[disk], *write)
            self.unflushed[disk].clear()

    def cut(self, fate, seed):
        """The images after a power cut here, and how many writes were not flushed."""
        source, images = random.Random(seed), []
        for number in range(self.disks.count):
            path = f"{self.disks.folder}/cut{number}"
            run("cp", "--sparse=always", f"{self.disks.folder}/kept{number}", path)
            file = os.open(path, os.O_RDWR)
            for write in survivors(self.unflushed[number], fate, source):
                apply(file, *write)
            os.close(file)
            images.append(path)
        return images, sum(len(writes) for writes in self.unflushed)


def survivors(writes, fate, source):
    """What of them is on the disk: in their order, as a later one to the same sector may be lost alone."""
    if fate == "all":
        yield from writes
    elif fate == "writes":
        yield from (write for write in writes if source.random() < 0.5)
    elif fate == "torn" and writes:
        yield from writes[:-1]
        offset, count, data = writes[-1]
        kept = source.randrange(count // SECTOR + 1) * SECTOR
        yield offset, kept, data and data[:kept]
    elif fate == "sectors":
        odds = source.choice((0.1, 0.5, 0.9))
        for offset, count, data in writes:
            for begin in range(0, count, SECTOR):
                if source.random() < odds:
                    size = min(SECTOR, count - begin)
                    yield offset + begin, size, data and data[begin : begin + size]


def apply(file, offset, count, data):
    if data is not None:
        os.pwrite(file, data, offset)
    elif count:
        # A discard, or zeros: read as zeros from then on.
        os.pwrite(file, bytes(count), offset) if count < MIB else punch(file, offset, count)


def punch(file, offset, count):
    """Zeros that take no memory."""
    zeros = bytes(MIB)
    for begin in range(offset, offset + count, MIB):
        size = min(MIB, offset + count - begin)
        if os.pread(file, size, begin) != zeros[:size]:
            os.pwrite(file, zeros[:size], begin)

