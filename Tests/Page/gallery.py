"""Screenshots of the page's states: wide and narrow, light and dark."""

import os
import time

from gateway import digest_of


def take_shots(rig, folder):
    os.makedirs(folder, exist_ok=True)
    for width, height in ((1280, 900), (390, 844)):
        for dark in (False, True):
            take_states(rig, os.path.join(folder, f"{width}-{'dark' if dark else 'light'}"), width, height, dark)
    take_picture(rig, os.path.join(folder, "page.png"))


def take_states(rig, prefix, width, height, dark):
    rig.start()
    browser = rig.open(width=width, height=height, dark=dark, mobile=width < 600)

    def shot(name):
        time.sleep(0.5)
        browser.shot(f"{prefix}-{name}.png")

    shot("1-empty")
    paths = [rig.file(name, size) for name, size in (
        ("Quarterly report.pdf", 2_400_000), ("holiday-in-the-alps.mp4", 48_000_000), ("measurements.csv", 36_000_000),
        ("database-2026-11-29.tar.gz", 60_000_000), ("notes.md", 14_000))]
    browser.choose(paths[0], paths[4])
    browser.wait("two done", lambda: list(browser.states().values()) == ["done", "done"])
    rig.relay.rate = 9_000_000
    browser.choose(*paths[1:4])
    time.sleep(3.2)
    shot("2-running")
    browser.run("scrollTo(0, 0)")
    browser.press("measurements.csv", ".main")
    browser.run("fail(items[4], 'Too large: at most 50 MB are taken on this route.');"
                "Math.random = () => 1; items[2].failures = 3; items[2].stop.abort(); retryLater(items[2], lost()); paintAll()")
    shot("3-errors")
    browser.driver.refresh()
    time.sleep(0.8)
    shot("4-reloaded")
    browser.run("demandToken(statusWords[401])")
    shot("5-token")
    browser.run("useToken('x')")
    rig.relay.rate = None
    browser.choose(*paths[1:4])
    browser.wait("all done", lambda: set(browser.states().values()) == {"done"}, 60)
    browser.press("holiday-in-the-alps.mp4", ".sha")
    digest = digest_of(paths[1])
    browser.wait("a digest", lambda: digest in browser.row("holiday-in-the-alps.mp4").text)
    browser.run("scrollTo(0, 0)")
    shot("6-done")
    rig.stop()


def take_picture(rig, path):
    """The one for docs/page.png, at twice the size, with something of each kind."""
    rig.start()
    browser = rig.open(width=960, height=780)
    browser.command("Emulation.setDeviceMetricsOverride", width=960, height=780, deviceScaleFactor=2, mobile=False)
    names = ("Quarterly report.pdf", "holiday-in-the-alps.mp4", "measurements.csv", "database-2026-11-29.tar.gz")
    paths = [os.path.join(rig.folder, name) for name in names]
    browser.choose(paths[0])
    browser.wait("one done", lambda: list(browser.states().values()) == ["done"])
    rig.relay.rate = 9_000_000
    browser.choose(*paths[1:])
    time.sleep(4.2)
    browser.press("measurements.csv", ".main")
    # Neither a focus nor a pointer over a button is in the picture.
    browser.run("document.activeElement.blur()")
    browser.command("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=5)
    time.sleep(1.6)
    browser.shot(path)
    rig.stop()
