"""What the page about reliability has from each of the programs that write it: the soak, and the faults."""

import os
import platform
import re
import subprocess
import sys

from places import MIB


def _section(name):
    """Where a section is that another program writes."""
    return re.compile(f"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)


def with_section(page, name, text):
    """The page with that text there, or None where it has no place for it."""
    section = _section(name)
    return section.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", page, 1) if section.search(page) else None


def with_section_of(page, name, older):
    """The page with the section as the older page has it, if it has."""
    match = _section(name).search(older)
    return _section(name).sub(lambda _: match[0], page, 1) if match else page


def commit():
    here = os.path.dirname(os.path.abspath(__file__))
    run = subprocess.run(["git", "-C", here, "log", "-1", "--format=%h"], capture_output=True, check=False)
    return run.stdout.decode().strip() or "not from a repository"


def machine():
    names = {}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            name, _, value = line.partition(":")
            names.setdefault(name.strip(), value.strip())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MIB / 1024
    return (f"{os.cpu_count()} cores ({names.get('model name', platform.machine())}), {memory:.0f} GiB, "
            f"Linux {platform.release().partition('-')[0]}, Python {sys.version.split()[0]}")
