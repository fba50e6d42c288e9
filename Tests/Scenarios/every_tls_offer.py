"""testssl.sh finds nothing that it would call worse than good: offers, forward secrecy, preferences, known holes."""

import json
import shutil
import subprocess

# It takes most of a minute, and is played where it is named: `make tls-offers`.
IS_LONG = True
BOUND = 300
# Without those that are about certificates of public authorities, and about HTTP's headers.
ASPECTS = ("--protocols", "--std", "--fs", "--server-preference", "--each-cipher", "--vulnerable")
# What it says of the machine that it runs on, and of itself.
OWN = ("engine_problem", "scanTime", "service")


def run(scene):
    if not scene.holds("testssl.sh is installed", shutil.which("testssl"), "run deploy/prerequisites"):
        return
    gateway = scene.gateway({"/files": {}})
    path = f"{gateway.folder}/testssl.json"
    words = ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--jsonfile", path]
    done = subprocess.run([*words, *ASPECTS, f"localhost:{gateway.port}"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=280, check=False)
    with open(path, encoding="utf-8") as file:
        findings = [one for one in json.load(file) if one["id"] not in OWN]
    scene.holds("it found out much", len(findings) > 30, done.stdout[-500:] + done.stderr[-500:])
    for one in findings:
        scene.holds(f"{one['id']} is good", one["severity"] in ("OK", "INFO"), f"{one['severity']}: {one['finding']}")
    said = {one["id"]: one["finding"] for one in findings}
    for version in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"):
        scene.holds(f"{version} is not offered", "not offered" in said.get(version, ""), said.get(version))
    for version in ("TLS1_2", "TLS1_3"):
        scene.holds(f"{version} is offered", said.get(version, "").startswith("offered"), said.get(version))
