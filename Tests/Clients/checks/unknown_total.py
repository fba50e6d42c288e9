"""Section 4: TOTAL `*`."""

import ssl

from .gateway import check, want


def ended_upload(g, data, version=None, **options):
    """An upload of unknown total that ends by close_notify."""
    stream = g.opened("*", g.connect(version=version), **options)
    for start in range(0, len(data), 30_000):
        stream.send(data[start:start + 30_000])
    stream.connection.finish()
    g.succeeded(stream, data)
    g.ended(stream.connection)
    return stream


@check("a stream of unknown total ends by close_notify, and the final is read after it (TLS 1.3)")
def unknown_13(g):
    ended_upload(g, g.data(200_000), ssl.TLSVersion.TLSv1_3)


@check("a stream of unknown total ends by close_notify, and the final is read after it (TLS 1.2)")
def unknown_12(g):
    ended_upload(g, g.data(200_000), ssl.TLSVersion.TLSv1_2)


@check("a stream of unknown total may be empty")
def unknown_empty(g):
    ended_upload(g, b"")


@check("a stream of unknown total has progress packets, too")
def unknown_progress(g):
    stream = ended_upload(g, g.data(20 << 20), ack=1 << 20)
    want(stream.progress, "no progress packet")


@check("a complete stream of unknown total answers a question with 0:0")
def unknown_asked(g):
    stream = ended_upload(g, g.data(3000))
    want(g.ask(stream.key, "*").status == 0, "it is not complete")


def lost(name, end):
    @check(name)
    def lost_then_resumed(g):
        data, total = g.data(200_000), "*"
        stream = g.opened(total, ack=20_000)
        stream.send(data[:100_000])
        end(stream.connection)
        g.eventually(lambda: g.ask(stream.key, total).offset == 100_000 or not whole(end),
                     "the bytes before the end of file are not all kept")
        answer = g.ask(stream.key, total)
        want(answer.status == 9 and answer.left == "*", f"not status 9 and LEFT *: {answer}")
        g.not_stored(stream.key)
        g.resumed(data, stream.key, answer.offset, 100_000, total)
        want(g.ask(stream.key, total).status == 0, "it is not complete after the resume")


def whole(end):
    """Whether this end lets everything before it arrive: a reset may overtake bytes."""
    return end is not bare_reset


def bare_eof(connection):
    connection.half_close()  # closing with progress packets unread would make the kernel send a reset


def bare_reset(connection):
    connection.drop(reset=True)


lost("end of file without close_notify is not the end of a stream of unknown total; it is resumed", bare_eof)
lost("a reset is not the end of a stream of unknown total; it is resumed", bare_reset)


@check("a stream of unknown total is unknown to a question with a number")
def unknown_as_number(g):
    stream = ended_upload(g, g.data(3000))
    want(g.ask(stream.key, 3000).status == 10, "a total other than * is taken for it")


@check("a stream of unknown total beyond what is offered gets status 9 and a close", needs="partial-route")
def unknown_partial(g):
    stream = g.stream("*", route=g.options.partial_route)
    want(stream.open(), f"no offer but {stream.result}")
    want(stream.end is not None, "the offer to an unknown total names no limit")
    data = g.data(65_536)
    while stream.position < stream.end:
        if not stream.send(data[: stream.end - stream.position]):
            break
    result = stream.final()
    want(result.status == 9 and result.left == "*", f"not status 9 and LEFT *: {result}")
    g.ended(stream.connection)
