"""What the page promises, each as a case.

Most hold with any server. The others say whether they want the fake one, whose faults come on demand, or the gateway.
"""

import base64
import hashlib
import os
import time
import urllib.parse

from accessibility import check_contrast, check_sizes, check_with_axe
from fake import page_bytes
from selenium.webdriver.common.keys import Keys

CASES = []
MB = 1_000_000


def case(function, servers=("fake", "sluice", "foreign")):
    function.servers = servers
    CASES.append(function)
    return function


def own_case(function):
    """Changes what the server has, and so wants one of its own."""
    return case(function, ("fake", "sluice"))


def fake_case(function):
    return case(function, ("fake",))


def gateway_case(function):
    return case(function, ("sluice",))


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def three_files(rig, size=6 * MB):
    return [rig.file(name, size) for name in ("one.bin", "two.pdf", "three.tar.gz")]


def arrived(rig, path):
    """Whether the server has all of a file."""
    if rig.fake:
        return any(upload.complete for upload in rig.fake.named(os.path.basename(path)))
    return len(rig.gateway.files()) == 1


def wait_all_done(browser, count):
    browser.wait("all done", lambda: list(browser.states().values()) == ["done"] * count, 60)


@fake_case
def size_and_elements(rig):
    page = page_bytes()
    assert len(page) < 40 * 1024, f"the page has {len(page)} bytes"
    for forbidden in (b" style=", b" onclick=", b"innerHTML", b"http://", b"https://"):
        # The name spaces of SVG are names, no addresses.
        count = page.replace(b"http://www.w3.org/2000/svg", b"").count(forbidden)
        assert count == 0, f"{forbidden} stands in the page"


@case
def three_throttled(rig):
    paths = three_files(rig)
    browser = rig.open()
    rig.relay.rate = 4 * MB
    browser.choose(*paths)
    browser.wait("progress", lambda: all(browser.progress(os.path.basename(path)) > 0.05 for path in paths))
    browser.wait("speed", lambda: "MB/s" in browser.text("#figures"))
    assert "Uploading 3 files" in browser.text("#headline")
    assert "%" in browser.driver.title
    wait_all_done(browser, 3)
    rig.check_arrived(*paths)
    assert browser.text("#headline") == "3 files uploaded"
    assert len(browser.sent("POST")) == 3 and len(browser.sent("PATCH")) == 3
    for request in browser.sent("PATCH"):
        assert request["headers"]["Content-Type"] == "application/partial-upload", request["headers"]


@case
def three_at_once(rig):
    paths = [rig.file(f"part-{index}.bin", MB) for index in range(8)]
    browser = rig.open()
    rig.relay.rate = 2 * MB
    browser.choose(*paths)
    for _ in range(6):
        running = list(browser.states().values()).count("running")
        assert running <= 3, f"{running} at once"
        time.sleep(0.2)
    rig.relay.rate = None
    wait_all_done(browser, 8)
    rig.check_arrived(*paths)


@case
def pause_and_resume(rig):
    path = rig.file("pause.bin", 12 * MB)
    browser = rig.open()
    rig.relay.rate = 3 * MB
    browser.choose(path)
    browser.wait("progress", lambda: browser.progress("pause.bin") > 0.4)
    browser.press("pause.bin", ".main")
    browser.wait_for(pause="paused")
    time.sleep(0.5)
    assert "Paused" in browser.row("pause.bin").text
    assert "Resume" in browser.focused(), browser.focused()
    browser.press("pause.bin", ".main")
    rig.relay.rate = None
    wait_all_done(browser, 1)
    rig.check_arrived(path)
    offsets = [int(request["headers"]["Upload-Offset"]) for request in browser.sent("PATCH")]
    assert len(offsets) == 2 and offsets[0] == 0 < offsets[1], offsets
    assert len(browser.sent("POST")) == 1


@case
def cut_connections(rig):
    rig.faults_expected = True
    paths = three_files(rig)
    browser = rig.open()
    rig.relay.rate = 4 * MB
    browser.choose(*paths)
    browser.wait("progress", lambda: browser.progress("one.bin") > 0.5)
    rig.relay.refusing = True
    rig.relay.cut()
    browser.wait_for(one="retrying", two="retrying", three="retrying")
    assert "Connection lost" in browser.row("one.bin").text
    rig.relay.refusing = False
    rig.relay.rate = None
    wait_all_done(browser, 3)
    rig.check_arrived(*paths)
    assert len(browser.sent("POST")) == 3


@case
def retry_at_once_when_online(rig):
    rig.faults_expected = True
    path = rig.file("online.bin", 8 * MB)
    browser = rig.open()
    rig.relay.rate = 2 * MB
    browser.choose(path)
    browser.wait("progress", lambda: browser.progress("online.bin") > 0.3)
    browser.run("Math.random = () => 1; items[0].failures = 5")
    rig.relay.cut()
    browser.wait_for(online="retrying")
    rig.relay.rate = None
    browser.run("dispatchEvent(new Event('online'))")
    browser.wait("the end", lambda: browser.states()["online.bin"] == "done", 10)
    rig.check_arrived(path)


@case
def reload_and_choose_again(rig):
    paths = three_files(rig, 12 * MB)
    browser = rig.open()
    rig.relay.rate = 8 * MB
    browser.choose(*paths)
    browser.wait("half", lambda: min(browser.progress(os.path.basename(path)) for path in paths) > 0.5)
    browser.driver.refresh()
    browser.wait_for(one="missing", two="missing", three="missing")
    assert "Interrupted" in browser.row("one.bin").text
    rig.relay.rate = None
    browser.choose(*paths)
    wait_all_done(browser, 3)
    rig.check_arrived(*paths)
    assert len(browser.sent("POST")) == 3, "an upload began anew"
    later = [int(request["headers"]["Upload-Offset"]) for request in browser.sent("PATCH")][3:]
    assert len(later) == 3 and min(later) > MB, later
    assert len(browser.states()) == 3


@case
def reload_and_continue_by_handle(rig):
    path = rig.file("kept.bin", 12 * MB)
    browser = rig.open()
    rig.relay.rate = 4 * MB
    # Handles of the private file system stand in: no headless browser answers the question for a permission.
    browser.driver.execute_async_script("""const [text, done] = arguments;
        (async () => {
          const folder = await navigator.storage.getDirectory();
          const handle = await folder.getFileHandle('kept.bin', { create: true });
          const sink = await handle.createWritable();
          await sink.write(Uint8Array.from(atob(text), sign => sign.charCodeAt(0)));
          await sink.close();
          add([{ handle, file: await handle.getFile(), path: '' }]);
        })().then(done)""", base64.b64encode(content_of(path)).decode())
    browser.wait("half", lambda: browser.progress("kept.bin") > 0.4)
    browser.driver.refresh()
    browser.wait_for(kept="missing")
    rig.relay.rate = None
    assert browser.row("kept.bin").find_element("css selector", ".again").text == "Continue"
    browser.press("kept.bin", ".again")
    wait_all_done(browser, 1)
    rig.check_arrived(path)
    assert int(browser.sent("PATCH")[-1]["headers"]["Upload-Offset"]) > 0
    assert len(browser.sent("POST")) == 1


@case
def another_tab_leaves_them_alone(rig):
    path = rig.file("tabs.bin", 12 * MB)
    browser = rig.open()
    rig.relay.rate = 2 * MB
    browser.choose(path)
    browser.wait("progress", lambda: browser.progress("tabs.bin") > 0.3)
    browser.driver.switch_to.new_window("tab")
    browser.go(rig.url)
    time.sleep(1)
    assert browser.states() == {}, browser.states()
    browser.driver.switch_to.window(browser.driver.window_handles[0])
    rig.relay.rate = None
    wait_all_done(browser, 1)
    rig.check_arrived(path)


@case
def folders(rig):
    inner = rig.file("trip/day one/über's (1).txt", 1000)
    other = rig.file("trip/list.csv", 2000)
    browser = rig.open()
    browser.drop(os.path.join(rig.folder, "trip"))
    wait_all_done(browser, 2)
    assert "trip/day one/" in browser.row("über's (1).txt").text
    rig.check_arrived(inner, other)


@case
def empty_file(rig):
    path = rig.file("empty.txt", 0)
    browser = rig.open()
    browser.choose(path)
    wait_all_done(browser, 1)
    rig.check_arrived(path)


@case
def markup_in_names(rig):
    path = rig.file("<img src=x onerror=alert(1)>.txt", 10)
    browser = rig.open()
    browser.choose(path)
    wait_all_done(browser, 1)
    assert browser.row("<img src=x onerror=alert(1)>.txt")
    assert browser.run("return document.images.length") == 0


@case
def digest_on_demand(rig):
    path = rig.file("digest.bin", 3 * MB)
    browser = rig.open()
    browser.choose(path)
    wait_all_done(browser, 1)
    browser.press("digest.bin", ".sha")
    digest = hashlib.sha256(content_of(path)).hexdigest()
    browser.wait("the digest", lambda: digest in browser.row("digest.bin").text)
    if rig.fake:
        assert "matches the server" in browser.row("digest.bin").text
    if rig.fake or rig.gateway:
        key = list(rig.fake.uploads)[0] if rig.fake else os.path.basename(rig.gateway.files()[0][1])
        assert key in browser.row("digest.bin").text, f"the key is {key}"


@own_case
def token_by_hand(rig):
    rig.faults_expected = True
    token = rig.guard()
    paths = three_files(rig, MB)
    browser = rig.open()
    browser.choose(*paths)
    browser.wait("the field", lambda: browser.focused() == "token")
    browser.keys("wrong", Keys.ENTER)
    browser.wait("the refusal", lambda: "not accepted" in browser.text("#tokenForm"))
    assert browser.focused() == "token"
    browser.keys(token, Keys.ENTER)
    wait_all_done(browser, 3)
    rig.check_arrived(*paths)
    assert not browser.driver.find_element("id", "tokenForm").is_displayed()
    browser.driver.refresh()
    again = rig.file("again.bin", 1000)
    browser.choose(again)
    browser.wait_for(again="done")
    rig.check_arrived(*paths, again)


@case
def token_in_the_address(rig):
    token = rig.guard()
    if token is None:
        return
    path = rig.file("address.bin", 1000)
    browser = rig.open("#token=" + token.replace("%", "%25"))
    browser.wait("the erased token", lambda: "token" not in browser.driver.current_url)
    browser.choose(path)
    wait_all_done(browser, 1)
    rig.check_arrived(path)


@own_case
def refusal_in_words(rig):
    rig.faults_expected = True
    size = rig.limit() + 1
    path = rig.file("large.bin", size)
    browser = rig.open()
    browser.choose(path)
    browser.wait_for(large="failed")
    assert "Content too large: At most 1.0 MB" in browser.row("large.bin").text, browser.row("large.bin").text
    browser.wait("the alert", lambda: "too large" in browser.run("return ui.assertive.textContent"))
    time.sleep(2)
    assert len(browser.sent("POST")) == 1, "a refusal was tried again"
    if rig.fake:
        rig.fake.limit = size
        browser.press("large.bin", ".again")
        wait_all_done(browser, 1)
        rig.check_arrived(path)
    else:
        rig.check_arrived()
        assert not rig.unfinished()


@fake_case
def trouble_is_tried_again(rig):
    rig.faults_expected = True
    rig.fake.faults += [("POST", 503, {"Retry-After": "2"}, "Busy"), ("PATCH", 500, {}, "Broken"),
                        ("PATCH", 409, {"Upload-Offset": "0"}, "Another offset"), ("PATCH", None, {}, "")]
    path = rig.file("trouble.bin", MB)
    browser = rig.open()
    began = time.monotonic()
    browser.choose(path)
    wait_all_done(browser, 1)
    assert time.monotonic() - began >= 2, "Retry-After was not kept"
    rig.check_arrived(path)


@fake_case
def forgotten_upload_begins_anew_once(rig):
    rig.faults_expected = True
    path = rig.file("anew.bin", MB)
    browser = rig.open()
    rig.fake.faults += [("PATCH", 404, {}, "No such upload")]
    browser.choose(path)
    wait_all_done(browser, 1)
    assert len(browser.sent("POST")) == 2
    rig.fake.faults += [("PATCH", 404, {}, "No such upload"), ("PATCH", 410, {}, "No such upload")]
    browser.choose(rig.file("twice.bin", MB))
    browser.wait_for(twice="failed")
    assert len(browser.sent("POST")) == 4


@own_case
def upload_deleted_elsewhere_begins_anew(rig):
    rig.faults_expected = True
    path = rig.file("deleted.bin", 8 * MB)
    browser = rig.open()
    rig.relay.rate = 4 * MB
    browser.choose(path)
    browser.wait("progress", lambda: browser.progress("deleted.bin") > 0.3)
    browser.press("deleted.bin", ".main")
    browser.wait_for(deleted="paused")
    rig.forget("deleted.bin")
    rig.relay.rate = None
    browser.press("deleted.bin", ".main")
    wait_all_done(browser, 1)
    rig.check_arrived(path)
    assert len(browser.sent("POST")) == 2


@gateway_case
def gateway_is_killed(rig):
    rig.faults_expected = True
    paths = three_files(rig)
    browser = rig.open()
    rig.relay.rate = 4 * MB
    browser.choose(*paths)
    browser.wait("progress", lambda: browser.progress("two.pdf") > 0.5)
    rig.gateway.kill()
    browser.wait_for(one="retrying", two="retrying", three="retrying")
    rig.gateway.start()
    rig.relay.rate = None
    wait_all_done(browser, 3)
    rig.check_arrived(*paths)
    assert len(browser.sent("POST")) == 3, "an upload began anew"
    assert max(int(request["headers"]["Upload-Offset"]) for request in browser.sent("PATCH")) > 0


@gateway_case
def gateway_is_restarted(rig):
    rig.faults_expected = True
    paths = three_files(rig)
    browser = rig.open()
    rig.relay.rate = 4 * MB
    browser.choose(*paths)
    browser.wait("progress", lambda: browser.progress("two.pdf") > 0.5)
    complaints = rig.gateway.stop()
    assert not complaints, complaints
    browser.wait_for(one="retrying", two="retrying", three="retrying")
    rig.gateway.start()
    rig.relay.rate = None
    wait_all_done(browser, 3)
    rig.check_arrived(*paths)
    assert len(browser.sent("POST")) == 3, "an upload began anew"


@own_case
def cancel_deletes(rig):
    path = rig.file("cancel.bin", 8 * MB)
    browser = rig.open()
    rig.relay.rate = 2 * MB
    browser.choose(path)
    browser.wait("progress", lambda: browser.progress("cancel.bin") > 0.3)
    browser.press("cancel.bin", ".end")
    browser.wait_for(cancel="canceled")
    browser.wait("the deletion", lambda: not rig.unfinished())
    rig.relay.rate = None
    browser.press("cancel.bin", ".end")
    browser.wait("the removal", lambda: browser.states() == {})
    assert browser.focused() == "pickFiles"
    browser.driver.refresh()
    time.sleep(0.5)
    assert browser.states() == {}


@own_case
def cancel_that_comes_too_late(rig):
    rig.faults_expected = True
    path = rig.file("late.bin", MB)
    browser = rig.open()
    # The server has all of it, and its answer is on its way for ever.
    browser.run("Object.defineProperty(XMLHttpRequest.prototype, 'onload', { set() {} });"
                "Object.defineProperty(XMLHttpRequest.prototype, 'onloadend', { set() {} })")
    browser.choose(path)
    browser.wait("the file", lambda: arrived(rig, path), 20)
    browser.press("late.bin", ".end")
    browser.wait_for(late="done")
    rig.check_arrived(path)


@case
def live_region_is_calm(rig):
    paths = [rig.file(f"calm-{index}.bin", 200_000) for index in range(6)]
    browser = rig.open()
    browser.run("""window.spoken = [];
        new MutationObserver(() => spoken.push(performance.now())).observe(ui.polite, { childList: true })""")
    for path in paths:
        browser.choose(path)
        time.sleep(0.6)
    wait_all_done(browser, 6)
    browser.wait("the last words", lambda: "All done" in browser.run("return ui.polite.textContent"), 15)
    spoken = browser.run("return spoken")
    assert all(later - earlier > 4900 for earlier, later in zip(spoken, spoken[1:])), spoken


@case
def all_by_keyboard(rig):
    paths = three_files(rig, 4 * MB)
    browser = rig.open()
    # A headless browser shows no picker; whether the keys open it is what counts.
    browser.run("window.pickers = 0; window.showOpenFilePicker = undefined; ui.files.click = () => pickers++;"
                "ui.folder.click = () => pickers++")
    browser.keys(Keys.TAB)
    assert browser.focused() == "pickFiles", browser.focused()
    browser.keys(Keys.ENTER, Keys.TAB)
    assert browser.focused() == "pickFolder"
    browser.keys(Keys.SPACE)
    assert browser.run("return pickers") == 2
    rig.relay.rate = MB
    browser.choose(*paths)
    browser.wait_for(one="running", two="running", three="running")
    reached = []
    for _ in range(7):
        browser.keys(Keys.TAB)
        reached.append(browser.focused())
    rows = [f"{action}: {os.path.basename(path)}" for path in paths for action in ("Pause", "Cancel")]
    assert reached == ["toggleAll", *rows], reached
    browser.run("items[0].parts.main.focus()")
    browser.keys(Keys.ENTER)
    browser.wait_for(one="paused")
    assert browser.focused() == "Resume: one.bin"
    browser.keys(Keys.SPACE)
    browser.wait_for(one="running")
    begun = rig.unfinished()
    browser.keys(Keys.TAB, Keys.ENTER)
    browser.wait_for(one="canceled")
    # The relay and the kernel have bytes of it, perhaps to its end: let go, these would overtake the deletion.
    browser.wait("the deletion", lambda: begun is None or len(rig.unfinished()) < len(begun))
    assert browser.focused() == "Remove from the list: one.bin"
    browser.keys(Keys.ENTER)
    assert browser.focused() == "Cancel: two.pdf", browser.focused()
    rig.relay.rate = None
    browser.run("items[0].parts.main.focus()")
    browser.wait_for(two="done", three="done")
    assert browser.focused() == "Remove from the list: two.pdf", browser.focused()
    rig.check_arrived(*paths[1:])


@case
def accessible_in_each_state(rig):
    rig.faults_expected = True
    browser = rig.open()
    check_with_axe(browser)
    check_contrast(browser)
    rig.relay.rate = 2 * MB
    browser.choose(*three_files(rig, 8 * MB))
    browser.wait("progress", lambda: browser.progress("one.bin") > 0.2)
    browser.press("two.pdf", ".main")
    browser.run("demandToken('This server asks for a token.'); fail(items[2], 'Too large')")
    for dark in (False, True):
        browser.scheme(dark)
        time.sleep(0.5)
        check_with_axe(browser)
        check_contrast(browser)
    check_sizes(browser)
    for width in (390, 320):
        browser.command("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True)
        time.sleep(0.5)
        check_sizes(browser)
        check_with_axe(browser)


@case
def leaving_is_asked_about(rig):
    browser = rig.open()
    asks = "const e = new Event('beforeunload', { cancelable: true }); dispatchEvent(e); return e.defaultPrevented"
    assert browser.run(asks) is False
    rig.relay.rate = MB
    browser.choose(rig.file("leaving.bin", 6 * MB))
    browser.wait_for(leaving="running")
    assert browser.run(asks) is True
    assert browser.run("return Boolean(awake)") is True
    rig.relay.rate = None
    browser.wait_for(leaving="done")
    assert browser.run(asks) is False
    assert browser.run("return Boolean(awake)") is False


@case
def form_without_script(rig):
    # A browser asks for an icon where the answer's page names none.
    rig.faults_expected = not rig.fake
    browser = rig.open(script=False)
    form = browser.driver.find_element("css selector", "form")
    assert form.get_attribute("method") == "post" and form.get_attribute("enctype") == "multipart/form-data"
    assert not browser.driver.find_element("id", "pickers").is_displayed()
    path = rig.file("form.bin", 5000)
    browser.choose(path)
    form.find_element("css selector", "#plain button").click()
    browser.wait("the answer", lambda: not browser.driver.find_elements("id", "plain"))
    if rig.fake:
        assert content_of(path) in rig.fake.forms[0] and b'filename="form.bin"' in rig.fake.forms[0]
        return
    rig.check_arrived(path)
    if rig.gateway:
        assert "form.bin" in browser.text() and "5000" in browser.text(), browser.text()
        browser.driver.find_element("css selector", "a").click()
        browser.wait("the form", lambda: browser.driver.find_elements("id", "plain"))


@gateway_case
def refused_form_without_script(rig):
    """The answer comes while the browser still sends, and must not be lost with the rest."""
    rig.faults_expected = True
    rig.limit()
    browser = rig.open(script=False)
    browser.choose(rig.file("form.bin", 30 * MB))
    browser.driver.find_element("css selector", "#plain button").click()
    browser.wait("the refusal", lambda: "Content too large" in browser.text())
    rig.check_arrived()
    browser.wait("the removal", lambda: not rig.unfinished())


@case
def policy_holds(rig):
    """What gets into the page by whatever fault neither runs nor sends."""
    browser = rig.open()
    browser.run("""window.blocked = [];
        addEventListener('securitypolicyviolation', event => blocked.push(event.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        const picture = document.createElement('img');
        picture.src = `${location.origin}/picture`;
        const frame = document.createElement('iframe');
        frame.src = location.href;
        document.body.append(script, picture, frame);
        const styled = document.createElement('p');
        styled.setAttribute('style', 'color: red');
        fetch('https://elsewhere.invalid/').catch(() => {})""")
    expected = {"script-src-elem", "img-src", "frame-src", "style-src-attr", "connect-src"}
    browser.wait("the violations", lambda: expected == set(browser.run("return blocked")))
    assert browser.run("return window.ran") is None
    browser.collect()
    # The browser complains of what was done here.
    browser.messages.clear()
    browser.requests.clear()


@case
def trailing_slash(rig):
    path = rig.file("slash.bin", 1000)
    browser = rig.open("/")
    browser.choose(path)
    wait_all_done(browser, 1)
    assert browser.sent("POST")[0]["url"] == rig.url
    rig.check_arrived(path)
