"""A TLS implementation that is not OpenSSL, tlslite-ng, uploads by every cipher and group, and is refused what is weak."""

import json
import os
import subprocess

from certificates import Authority
from packages import environment

PACKAGES = ("tlslite-ng==0.8.2",)
# With the time that PyPI may take for the first run.
BOUND = 90
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stage/tlslite_peer.py")


def run(scene):
    gateway = scene.gateway({"/files": {"access": "{certificates: true}"}}, start=False)
    authority = Authority(gateway.folder, "clients")
    gateway.settings["tls"] = (
        "{certificate: certs/server.pem, private-key: certs/server.key, client-ca: clients.pem, "
        "client-certificate: required}")
    gateway.write()
    gateway.start()
    words = [f"{environment('tlslite', PACKAGES)}/bin/python3", "-B", PEER, str(gateway.port),
             f"{gateway.folder}/certs/server.pem", authority.sign("/CN=tlslite")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    tried = [one for one in said if "tried" in one]
    for one in tried:
        scene.holds(f"tlslite-ng and the gateway agree on {one['tried']}", one["fault"] is None, one["fault"])
    scene.holds("everything was tried", done.returncode == 0 and tried, done.stderr[-600:])
    uploaded = sum(one.get("uploaded", 0) for one in said)
    scene.equals("the store has as many uploads as were told to be complete", len(gateway.files("/files")), uploaded)
