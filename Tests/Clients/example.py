"""The client library's example, a package of its own, against a gateway; and whether its page shows the same program.

usage: example.py --sluice PATH
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f"{ROOT}/Tests/HTTP")

from gateway import MIB, Gateway  # noqa: E402

PACKAGE = f"{ROOT}/deploy/examples/client"
PAGE = f"{ROOT}/Sources/XStreamClient/XStreamClient.docc/FirstUpload.md"
# Kept from run to run; a first build compiles the library and what it stands on once more.
SCRATCH = f"{ROOT}/.build/example"
BOUND = 900
SIZE = 5 * MIB + 7


def program():
    """The path of the example's binary, built."""
    build = ["swift", "build", "--package-path", PACKAGE, "--scratch-path", SCRATCH]
    # What it is built with is not its own.
    shutil.copyfile(f"{ROOT}/Package.resolved", f"{PACKAGE}/Package.resolved")
    subprocess.run([*build, "-Xswiftc", "-gnone"], check=True)
    return subprocess.run([*build, "--show-bin-path"], check=True, capture_output=True, text=True).stdout.strip() + "/FirstUpload"


def is_shown():
    """Whether the page has the program, line by line."""
    with open(f"{PACKAGE}/Sources/FirstUpload/main.swift", encoding="utf-8") as file:
        source = "".join(line for line in file if not line.startswith("//"))
    with open(PAGE, encoding="utf-8") as file:
        return f"```swift\n{source}```\n" in file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sluice", required=True, metavar="PATH")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {BOUND} s"))
    signal.alarm(BOUND)
    if not is_shown():
        print(f"{os.path.relpath(PAGE)} does not show the program of {os.path.relpath(PACKAGE)}")
        return 1
    binary = program()
    folder = tempfile.mkdtemp(prefix="sluice-example-")
    gateway = Gateway(folder, options.sluice)
    try:
        gateway.start()
        content = os.urandom(SIZE)
        with open(f"{folder}/file", "wb") as file:
            file.write(content)
        for scheme in ("xstream", "https"):
            before = gateway.published()
            url = f"{scheme}://localhost:{gateway.port}/files"
            done = subprocess.run(
                [binary, f"{folder}/file", url, gateway.authority], check=False, capture_output=True, text=True, timeout=60)
            said = done.stdout.splitlines()
            kept = [gateway.content(path) for path in gateway.published() - before]
            if done.returncode or not said[-1].startswith(f"complete: {SIZE} bytes") or len(said) < 2 or kept != [content]:
                print(f"{url}: status {done.returncode}, {len(kept)} files in the store\n{done.stdout}{done.stderr}")
                return 1
            print(f"{scheme}: {said[-2]}; {said[-1].partition(', as')[0]}")
        return 0
    finally:
        gateway.stop()
        shutil.rmtree(folder)


sys.exit(main())
