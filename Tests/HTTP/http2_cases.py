"""F01 to F08: clients that break the rules of HTTP/2, and that flood."""

import os
import re
import time

from client import Broken
from gateway import MIB
from http2_client import (
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    field_block,
    frame,
)
from http2_rows import all_stored, begin, begin_patch, connect, http2_case, lives, put, request_head
from rows import ANY, check, must


def _is_ended(run, connection, rounds):
    """Sends round after round; the gateway has to say GOAWAY, and to close within a second of the last."""
    for data in rounds:
        try:
            connection.send(data)
            connection.pause(0.002)
        except (OSError, Broken):
            pass
        if connection.is_over:
            break
    closes = connection.closes_within(1)
    check(closes, f"the connection is still open after 1 s, GOAWAY {connection.goaway}")
    check(connection.goaway is not None, "closed without GOAWAY")
    with connect(run) as other:
        lives(other, run)


@http2_case("F01", "1,000 streams, HEADERS and RST_STREAM each", "GOAWAY and closed within 1 s")
def _(run):
    with connect(run) as connection:
        block = field_block(request_head(run))
        both = [
            frame(HEADERS, END_HEADERS, number, block) + frame(RST_STREAM, 0, number, CANCEL.to_bytes(4, "big"))
            for number in range(1, 2001, 2)
        ]
        _is_ended(run, connection, [b"".join(both[at : at + 20]) for at in range(0, 1000, 20)])


def _floods(run):
    """Frames that cost the gateway something and bring nothing."""
    block = field_block(request_head(run))
    opened = frame(HEADERS, END_HEADERS, 1, block)
    some = field_block([("a", "b")])
    return {
        "100 CONTINUATION": [frame(HEADERS, 0, 1, block), *[frame(CONTINUATION, 0, 1, some)] * 100],
        "100 empty CONTINUATION": [frame(HEADERS, 0, 1, block), *[frame(CONTINUATION, 0, 1)] * 100],
        "1,000 PING": [frame(PING, 0, 0, bytes(8)) * 20] * 50,
        "1,000 SETTINGS": [frame(SETTINGS, 0, 0) * 20] * 50,
        "10 empty DATA": [opened, *[frame(DATA, 0, 1)] * 10],
        "1,000 PRIORITY": [frame(2, 0, 1, bytes(4) + b"\1") * 20] * 50,
    }


@http2_case("F02", "floods of CONTINUATION, PING, SETTINGS, empty DATA, PRIORITY", "GOAWAY and closed within 1 s")
def _(run):
    for name, rounds in _floods(run).items():
        with run.variant(name), connect(run) as connection:
            _is_ended(run, connection, rounds)


@http2_case("F02 fields", "fields of 40 KiB in all, in one and in 40", "431, 400, a stream error or GOAWAY")
def _(run):
    for name, more in {
        "40": [(f"a{number}", "b" * 1000) for number in range(40)],
        "one": [("a", "b" * 40_000)],
    }.items():
        with run.variant(name), connect(run) as connection:
            stream = connection.open_raw(request_head(run, more=more), ends=False)
            connection.give(stream, b"hello")
            end = connection.end_of(stream)
            check(end in (400, 431, "reset", "closed"), f"the stream ends with {end}")


@http2_case("F04", "a 17th stream while 16 are open", "REFUSED_STREAM, GOAWAY or taken; the 16 are stored")
def _(run):
    contents = [os.urandom(10_000 + number) for number in range(16)]
    with connect(run) as connection:
        streams = [begin(connection, run, "PUT", "/files/x", length=len(content)) for content in contents]
        for stream, content in zip(streams, contents):
            connection.give(stream, content[:5000], ends=False)
        connection.forget_limit()
        late = begin(connection, run, "PUT", "/files/late", length=5)
        connection.pause(0.5)
        if late.reset is None and connection.goaway is None:
            connection.give(late, b"hello")
            must(connection.stream_answer(late), 201)
            contents.append(b"hello")
        check(not connection.is_over, "the connection is closed, with the 16")
        for stream, content in zip(streams, contents):
            connection.give(stream, content[5000:])
        for stream, content in zip(streams, contents):
            must(connection.stream_answer(stream), 201)
    all_stored(run, contents)


@http2_case("F04 early", "20 streams before SETTINGS are here", "16 are stored, the others REFUSED_STREAM")
def _(run):
    contents = [os.urandom(1000 + number) for number in range(20)]
    with connect(run) as connection:
        connection.forget_limit()
        streams = [begin(connection, run, "PUT", "/files/x", length=len(content)) for content in contents]
        for stream, content in zip(streams, contents):
            if not stream.is_over:
                connection.give(stream, content)
        ends = [connection.end_of(stream) for stream in streams]
        refused = [stream.reset for stream in streams if stream.answer is None]
        check(set(refused) <= {REFUSED_STREAM}, f"the streams end with {ends}, codes {refused}")
        check(ends.count(201) >= 16, f"the streams end with {ends}")
        all_stored(run, [content for content, end in zip(contents, ends) if end == 201])
        lives(connection, run)


@http2_case("F05", "a stream to a backend that does not read, beside others", "they go on; memory stays within 16 MiB")
def _(run):
    # More than the window, the gateway's buffers and the kernel's have room for.
    large = bytes(48 * MIB)
    run.gateway.backend.may_read.clear()
    try:
        with connect(run) as connection:
            # What the first upload of this size costs is there before.
            lives(connection, run, os.urandom(2 * MIB))
            before = run.gateway.memory()
            slow = put(connection, run, large, "/pipe/x")
            connection.pause(1)
            check(slow.waiting, f"all of the slow stream was taken: {slow.answer}, reset {slow.reset}")
            for _ in range(3):
                began = time.monotonic()
                lives(connection, run, os.urandom(2 * MIB))
                check(time.monotonic() - began < 2, "another stream took 2 s")
            grown = run.gateway.memory() - before
            check(grown < 16 * MIB, f"memory grew by {grown} bytes")
            check(slow.waiting and not slow.is_over, f"the slow stream: {slow.answer}, reset {slow.reset}")
            run.gateway.backend.may_read.set()
            must(connection.stream_answer(slow, 20), (200, 201), None, f"{len(large)} bytes")
    finally:
        run.gateway.backend.may_read.set()


@http2_case("F06", "PUT and PATCH with less or more DATA than Content-Length", "a stream error or 400; as for a cut")
def _(run):
    for length, content in ((10, b"01234"), (5, b"0123456789"), (5, b""), (0, b"hello")):
        with run.variant(f"PUT {length}, {len(content)} sent"), connect(run) as connection:
            stream = begin(connection, run, "PUT", "/files/x", length=length)
            connection.give(stream, content)
            end = connection.end_of(stream)
            check(end in ("reset", 400), f"the stream ends with {end}, GOAWAY {connection.goaway}")
            run.nothing_stored()
            lives(connection, run)
        with run.variant(f"PATCH {length}, {len(content)} sent"), connect(run) as connection:
            upload = run.create(10)
            stream = begin_patch(connection, run, upload, 0, length)
            connection.give(stream, content)
            end = connection.end_of(stream)
            check(end in ("reset", 400), f"the stream ends with {end}, GOAWAY {connection.goaway}")
            offset = int(run.head(upload, fields={"Upload-Offset": ANY})["Upload-Offset"])
            check(offset <= min(length, len(content)), f"the offset is {offset}")
            must(run.patch(upload, offset, b"0123456789"[offset:]), 204, {"Upload-Offset": 10})
            run.stored(b"0123456789")
            lives(connection, run)


def _bad_heads(run):
    good = request_head(run)
    method, scheme, authority, path = good
    return {
        "connection": [*good, ("connection", "close")],
        "keep-alive": [*good, ("keep-alive", "timeout=5")],
        "proxy-connection": [*good, ("proxy-connection", "close")],
        "transfer-encoding": [*good, ("transfer-encoding", "chunked")],
        "upgrade": [*good, ("upgrade", "h2c")],
        "te: gzip": [*good, ("te", "gzip")],
        "upper case": [*good, ("X-Upper", "a")],
        "no :path": [method, scheme, authority],
        "empty :path": [method, scheme, authority, (":path", "")],
        "no :method": [scheme, authority, path],
        "no :scheme": [method, authority, path],
        "two :method": [method, *good],
        "two :path": [*good, path],
        "unknown pseudo": [*good, (":what", "a")],
        ":status": [*good, (":status", "200")],
        "pseudo behind others": [method, scheme, authority, ("a", "b"), path],
        "two content-length": [*good, ("content-length", "5"), ("content-length", "6")],
        "content-length +5": [*good, ("content-length", "+5")],
        "NUL in a value": [*good, ("a", "b\0c")],
        "CR LF in a value": [*good, ("a", "b\r\nx: y")],
        "space in a name": [*good, ("a b", "c")],
    }


@http2_case("F07", "heads that HTTP/2 forbids", "a stream error or 400, nothing stored; the connection lives")
def _(run):
    for name, head in _bad_heads(run).items():
        with run.variant(name), connect(run) as connection:
            stream = connection.open_raw(head)
            connection.give(stream, b"hello")
            end = connection.end_of(stream)
            run.nothing_stored()
            check(end in ("reset", 400), f"sent {head}\n    the stream ends with {end}, GOAWAY {connection.goaway}")
            check(end == 400 or stream.reset == PROTOCOL_ERROR, f"reset with {stream.reset}")
            lives(connection, run)


@http2_case("F07 target", "targets that are no paths; TRACE; no :authority", "4xx, 501 or a stream error")
def _(run):
    heads = {
        "no slash": request_head(run, target="files/x"),
        "absolute": request_head(run, target="https://localhost/files/x"),
        "space": request_head(run, target="/files/a b"),
        "fragment": request_head(run, target="/files/x#a"),
        "5 KiB": request_head(run, target="/files/" + "x" * 5000),
        "TRACE": request_head(run, "TRACE"),
        "no :authority, no host": [one for one in request_head(run) if one[0] != ":authority"],
        ":authority a b": [(name, "a b" if name == ":authority" else value) for name, value in request_head(run)],
    }
    for name, head in heads.items():
        with run.variant(name), connect(run) as connection:
            stream = connection.open_raw(head)
            connection.give(stream, b"hello")
            end = connection.end_of(stream)
            fine = end in ("reset", 501) or (isinstance(end, int) and 400 <= end < 500)
            check(fine, f"sent {head}\n    the stream ends with {end}, GOAWAY {connection.goaway}")
            run.nothing_stored()
            lives(connection, run)


@http2_case("F07 CONNECT", "CONNECT of RFC 9113 and RFC 8441, with a body and without", "4xx, 501 or a stream error")
def _(run):
    method, authority = (":method", "CONNECT"), (":authority", run.host)
    heads = {
        "plain": [method, authority],
        "extended": [method, (":protocol", "websocket"), (":scheme", "https"), (":path", "/files/x"), authority],
        "with a path": [method, (":scheme", "https"), (":path", "/files/x"), authority],
    }
    for name, head in heads.items():
        for ends in (False, True):
            with run.variant(f"{name}, {'ended' if ends else 'with a body'}"), connect(run) as connection:
                stream = connection.open_raw(head, ends)
                if not ends:
                    connection.give(stream, b"hello")
                end = connection.end_of(stream)
                fine = end in ("reset", 501) or (isinstance(end, int) and 400 <= end < 500)
                check(fine, f"the stream ends with {end}, GOAWAY {connection.goaway}")
                lives(connection, run)
            if not run.gateway.is_alive():
                return


@http2_case("F07 host", "a Host that is not :authority", "malformed, or :authority counts")
def _(run):
    with run.variant("another"), connect(run) as connection:
        stream = connection.open_raw(request_head(run, more=[("host", "other.example"), ("content-length", "5")]))
        connection.give(stream, b"hello")
        if connection.end_of(stream) not in ("reset", 400):
            must(stream.answer, 201, {"Location": re.compile(f"^{re.escape(run.gateway.origin)}/files/")})
            run.stored(b"hello")
    with run.variant("host alone"), connect(run) as connection:
        head = [one for one in request_head(run, more=[("host", run.host)]) if one[0] != ":authority"]
        stream = connection.open_raw(head)
        connection.give(stream, b"hello")
        end = connection.end_of(stream)
        check(end in (201, 400, "reset"), f"sent {head}\n    the stream ends with {end}")
        if end == 201:
            run.stored(b"hello")
        lives(connection, run)


@http2_case("F08", "frames on the wrong stream, of the wrong size, a bad HPACK index", "GOAWAY and closed")
def _(run):
    block = field_block(request_head(run))
    for name, data in {
        "DATA on stream 0": frame(DATA, END_STREAM, 0, b"hello"),
        "HEADERS on stream 2": frame(HEADERS, END_HEADERS, 2, block),
        "SETTINGS of 5 bytes": frame(SETTINGS, 0, 0, b"12345"),
        "PING of 7 bytes": frame(PING, 0, 0, b"1234567"),
        "DATA of 16,385 bytes": frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, 0, 1, bytes(16_385)),
        "HPACK index 200": frame(HEADERS, END_HEADERS, 1, b"\xff\x49"),
        "PUSH_PROMISE": frame(HEADERS, END_HEADERS, 1, block) + frame(5, 4, 1, b"\0\0\0\2" + block),
        "DATA beyond the window": frame(HEADERS, END_HEADERS, 1, block)
        + frame(8, 0, 0, (0x7FFFFFFF).to_bytes(4, "big")) * 2,
    }.items():
        with run.variant(name), connect(run) as connection:
            _is_ended(run, connection, [data])
