"""The live page of a gateway's operators in a real browser, while twenty uploads run; see README.md.

usage: live.py --sluice BINARY [--shots DIR]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True

from accessibility import check_contrast, check_sizes, check_with_axe  # noqa: E402
from browser import Browser  # noqa: E402
from gateway import make_certificates  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CONFIGURATION = """
listen: 127.0.0.1:0
tls: {certificate: certs/server.pem, private-key: certs/server.key}
state: state
admin: {listen: 127.0.0.1:0}
http: {}
log: {format: json}
routes:
  /files: {store: {directory: files}, limits: {held: 1 GiB}}
  /small: {store: {directory: small}, limits: {upload: 1 KiB}}
  /ingest: {pipe: {to: 127.0.0.1:9}}
"""
COUNT = 20
SIZE = 8 << 20


class Gateway:
    """It and its uploads, in a folder of their own."""

    def __init__(self, binary, folder):
        self.folder = folder
        make_certificates(os.path.join(folder, "certs"))
        with open(os.path.join(folder, "sluice.yaml"), "w", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        with open(os.path.join(folder, "file"), "wb") as file:
            file.write(os.urandom(SIZE))
        with open(os.path.join(folder, "log"), "wb") as log:
            self.process = subprocess.Popen([os.path.abspath(binary), "serve", "--config", "sluice.yaml"], cwd=folder,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        guard = threading.Timer(20, self.process.kill)
        guard.start()
        line = self.process.stdout.readline()
        guard.cancel()
        found = re.search(r"listens on \S+?:(\d+)", line)
        assert found, self.log()
        self.port = int(found.group(1))
        start = next(one for one in self.records() if one["message"] == "Gateway listens")
        self.origin = f"http://{start['metadata']['admin']}"
        self.uploads = []

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
            return log.read()

    def records(self):
        return [json.loads(line) for line in self.log().splitlines()]

    def upload(self, route, name, rate):
        self.uploads.append(subprocess.Popen(
            ["curl", "-s", "--cacert", "certs/ca.pem", "--limit-rate", rate, "-T", "file",
             f"https://localhost:{self.port}{route}/{name}"], cwd=self.folder, stdout=subprocess.DEVNULL))

    def close(self):
        for process in [*self.uploads, self.process]:
            if process.poll() is None:
                process.kill()
            process.wait(20)


def bars(browser):
    return browser.run("return [...document.querySelectorAll('#uploads progress')].map(bar => bar.value)")


def figures(browser):
    return browser.run("return Object.fromEntries([...document.querySelectorAll('#figures div')].map("
                       "part => [part.firstChild.textContent, part.lastChild.textContent]))")


def wait(browser, what, condition, seconds=30):
    browser.states = lambda: browser.text("main")[:1000]
    return browser.wait(what, condition, seconds)


def check(gateway, browser, shots):
    browser.go(gateway.origin + "/")
    wait(browser, "the state", lambda: "up for" in browser.text("#status"))
    assert "No connection has an upload now" in browser.text("main")
    for number in range(COUNT):
        gateway.upload("/files", f"file-{number:02}.bin", "150k")
    gateway.upload("/small", "too-large.bin", "1M")
    wait(browser, "a row for each upload", lambda: len(bars(browser)) == COUNT)
    before = bars(browser)
    wait(browser, "bars that move", lambda: len(now := bars(browser)) == COUNT
         and all(new > old for new, old in zip(now, before)))
    wait(browser, "a rate", lambda: re.match(r"[1-9].*[KM]iB/s", figures(browser)["now"]))
    wait(browser, "the refusal, in words", lambda: "above the limit of 1024 bytes" in browser.text("#refusals"))
    wait(browser, "the backend that is down", lambda: "cannot be reached" in browser.text("#backends"), 60)
    wait(browser, "a plot", lambda: browser.run("return !!document.querySelector('#rate .trace')"), 60)
    quota = browser.run("return document.querySelector('#routes progress').value")
    assert 10 < quota < 20, f"{COUNT} x {SIZE} bytes of 1 GiB are {quota} %"
    for width, dark in ((1280, False), (390, True)):
        browser.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        browser.scheme(dark)
        check_contrast(browser)
        check_sizes(browser)
        check_with_axe(browser)
        if shots:
            browser.shot(os.path.join(shots, f"live-{width}-{'dark' if dark else 'light'}.png"))
    # By keyboard alone: the first row's button, and the question's second.
    name = browser.run("const b = document.querySelector('#uploads button'); b.focus(); return b.getAttribute('aria-label')")
    browser.keys(Keys.ENTER)
    wait(browser, "the question", lambda: browser.run("return document.querySelector('dialog').open"))
    assert browser.focused() == "ask-no", browser.focused()
    browser.keys(Keys.ESCAPE)
    wait(browser, "no question", lambda: not browser.run("return document.querySelector('dialog').open"))
    assert browser.focused() == name, f"the focus is lost: {browser.focused()}"
    browser.keys(Keys.ENTER, Keys.TAB, Keys.ENTER)
    wait(browser, "a row less", lambda: len(bars(browser)) < COUNT)
    assert name.removeprefix("Drop ") not in browser.text("#uploads")
    browser.run("document.getElementById('drain').click()")
    browser.keys(Keys.TAB, Keys.ENTER)
    assert gateway.process.wait(30) == 0, gateway.log()
    wait(browser, "word of the end", lambda: "does not answer" in browser.text("#notice"))
    wrong = [one for one in gateway.records() if one["level"] == "error"]
    assert not wrong, wrong


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--sluice", required=True)
    options.add_argument("--shots")
    options = options.parse_args()
    folder = tempfile.mkdtemp(prefix="live-")
    gateway = browser = None
    try:
        gateway = Gateway(options.sluice, folder)
        browser = Browser()
        check(gateway, browser, options.shots)
        complaints = browser.complaints(gateway.origin, faults_expected=True)
        assert not complaints, complaints
        print("1 passed, 0 failed")
    finally:
        if browser:
            browser.close()
        if gateway:
            gateway.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
