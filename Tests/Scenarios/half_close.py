"""A client that ends its side and still reads gets its answer; an end without close_notify is the end of no upload."""

import os
import socket

import client
from sending import WIRES, XStreamSending
from xstream_client import Stream

SIZE = 300_000


def run(scene):
    gateway = scene.gateway({"/files": {}})
    contents = [_ends_the_stream(scene, gateway), _ends_behind_its_request(scene, gateway)]
    contents += [_ends_in_the_middle(scene, gateway, sending) for sending in WIRES]
    contents += [_ends_the_stream_by_a_bare_end_of_file(scene, gateway)]
    scene.equals("the store has exactly what was whole", gateway.contents("/files"), sorted(contents))


def _ends_the_stream(scene, gateway):
    """Of unknown length: close_notify says that this was all."""
    content = os.urandom(SIZE)
    with gateway.connect_xstream() as connection:
        stream = Stream(connection, "/files", "*")
        stream.open()
        stream.send(content)
        connection.finish()
        scene.equals("close_notify ends a stream of unknown length", stream.final().status, 0)
    return content


def _ends_behind_its_request(scene, gateway):
    content = os.urandom(SIZE)
    with gateway.connect_http() as connection:
        connection.send(client.message("PUT", "/files/x", {}, content, host=f"localhost:{gateway.port}"))
        connection.half_close()
        scene.equals("a client over HTTP is answered after its close_notify", connection.answer("PUT").status, 201)
    return content


def _ends_in_the_middle(scene, gateway, sending):
    """By TCP's end of file: what came is safe, and the client goes on."""
    one = sending(gateway, "/files", os.urandom(SIZE)).begin()
    one.send(SIZE // 2)
    _end_of_file(one)
    scene.comes(f"half of it is safe over {one.wire}", lambda: one.ask() == SIZE // 2)
    scene.equals("an upload that is not whole is not complete", len(gateway.uploads("open")), 1)
    one.again().send()
    scene.holds(f"it is complete in the end over {one.wire}", one.outcome() in one.COMPLETE)
    return one.content


def _ends_the_stream_by_a_bare_end_of_file(scene, gateway):
    """Of unknown length: whoever cuts the line must not end it."""
    content = os.urandom(SIZE)
    with gateway.connect_xstream() as connection:
        stream = Stream(connection, "/files", "*", ack=65_536)
        stream.open()
        stream.send(content[: SIZE // 2])
        connection.half_close()
        connection.wait_end()
    scene.equals("a bare end of file completes nothing", len(gateway.uploads("open")), 1)
    with gateway.connect_xstream() as connection:
        again = Stream(connection, "/files", "*", key=stream.key)
        scene.holds("the stream can be resumed", again.open())
        scene.equals("it goes on where it was cut", again.start, SIZE // 2)
        again.send(content[again.start :])
        connection.finish()
        scene.equals("close_notify ends it then", again.final().status, 0)
    return content


def _end_of_file(one):
    """Returns when the gateway has ended its side as well: who asks earlier stops it in what it reads."""
    if isinstance(one, XStreamSending):
        one.connection.half_close()
        one.connection.wait_end()
    else:
        one.connection.socket.shutdown(socket.SHUT_WR)
        one.connection.rest()
