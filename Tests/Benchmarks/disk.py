"""A file system of its own for the store: ext4 with a journal, in a file, without the host's cache in between.

It makes results of different machines alike: some have no journal, or delete slowly. It needs root.
"""

import os
import subprocess

import processes


class Image:
    """An image that is mounted for the length of a `with`."""

    def __init__(self, folder, gib=8):
        self.file, self.mount, self.gib = os.path.join(folder, "store.img"), os.path.join(folder, "disk"), gib
        self.loop = None

    def __enter__(self):
        if os.geteuid() != 0:
            raise processes.Failed("--image mounts a file system, for which it has to be root")
        os.makedirs(self.mount, exist_ok=True)
        if not os.path.exists(self.file):
            # Written, not reserved: blocks that were never written cost more at their first write.
            self._run("dd", "if=/dev/zero", f"of={self.file}.part", "bs=4M", f"count={self.gib * 256}", "oflag=direct",
                      "status=none")
            self._run("mkfs.ext4", "-q", "-F", "-N", "2000000", "-E", "lazy_itable_init=0,lazy_journal_init=0",
                      f"{self.file}.part")
            os.rename(f"{self.file}.part", self.file)
        self.loop = self._run("losetup", "--find", "--show", "--direct-io=on", self.file)
        try:
            self._run("mount", "-o", "noatime", self.loop, self.mount)
        except processes.Failed:
            self._run("losetup", "--detach", self.loop)
            raise
        return self.mount

    def __exit__(self, *_):
        subprocess.run(["umount", self.mount], check=False)
        subprocess.run(["losetup", "--detach", self.loop], check=False)

    @staticmethod
    def _run(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise processes.Failed(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout.strip()
