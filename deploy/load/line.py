"""A line that loses packets: a network of its own, of which nothing is left when its processes have ended."""

import os
import shutil
import subprocess
from typing import NamedTuple


class Kind(NamedTuple):
    name: str
    meaning: str
    # What tc is asked for.
    words: str


# The best first. Both directions share the line.
KINDS = [
    Kind("netem", "20 ± 5 ms each way, 1 % lost, 2 % reordered, 50 Mbit/s",
         "netem delay 20ms 5ms loss 1% reorder 2% 50% rate 50mbit limit 2000"),
    Kind("tbf", "10 Mbit/s with a short queue that loses what does not fit; this kernel has no netem for delay and reordering",
         "tbf rate 10mbit burst 16k limit 40k"),
]


def own_network():
    """What a command has to begin with to run in a network of its own."""
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


def run_to_its_end(command):
    """Runs a program that cleans up when it is told to end. Whatever ends this one tells it, and waits. Returns its status."""
    child = subprocess.Popen([str(word) for word in command])
    try:
        return child.wait()
    except KeyboardInterrupt:
        # The terminal has told it too, and once more would disturb it at that.
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.terminate()
            child.wait()
        raise
    except BaseException:
        child.terminate()
        child.wait()
        raise


def commands(kind):
    # Else the kernel hands on 64 KiB in one piece, and loses them in one piece.
    return ["ip link set lo up mtu 1500 gso_max_segs 1", f"tc qdisc add dev lo root {kind.words}"]


def possible():
    """The kind of line that can be made here; or None, and why none can."""
    for tool, package in (("unshare", "util-linux"), ("ip", "iproute2"), ("tc", "iproute2")):
        if not shutil.which(tool):
            return None, f"there is no {tool}; it is in Debian's package {package}"
    allowed = subprocess.run(own_network() + ["ip", "link", "set", "lo", "up"], capture_output=True, text=True)
    if allowed.returncode != 0:
        return None, f"a network of its own may not be made here ({last_line(allowed.stderr)}); try it as root"
    reason = ""
    for kind in KINDS:
        tried = subprocess.run(own_network() + ["sh", "-ec", "\n".join(commands(kind))], capture_output=True, text=True)
        if tried.returncode == 0:
            return kind, ""
        reason = last_line(tried.stderr)
    return None, f"tc can make no bad line here ({reason}): the kernel lacks sch_netem and sch_tbf, or forbids them"


def worsen(name):
    """Makes the line of the network that this process is in worse."""
    for command in commands(next(kind for kind in KINDS if kind.name == name)):
        subprocess.run(command.split(), check=True)


def last_line(text):
    return (text.strip().splitlines() or ["no reason given"])[-1]
