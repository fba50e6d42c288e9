"""Whether the client library's sources would compile on a Mac, as far as imports and names say: there is none in CI.

usage: imports.py [PACKAGE]

Of each Swift target that the product XStreamClient is made of: what only Linux has is imported, or named, under a condition
that is false on a Mac, and what it gives has another branch there. It reads the manifest and the sources and builds nothing.
"""

import json
import os
import re
import subprocess
import sys

PRODUCT = "XStreamClient"
# Modules that a Mac does not have; of the first ones its own has the same names.
LIBRARIES = {"Glibc", "Musl"}
ELSEWHERE = LIBRARIES | {"CLinux", "CIPSecMB", "CISAL", "FoundationEssentials", "Android", "Bionic"}
# What Linux's C library has and a Mac's has not, or under another name.
NAMES = re.compile(
    r"\b(posix_fadvise|posix_fallocate|fdatasync|sync_file_range|copy_file_range|sendfile64|splice|memfd_create|"
    r"getrandom|epoll_\w+|eventfd|timerfd_\w+|signalfd|inotify_\w+|prctl|renameat2|statx|pipe2|accept4|"
    r"st_[amc]tim|SOCK_CLOEXEC|SOCK_NONBLOCK|MSG_NOSIGNAL|MSG_MORE|TCP_CORK|TCP_QUICKACK|TCP_USER_TIMEOUT|SO_REUSEPORT_LB|"
    r"SIOCOUTQ|F_SETPIPE_SZ|F_OFD_\w+|O_TMPFILE|O_PATH|O_DIRECT|CLOCK_BOOTTIME|CLOCK_MONOTONIC_COARSE|"
    r"__\w+_t|__errno_location|program_invocation_name)\b|\b(?:Glibc|Musl)\."
)


def targets(package):
    """The Swift targets of the product, and the folder of each; what is for Linux alone is left out."""
    described = json.loads(subprocess.run(
        ["swift", "package", "--package-path", package, "dump-package"], check=True, capture_output=True).stdout)
    by_name = {target["name"]: target for target in described["targets"]}
    wanted = [name for product in described["products"] if product["name"] == PRODUCT for name in product["targets"]]
    found = {}
    while wanted:
        target = by_name.get(wanted.pop())
        if target is None or target["name"] in found:
            continue
        found[target["name"]] = target
        for dependency in target["dependencies"]:
            name, condition = next(iter(dependency.values()))[0], next(iter(dependency.values()))[-1]
            platforms = (condition or {}).get("platformNames", [])
            if not platforms or "macos" in platforms:
                wanted.append(name)
    return found


def on_mac(condition):
    """Whether an #if is true on a Mac: yes, no, or None where this cannot say."""
    text = re.sub(r"\s+", "", condition)
    if "&&" in text and "||" not in text and "!" not in text:
        parts = [on_mac(part) for part in text.split("&&")]
        return False if False in parts else None if None in parts else True
    is_not = text.startswith("!")
    text = text.removeprefix("!")
    if match := re.fullmatch(r"canImport\((\w+)\)", text):
        answer = match[1] not in ELSEWHERE
    elif match := re.fullmatch(r"os\((\w+)\)", text):
        answer = match[1] == "macOS"
    elif text == "IPSecMB":
        answer = False
    else:
        return None
    return answer != is_not


def faults(path, shown):
    """What a Mac would not take in one file."""
    # Of each open #if: whether this branch may be compiled on a Mac, and whether this one or one before surely is.
    stack, found = [], []
    uses_library = has_own = False
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        code = line.split("//")[0].strip()
        if match := re.match(r"#(if|elseif)\b(.*)", code):
            answer = on_mac(match[2])
            taken = False
            if match[1] == "elseif":
                taken = stack.pop()[1]
            stack.append((answer is not False and not taken, taken or answer is True))
            continue
        if code.startswith("#else"):
            taken = stack.pop()[1]
            stack.append((not taken, True))
            continue
        if code.startswith("#endif"):
            stack.pop()
            continue
        is_compiled = all(branch for branch, _ in stack)
        if match := re.match(
            r"(?:@\w+ )*(?:public |internal |package |private |fileprivate )?import (?:\w+ )?(\w+)", code):
            module = match[1]
            uses_library |= module in LIBRARIES
            has_own |= is_compiled and module in {"Darwin", "Foundation"}
            if is_compiled and module in ELSEWHERE:
                found.append(f"{shown}:{number}: a Mac has no module {module}: import it under #if canImport({module})")
        elif is_compiled and (match := NAMES.search(code)):
            found.append(f"{shown}:{number}: a Mac has no {match[0]}: use it under #if os(Linux)")
    if uses_library and not has_own:
        found.append(f"{shown}: imports Linux's C library, and nothing in its place on a Mac: add #elseif canImport(Darwin)")
    return found


def main():
    package = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    found, count = [], 0
    closure = targets(package)
    for name, target in sorted(closure.items()):
        if target["type"] == "system":
            if name in ELSEWHERE:
                found.append(f"Package.swift: {PRODUCT} needs {name} on a Mac too: give it .when(platforms: [.linux])")
            continue
        folder = os.path.join(package, target.get("path") or os.path.join("Sources", name))
        for place, _, files in os.walk(folder):
            for file in sorted(files):
                if file.endswith(".swift"):
                    path = os.path.join(place, file)
                    found += faults(path, os.path.relpath(path, package))
                    count += 1
    print("\n".join(found + [f"{count} files of {', '.join(sorted(closure))}: {len(found)} would not compile on a Mac"]))
    return 1 if found or not count else 0


sys.exit(main())
