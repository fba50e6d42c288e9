"""What a result depends on: the machine, the programs' versions, the commit."""

import os
import re
import subprocess

import processes


def describe(sluice, envoy, store):
    """Names and values, in the order in which they are shown."""
    found = {
        "processor": _match(r"model name\s*:\s*(.*)", _read("/proc/cpuinfo")) or os.uname().machine,
        "cores": f"{len(os.sched_getaffinity(0))}; gateway on one, client and sink on another",
        "kernel": os.uname().release,
        "system": (_match(r'PRETTY_NAME="(.*)"', _read("/etc/os-release")) or "").strip(),
        "memory": f"{(os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')) >> 30} GiB",
        "store's file system": _output("df", "--output=fstype", store).split("\n")[-1],
        "OpenSSL": _match(r"^OpenSSL (\S+)", _output("openssl", "version")),
        "nginx": _match(r"nginx/(.*)", _output("nginx", "-v")),
        "HAProxy": _match(r"version (\S+)", _output("haproxy", "-v")),
        "Envoy": _match(r"version: \w+/([\d.]+)", _output(envoy, "--version")) if envoy else None,
        "Sluice": _output(sluice, "--version") or "no version",
        "commit": commit(),
    }
    return {name: value for name, value in found.items() if value}


def commit():
    """The commit, and whether the sources differ from it."""
    folder = os.path.dirname(os.path.abspath(__file__))
    name = _output("git", "-C", folder, "rev-parse", "--short=12", "HEAD")
    changed = _output("git", "-C", folder, "status", "--porcelain", "--", ":/Sources", ":/Package.swift")
    return f"{name}, with changes" if changed else name


def aes_gcm_seconds_per_gib():
    """The least CPU that decryption alone takes: `openssl speed -evp aes-128-gcm`, blocks of 16 KiB, one core."""
    core = str(processes.cores()[0])
    said = _output(
        "taskset", "-c", core, "openssl", "speed", "-mr", "-seconds", "2", "-bytes", "16384", "-evp", "aes-128-gcm"
    )
    rate = _match(r"^\+F:.*:([\d.]+)$", said)
    return (1 << 30) / float(rate) if rate and float(rate) > 0 else None


def _output(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        return done.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _match(pattern, text):
    found = re.search(pattern, text, re.M)
    return found.group(1).strip() if found else None
