"""Sections 3 and 4: x-stream-digest."""

from xstream_client import digest_of
from xstream_packet import encode

from .gateway import check, want

WRONG = digest_of(b"other bytes")


@check("a right digest is repeated by the final")
def right(g):
    data = g.data(100_000)
    stream = g.upload(data, digest=digest_of(data))
    want(stream.result.digest == digest_of(data), f"the final's digest is {stream.result.digest}")


@check("a wrong digest gets status 13, LEFT is TOTAL, and nothing is kept")
def wrong(g):
    data = g.data(100_000)
    stream = g.opened(len(data), digest=WRONG)
    stream.send(data)
    result = stream.final()
    want(result.status == 13, f"status {result.status}, not 13")
    want(result.left == len(data), f"LEFT is {result.left}")
    want(result.digest == digest_of(data), f"the computed digest is {result.digest}")
    g.not_stored(stream.key)
    answer = g.ask(stream.key, len(data))
    want(answer.status == 10 or answer.offset == 0, f"something is kept: {answer}")


@check("the digest of an empty stream is compared")
def empty(g):
    g.upload(b"", digest=digest_of(b""))
    stream = g.opened(0, digest=WRONG)
    want(stream.final().status == 13, "a wrong digest is taken")


@check("the digest is of the whole stream, also where it was resumed")
def resumed(g):
    for digest_is_right in (True, False):
        data = g.data(200_000)
        digest = digest_of(data) if digest_is_right else WRONG
        stream = g.opened(len(data), digest=digest, ack=20_000)
        stream.send(data[:100_000])
        stream.wait_progress(20_000)
        stream.connection.drop()
        again = g.opened(len(data), key=stream.key, digest=digest)
        again.send(data[again.start:])
        want(again.final().status == (0 if digest_is_right else 13), f"status {again.result.status}")


@check("the digest of a stream of unknown total is compared")
def unknown_total(g):
    data = g.data(50_000)
    for digest, status in ((digest_of(data), 0), (WRONG, 13)):
        stream = g.opened("*", digest=digest)
        stream.send(data)
        stream.connection.finish()
        packet = stream.connection.receive()
        want(packet.status == status, f"status {packet.status}, not {status}")
        want(packet.headers.get("x-stream-digest") == digest_of(data), "the final does not say the computed digest")
        stream.result = None if status else packet
    g.streams.clear()


def invalid(value):
    @check(f"the digest {value!r} is malformed", hostile=True)
    def malformed(g):
        connection = g.connect()
        connection.send(encode(g.headers("10:4096", x_stream_digest=value)))
        packet = connection.receive()
        want(packet.status == 1, f"status {packet.status}, not 1: {packet.headers}")


for text in ("sha-256=:AAAA:", "sha-256=:!!!!:", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="):
    invalid(text)
