"""Clients that mean no good, or do not know better."""

import socket

from xstream_packet import HEAD_LIMIT, encode, head

from .gateway import Closed, Lost, check, want
from .heads import malformed


def raw_connection(g):
    """A bare TCP connection."""
    plain = socket.create_connection((g.options.host, g.options.port), g.options.timeout)
    plain.settimeout(g.options.timeout)
    return plain


def closes_on(g, data):
    with raw_connection(g) as plain:
        try:
            plain.sendall(data)
            while plain.recv(4096):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
        except TimeoutError:
            want(False, "the server keeps the connection open")


@check("garbage in place of TLS ends the connection", hostile=True)
def garbage_before_tls(g):
    for data in (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", encode(g.headers()), b"\x00" * 5000, b"\xff" * 5000):
        closes_on(g, data)


@check("a TLS record of a wrong length ends the connection", hostile=True)
def bad_record(g):
    closes_on(g, b"\x16\x03\x01\xff\xff" + b"\x01" * 5000)
    closes_on(g, b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff")


@check("garbage after the handshake gets status 1 and a close", hostile=True)
def garbage_after(g):
    malformed(g, b"\x80" * (HEAD_LIMIT + 1))
    malformed(g, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" + b"z" * HEAD_LIMIT)


@check("random bytes after the handshake never get more than a refusal", hostile=True)
def random_garbage(g):
    for _ in range(10):
        malformed(g, b"\xf0" + g.data(HEAD_LIMIT))


@check("a good packet with one byte changed never stops the server", hostile=True)
def mutations(g):
    good = encode(g.headers("0:4096", x_stream_ack="5"))
    for _ in range(40):
        changed = bytearray(good)
        changed[g.random.randrange(len(changed))] = g.random.randrange(256)
        connection = g.connect()
        connection.send(bytes(changed))
        connection.finish()
        want(connection.wait_end(), f"no answer and no end to {bytes(changed)!r}")
        connection.close()


@check("corrupted TLS records in the middle of a stream do not complete it", hostile=True)
def corrupted_record(g):
    data, stream = g.half()
    stream.connection.drain()
    stream.connection.socket.setblocking(True)
    stream.connection.socket.sendall(b"\x17\x03\x03\x40\x00" + g.data(0x4000))
    stream.connection.socket.setblocking(False)
    want(stream.connection.wait_end(), "the server keeps the connection open")
    g.resumed(data, stream.key, 0, len(data) // 2)


@check("more bytes than offered are the next packet: the stream is complete, then status 1 and a close", hostile=True)
def too_many_bytes(g):
    connection, data = g.connect(), g.data(5000)
    stream = g.opened(len(data), connection)
    stream.position = len(data)
    connection.send(data + b"x" * (HEAD_LIMIT + 1), watch=False)
    g.succeeded(stream, data)
    malformed(g, b"", connection=connection)


@check("a client that reads nothing while it asks for progress at each byte gets its final in the end", hostile=True)
def reads_nothing(g):
    connection, data = g.connect(), g.data(12 << 20)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream = g.opened(len(data), connection, ack=1)
    connection.reading = False
    stuck_at = None
    for start in range(0, len(data), 16_384):
        stream.position = min(start + 16_384, len(data))
        try:
            connection.send(data[start:start + 16_384], watch=False, timeout=2)
        except Lost:
            stuck_at = stream.position
            break
    connection.reading = True
    if stuck_at:
        connection.drain(watch=False)
        stream.send(data[stuck_at:])
    g.succeeded(stream, data)


@check("a client that reads nothing and goes away does no harm", hostile=True)
def reads_nothing_and_goes(g):
    connection = g.connect()
    stream = g.opened(12 << 20, connection, ack=1)
    connection.reading = False
    try:
        for _ in range(100):
            connection.send(bytes(65_536), watch=False, timeout=2)
    except Lost:
        pass
    connection.drop()
    want(g.ask(stream.key, 12 << 20).status == 9, "the stream is not to be resumed")


@check("a client that asks and asks and reads no answer does no harm", hostile=True)
def floods(g):
    connection, ask = g.connect(), encode(g.headers("10:0", key=g.never_key()))
    connection.reading = False
    try:
        for _ in range(400):
            connection.send(ask * 200, watch=False, timeout=1)
    except Lost:
        pass
    g.normal_upload()
    connection.drop()


@check("a client that sends one byte at a time is understood", hostile=True)
def one_byte(g):
    connection, data = g.connect(), g.data(300)
    stream = g.stream(len(data), connection, ack=100)
    for byte in encode(stream.headers):
        connection.send(bytes([byte]))
    want(stream.open(send=False), f"no offer but {stream.result}")
    for byte in data:
        stream.send(bytes([byte]))
    g.succeeded(stream, data)


@check("a payload packet that comes one byte at a time is understood", hostile=True)
def one_byte_payload(g):
    connection = g.connect()
    for byte in head(g.headers(None), 5) + b"hello":
        connection.send(bytes([byte]))
    want(connection.receive().status == 0, "the payload is not taken")


@check("many silent connections do not keep others from their uploads", hostile=True)
def silent_connections(g):
    plain = [raw_connection(g) for _ in range(40)]
    try:
        connections = [g.connect() for _ in range(10)]
        g.normal_upload()
        g.alive(connections[0])
    finally:
        for one in plain:
            one.close()


@check("an open packet in the middle of a stream's bytes is bytes", hostile=True)
def packet_in_bytes(g):
    data = encode(g.headers()) * 20
    g.upload(data, portion=37)


@check("many streams opened and dropped leave room for others", hostile=True)
def opened_and_dropped(g):
    for turn in range(60):
        stream = g.opened(1000)
        stream.connection.drop(reset=turn % 2 == 0)
        want(g.give_up(stream.key).status == 0, "a stream whose client is gone cannot be given up")
        g.streams.clear()


@check("a client whose bytes follow a refusal gets status 1 and never an upload", hostile=True)
def bytes_after_refusal(g):
    connection = g.connect()
    headers = g.headers("20000:4096", route="/no-such-route-at-all")
    connection.send(encode(headers) + b"x" * 20_000, watch=False)
    want(connection.receive().status == 2, "not status 2")
    try:
        want(connection.receive().status == 1, "not status 1")
    except (Lost, Closed) as error:
        want(False, f"no status 1 for the bytes: {error}")
