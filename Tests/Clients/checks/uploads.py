"""Sections 2 to 4: packets that are right, offers, bytes, progress, finals."""

from xstream_client import check_payload_answer
from xstream_packet import HEAD_LIMIT, encode, head

from .gateway import check, want

MIB = 1 << 20


@check("a whole upload in random split sizes is stored exactly")
def random_splits(g):
    data = g.data(300_000)
    stream, place = g.opened(len(data)), 0
    while place < len(data):
        size = g.random.choice((1, 2, 7, 100, 1000, 16_384, 16_385, 40_000))
        stream.send(data[place:place + size])
        place += size
    g.succeeded(stream, data)


@check("a large upload is stored exactly")
def large(g):
    g.upload(g.data(g.options.big), portion=MIB)


@check("a stream of 0 bytes gets its offer and at once its final")
def empty(g):
    stream = g.opened(0)
    want(stream.start == 0, "an offset in an empty stream")
    g.succeeded(stream, b"")
    g.alive(stream.connection)


@check("progress packets come at least every 8 MiB, with the key and the offset alone")
def progress(g):
    size = max(g.options.big, 20 * MIB)
    stream = g.upload(g.data(size), portion=256 * 1024, ack=MIB)
    want(len(stream.progress) >= size // (8 * MIB) - 1, f"only {len(stream.progress)} progress packets")


@check("no progress packets come where none were asked for")
def no_progress(g):
    g.upload(g.data(9 * MIB), portion=MIB)


@check("an x-stream-ack larger than the stream brings no progress packet")
def rare_progress(g):
    stream = g.upload(g.data(50_000), ack=2**63 - 1)
    want(not stream.progress, f"progress {stream.progress}")


@check("the portion size is the server's word, whatever the client asks for")
def portions(g):
    for buffer in (1, 4096, 2**31, 2**63 - 1):
        g.upload(g.data(3000), buffer=buffer)


@check("bytes sent together with the open packet, and the next packet behind them, are understood")
def pipelined(g):
    connection, data = g.connect(), g.data(30_000)
    stream = g.stream(len(data), connection)
    payload = encode(g.headers(None), b"one more")
    connection.send(encode(stream.headers) + data + payload, watch=False)
    want(stream.open(send=False), f"no offer but {stream.result}")
    stream.position = len(data)
    g.succeeded(stream, data)
    want(check_payload_answer(connection.receive(), 8).status == 0, "the payload behind was not taken")


@check("packets sent in one go are answered in their order")
def pipelined_packets(g):
    connection = g.connect()
    unknown = encode(g.headers("10:4096", route="/no-such-route-at-all"))
    never = encode(g.headers("10:0", key=g.never_key()))
    payloads = [encode(g.headers(None), g.data(size)) for size in (1, 1000)]
    connection.send(payloads[0] + unknown + payloads[1] + never + unknown, watch=False)
    statuses = [connection.receive().status for _ in range(5)]
    want(statuses == [0, 2, 0, 10, 2], f"the answers are {statuses}")
    g.alive(connection)


@check("the next open packet right behind a stream's last byte is understood")
def open_behind_bytes(g):
    connection, data = g.connect(), g.data(5000)
    first, second = g.opened(5000, connection), g.stream(5000, connection)
    first.position = 5000
    connection.send(data + encode(second.headers), watch=False)
    g.succeeded(first, data)
    want(second.open(send=False), f"no offer but {second.result}")
    second.send(data)
    g.succeeded(second, data)


def lenient(name, write):
    @check(name)
    def understood(g):
        connection, data = g.connect(), g.data(1000)
        stream = g.stream(len(data), connection)
        connection.send(write(stream.headers))
        want(stream.open(send=False), f"no offer but {stream.result}")
        stream.send(data)
        g.succeeded(stream, data)
        g.alive(connection)


def padded(headers, size):
    """A head of exactly so many bytes, by the value of a header that nobody knows."""
    empty = head(headers | {"x-padding": ""})
    return head(headers | {"x-padding": "p" * (size - len(empty))})


lenient("CRLF ends lines as LF does", lambda h: head(h, eol="\r\n"))
lenient("LF and CRLF may be mixed", lambda h: head(h).replace(b"\n", b"\r\n", 2))
lenient("header names in upper case are lowered", lambda h: head({n.upper(): v for n, v in h.items()}))
lenient("an indent of one space is taken", lambda h: head(h, indent=" "))
lenient("an indent of eight spaces is taken", lambda h: head(h, indent=" " * 8))
lenient("several spaces before a value and behind it are removed",
        lambda h: head({n: f"   {v}  " for n, v in h.items()}))
lenient("several spaces before the payload's size are taken", lambda h: head(h, size="   -"))
lenient("headers with unknown names are skipped",
        lambda h: head({"x-unknown": "1", "zz-9": "a: b"} | h | {"colour": "bl\u00e5 \U0001f600", "n" * 64: "v"}))
lenient("headers are taken in any order", lambda h: head(dict(reversed(h.items()))))
lenient("payload: 0 is as good as payload: - in an open packet", lambda h: head(h, size=0))
lenient("64 headers are taken", lambda h: head(h | {f"x-{n}": "v" for n in range(64 - len(h))}))
lenient("a head of exactly 16384 bytes is taken", lambda h: padded(h, HEAD_LIMIT))
lenient("a traceparent is taken",
        lambda h: head(h | {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}))
lenient("a percent-encoded file name is taken", lambda h: head(h | {"x-stream-name": "bl%C3%A5b%C3%A6r.bin"}))
lenient("a file name that looks like a path is a label alone",
        lambda h: head(h | {"x-stream-name": "..%2F..%2F..%2Fetc%2Fpasswd"}))


@check("keys are unguessable: long enough for 128 bits, and never the same")
def keys(g):
    connection = g.connect()
    given = [g.upload(b"x", connection).key for _ in range(8)]
    want(len(set(given)) == 8, "a key was given twice")
    want(all(len(key) >= 22 for key in given), f"a key of less than 128 bits: {min(given, key=len)}")
