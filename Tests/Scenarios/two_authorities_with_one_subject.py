"""Clients of one name that two authorities vouch for are two: neither has the other's uploads, nor its quota."""

import os

from certificates import Authority
from sending import WIRES, Answered

SIZE = 1 << 20


def run(scene):
    route = {"access": "{certificates: {common-name: a}}", "client-limits": f"{{held: {2 * SIZE}}}", "on-quota": "refuse"}
    gateway = scene.gateway({"/files": route}, start=False)
    # Also the authorities' own names are one.
    authorities = [Authority(gateway.folder, name, "/CN=authority") for name in ("first", "second")]
    with open(f"{gateway.folder}/clients-ca.pem", "w", encoding="ascii") as both:
        for authority in authorities:
            with open(authority.certificate, encoding="ascii") as file:
                both.write(file.read())
    gateway.settings["tls"] = (
        "{certificate: certs/server.pem, private-key: certs/server.key, client-ca: clients-ca.pem, "
        "client-certificate: required}")
    gateway.write()
    gateway.start()
    mine, theirs = (authority.sign("/CN=a") for authority in authorities)
    contents = [_apart(scene, gateway, sending, mine, theirs, authorities[0].sign("/CN=a")) for sending in WIRES]

    # Each has now used half of what a client may hold there, over both protocols together.
    for identity in (mine, theirs):
        one = WIRES[0](gateway, "/files", b"x", identity=identity)
        scene.equals("each client has its own quota", _status(one), 7 if identity is mine else None)
    scene.equals("the store has exactly what was sent", gateway.contents("/files"), sorted(contents))
    owners = {row["client"] for row in gateway.uploads("done")}
    scene.equals("all complete ones are one client's", len(owners), 1)


def _apart(scene, gateway, sending, mine, theirs, renewed):
    """`renewed` is another certificate of the first client's."""
    one = sending(gateway, "/files", os.urandom(SIZE), identity=mine).begin().send(SIZE // 2)
    # Somebody has heard the key.
    stranger = sending(gateway, "/files", one.content, identity=theirs)
    stranger.key = one.key
    for deed, action in (("asks for it", stranger.ask), ("goes on with it", stranger.again),
                         ("gives it up", stranger.give_up)):
        try:
            status = action()
        except Answered as answered:
            status = answered.args[0]
        scene.holds(f"the other who {deed} hears that there is none, over {one.wire}", status in one.UNKNOWN, status)
    one.send()
    scene.holds("the upload is not disturbed by that", one.outcome() in one.COMPLETE)

    # A renewed certificate is the same client's.
    same = sending(gateway, "/files", one.content, identity=renewed)
    same.key = one.key
    scene.equals(f"a renewed certificate knows it over {one.wire}", same.ask(), SIZE)
    return one.content


def _status(one):
    """The status that an upload is refused with, or `None` for an offer."""
    try:
        one.begin().close()
    except Answered as answered:
        return answered.args[0]
    return None
