"""Section 4 and 6: refusals and partial offers."""

from xstream_packet import encode

from .gateway import check, want


@check("an unknown route gets -1 and status 2, and the connection stays open")
def no_route(g):
    connection = g.connect()
    for route in ("/no-such-route-at-all", g.route + "x"):
        g.refused(g.stream(10, connection, route=route), 2)
    g.alive(connection)


@check("a route that is no plain absolute path gets status 1 or 2")
def odd_routes(g):
    for route in (g.route + "/../..", g.route[1:], "*", "/" + "a" * 10_000):
        g.refused(g.stream(10, route=route), (1, 2))


@check("a data-format that is none is refused with status 4 or 1")
def no_format(g):
    g.refused(g.stream(10, data_format="xml"), (1, 4))


@check("a format that the route does not take gets status 4 and the list of those it takes", needs="formats-route")
def format_list(g):
    connection = g.connect()
    result = g.refused(g.stream(10, connection, route=g.options.formats_route, data_format="bytes"), 4)
    want(result.formats == "json", f"the list is {result.formats!r}")
    g.upload(b'{"a":1}', connection, route=g.options.formats_route, data_format="json")
    refused = g.payload(b"{}", route=g.options.formats_route, data_format="text")
    want(refused.status == 4, f"a payload in another format gets status {refused.status}")


@check("a total above the route's limit gets status 6, the limit itself does not", needs="max-upload")
def too_large(g):
    connection = g.connect()
    g.refused(g.stream(g.options.max_upload + 1, connection), 6)
    g.refused(g.stream(2**63 - 1, connection), 6)
    stream = g.stream(g.options.max_upload)
    if not stream.open():
        want(stream.result.status != 6, "the limit itself is refused")
    g.alive(connection)


@check("a partial offer that was filled gets status 9 and LEFT, and the connection stays open", needs="partial-route")
def partial(g):
    route, held = g.options.partial_route, g.options.partial_held
    total = (held or 1 << 20) * 4
    stream = g.stream(total, route=route)
    want(stream.open(), f"no offer but {stream.result}")
    offered = stream.end
    want(offered < total, "the offer is for all of it")
    want(held is None or offered <= held, f"{offered} bytes are offered, but only {held} can be held")
    while stream.position < offered and stream.send(bytes(min(65_536, offered - stream.position))):
        pass
    result = stream.final()
    want(result.status == 9 and result.left == total - offered, f"not status 9 and what is left: {result}")
    answer = g.ask(stream.key, total, route=route, connection=stream.connection)
    want(answer.status == 9 and answer.offset == offered, f"the question is answered {answer}")
    g.alive(stream.connection)


@check("a quota that is used up refuses with status 7, and a give-up gives it back", needs="partial-route")
def quota(g):
    route = g.options.partial_route
    total = (g.options.partial_held or 1 << 20) * 4
    stream = g.stream(total, route=route)
    want(stream.open(), f"no offer but {stream.result}")
    offered = stream.end
    while stream.position < offered and stream.send(bytes(min(65_536, offered - stream.position))):
        pass
    stream.final()
    g.refused(g.stream(total, route=route), 7)
    want(g.give_up(stream.key, route=route).status == 0, "it cannot be given up")
    again = g.stream(total, route=route)
    want(again.open() and again.end == offered, f"the quota is not given back: {again.result or again.end}")


@check("a cut stream does not keep another connection from the quota of one given up", needs="partial-route")
def quota_after_cut(g):
    route, total = g.options.partial_route, (g.options.partial_held or 1 << 20) * 4
    for _ in range(5):
        stream = g.stream(total, route=route)
        want(stream.open(), f"no offer but {stream.result}")
        stream.send(bytes(min(1000, stream.end)))
        stream.connection.drop()
        want(g.give_up(stream.key, route=route).status == 0, "it cannot be given up")


@check("one stream too many gets status 8 and retry-after, and is taken when one is complete", needs="max-streams")
def busy(g):
    streams = [g.opened(1000) for _ in range(g.options.max_streams)]
    result = g.refused(g.stream(1000), 8)
    want(result.retry_after is not None, "no retry-after")
    data = g.data(1000)
    streams[0].send(data)
    g.succeeded(streams[0], data)
    g.opened(1000)


@check("a silent client's stream ends with status 14, a close, and can be resumed", needs="idle")
def idle(g):
    data, stream = g.half()
    result = stream.final(g.options.idle + g.options.timeout)
    want(result.status == 14, f"status {result.status}, not 14")
    g.ended(stream.connection)
    g.resumed(data, stream.key, 1, len(data) // 2)


@check("a connection that stops in the middle of a head is not kept for ever", needs="idle")
def idle_head(g):
    connection = g.connect()
    connection.send(encode(g.headers())[:40])
    want(connection.wait_end(g.options.idle + g.options.timeout), "it is still open")
