"""A thousand handshakes that stay half open, and others as fast as they go, keep no upload out, and are gone in time."""

import os
import select
import socket
import ssl
import threading
import time

from sending import WIRES

HALF_OPEN = 1_000
PATIENCE = 3
FLOODERS, UPLOADS, SIZE = 4, 8, 1 << 20
# The first bytes of a ClientHello that never goes on.
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
# A half-open handshake costs OpenSSL's session and the connection's own parts.
COST = 128 << 10


def run(scene):
    timeouts = f"{{handshake: {PATIENCE}s, head: 5s, idle: 20s, silence: 10s, shutdown: 2s}}"
    gateway = scene.gateway({"/files": {}}, {"timeouts": timeouts})
    scene.growth = HALF_OPEN * COST + (64 << 20)
    before, began = gateway.memory(), time.monotonic()
    silent = [_half_open(gateway, HELLO[: at % len(HELLO)]) for at in range(HALF_OPEN)]
    scene.comes("they are all accepted", lambda: gateway.descriptors() >= gateway.first_descriptors + HALF_OPEN, 5)
    grown = gateway.memory() - before
    scene.holds(f"one costs no more than {COST >> 10} KiB", grown < HALF_OPEN * COST, f"{grown // HALF_OPEN >> 10} KiB")

    flooding, done = threading.Event(), []
    flooding.set()
    flooders = [threading.Thread(target=_flood, args=(gateway, flooding, done)) for _ in range(FLOODERS)]
    for flooder in flooders:
        flooder.start()
    contents = []
    for at in range(UPLOADS):
        one = WIRES[at % 2](gateway, "/files", os.urandom(SIZE)).begin().send()
        contents.append(one.content)
        scene.holds(f"an upload beside them is complete over {one.wire}", one.outcome() in one.COMPLETE)
    flooding.clear()
    for flooder in flooders:
        flooder.join()
    scene.holds("the flood had handshakes whole and broken off", len(done) > 20, len(done))

    left = set(silent)
    while left and time.monotonic() < began + PATIENCE + 10:
        for tcp in select.select(list(left), [], [], 1)[0]:
            left -= {tcp} if _is_over(tcp) else set()
    scene.equals("each that stays half open is closed after `timeouts.handshake`", len(left), 0)
    scene.equals("the store has exactly what was sent", gateway.contents("/files"), sorted(contents))
    scene.equals("a flood of handshakes is no word above `info`",
                 [one for one in gateway.records() if one["level"] in ("notice", "warning", "error", "critical")], [])


def _half_open(gateway, sent):
    tcp = socket.create_connection(("127.0.0.1", gateway.port), 5)
    tcp.sendall(sent)
    return tcp


def _is_over(tcp):
    """Whether the end has come; an alert may come before it."""
    try:
        over = not tcp.recv(4096)
    except OSError:
        over = True
    if over:
        tcp.close()
    return over


def _flood(gateway, flooding, done):
    """Handshakes that the client does not end, and whole ones that ask for nothing."""
    context = ssl.create_default_context(cafile=gateway.authority)
    while flooding.is_set():
        tcp = socket.create_connection(("127.0.0.1", gateway.port), 5)
        if len(done) % 2:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                tcp.sendall(outgoing.read())
            tcp.recv(4096)
            tcp.close()
        else:
            context.wrap_socket(tcp, server_hostname="localhost").close()
        done.append(1)
