"""The page in a headless Chromium: what a user does, sees and hears, and what the browser logged."""

import json
import time
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.chrome.service import Service


class Browser:
    def __init__(self, width=1280, height=900, dark=False, script=True, mobile=False, http2=True):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                         "--no-first-run", "--disable-background-networking", "--ignore-certificate-errors",
                         f"--window-size={width},{height}"):
            options.add_argument(argument)
        if not http2:
            options.add_argument("--disable-http2")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.set_capability("unhandledPromptBehavior", "accept")
        if not script:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(20)
        self.driver.set_script_timeout(20)
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.scheme(dark)
        self.requests = []
        self.messages = []

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def scheme(self, dark):
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def go(self, url):
        self.driver.get(url)

    def choose(self, *paths):
        self.driver.find_element(By.ID, "files").send_keys("\n".join(paths))

    def drop(self, *paths):
        """A drop of real files and folders onto the middle of the page."""
        data = {"items": [], "files": list(paths), "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.command("Input.dispatchDragEvent", type=kind, x=300, y=200, data=data)

    def row(self, name):
        for row in self.driver.find_elements(By.CSS_SELECTOR, ".row"):
            if row.find_element(By.CSS_SELECTOR, "bdi").text == name:
                return row
        raise AssertionError(f"no row {name}")

    def states(self):
        return self.run("return Object.fromEntries([...document.querySelectorAll('.row')].map("
                        "row => [row.querySelector('bdi').textContent, row.dataset.state]))")

    def progress(self, name):
        """The part that the row's bar shows, 0 while there is no row yet."""
        return self.run("return items.find(item => item.name === arguments[0])?.parts.progress.value ?? 0", name)

    def press(self, name, part):
        self.row(name).find_element(By.CSS_SELECTOR, part).click()

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def text(self, selector="body"):
        """What is read there; nothing while the browser goes from one page to the next."""
        try:
            return self.driver.find_element(By.CSS_SELECTOR, selector).text
        except (NoSuchElementException, StaleElementReferenceException):
            return ""

    def focused(self):
        return self.run("const e = document.activeElement; return e.id || e.getAttribute('aria-label') || e.tagName")

    def wait(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited {seconds} s for {what}; states: {self.states()}")

    def wait_for(self, **states):
        """Waits for the states of the rows, given by names without their extension."""
        def reached():
            now = {name.partition(".")[0]: state for name, state in self.states().items()}
            return all(now.get(name) == state for name, state in states.items())
        self.wait(str(states), reached)

    def shot(self, path):
        self.driver.save_screenshot(path)

    def collect(self):
        """Reads the logs, which the driver gives only once."""
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                self.requests.append(event["params"]["request"])
        self.messages += self.driver.get_log("browser")

    def sent(self, method):
        self.collect()
        return [request for request in self.requests if request["method"] == method]

    def complaints(self, origin, faults_expected):
        """Console errors, policy violations, and requests to elsewhere."""
        self.collect()
        found = []
        for entry in self.messages:
            of_network = entry["source"] == "network" and "Failed to load resource" in entry["message"]
            # A headless browser has no gesture of a user, without which the question is not asked.
            unasked = "'beforeunload' confirmation panel" in entry["message"]
            if not unasked and entry["level"] in ("SEVERE", "WARNING") and not (of_network and faults_expected):
                found.append(entry["message"])
        for request in self.requests:
            url = urlsplit(request["url"])
            if url.scheme in ("http", "https") and f"{url.scheme}://{url.netloc}" != origin:
                found.append(f"request to {request['url']}")
        return found

    def close(self):
        self.driver.quit()
