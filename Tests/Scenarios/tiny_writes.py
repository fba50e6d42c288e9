"""An upload whose bytes come one at a time, each in a TLS record and a TCP segment of its own, is one like any other."""

import os

from sending import WIRES

SIZE = 2_000


def run(scene):
    gateway = scene.gateway({"/files": {}})
    contents = [_records_of_one_byte(scene, gateway, sending) for sending in WIRES]
    contents += [_segments_of_one_byte(scene, gateway, sending) for sending in WIRES]
    scene.equals("the store has exactly what was sent", gateway.contents("/files"), sorted(contents))


def _records_of_one_byte(scene, gateway, sending):
    one = sending(gateway, "/files", os.urandom(SIZE)).begin()
    for _ in range(SIZE):
        one.send(1)
    scene.holds(f"records of one byte are an upload over {one.wire}", one.outcome() in one.COMPLETE)
    return one.content


def _segments_of_one_byte(scene, gateway, sending):
    """The records of whole portions, which arrive byte by byte."""
    one = sending(gateway, "/files", os.urandom(SIZE)).begin()
    tcp = one.connection.socket
    one.connection.socket = Dribble(tcp)
    one.send()
    one.connection.socket = tcp
    scene.holds(f"segments of one byte are an upload over {one.wire}", one.outcome() in one.COMPLETE)
    return one.content


class Dribble:
    """A socket that sends each byte by a call of its own; `TCP_NODELAY` is set."""

    def __init__(self, tcp):
        self._tcp = tcp

    def __getattr__(self, name):
        return getattr(self._tcp, name)

    def send(self, data):
        return self._tcp.send(bytes(data[:1]))

    def sendall(self, data):
        for at in range(len(data)):
            self._tcp.sendall(data[at : at + 1])
