"""Section 2: heads that break the rules get status 1 with a reason, and the connection closes."""

from xstream_client import check_refusal, expect
from xstream_packet import HEAD_LIMIT, head

from .gateway import check, want

TOO_BIG = 2**63


def malformed(g, data, closes=True, connection=None):
    """These bytes must get status 1 and a reason."""
    connection = connection or g.connect()
    connection.send(data)
    packet = connection.receive()
    expect(packet.status is not None, f"not a status but {packet.headers}")
    result = check_refusal(packet)
    want(result.status == 1, f"status {result.status} ({result.reason}), not 1")
    if closes:
        g.ended(connection)


def bad(name, write, closes=True):
    """`write` makes the bytes of the headers of a good open packet."""

    @check(f"{name} is malformed", hostile=True)
    def status_1(g):
        malformed(g, write(g.headers()), closes)


def bad_value(name, value, closes=True, what=None):
    bad(f"{what or name}{'' if value is None else f' {value!r}'}",
        lambda h: head({n: v for n, v in (h | {name: value}).items() if v is not None}), closes)


bad("a head without headers", lambda h: b"headers:\npayload: -\n")
bad("a first line with a space at its end", lambda h: head(h).replace(b"headers:", b"headers: "))
bad("a first line in upper case", lambda h: head(h).replace(b"headers:", b"HEADERS:"))
bad("an empty line before a packet", lambda h: b"\n" + head(h))
bad("an empty line between headers", lambda h: head(h).replace(b"\n", b"\n\n", 1))
bad("a header without indent", lambda h: head(h, indent=""))
bad("an indent of nine spaces", lambda h: head(h, indent=" " * 9))
bad("an indent by a tab", lambda h: head(h, indent="\t"))
bad("a header without a space after its colon", lambda h: head(h).replace(b"route: ", b"route:"))
bad("a header with a space before its colon", lambda h: head(h).replace(b"route:", b"route :"))
bad("a header without a colon", lambda h: head(h).replace(b"route: ", b"route "))
bad("a header without a value", lambda h: head(h | {"x-none": ""}))
bad("a header with spaces for a value", lambda h: head(h | {"x-none": "   "}))
bad("a header without a name", lambda h: head(h | {"": "v"}))
bad("a name of 65 characters", lambda h: head(h | {"n" * 65: "v"}))
bad("a name with an underscore", lambda h: head(h | {"x_y": "v"}))
bad("a name that is not ASCII", lambda h: head(h | {"bl\u00e5": "v"}))
bad("a header that stands twice", lambda h: head([*h.items(), ("route", h["route"])]))
bad("an unknown header that stands twice", lambda h: head([*h.items(), ("x-a", "1"), ("x-a", "1")]))
bad("a header that stands twice in two cases", lambda h: head([*h.items(), ("ROUTE", h["route"])]))
bad("a head of 65 headers", lambda h: head(h | {f"x-{n}": "v" for n in range(65 - len(h))}))
bad("bad UTF-8 in a value", lambda h: head(h | {"x-a": "@@"}).replace(b"@@", b"a\xff\xfeb"))
bad("an overlong UTF-8 form in a value", lambda h: head(h | {"x-a": "@@"}).replace(b"@@", b"\xc0\xaf"))
bad("a UTF-8 surrogate in a value", lambda h: head(h | {"x-a": "@@"}).replace(b"@@", b"\xed\xa0\x80"))
bad("UTF-8 that is cut off by the line's end", lambda h: head(h | {"x-a": "@@"}).replace(b"@@", b"a\xe2\x82"))
for code in (0, 1, 9, 0x1b, 0x7f, 0x85):
    bad(f"the control character U+{code:04X} in a value", lambda h, code=code: head(h | {"x-a": f"a{chr(code)}b"}))
bad("a CR in the middle of a value", lambda h: head(h | {"x-a": "a\rb"}))
bad("a payload line without a space", lambda h: head(h).replace(b"payload: -", b"payload:-"))
bad("a payload line with an indent", lambda h: head(h).replace(b"payload: -", b"    payload: -\n\n"))
for text in ("", "--", "-1", "+1", "01", "00", "1.0", "1e3", "0x10", "1 2", "a", str(TOO_BIG), "9" * 40, "\uff15"):
    bad(f"the payload size {text!r}", lambda h, text=text: head(h, text))

for text in ("5", ":", "5:", ":5", "5:5:5", "-5:4096", "+5:4096", "05:4096", "5:04096", "5 :4096", "5: 4096", "5:-1",
             "-2", "a:b", "5:*", "**:5", f"{TOO_BIG}:4096", f"5:{TOO_BIG}", f"{'9' * 40}:4096", "\uff15:4096"):
    bad_value("x-stream", text)
bad_value("x-stream", "-1", closes=False, what="x-stream -1 without a key:")
for text in ("0", "-1", "01", "+1", "a", str(TOO_BIG), "1:1"):
    bad_value("x-stream-ack", text, closes=False)
bad_value("route", None, closes=False, what="an open packet without route")
bad_value("data-format", None, closes=False, what="an open packet without data-format")
bad("a packet without x-stream and without a payload", lambda h: head({n: h[n] for n in h if n != "x-stream"}), False)


@check("an open packet with a payload is malformed", hostile=True)
def open_with_payload(g):
    malformed(g, head(g.headers(), 5) + b"hello", closes=False)


@check("a malformed packet after good exchanges on the same connection gets status 1", hostile=True)
def after_good(g):
    connection = g.connect()
    g.upload(g.data(1000), connection)
    malformed(g, head(g.headers(), "01"), connection=connection)


@check("keys of a wrong form get status 1 or 10, and touch nothing", hostile=True)
def key_forms(g):
    for key in ("short", "k" * 129, "../../../../../../etc/passwd", "a" * 20 + "/" + "b" * 20, "a" * 20 + "."):
        connection = g.connect()
        connection.send(head(g.headers("10:4096", key=key)))
        packet = connection.receive()
        want(packet.status in (1, 10), f"{key!r} gets status {packet.status}")


@check("an endless header line is refused as soon as the limit is passed", hostile=True)
def endless_line(g):
    begin = b"headers:\n    x-endless: "
    malformed(g, begin + b"a" * (HEAD_LIMIT + 1 - len(begin)))


@check("endless unknown headers are refused as soon as a limit is passed", hostile=True)
def endless_headers(g):
    lines = b"headers:\n" + b"".join(b"    x-%d: %s\n" % (n, b"v" * 500) for n in range(63))
    malformed(g, lines[:HEAD_LIMIT + 1])


@check("endless spaces are refused as soon as the limit is passed", hostile=True)
def endless_spaces(g):
    malformed(g, (b"headers:\n    route:" + b" " * HEAD_LIMIT)[:HEAD_LIMIT + 1])


@check("a head of 16385 bytes is malformed", hostile=True)
def head_too_long(g):
    headers = g.headers() | {"x-padding": "p"}
    malformed(g, head(headers | {"x-padding": "p" * (HEAD_LIMIT + 2 - len(head(headers)))}))
