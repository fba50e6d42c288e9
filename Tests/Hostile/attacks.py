"""What hostile clients do on a connection: each function is one attack, and returns what the gateway did wrong, if anything.

An attack that goes on for as long as it is let ends when `stopping` is set.
"""

import select
import ssl
import time

from client import Broken, Connection, message
from http2_client import (
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    HTTP2Connection,
    field_block,
    frame,
)

WINDOW_UPDATE = 8
# How a connection ends that the gateway closes.
ENDED = (Broken, OSError, ssl.SSLError)
# Seconds after which a flood that goes on is one that no guard sees.
PATIENCE = 5


def _head(port, *more, method="PUT", target="/files/x"):
    names = {":method": method, ":scheme": "https", ":authority": f"localhost:{port}", ":path": target}
    return field_block([*names.items(), *more])


def _flood(port, authority, rounds):
    """The gateway has to end the connection."""
    with HTTP2Connection(port, authority) as connection:
        until = time.monotonic() + PATIENCE
        for data in rounds:
            connection.send(data)
            connection.pause(0.002)
            if connection.is_over:
                return None
            if time.monotonic() > until:
                break
        return None if connection.closes_within(1) else "the connection goes on"


def rapid_reset(port, authority, _):
    block, end = _head(port), CANCEL.to_bytes(4, "big")
    both = [frame(HEADERS, END_HEADERS, at, block) + frame(RST_STREAM, 0, at, end) for at in range(1, 2001, 2)]
    return _flood(port, authority, [b"".join(both[at : at + 20]) for at in range(0, 1000, 20)])


def continuation_flood(port, authority, _):
    some = field_block([("a", "b")])
    return _flood(port, authority, [frame(HEADERS, 0, 1, _head(port)), *[frame(CONTINUATION, 0, 1, some) * 10] * 10])


def ping_flood(port, authority, _):
    return _flood(port, authority, [frame(PING, 0, 0, bytes(8)) * 20] * 50)


def settings_flood(port, authority, _):
    return _flood(port, authority, [frame(SETTINGS, 0, 0) * 20] * 50)


def window_update_flood(port, authority, stopping):
    one = frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")
    return _drip(port, authority, stopping, one * 200)


def data_drip(port, authority, stopping):
    """DATA frames of one byte each, of an upload that will never be whole."""
    opened = frame(HEADERS, END_HEADERS, 1, _head(port, ("content-length", "60000")))
    return _drip(port, authority, stopping, frame(DATA, 0, 1, b"x") * 200, opened)


def _drip(port, authority, stopping, data, opened=b""):
    """Some 10,000 frames a second, for as long as they are taken; the gateway may read them slowly, or close."""
    with HTTP2Connection(port, authority) as connection:
        connection.send(opened)
        connection.socket.settimeout(2)
        until = time.monotonic() + PATIENCE
        while not stopping.wait(0.02) and time.monotonic() < until:
            connection.send(data)
        return None


def chunk_drip(port, authority, stopping):
    """Chunks of one byte each."""
    with Connection(port, authority) as connection:
        connection.send(message("PUT", "/files/x", {"Transfer-Encoding": "chunked"}, host=f"localhost:{port}"))
        for _ in range(100):
            connection.send(b"1\r\nx\r\n" * 100)
            if stopping.wait(0.05):
                break
        return None


def slow_heads(port, authority, stopping):
    """A head that comes byte by byte; the gateway has to give up after `timeouts.head`."""
    connections = [Connection(port, authority) for _ in range(20)]
    try:
        head, until = message("PUT", "/files/x", {}, b"", host=f"localhost:{port}"), time.monotonic() + 8
        for at in range(len(head)):
            for connection in connections:
                connection.send(head[at : at + 1])
            if stopping.wait(0.5):
                return None
            if time.monotonic() > until:
                return "heads may take longer than 8 s"
        return None
    finally:
        for connection in connections:
            connection.socket.close()


def smuggling(port, authority, stopping):
    """Messages of which two readers could see different ends: each has to be refused, and the connection closed."""
    put = f"PUT /files/x HTTP/1.1\r\nHost: localhost:{port}\r\n"
    inner = f"PUT /files/y HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 1\r\n\r\nz"
    for sent in (
        f"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        f"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{inner}",
        f"Content-Length: 0\r\nContent-Length: 5\r\n\r\n{inner}",
        f"Content-Length: +0\r\n\r\n{inner}",
        f"Content-Length : 0\r\n\r\n{inner}",
        f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{inner}",
        f"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n{inner}",
        f"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{inner}",
        f"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{inner}",
        f"Transfer-Encoding: chunked\r\n\r\n0\n\n{inner}",
        f"Host: other\r\nContent-Length: 0\r\n\r\n{inner}",
        f"A: b\r\n c: d\r\nContent-Length: 0\r\n\r\n{inner}",
        f"A: b\nContent-Length: 0\r\n\r\n{inner}",
    ):
        if stopping.is_set():
            return None
        with Connection(port, authority) as connection:
            connection.send((put + sent).encode("latin-1"))
            answers = connection.rest(5)
            if answers.count(b"HTTP/1.1 ") != 1 or not answers.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")):
                return f"{sent[:40]!r} was answered with {answers[:100]!r}"
        time.sleep(0.02)
    return None


def never_reads(port, authority, stopping):
    """Thousands of requests, and no answer is read: the gateway has to stop reading them."""
    with Connection(port, authority) as connection:
        connection.socket.setblocking(False)
        many = message("OPTIONS", "/files", host=f"localhost:{port}") * 100
        sent = 0
        while sent < 64 << 20 and not stopping.is_set():
            connection.tls.write(many)
            data = connection.outgoing.read()
            while data and not stopping.is_set():
                if not select.select([], [connection.socket], [], 0.2)[1]:
                    # Nothing is taken any more: so it stays for a while.
                    stopping.wait(2)
                    return None
                count = connection.socket.send(data)
                data, sent = data[count:], sent + count
            time.sleep(0.01)
        return None if stopping.is_set() else "64 MiB of requests were taken with no answer read"


def never_reads_streams(port, authority, stopping):
    """As `never_reads`, by streams whose answers have no window."""
    with HTTP2Connection(port, authority) as connection:
        connection.send(frame(SETTINGS, 0, 0, b"\0\4" + bytes(4)))
        block = _head(port, method="GET")
        for at in range(1, 2001, 2):
            connection.send(frame(HEADERS, END_HEADERS | 1, at, block))
            if connection.is_over or stopping.wait(0.002):
                return None
        connection.pause(2)
        return None


ATTACKS = {
    attack.__name__.replace("_", " "): attack
    for attack in (
        rapid_reset,
        continuation_flood,
        ping_flood,
        settings_flood,
        window_update_flood,
        data_drip,
        chunk_drip,
        slow_heads,
        smuggling,
        never_reads,
        never_reads_streams,
    )
}
