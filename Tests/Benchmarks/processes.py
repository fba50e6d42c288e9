"""Processes that are measured: started on a core of their own, counted with all their children, and never left behind."""

import os
import re
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
_running = []


class Failed(Exception):
    """A measurement could not be made; says why."""


def cores():
    """A core for the gateway and one for client and sink; the same where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[1] if len(mine) > 1 else mine[0]


def start(command, core, **files):
    """Starts a command on a core, in a group of its own, which dies with this program."""
    prefix = ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(core)]
    process = subprocess.Popen(prefix + command, start_new_session=True, **files)
    _running.append(process)
    return process


def stop(process):
    """Ends a process and what it started, first kindly."""
    if process is None:
        return
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()
    if process in _running:
        _running.remove(process)


def stop_all():
    """Ends everything that was started."""
    for process in list(_running):
        stop(process)


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, name, log, seconds=15):
    """Waits until a process takes connections."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Failed(f"{name} ended at once with {process.returncode}: {tail(log)}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Failed(f"{name} does not listen on port {port}: {tail(log)}")


def tail(path):
    """The end of a log, on one line."""
    try:
        with open(path, errors="replace") as file:
            return " | ".join(file.read()[-500:].split("\n")).strip()
    except OSError:
        return "it said nothing"


def family(pid):
    """The process and all its descendants."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat(int(name))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found, open_ends = [], [pid]
    while open_ends:
        one = open_ends.pop()
        found.append(one)
        open_ends += children.get(one, [])
    return found


def cpu_seconds(pids):
    """User and system time of processes, with all their threads, also those that have ended.

    The process's own clock counts in nanoseconds and keeps what threads used that are gone, which the files of the
    single threads do not. Children that were waited for are counted in their parent, in ticks.
    """
    total = 0.0
    for pid in pids:
        try:
            # CPUCLOCK_SCHED of another process, as clock_getcpuclockid(3) makes it.
            total += time.clock_gettime((~pid << 3) | 2)
        except OSError:
            continue
        fields = _stat(pid)
        if fields:
            total += (int(fields[13]) + int(fields[14])) / TICKS
    return total


def resident_kib(pids, key="VmRSS"):
    """Resident memory of processes; the most there was with `VmHWM`."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status") as file:
                found = re.search(rf"^{key}:\s+(\d+) kB", file.read(), re.M)
            total += int(found.group(1)) if found else 0
        except OSError:
            continue
    return total


def forget_peaks(pids):
    """Makes `VmHWM` begin anew."""
    for pid in pids:
        try:
            with open(f"/proc/{pid}/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            continue


def _stat(pid):
    """The fields of /proc/PID/stat after the name: state, parent, ..."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
