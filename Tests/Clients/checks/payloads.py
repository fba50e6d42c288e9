"""Section 4: a packet with a payload."""

from xstream_client import check_payload_answer, digest_of
from xstream_packet import encode, head

from .gateway import check, want


@check("a payload packet is stored exactly and answered by a final")
def small(g):
    data = g.data(3000)
    result = g.payload(data)
    want(result.status == 0, f"status {result.status}: {result.reason}")
    g.stored(result.key, data)


@check("a payload of 0 bytes is stored")
def empty(g):
    result = g.payload(b"")
    want(result.status == 0, f"status {result.status}: {result.reason}")
    g.stored(result.key, b"")


@check("a payload of the largest size is stored")
def largest(g):
    data = g.data(g.options.max_payload)
    result = g.payload(data)
    want(result.status == 0, f"status {result.status}: {result.reason}")
    g.stored(result.key, data)


@check("a payload that looks like packets is only bytes")
def like_packets(g):
    data = encode(g.headers("10:4096")) * 3
    connection = g.connect()
    result = g.payload(data, connection)
    want(result.status == 0, f"status {result.status}: {result.reason}")
    g.stored(result.key, data)
    g.alive(connection)


@check("a payload above the limit gets status 6 before it is read, and a close", hostile=True)
def too_large(g):
    for size in (g.options.max_payload + 1, 2**63 - 1):
        connection = g.connect()
        connection.send(head(g.headers(None), size))
        result = check_payload_answer(connection.receive(), size)
        want(result.status == 6, f"status {result.status}, not 6: {result.reason}")
        g.ended(connection)


@check("a client that sends on with a payload above the limit still sees status 6", hostile=True)
def too_large_sent(g):
    connection = g.connect()
    size = g.options.max_payload + 200_000
    connection.send(head(g.headers(None), size) + g.data(size))
    result = check_payload_answer(connection.receive(), size)
    want(result.status == 6, f"status {result.status}, not 6: {result.reason}")


@check("a payload to an unknown route gets status 2, and its bytes are not taken for packets")
def no_route(g):
    connection = g.connect()
    connection.send(encode(g.headers(None, route="/no-such-route-at-all"), encode(g.headers("10:4096"))))
    result = check_payload_answer(connection.receive(), 1)
    want(result.status == 2, f"status {result.status}, not 2")
    if connection.wait_end(0.3) is None:
        want(not connection.packets, f"the payload was read as a packet: {list(connection.packets)}")
        g.alive(connection)


@check("a payload with the right digest is stored, with a wrong one it gets status 13")
def digests(g):
    data, connection = g.data(3000), g.connect()
    result = g.payload(data, connection, digest=digest_of(data))
    want(result.status == 0, f"status {result.status}: {result.reason}")
    want(result.digest == digest_of(data), f"the final's digest is {result.digest}")
    wrong = g.payload(data, digest=digest_of(b"other"))
    want(wrong.status == 13, f"status {wrong.status}, not 13")
    want(wrong.left == 3000, f"LEFT is {wrong.left}, not TOTAL")
    if wrong.key:
        g.not_stored(wrong.key)


@check("a payload's key answers a question with 0:0")
def asked(g):
    result = g.payload(b"twelve bytes")
    want(g.ask(result.key, 12).status == 0, "the payload is not a complete stream")


@check("a route that takes no streams says status 3", needs="streamless-route")
def streamless(g):
    connection = g.connect()
    g.refused(g.stream(10, connection, route=g.options.streamless_route), 3)
    g.alive(connection)


@check("a route that takes no payloads says status 3", needs="payloadless-route")
def payloadless(g):
    want(g.payload(b"small", route=g.options.payloadless_route).status == 3, "another status")


@check("a piped route relays its backend's answer as the final's payload", needs="relay-route")
def relayed(g):
    stream = g.opened(5000, route=g.options.relay_route)
    stream.send(g.data(5000))
    result = stream.final()
    want(result.status == 0, f"status {result.status}: {result.reason}")
    want(result.payload is not None, "the final has no payload")
    g.alive(stream.connection)


@check("a route whose backend cannot be reached says status 12", needs="dead-route")
def dead(g):
    stream = g.stream(5000, route=g.options.dead_route)
    if stream.open():
        stream.send(g.data(5000))
        stream.final()
    want(stream.result.status == 12, f"status {stream.result.status}, not 12")
