"""Reloads while uploads run break none of them, and a new certificate is served within a second."""

import os
import shutil
import socket
import ssl
import threading
import time

from certificates import Authority, der
from sending import WIRES

CLIENTS, RELOADS, SIZE = 6, 6, 300_000
# Seconds from the new file to the first connection that it is served to.
WITHIN = 1.0


def run(scene):
    # Beside the state, so that a confined gateway reaches a store that a reload brings.
    gateway = scene.gateway({"/files": {}}, {"state": "store/state"}, start=False)
    authority = Authority(gateway.folder, "renewing")
    _renew(gateway, authority)
    gateway.authority = authority.certificate
    gateway.start()

    reloading, contents, faults = threading.Event(), [], []
    reloading.set()
    threads = [threading.Thread(target=_upload_on, args=(gateway, WIRES[at % 2], reloading, contents, faults))
               for at in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for number in range(RELOADS):
        # Each changes something that is taken at once: a limit, a route, a level.
        gateway.routes["/more"] = {"limits": f"{{upload: {number + 1} MiB, held: 1 GiB}}"}
        gateway.settings["log"] = f"{{level: {('debug', 'info')[number % 2]}, format: json}}"
        gateway.write()
        done = gateway.reload()
        scene.holds("a reload under load is taken", done.returncode == 0, done.stdout + done.stderr)
        before = len(contents)
        scene.comes("uploads go on", lambda: len(contents) > before)
    for number in range(3):
        new = _renew(gateway, authority)
        began = time.monotonic()
        scene.comes("the new certificate is served by itself", lambda: _shown(gateway) == new, 5)
        took = time.monotonic() - began
        scene.holds("it is served within a second", took < WITHIN, f"{took:.2f} s")
    reloading.clear()
    for thread in threads:
        thread.join()
    scene.equals("no upload failed", faults, [])
    scene.holds("there were many", len(contents) > CLIENTS * 3, len(contents))
    scene.equals("the store has exactly what was sent", gateway.contents("/files"), sorted(contents))


def _renew(gateway, authority):
    """A new certificate with a new key, one file after the other, as tools write them."""
    place = authority.sign("/CN=localhost", "DNS:localhost", "serverAuth")
    for end in ("key", "pem"):
        shutil.copyfile(f"{place}.{end}", f"{gateway.folder}/certs/server.{end}")
    return der(f"{place}.pem")


def _shown(gateway):
    context = ssl.create_default_context(cafile=gateway.authority)
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as tcp:
        with context.wrap_socket(tcp, server_hostname="localhost") as tls:
            return tls.getpeercert(binary_form=True)


def _upload_on(gateway, sending, reloading, contents, faults):
    while reloading.is_set():
        one = sending(gateway, "/files", os.urandom(SIZE))
        try:
            status = one.begin().send().outcome()
            contents.append(one.content)
            if status not in one.COMPLETE:
                faults.append(f"{one.wire}: {status}")
        except Exception as failure:  # pylint: disable=broad-except
            faults.append(f"{one.wire}: {type(failure).__name__}: {failure}")
            return
