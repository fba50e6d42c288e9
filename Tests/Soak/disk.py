"""The disks of a run: file systems in images, which can be made read-only and lose their power."""

import fcntl
import os
import struct
import subprocess
import time

# <linux/ext4.h>: EXT4_IOC_SHUTDOWN, and its way that leaves the journal as it is on the disk.
SHUTDOWN, WITHOUT_FLUSH = 0x8004587D, 2


class Disk:
    """An ext4 file system in an image, or where that cannot be had the folder itself."""

    def __init__(self, folder, size):
        self.folder, self.image = folder, f"{folder}.img"
        os.mkdir(folder)
        self.is_mounted = False
        if os.geteuid() != 0:
            return
        with open(self.image, "wb") as file:
            file.truncate(size)
        made = subprocess.run(["mkfs.ext4", "-q", "-m", "0", self.image], stderr=subprocess.DEVNULL, check=False)
        self.is_mounted = made.returncode == 0 and self._mount() == 0

    def _mount(self):
        command = ["mount", "-o", "loop", self.image, self.folder]
        return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode

    def set_read_only(self, is_read_only, patience):
        """Whether it is so in the end: a file that is open for writing keeps the kernel from it."""
        command = ["mount", "-o", "remount,ro" if is_read_only else "remount,rw", self.folder]
        deadline = time.monotonic() + patience
        while subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def cut_power(self):
        """From now on no call reaches it, and what it had not been made to keep is gone."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_FLUSH))
        finally:
            os.close(folder)

    def restore_power(self):
        """Once nobody holds it any more. Replays its journal, as at a boot."""
        for command in (["umount", self.folder], None):
            deadline = time.monotonic() + 10
            while (self._mount() if command is None else subprocess.run(
                    command, stderr=subprocess.DEVNULL, check=False).returncode):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.folder} cannot be {'mounted' if command is None else 'unmounted'}")
                time.sleep(0.02)

    def unmount(self, keep):
        """With `keep`, the image stays, and can be mounted again."""
        if not self.is_mounted:
            return
        subprocess.run(["umount", "-l", self.folder], check=False)
        self.is_mounted = False
        if not keep:
            os.unlink(self.image)


class MemoryDisk:
    """A small file system in memory, for the short run: it has no journal, and needs no preparation."""

    def __init__(self, folder, size):
        self.folder = folder
        os.mkdir(folder)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "sluice-soak", folder]
        self.is_mounted = os.geteuid() == 0 and subprocess.run(
            command, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def unmount(self, keep):
        """With `keep`, what is on it is copied beside it."""
        if not self.is_mounted:
            return
        if keep:
            subprocess.run(["cp", "-a", self.folder, f"{self.folder}-as-it-was"], check=False)
        subprocess.run(["umount", "-l", self.folder], check=False)
        self.is_mounted = False
