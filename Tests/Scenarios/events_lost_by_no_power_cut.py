"""Over 500 uploads, with five kills and then a power cut of the disk, no completion is lost, and none is told of too early.

Needs root and ext4 in an image; elsewhere the power is not cut."""

import os
import sys

from events_lost_by_nobody import Course

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Soak"))
from disk import Disk  # pylint: disable=wrong-import-position

BOUND = 300
IS_LONG = True
COUNT, KILLS = 500, 6


def run(scene):
    disk = Disk(f"{scene.folder}/disk", 256 << 20)
    # What the gateway says of a disk that has no power.
    for words in ("Input/output error", "disk I/O error"):
        scene.expects_error(words)
    scene.finally_do(lambda: disk.unmount(keep=False))
    course = Course(scene, COUNT, KILLS, disk if disk.is_mounted else None)
    folder = course.gateway.folder
    for name in ("store", "state"):
        os.mkdir(f"{disk.folder}/{name}")
    os.rmdir(f"{folder}/store")
    for name in ("store", "state"):
        os.symlink(f"{disk.folder}/{name}", f"{folder}/{name}")
    course.play()
