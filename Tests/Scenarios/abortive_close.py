"""A client that breaks off by a reset, at whatever moment, loses nothing that was safe, and goes on from there."""

import os
import socket

from client import RESET
from sending import WIRES, Answered

SIZE = 3 << 20
ROUNDS = 4


def run(scene):
    gateway = scene.gateway({"/files": {}})
    _before_anything_was_asked(gateway)
    contents = [_in_the_middle(scene, gateway, sending) for sending in WIRES]
    contents += [_after_the_last_byte(scene, gateway, sending) for sending in WIRES]
    scene.equals("the store has exactly what was sent", gateway.contents("/files"), sorted(contents))
    scene.equals("nothing is left unfinished", gateway.uploads("open"), [])
    scene.equals("nothing is reserved any more", gateway.quota("/files")["reserved"], 0)


def _before_anything_was_asked(gateway):
    """Before, in and after the handshake, and in a head."""
    for sent in (b"", b"\x16\x03\x01\x02\x00\x01", os.urandom(500)):
        tcp = socket.create_connection(("127.0.0.1", gateway.port))
        tcp.sendall(sent)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        tcp.close()
    for head in (b"", b"headers:\n    route: /fi"):
        connection = gateway.connect_xstream()
        connection.send(head)
        connection.drop()
    connection = gateway.connect_http()
    connection.send(b"PUT /files/x HTTP/1.1\r\nHost: loc")
    connection.cut()


def _in_the_middle(scene, gateway, sending):
    """Four times; each time the next connection goes on where the gateway says."""
    one = sending(gateway, "/files", os.urandom(SIZE)).begin()
    safe = 0
    for _ in range(ROUNDS):
        one.send(SIZE // (ROUNDS + 1))
        sent = one.offset
        one.cut()
        one.again()
        scene.holds(f"over {one.wire} nothing safe is taken back, and nothing made up", safe <= one.offset <= sent,
                    f"{safe} were safe, {sent} sent, the gateway says {one.offset}")
        safe = one.offset
    one.send()
    scene.holds(f"it is complete in the end over {one.wire}", one.outcome() in one.COMPLETE)
    return one.content


def _after_the_last_byte(scene, gateway, sending):
    """The answer is lost; the upload is not. The reset may overtake bytes in the kernel."""
    one = sending(gateway, "/files", os.urandom(SIZE)).begin()
    one.send()
    one.cut()
    try:
        status = one.again().send().outcome()
    except Answered as answered:
        status = answered.args[0]
    scene.holds(f"it is complete in the end over {one.wire}", status in one.COMPLETE, status)
    return one.content
