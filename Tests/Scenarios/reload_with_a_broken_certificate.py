"""A reload with a certificate that does not fit changes nothing, says the line, and the next good one is taken."""

import os
import shutil
import socket
import ssl

from certificates import Authority, der
from sending import WIRES

SIZE = 400_000
REFUSED = "Configuration not taken"


def run(scene):
    # Beside the state, so that a confined gateway reaches a store that a reload brings.
    gateway = scene.gateway({"/files": {}}, {"watch": "false", "state": "store/state"})
    first = der(f"{gateway.folder}/certs/server.pem")
    authority = Authority(gateway.folder, "other")
    good = authority.sign("/CN=localhost", "DNS:localhost", "serverAuth")
    scene.expects_error(REFUSED)
    open_ones = [sending(gateway, "/files", os.urandom(SIZE)).begin().send(SIZE // 2) for sending in WIRES]

    # The key stays the old one; then the certificate is cut short.
    for spoil in (lambda path: shutil.copyfile(f"{good}.pem", path), lambda path: os.truncate(path, 200)):
        spoil(f"{gateway.folder}/certs/server.pem")
        gateway.routes["/never"] = {}
        gateway.write()
        done = gateway.reload()
        said = done.stdout + done.stderr
        scene.equals("`sluice reload` fails", done.returncode, 1)
        scene.holds("it says the file and the line", f"sluice.yaml:{_line(gateway, 'tls')}:" in said, said)
        checked = gateway.command("check")
        scene.holds("`sluice check` says the same", checked.returncode == 1 and "sluice.yaml:" in checked.stderr +
                    checked.stdout, checked.stdout + checked.stderr)
        refusals = sum(REFUSED in str(one) for one in gateway.records())
        gateway.hang_up()
        scene.comes("SIGHUP says so in the log", lambda: gateway.says(REFUSED, refusals + 1))
        scene.holds("the gateway is alive", gateway.is_alive())
        scene.equals("the old certificate is served", _shown(gateway), first)
        one = WIRES[1](gateway, "/never", b"x")
        scene.equals("nothing else of the configuration is taken", _refusal(one), 404)

    for one in open_ones:
        one.send()
        scene.holds(f"an upload from before is complete over {one.wire}", one.outcome() in one.COMPLETE)
    for end in ("pem", "key"):
        shutil.copyfile(f"{good}.{end}", f"{gateway.folder}/certs/server.{end}")
    scene.equals("a certificate that fits is taken", gateway.reload().returncode, 0)
    gateway.authority = authority.certificate
    scene.equals("it is served from then on", _shown(gateway), der(f"{good}.pem"))
    for sending in WIRES:
        one = sending(gateway, "/never", os.urandom(SIZE)).begin().send()
        scene.holds(f"the new route takes uploads over {one.wire}", one.outcome() in one.COMPLETE)


def _line(gateway, key):
    with open(gateway.config, encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if line.startswith(f"{key}:"))


def _shown(gateway):
    context = ssl.create_default_context(cafile=gateway.authority)
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as tcp:
        with context.wrap_socket(tcp, server_hostname="localhost") as tls:
            return tls.getpeercert(binary_form=True)


def _refusal(one):
    try:
        one.begin()
    except Exception as refused:  # pylint: disable=broad-except
        return refused.args[0]
    return None
