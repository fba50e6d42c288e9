"""A certificate that a new list revokes ends its upload in the middle, and opens no connection; others go on."""

import os
import ssl

from certificates import Authority
from sending import WIRES, Answered

SIZE = 2 << 20


def run(scene):
    gateway = scene.gateway({"/files": {"access": "{certificates: true}"}}, start=False)
    authority = Authority(gateway.folder, "clients")
    authority.write_list()
    gateway.settings["tls"] = (
        "{certificate: certs/server.pem, private-key: certs/server.key, client-ca: clients.pem, "
        "client-crl: clients.crl, client-certificate: required}")
    gateway.write()
    gateway.start()
    contents = [content for sending in WIRES for content in _revoked(scene, gateway, authority, sending)]
    scene.equals("the store has exactly what was whole", gateway.contents("/files"), sorted(contents))
    scene.equals("what was safe of the others stays", len(gateway.uploads("open")), len(WIRES))


def _revoked(scene, gateway, authority, sending):
    bad, good = authority.sign(f"/CN={sending.wire} bad"), authority.sign(f"/CN={sending.wire} good")
    one = sending(gateway, "/files", os.urandom(SIZE), identity=bad).begin().send(SIZE // 4)
    beside = sending(gateway, "/files", os.urandom(SIZE), identity=good).begin().send(SIZE // 4)

    authority.write_list(bad)
    scene.comes(f"the certificate opens no connection over {one.wire}", lambda: not _lets_in(sending, gateway, bad))
    one.send(SIZE // 4)
    status = one.outcome()
    scene.holds(f"its upload ends at its next bytes over {one.wire}", status in one.NO_RIGHT, status)
    beside.send()
    status = beside.outcome()
    scene.holds("another's upload is complete", status in beside.COMPLETE, status)
    scene.holds("another's certificate is as good as ever", _lets_in(sending, gateway, good))
    return [beside.content]


def _lets_in(sending, gateway, identity):
    """Whether a question is answered. TLS 1.3 tells a client of its certificate after the client's own handshake."""
    one = sending(gateway, "/files", b"x", identity=identity)
    one.key = "k" * 32
    try:
        one.ask()
    except Answered as answered:
        return answered.args[0] in one.UNKNOWN
    except (ssl.SSLError, *one.LOST):
        return False
    return True
