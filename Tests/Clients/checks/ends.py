"""The end of file in every state, with close_notify, without it, and by a reset."""

from xstream_packet import encode, head

from .gateway import check, want
from .hostile import raw_connection

ENDS = {
    "close_notify": lambda connection: connection.finish(),
    "a bare end of file": lambda connection: connection.half_close(),
    "a reset": lambda connection: connection.drop(reset=True),
}


def gone(g, connection, how):
    """After the client's end the server must end its side, unless there is nobody to see it."""
    if how != "a reset":
        want(connection.wait_end(), "the server does not close its side")


def state(name, prepare, keeps):
    """`prepare` brings a new connection into a state and returns its stream or None; with `keeps`, the stream
    is resumable afterwards."""
    for how, end in ENDS.items():

        @check(f"{how} {name} ends the connection{' and keeps the stream' if keeps else ''}", hostile=True)
        def ends(g, how=how, end=end):
            connection = g.connect()
            stream, data = prepare(g, connection)
            end(connection)
            gone(g, connection, how)
            if keeps:
                answer = g.ask(stream.key, len(data))
                want(answer.status == 9, f"status {answer.status}, not 9, for the stream")
                g.resumed(data, stream.key, 0, stream.position)


def sent(data):
    """A state that is reached by bytes which begin no stream."""

    def prepare(g, connection):
        connection.send(data(g))
        return None, None

    return prepare


def opened(count):
    """A stream of which so many bytes have been sent."""

    def prepare(g, connection):
        data = g.data(100_000)
        stream = g.opened(len(data), connection)
        stream.send(data[:count])
        return stream, data

    return prepare


state("before any packet", sent(lambda g: b""), False)
state("inside headers:", sent(lambda g: b"head"), False)
state("inside a header", sent(lambda g: encode(g.headers())[:30]), False)
state("before the payload line's end", sent(lambda g: encode(g.headers())[:-1]), False)
state("inside a payload", sent(lambda g: head(g.headers(None), 1000) + b"half"), False)
state("after the offer", opened(0), True)
state("after the first byte", opened(1), True)
state("in the middle of the bytes", opened(50_000), True)
state("before the last byte", opened(99_999), True)


@check("a client that goes away right after its open packet does no harm", hostile=True)
def open_and_gone(g):
    for turn in range(10):
        connection = g.connect()
        connection.send(encode(g.headers("100000:4096")))
        connection.drop(reset=turn % 2 == 0)


@check("a client that goes away right after the last byte has a complete stream", hostile=True)
def last_byte_and_gone(g):
    data = g.data(50_000)
    stream = g.opened(len(data))
    stream.send(data)
    stream.connection.half_close()
    g.eventually(lambda: g.ask(stream.key, len(data)).status == 0, "the stream never becomes complete")
    g.stored(stream.key, data)


@check("close_notify right after the last byte still gets the final", hostile=True)
def last_byte_and_close(g):
    data = g.data(50_000)
    stream = g.opened(len(data))
    stream.send(data)
    stream.connection.finish()
    g.succeeded(stream, data)
    g.ended(stream.connection)


@check("an end of file before and inside the TLS handshake does no harm", hostile=True)
def in_handshake(g):
    raw_connection(g).close()
    with raw_connection(g) as plain:
        plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    connection = g.connect(handshake=False)
    connection.drop(reset=True)
