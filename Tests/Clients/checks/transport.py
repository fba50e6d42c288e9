"""Section 1: TLS versions, ALPN, several exchanges on one connection."""

import ssl

from xstream_packet import encode
from xstream_tls import ALPN

from .gateway import TlsFailure, check, want


@check("the ALPN name x-stream/1 is chosen")
def alpn_chosen(g):
    connection = g.connect()
    want(connection.alpn == ALPN, f"the server chose {connection.alpn}")
    g.alive(connection)


@check("x-stream/1 is chosen among names that the server does not speak")
def alpn_among_others(g):
    connection = g.connect(alpn=("nonsense/9", ALPN))
    want(connection.alpn == ALPN, f"the server chose {connection.alpn}")
    g.alive(connection)


@check("only unknown ALPN names get the alert no_application_protocol")
def alpn_wrong(g):
    try:
        connection = g.connect(alpn=("nonsense/9",))
    except TlsFailure as failure:
        # OpenSSL may have no text for alert 120; its reason number is then 1000 + 120.
        text = str(failure).lower().replace("_", " ")
        want("no application protocol" in text or "1120" in text or "alert number 120" in text,
             f"another alert: {failure}")
        return
    want(False, f"the handshake succeeds with ALPN {connection.alpn}")


@check("a client without ALPN is understood by its first bytes")
def alpn_none(g):
    connection = g.connect(alpn=())
    want(connection.alpn is None, f"the server chose {connection.alpn}")
    g.alive(connection)
    g.alive(connection)


@check("a client without ALPN is understood when its first bytes come one by one")
def alpn_none_slowly(g):
    connection, data = g.connect(alpn=()), g.data(100)
    stream = g.stream(len(data), connection)
    for byte in encode(stream.headers):
        connection.send(bytes([byte]))
    want(stream.open(send=False), f"no offer but {stream.result}")
    stream.send(data)
    g.succeeded(stream, data)


def version_check(version, name):
    @check(f"an upload works over {name}")
    def works(g):
        connection = g.connect(version=version)
        want(connection.tls_version == name, f"the version is {connection.tls_version}")
        g.alive(connection)


version_check(ssl.TLSVersion.TLSv1_2, "TLSv1.2")
version_check(ssl.TLSVersion.TLSv1_3, "TLSv1.3")


@check("TLS 1.1 is refused")
def tls_1_1(g):
    try:
        connection = g.connect(version=ssl.TLSVersion.TLSv1_1, legacy=True)
    except TlsFailure:
        return
    want(False, f"the handshake succeeds with {connection.tls_version}")


@check("a connection takes several uploads, one after another")
def several(g):
    connection, keys = g.connect(), set()
    for size in (1, 0, 100_000, 4096, 70_001):
        keys.add(g.upload(g.data(size), connection).key)
    want(len(keys) == 5, "a key was given twice")


@check("a connection takes streams, payloads and questions in turn")
def mixed(g):
    connection = g.connect()
    stream = g.upload(g.data(5000), connection)
    want(g.payload(b"small", connection).status == 0, "the payload was not taken")
    want(g.ask(stream.key, 5000, connection=connection).status == 0, "the stream is not complete")
    g.refused(g.stream(10, connection, route="/no-such-route-at-all"), 2)
    g.alive(connection)


@check("close_notify between exchanges is answered by close_notify")
def orderly_end(g):
    connection = g.connect()
    g.alive(connection)
    connection.finish()
    g.ended(connection)


@check("two uploads at once on two connections do not disturb each other")
def side_by_side(g):
    first_data, second_data = g.data(300_000), g.data(300_000)
    first, second = g.opened(300_000), g.opened(300_000)
    want(first.key != second.key, "two streams have one key")
    for start in range(0, 300_000, 10_000):
        first.send(first_data[start:start + 10_000])
        second.send(second_data[start:start + 10_000])
    g.succeeded(second, second_data)
    g.succeeded(first, first_data)
