"""A client that asks and asks and reads no answer is not read any more, costs little memory, and holds up nobody."""

import os
import select

import client
import xstream_packet
from sending import WIRES

READERS = 2
# More than what the kernels hold of one connection, twice over.
MOST = 32 << 20
# What one may cost the gateway: the rest of one read, what of it is parsed, and the answers that wait.
COST = 2 << 20


def run(scene):
    gateway = scene.gateway({"/files": {}}, {"log": "{level: info, format: json}"})
    host = f"localhost:{gateway.port}"
    over_http = _many(client.message("OPTIONS", "/files", host=host))
    head = {"route": "/files", "data-format": "bytes", "x-stream": "10:0", "x-stream-key": "k" * 32}
    over_xstream = _many(xstream_packet.encode(head))
    # The first of its kind finds all code cold.
    for connection, requests in ((gateway.connect_http(), over_http), (Raw(gateway.connect_xstream()), over_xstream)):
        _send_while_taken(scene, connection, requests)
        connection.socket.close()
    before = gateway.memory()
    readers = [(gateway.connect_http(), over_http) for _ in range(READERS)]
    readers += [(Raw(gateway.connect_xstream()), over_xstream) for _ in range(READERS)]
    for connection, requests in readers:
        sent = _send_while_taken(scene, connection, requests)
        scene.holds("a client that reads nothing is not read any more", sent < MOST, f"{sent >> 20} MiB were taken")
    grown = gateway.memory() - before
    scene.holds(f"they cost no more than {COST >> 20} MiB each", grown < COST * len(readers), f"{grown >> 20} MiB")
    for sending in WIRES:
        one = sending(gateway, "/files", os.urandom(1 << 20)).begin().send()
        scene.holds(f"an upload beside them is complete over {one.wire}", one.outcome() in one.COMPLETE)
    # Those who begin to read get their answers.
    scene.equals("the first answer is there for who reads it", readers[0][0].answer("OPTIONS").status, 200)
    scene.holds("the first packet is there for who reads it", readers[READERS][0].hears(b"status: 10"))
    for connection, _ in readers:
        connection.socket.close()


class Raw:
    """A connection of x-stream with the two engines that `client.Connection` has."""

    def __init__(self, connection):
        self.connection, self.socket = connection, connection.socket
        self.tls, self.outgoing = connection._tls, connection._outgoing  # pylint: disable=protected-access

    def hears(self, text):
        self.connection.raw = bytearray()
        self.connection.poll()
        return text in self.connection.raw


def _send_while_taken(scene, connection, requests):
    """How many bytes the gateway and the kernels take before they take nothing for half a second."""
    connection.socket.setblocking(False)
    sent = 0
    while sent < MOST:
        connection.tls.write(requests)
        data = connection.outgoing.read()
        while data:
            if not select.select([], [connection.socket], [], 0.5)[1]:
                return sent
            count = connection.socket.send(data)
            data, sent = data[count:], sent + count
    return sent


def _many(request):
    """As many of them as one record holds."""
    return request * (16_384 // len(request))
