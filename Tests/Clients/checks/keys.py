"""Section 5: resume, ask, give up, and whose stream it is."""

from xstream_packet import encode
from xstream_tls import Connection, tls_context

from .gateway import Closed, Lost, check, neutral, want

TOTAL = 400_000


@check("an unfinished stream answers a question with status 9, LEFT and the offset")
def asked(g):
    _, stream = g.half()
    safe = stream.wait_progress(50_000) if stream.ack else 0
    answer = g.ask(stream.key, TOTAL)
    want(answer.status == 9, f"status {answer.status}")
    want(safe <= answer.offset <= stream.position, f"offset {answer.offset}, but {safe} bytes were safe")


@check("a question changes nothing: the stream goes on where it was")
def asked_meanwhile(g):
    data, stream = g.half()
    for _ in range(3):
        want(g.ask(stream.key, TOTAL).status == 9, "it is not unfinished")
    stream.send(data[stream.position:])
    g.succeeded(stream, data)


@check("a complete stream answers a question, and an open, with its final")
def complete(g):
    data = g.data(5000)
    key = g.upload(data).key
    want(g.ask(key, 5000).status == 0, "the question says it is not complete")
    again = g.stream(5000, key=key)
    want(not again.open(), "a complete stream gets an offer")
    want(again.result.status == 0 and again.result.left == 0, f"the answer is {again.result}")
    g.alive(again.connection)
    g.stored(key, data)


def resume_after(name, end):
    @check(name)
    def resumed(g):
        data, stream = g.half()
        safe = stream.wait_progress(50_000) or 0
        end(stream.connection)
        g.resumed(data, stream.key, safe, TOTAL // 2)


resume_after("a stream is resumed at the exact offset after a reset", lambda c: c.drop(reset=True))
resume_after("a stream is resumed at the exact offset after a bare end of file", lambda c: c.drop(reset=False))
resume_after("a stream is resumed at the exact offset after a close_notify", lambda c: c.close())


@check("a stream survives many cuts at random places")
def many_cuts(g):
    data = g.data(1_000_000)
    stream = g.opened(len(data), ack=1000)
    sent = 0
    for _ in range(8):
        sent = min(max(sent, stream.start + g.random.randrange(200_000)), len(data) - 1)
        stream.send(data[stream.start:sent])
        safe = max(stream.progress, default=stream.start)
        stream.connection.drop(reset=g.random.random() < 0.5)
        stream = g.opened(len(data), key=stream.key, ack=1000)
        want(safe <= stream.start <= sent, f"the offset is {stream.start}, {safe} were safe, {sent} were sent")
    stream.send(data[stream.start:])
    g.succeeded(stream, data)


@check("a stream is resumed on the connection of another exchange")
def resumed_later(g):
    data, stream = g.half()
    stream.wait_progress(50_000)
    stream.connection.drop()
    connection = g.connect()
    g.alive(connection)
    g.resumed(data, stream.key, 50_000, TOTAL // 2, connection=connection)
    g.alive(connection)


@check("a stream that was cut before its first byte is resumed from 0")
def resumed_from_nothing(g):
    data, stream = g.data(5000), g.opened(5000)
    stream.connection.drop()
    g.resumed(data, stream.key, 0, 0)


@check("a newer connection takes the stream over, and the older one cannot spoil it")
def takeover(g):
    data, old = g.half()
    safe = old.wait_progress(50_000)
    new = g.opened(TOTAL, key=old.key)
    want(safe <= new.start <= TOTAL // 2, f"the offset is {new.start}, but {safe} bytes were safe")
    old.connection.send(b"!" * 20_000, watch=False)
    new.send(data[new.start:])
    g.succeeded(new, data)
    old.connection.wait_end(1)
    g.stored(new.key, data)


@check("a chain of takeovers leaves the newest connection with the stream")
def takeover_chain(g):
    data = g.data(TOTAL)
    streams = [g.opened(TOTAL)]
    for turn in range(1, 6):
        streams[-1].send(data[streams[-1].start:max(streams[-1].start, turn * 50_000)])
        streams.append(g.opened(TOTAL, key=streams[0].key))
    streams[-1].send(data[streams[-1].start:])
    g.succeeded(streams[-1], data)


def same_as_never(g, headers, key, connection=None):
    """The answer about `key` must be the same as the answer about a key that never was."""
    never, answers = g.never_key(), []
    for name in (key, never):
        asking = connection() if connection else g.connect()
        asking.send(encode(headers | {"x-stream-key": name}))
        answers.append(neutral(asking.receive(), name))
    answer = answers[0]
    want(answer.get("status") == "10" and answer.get("x-stream") == "-1", f"not x-stream: -1 with status 10: {answer}")
    want(answers[0] == answers[1], f"{answers[0]} differs from {answers[1]}, the answer about no key")


def unknown(name, change, needs=()):
    @check(name, needs=needs)
    def refused(g):
        data, stream = g.half()
        safe = stream.wait_progress(50_000)
        for buffer in ("4096", "0"):
            same_as_never(g, g.headers(f"{TOTAL}:{buffer}", key=stream.key) | change(g, buffer), stream.key)
        stream.send(data[stream.position:])
        want(safe, "no progress")
        g.succeeded(stream, data)


unknown("a key with a wrong total is unknown, and the stream goes on", lambda g, b: {"x-stream": f"{TOTAL + 1}:{b}"})
unknown("a key with the total * is unknown where a number was said", lambda g, b: {"x-stream": f"*:{b}"})
unknown("a key on another route is unknown, and the stream goes on", lambda g, b: {"route": g.options.other_route},
        needs="other-route")


@check("a key that never was gets -1 and status 10, whatever is asked")
def never(g):
    connection, key = g.connect(), g.never_key()
    g.refused(g.stream(1000, connection, key=key), 10)
    want(g.ask(key, 1000, connection=connection).status == 10, "the question gets another status")
    want(g.give_up(key, connection=connection).status == 10, "the give-up gets another status")
    g.streams.clear()
    g.alive(connection)


@check("a stream given up is gone")
def given_up(g):
    _, stream = g.half()
    stream.connection.drop()
    want(g.give_up(stream.key).status == 0, "it cannot be given up")
    want(g.ask(stream.key, TOTAL).status == 10, "a question still finds it")
    want(g.give_up(stream.key).status == 10, "it can be given up twice")
    g.refused(g.stream(TOTAL, key=stream.key), 10)
    g.not_stored(stream.key)


@check("a stream can be given up while another connection sends it")
def given_up_attached(g):
    data, stream = g.half()
    want(g.give_up(stream.key).status == 0, "it cannot be given up")
    try:
        stream.send(data[stream.position:])
        result = stream.final()
        want(result.status != 0, "the older connection gets status 0 for a stream that was given up")
    except (Lost, Closed):
        pass
    want(g.ask(stream.key, TOTAL).status == 10, "a question still finds it")
    g.not_stored(stream.key)


@check("a complete stream cannot be given up")
def complete_not_given_up(g):
    data = g.data(3000)
    key, connection = g.upload(data).key, g.connect()
    want(g.give_up(key, connection=connection).status == 10, "it can be given up")
    want(g.ask(key, 3000, connection=connection).status == 0, "a question does not find it any more")
    g.stored(key, data)


@check("another client's key is the same as a key that never was", needs=("token-a", "token-b"), hostile=True)
def stolen_key(g):
    mine, thief = g.options.token_a, g.options.token_b
    data, stream = g.half(token=mine)
    safe = stream.wait_progress(50_000)
    for value in (f"{TOTAL}:4096", f"{TOTAL}:0", "-1"):
        headers = g.headers(value) | {"authorization": f"Bearer {thief}"}
        same_as_never(g, headers, stream.key)
    want(g.ask(stream.key, TOTAL, token=mine).offset >= safe, "the owner's stream has lost bytes")
    stream.send(data[stream.position:])
    g.succeeded(stream, data)
    same_as_never(g, g.headers(f"{TOTAL}:0") | {"authorization": f"Bearer {thief}"}, stream.key)


def bare_connection(g):
    """A connection without a client's certificate."""
    options = g.options
    connection = Connection(options.host, options.port, tls_context(options.ca), options.server_name, options.timeout)
    g.connections.append(connection)
    return connection


@check("a protected route refuses a client without credentials, and one with a wrong token", needs="protected-route")
def unauthorized(g):
    for token in (None, "wrong-" + g.never_key()):
        connection = bare_connection(g)
        headers = g.headers("10:4096", route=g.options.protected_route)
        headers.pop("authorization", None)
        connection.send(encode(headers | ({"authorization": f"Bearer {token}"} if token else {})))
        packet = connection.receive()
        want(packet.status == 5, f"status {packet.status}, not 5")
        want(packet.headers.get("x-stream") == "-1", "the refusal's x-stream is not -1")


@check("an unfinished stream is dropped after the resume window", needs="window")
def window(g):
    _, stream = g.half()
    stream.connection.drop()
    deadline, g.options.timeout = g.options.timeout, g.options.window + g.options.timeout
    try:
        want(g.ask(stream.key, TOTAL).status == 9, "it is gone before the window is over")
        g.eventually(lambda: g.ask(stream.key, TOTAL).status == 10, "it is still there after the window")
    finally:
        g.options.timeout = deadline
