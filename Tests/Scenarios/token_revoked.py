"""A token that is revoked in the middle ends its upload and lets nobody in; what is safe waits for the right to come back."""

import os

from sending import WIRES, Answered

SIZE = 2 << 20


def run(scene):
    gateway = scene.gateway({"/files": {"access": "{tokens: tokens.txt}"}}, start=False)
    _add(scene, gateway, "first")
    gateway.start()
    contents = [content for sending in WIRES for content in _revoked(scene, gateway, sending)]
    scene.equals("the store has exactly what was whole", gateway.contents("/files"), sorted(contents))


def _revoked(scene, gateway, sending):
    name, other = f"{sending.wire}-client", f"{sending.wire}-other"
    token, others = _add(scene, gateway, name), _add(scene, gateway, other)
    one = sending(gateway, "/files", os.urandom(SIZE), token).begin().send(SIZE // 4)
    beside = sending(gateway, "/files", os.urandom(SIZE), others).begin().send(SIZE // 4)

    done = gateway.command("token", "revoke", name)
    scene.equals("`sluice token revoke` succeeds", done.returncode, 0)
    scene.comes(f"the token lets nobody in over {one.wire}",
                lambda: _status(sending(gateway, "/files", b"x", token)) in one.NO_RIGHT)
    one.send(SIZE // 4)
    status = one.outcome()
    scene.holds(f"its upload ends for lack of the right, over {one.wire}", status in one.NO_RIGHT, status)
    scene.holds("it can be neither asked for nor gone on with", _status(one) in one.NO_RIGHT, _status(one))
    beside.send()
    scene.holds("another's upload is complete", beside.outcome() in one.COMPLETE)

    # Another token of the same name is the same client's.
    one.token = _add(scene, gateway, name)
    scene.comes(f"the right that came back is good over {one.wire}", lambda: _status(one) is None)
    scene.holds("what was safe when the right ended is still there", one.offset >= SIZE // 4, one.offset)
    one.send()
    scene.holds("it is complete in the end", one.outcome() in one.COMPLETE)
    scene.holds("no token is in the log", token not in gateway.text() and one.token not in gateway.text())
    return [one.content, beside.content]


def _add(scene, gateway, name):
    done = gateway.run("token", "add", name, "--tokens", f"{gateway.folder}/tokens.txt")
    scene.holds("`sluice token add` prints the token alone", done.returncode == 0 and done.stdout.count("\n") == 1,
                done.stderr)
    # By itself the gateway takes it within a second.
    if gateway.process:
        scene.equals("the gateway takes it", gateway.reload().returncode, 0)
    return done.stdout.strip()


def _status(one):
    """The status that an upload is refused with, or `None` for an offer."""
    try:
        if one.key:
            one.again()
        else:
            one.begin()
            one.close()
    except Answered as answered:
        return answered.args[0]
    return None
