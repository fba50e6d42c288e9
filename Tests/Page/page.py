"""The upload page in a real browser; see README.md.

usage: page.py [--base-url URL] [--store DIR] [--token-url URL --token TOKEN] [--shots DIR] [--filter WORD] [--seconds 300]

Without --base-url the page of this tree is served by a fake server. With it, the page of a gateway is tested; then --store
names the directory where the route's files arrive, and cases that need a server's faults are left out.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from urllib.parse import urlsplit

sys.dont_write_bytecode = True

from accessibility import AXE  # noqa: E402
from browser import Browser  # noqa: E402
from cases import CASES  # noqa: E402
from fake import FakeServer  # noqa: E402
from gallery import take_shots  # noqa: E402
from relay import Relay  # noqa: E402


class Rig:
    """What a case has: files to upload, a server behind a relay, and browsers."""

    def __init__(self, options):
        self.options = options
        self.real = options.base_url is not None
        self.random = random.Random(7)
        self.folder = tempfile.mkdtemp(prefix="page-")
        self.fake = self.relay = self.browser = None
        self.faults_expected = False

    def start(self):
        self.faults_expected = False
        if self.real:
            base = urlsplit(self.options.base_url)
            self.fake = None
            self.scheme, self.route = base.scheme, base.path.rstrip("/")
            self.relay = Relay(base.hostname, base.port or {"https": 443, "http": 80}[base.scheme])
        else:
            self.fake = FakeServer()
            self.scheme, self.route = "http", self.fake.route
            self.relay = Relay("127.0.0.1", self.fake.port)
        self.origin = f"{self.scheme}://localhost:{self.relay.port}"
        self.url = self.origin + self.route

    def open(self, path="", **options):
        """Opens the page in a browser of its own; the earlier one of this case ends."""
        if self.browser:
            self.browser.close()
        self.browser = Browser(**options)
        self.browser.go(self.url + path)
        return self.browser

    def stop(self):
        if self.browser:
            self.browser.close()
        self.browser = None
        self.relay.close()
        if self.fake:
            self.fake.close()

    def file(self, name, size):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(self.random.randbytes(size))
        return path

    def check_arrived(self, *paths):
        """Each file is at the server once, whole, and right."""
        for path in paths:
            with open(path, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            if self.fake:
                found = self.fake.named(os.path.basename(path))
                assert len(found) == 1, f"{len(found)} uploads of {os.path.basename(path)}"
                assert found[0].complete and found[0].digest == digest, f"{path} arrived otherwise"
            elif self.options.store:
                assert digest in self.stored_digests(), f"{path} is not in the store"

    def stored_digests(self):
        found = set()
        for folder, _, names in os.walk(self.options.store):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    found.add(hashlib.sha256(file.read()).hexdigest())
        return found


def run_case(rig, case):
    rig.start()
    try:
        case(rig)
        if rig.browser:
            complaints = rig.browser.complaints(rig.origin, rig.faults_expected)
            assert not complaints, f"the browser complained: {complaints}"
        return True
    except Exception:
        traceback.print_exc()
        return False
    finally:
        rig.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url")
    parser.add_argument("--store")
    parser.add_argument("--token-url")
    parser.add_argument("--token")
    parser.add_argument("--shots", help="write screenshots of each state into this directory, and test nothing")
    parser.add_argument("--filter", default="")
    parser.add_argument("--seconds", type=int, default=300, help="the time after which everything ends, failed")
    options = parser.parse_args()
    # No Exception, so that no case takes it for its own failure; browsers are closed on the way out.
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {options.seconds} s"))
    signal.alarm(options.seconds)
    if not AXE:
        print("axe is not installed (PyPI axe-core-python): our own checks alone", flush=True)
    rig = Rig(options)
    try:
        if options.shots:
            take_shots(rig, options.shots)
            return 0
        return run_cases(rig)
    finally:
        shutil.rmtree(rig.folder)


def run_cases(rig):
    failed = []
    for case in CASES:
        if rig.options.filter not in case.__name__ or (rig.real and case.needs_fake):
            continue
        began = time.monotonic()
        passed = run_case(rig, case)
        print(f"{'ok    ' if passed else 'FAILED'} {case.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        if not passed:
            failed.append(case.__name__)
    print(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
