"""Everything that goes over loopback, in a file; and what the kernel itself counts."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

from wire import WireError


class Tap:
    """tcpdump, for as long as a `with` lasts."""

    # All that the fastest scenario sends, for writing it down may be slower; in KiB.
    BUFFER = 512 << 10

    def __init__(self, path):
        self.path, self.dropped = path, 0

    def __enter__(self):
        command = ["tcpdump", "--interface=lo", "--snapshot-length=0", f"--buffer-size={self.BUFFER}", "--packet-buffered", "-n",
                   "--time-stamp-precision=nano", "-w", str(self.path)]
        # As root it would become another user, who may not write here.
        command += ["--relinquish-privileges=root"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(command + ["ip"], stderr=subprocess.PIPE, text=True, start_new_session=True)
        said = ""
        while "listening on" not in said:
            if not (line := self.process.stderr.readline()):
                raise WireError(f"tcpdump did not start: {said.strip()}")
            said += line
        return self

    def __exit__(self, failure, *_):
        try:
            if failure is None:
                self._await_end()
        finally:
            self.process.terminate()
            said = self.process.communicate(timeout=30)[1]
        lost = re.search(r"(\d+) packets dropped by kernel", said)
        self.dropped = int(lost.group(1)) if lost else 0

    def _await_end(self):
        """tcpdump forgets what it has not read yet when it is told to end, so the last thing that it sees is a word of ours."""
        word = os.urandom(32)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(word, ("127.0.0.1", 9))
        end = time.monotonic() + 60
        while word not in self._tail():
            if self.process.poll() is not None:
                raise WireError(f"tcpdump ended by itself, with {self.process.returncode}")
            if time.monotonic() > end:
                raise WireError("tcpdump does not keep up")
            time.sleep(0.05)

    def _tail(self):
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            # Behind it stands the kernel's answer that nobody listens there.
            file.seek(max(0, size - 4096))
            return file.read()


def own_network():
    """What a command has to begin with to run in a network of its own, in which it may look at packets.

    Without root it stays the user that it is, for tcpdump as a mapped root would try to become another one, and fail.
    """
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-current-user", "--keep-caps", "--net"]


def counters():
    """Connections that were begun, and bytes that were sent with IP's headers, since this network was made (RFC 4022, RFC 4293)."""
    found = {}
    for name in ("snmp", "netstat"):
        lines = Path(f"/proc/net/{name}").read_text().splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            kind = names.split()[0]
            found.update({kind + key: int(value) for key, value in zip(names.split()[1:], values.split()[1:])})
    return {"opens": found["Tcp:ActiveOpens"], "octets": found["IpExt:OutOctets"], "repeated": found["Tcp:RetransSegs"]}
