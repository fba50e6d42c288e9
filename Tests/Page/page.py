"""The upload page in a real browser; see README.md.

usage: page.py [--sluice BINARY] [--http 2|1.1] [--base-url URL] [--store DIR] [--token-url URL --token TOKEN] [--shots DIR]
               [--filter WORD] [--seconds 300]

By itself it serves the page of this tree from a fake server. With --sluice each case has a gateway of its own, first over
HTTP/2 and then over HTTP/1.1, unless --http names one of them. With --base-url the page of a gateway that runs already is
tested; then --store names the directory where the route's files arrive, and cases that change the server are left out.
"""

import argparse
import contextlib
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
from gateway import LIMIT, TOKEN, Gateway, digest_of, make_certificates, paths_below  # noqa: E402
from relay import Relay  # noqa: E402


class Rig:
    """What a case has: files to upload, a server behind a relay, and browsers."""

    def __init__(self, options):
        self.options = options
        self.random = random.Random(7)
        self.folder = tempfile.mkdtemp(prefix="page-")
        self.http = None  # The version that the browser has to speak, where that is sure.
        self.fake = self.gateway = self.relay = self.browser = None
        self.faults_expected = False
        self.starts = 0
        if options.sluice:
            make_certificates(os.path.join(self.folder, "certs"))

    def start(self):
        self.faults_expected = False
        if self.options.sluice:
            self.starts += 1
            self.gateway = Gateway(self.options.sluice, os.path.join(self.folder, f"gateway-{self.starts}"),
                                   os.path.join(self.folder, "certs"))
            self.reach("https", "127.0.0.1", self.gateway.port, "/files")
        elif self.options.base_url:
            base = urlsplit(self.options.base_url)
            self.reach(base.scheme, base.hostname, base.port or {"https": 443, "http": 80}[base.scheme], base.path)
        else:
            self.fake = FakeServer()
            self.reach("http", "127.0.0.1", self.fake.port, self.fake.route)

    def reach(self, scheme, host, port, path):
        self.relay = Relay(host, port)
        self.origin = f"{scheme}://localhost:{self.relay.port}"
        self.url = self.origin + path.rstrip("/")

    def guard(self):
        """From now on the page wants a token: this one."""
        if self.gateway:
            self.url = f"{self.origin}/guarded"
        elif self.fake:
            self.fake.token = TOKEN
        elif self.options.token_url:
            self.url = self.origin + urlsplit(self.options.token_url).path.rstrip("/")
            return self.options.token
        else:
            return None
        return TOKEN

    def limit(self):
        """From now on the page takes no files that are larger than this."""
        if self.gateway:
            self.url = f"{self.origin}/small"
        else:
            self.fake.limit = LIMIT
        return LIMIT

    def unfinished(self):
        """What the server has of uploads that have not ended; `None` where nobody can tell."""
        if self.gateway:
            return self.gateway.unfinished()
        return list(self.fake.uploads) if self.fake else None

    def forget(self, name):
        """The server has the upload of a row no more."""
        path = self.browser.run("return items.find(item => item.name === arguments[0]).url", name)
        if self.gateway:
            self.gateway.ask("DELETE", path, **{"Upload-Draft-Interop-Version": "10"})
        else:
            del self.fake.uploads[path.rpartition("/")[2]]

    def open(self, path="", **options):
        """Opens the page in a browser of its own; the earlier one of this case ends."""
        if self.browser:
            self.browser.close()
        self.browser = Browser(http2=self.http != "1.1", **options)
        self.browser.go(self.url + path)
        if self.http:
            spoken = self.browser.run("return performance.getEntriesByType('navigation')[0].nextHopProtocol")
            assert spoken == {"2": "h2", "1.1": "http/1.1"}[self.http], f"the browser speaks {spoken}"
        return self.browser

    def stop(self):
        """Ends all that start and the case began; what the gateway complained about."""
        browser, relay, fake, gateway = self.browser, self.relay, self.fake, self.gateway
        self.browser = self.relay = self.fake = self.gateway = None
        # One that cannot be closed leaves no other running.
        complaints = []
        with contextlib.ExitStack() as rest:
            if gateway:
                rest.callback(lambda: complaints.extend(gateway.stop()))
            for part in (fake, relay, browser):
                if part:
                    rest.callback(part.close)
        return complaints

    def file(self, name, size):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(self.random.randbytes(size))
        return path

    def check_arrived(self, *paths):
        """Each file is at the server once, whole, and right."""
        for path in paths:
            digest, name = digest_of(path), os.path.basename(path)
            if self.fake:
                found = self.fake.named(name)
                assert len(found) == 1, f"{len(found)} uploads of {name}"
                assert found[0].complete and found[0].digest == digest, f"{path} arrived otherwise"
            elif self.gateway:
                found = [one for one, _ in self.gateway.files()]
                assert found.count(digest) == 1, f"{name} is {found.count(digest)} times in the store"
                if self.url.endswith("/files"):
                    assert (name, digest) in self.gateway.known_as(), f"{name} is known otherwise"
            elif self.options.store:
                found = [digest_of(one) for one in paths_below(self.options.store)]
                assert digest in found, f"{name} is not in the store"
        if self.gateway:
            stored = [path for _, path in self.gateway.files()]
            assert len(stored) == len(paths), f"beside {len(paths)} files there are others: {stored}"


def run_case(rig, case):
    passed = True
    try:
        rig.start()
        case(rig)
        if rig.browser:
            complaints = rig.browser.complaints(rig.origin, rig.faults_expected)
            assert not complaints, f"the browser complained: {complaints}"
    except Exception:
        traceback.print_exc()
        passed = False
    finally:
        complaints = rig.stop()
    if complaints:
        print(f"the gateway complained: {complaints}", file=sys.stderr)
    return passed and not complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", metavar="BINARY")
    parser.add_argument("--http", choices=["2", "1.1"])
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to end"))
    signal.alarm(options.seconds)
    if not AXE:
        print("axe is not installed (PyPI axe-core-python): our own checks alone", flush=True)
    rig = Rig(options)
    try:
        if options.shots:
            take_shots(rig, options.shots)
            return 0
        failed = []
        for rig.http in [options.http] if options.http else ["2", "1.1"] if options.sluice else [None]:
            failed += run_cases(rig)
        print(f"failed: {', '.join(failed)}" if failed else "all passed")
        return 1 if failed else 0
    finally:
        rig.stop()
        shutil.rmtree(rig.folder)


def run_cases(rig):
    """The names of those that failed."""
    failed = []
    server = "fake" if not (rig.options.sluice or rig.options.base_url) else "sluice" if rig.options.sluice else "foreign"
    for case in CASES:
        if rig.options.filter not in case.__name__ or server not in case.servers:
            continue
        began = time.monotonic()
        passed = run_case(rig, case)
        name = f"{case.__name__}, HTTP/{rig.http}" if rig.http else case.__name__
        print(f"{'ok    ' if passed else 'FAILED'} {name} ({time.monotonic() - began:.1f} s)", flush=True)
        if not passed:
            failed.append(name)
    return failed


if __name__ == "__main__":
    sys.exit(main())
