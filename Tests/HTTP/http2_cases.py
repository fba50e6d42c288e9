"""F: HTTP/2 itself; clients that break its rules, flood, reset, and leave."""

import os
import threading
import time

from client import Broken
from gateway import HEAD_TIMEOUT, MIB, SILENCE
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
from http2_rows import RunHTTP2, begin, begin_patch, connect, http2_case
from resumable_cases import Draft, final
from rows import ANY, Failure, check, must
from settings_cases import gateway


def _head(run, method="PUT", target="/files/x", more=()):
    base = [(":method", method), (":scheme", "https"), (":authority", run.host), (":path", target)]
    return [*base, *more]


def _put(connection, run, content, target="/files/x"):
    """A whole PUT on a stream of its own."""
    stream = begin(connection, run, "PUT", target, length=len(content))
    connection.give(stream, content)
    return stream


def _lives(connection, run, content=None):
    """Another stream of the connection is served."""
    content = content or os.urandom(1000)
    must(connection.stream_answer(_put(connection, run, content)), 201)
    run.stored(content)


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
        _lives(other, run)


@http2_case("F01", "1,000 streams, HEADERS and RST_STREAM each", "GOAWAY and closed within 1 s")
def _(run):
    with connect(run) as connection:
        block = field_block(_head(run))
        both = [
            frame(HEADERS, END_HEADERS, number, block) + frame(RST_STREAM, 0, number, CANCEL.to_bytes(4, "big"))
            for number in range(1, 2001, 2)
        ]
        _is_ended(run, connection, [b"".join(both[at : at + 20]) for at in range(0, 1000, 20)])


def _floods(run):
    """Frames that cost the gateway something and bring nothing."""
    block = field_block(_head(run))
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
            stream = connection.open_raw(_head(run, more=more), ends=False)
            connection.give(stream, b"hello")
            end = connection.end_of(stream)
            check(end in (400, 431, "reset", "closed"), f"the stream ends with {end}")


@http2_case("F04", "a 17th stream while 16 are open", "REFUSED_STREAM or GOAWAY; the 16 are stored")
def _(run):
    contents = [os.urandom(10_000 + number) for number in range(16)]
    with connect(run) as connection:
        streams = [begin(connection, run, "PUT", "/files/x", length=len(content)) for content in contents]
        for stream, content in zip(streams, contents):
            connection.give(stream, content[:5000], ends=False)
        connection.forget_limit()
        late = begin(connection, run, "PUT", "/files/late", length=5)
        connection.pause(0.5)
        check(
            late.reset == REFUSED_STREAM or connection.goaway is not None,
            f"the 17th stream: reset with {late.reset}, answer {late.answer}, GOAWAY {connection.goaway}",
        )
        check(not connection.is_over, "the connection is closed, with the 16")
        for stream, content in zip(streams, contents):
            connection.give(stream, content[5000:])
        for stream, content in zip(streams, contents):
            must(connection.stream_answer(stream), 201)
    _all_stored(run, contents)


def _all_stored(run, contents):
    fresh = run.gateway.published() - run.before - run.named
    run.named |= fresh
    got = sorted(run.gateway.content(one) for one in fresh)
    check(got == sorted(contents), f"{len(got)} files, {len(set(got) & set(contents))} of {len(contents)} right")


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
        _lives(connection, run)
    _all_stored(run, [content for content, end in zip(contents, ends) if end == 201])


@http2_case("F05", "a stream to a backend that does not read, beside others", "they go on; memory stays within 16 MiB")
def _(run):
    # More than the window, the gateway's buffers and the kernel's have room for.
    large = bytes(48 * MIB)
    run.gateway.backend.may_read.clear()
    try:
        with connect(run) as connection:
            # What the first upload of this size costs is there before.
            _lives(connection, run, os.urandom(2 * MIB))
            before = run.gateway.memory()
            slow = _put(connection, run, large, "/pipe/x")
            connection.pause(1)
            check(slow.waiting, f"all of the slow stream was taken: {slow.answer}, reset {slow.reset}")
            for _ in range(3):
                began = time.monotonic()
                _lives(connection, run, os.urandom(2 * MIB))
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
            _lives(connection, run)
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
            _lives(connection, run)


def _bad_heads(run):
    good = _head(run)
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
            _lives(connection, run)


@http2_case("F07 target", "targets that are no paths; TRACE; no :authority", "4xx, 501 or a stream error")
def _(run):
    heads = {
        "no slash": _head(run, target="files/x"),
        "absolute": _head(run, target="https://localhost/files/x"),
        "space": _head(run, target="/files/a b"),
        "fragment": _head(run, target="/files/x#a"),
        "5 KiB": _head(run, target="/files/" + "x" * 5000),
        "TRACE": _head(run, "TRACE"),
        "no :authority, no host": [one for one in _head(run) if one[0] != ":authority"],
        ":authority a b": [(name, "a b" if name == ":authority" else value) for name, value in _head(run)],
    }
    for name, head in heads.items():
        with run.variant(name), connect(run) as connection:
            stream = connection.open_raw(head)
            connection.give(stream, b"hello")
            end = connection.end_of(stream)
            fine = end in ("reset", 501) or (isinstance(end, int) and 400 <= end < 500)
            check(fine, f"sent {head}\n    the stream ends with {end}, GOAWAY {connection.goaway}")
            run.nothing_stored()
            _lives(connection, run)


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
                _lives(connection, run)
            if not run.gateway.is_alive():
                return


@http2_case("F07 host", "a Host that is not :authority", "malformed, or :authority counts")
def _(run):
    with connect(run) as connection:
        stream = connection.open_raw(_head(run, more=[("host", "other.example"), ("content-length", "5")]))
        connection.give(stream, b"hello")
        if connection.end_of(stream) not in ("reset", 400):
            must(stream.answer, 201, {"Location": lambda got: got.startswith(f"{run.gateway.origin}/files/")})
            run.stored(b"hello")
    with run.variant("host alone"), connect(run) as connection:
        head = [one for one in _head(run, more=[("host", run.host)]) if one[0] != ":authority"]
        stream = connection.open_raw(head)
        connection.give(stream, b"hello")
        end = connection.end_of(stream)
        check(end in (201, 400, "reset"), f"sent {head}\n    the stream ends with {end}")
        if end == 201:
            run.stored(b"hello")
        _lives(connection, run)


@http2_case("F08", "frames on the wrong stream, of the wrong size, a bad HPACK index", "GOAWAY and closed")
def _(run):
    block = field_block(_head(run))
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


@http2_case("F11", "close_notify and FIN with streams open", "the connection is gone within 3 s; the offset is kept")
def _(run):
    content = os.urandom(MIB)
    upload = run.create(MIB)
    with connect(run) as connection:
        append = begin_patch(connection, run, upload, 0, MIB)
        connection.give(append, content[:300_000], ends=False)
        put = begin(connection, run, "PUT", "/quota/x", length=MIB)
        connection.give(put, content[:300_000], ends=False)
        connection.all_sent(append)
        connection.all_sent(put)
        connection.pause(0.2)
        connection.half_close()
        check(connection.closes_within(3), "the connection is still open after 3 s")
    offset = int(run.head(upload, fields={"Upload-Offset": lambda got: 0 < int(got) <= 300_000})["Upload-Offset"])
    must(run.patch(upload, offset, content[offset:]), 204, {"Upload-Offset": MIB})
    run.stored(content)
    _nothing_left(run, "/quota")


def _nothing_left(run, route, patience=3):
    deadline = time.monotonic() + patience
    while run.gateway.unfinished(route) and time.monotonic() < deadline:
        time.sleep(0.05)
    check(not run.gateway.unfinished(route), f"left: {run.gateway.unfinished(route)}")


@http2_case("F12", "a connection at rest for longer than `timeouts.head`", "it is used again")
def _(run):
    with connect(run) as connection:
        _lives(connection, run)
        connection.pause(HEAD_TIMEOUT + 1)
        check(not connection.is_over and connection.goaway is None, f"closed, GOAWAY {connection.goaway}")
        connection.ping()
        connection.wait(lambda: connection.pongs)
        _lives(connection, run)


@http2_case("F12 idle", "`idle: 2s`: connections at rest, never used or after a stream; one with a stream", "GOAWAY, closed")
def _(run):
    block = field_block(_head(run))
    rests = {
        "no stream": lambda one, other: None,
        "after a stream": lambda one, other: must(one.stream_answer(_put(one, other, b"hello")), 201),
        "after a reset": lambda one, other: one.reset_stream(begin(one, other, "PUT", "/files/x", length=5)),
        "half a frame": lambda one, other: one.send(frame(HEADERS, END_HEADERS, 1, block)[:20]),
        "half a head": lambda one, other: one.send(frame(HEADERS, 0, 1, block)),
    }
    with gateway(run, idle=2) as other:
        clients = {name: connect(other) for name in rests}
        busy = connect(other)
        stream = begin(busy, other, "PUT", "/files/x", length=1000)
        for name, rest in rests.items():
            rest(clients[name], other)
        for _ in range(30):
            busy.give(stream, b"hello", ends=False)
            for connection in (busy, *clients.values()):
                try:
                    connection.pause(0.02)
                except (OSError, Broken):
                    pass
            time.sleep(0.1)
        for name, connection in clients.items():
            with run.variant(name):
                check(connection.is_over, "still open after 6 s")
                check(connection.goaway is not None, "closed without GOAWAY")
        check(not stream.is_over, "a stream under way was ended by `idle: 2s`")
        for connection in (busy, *clients.values()):
            connection.socket.close()


@http2_case("F13", "SIGTERM with a tus PATCH and a PUT under way -> start", "GOAWAY; 503 or stopped; the PATCH goes on")
def _(run):
    content = os.urandom(MIB)
    upload = run.create(MIB)
    with connect(run) as connection:
        append = begin_patch(connection, run, upload, 0, MIB)
        put = begin(connection, run, "PUT", "/quota/x", length=MIB)
        for stream in (append, put):
            connection.give(stream, content[:300_000], ends=False)
            connection.all_sent(stream)
        connection.pause(0.3)
        run.gateway.process.terminate()
        ends = [connection.end_of(stream, 8) for stream in (append, put)]
        closes = connection.closes_within(5)
        run.gateway.process.wait(8)
    check(run.gateway.process.returncode == 0, f"the gateway ended with {run.gateway.process.returncode}")
    run.gateway.start()
    check(set(ends) <= {503, "reset", "closed"}, f"the streams end with {ends}")
    check(closes and connection.goaway is not None, f"GOAWAY {connection.goaway}, closed {closes}")
    offset = int(run.head(upload, fields={"Upload-Offset": lambda got: 0 < int(got) <= 300_000})["Upload-Offset"])
    must(run.patch(upload, offset, content[offset:]), 204)
    run.stored(content)
    _nothing_left(run, "/quota")


@http2_case("F14", "RST_STREAM in the middle of a tus PATCH, 5 times", "the offset is kept, it goes on, here too")
def _(run):
    content = os.urandom(MIB)
    upload, offset = run.create(MIB), 0
    with connect(run) as connection:
        for _ in range(5):
            stream = begin_patch(connection, run, upload, offset, MIB - offset)
            connection.give(stream, content[offset : offset + 100_000], ends=False)
            connection.all_sent(stream)
            connection.pause(0.2)
            connection.reset_stream(stream)
            told = int(run.head(upload)["Upload-Offset"])
            check(offset < told <= offset + 100_000, f"the offset is {told}, of {offset} and 100,000 bytes")
            offset = told
        stream = begin_patch(connection, run, upload, offset, MIB - offset)
        connection.give(stream, content[offset:])
        must(connection.stream_answer(stream), 204, {"Upload-Offset": MIB})
    run.stored(content)


@http2_case("F15", "RST_STREAM in the middle of a PUT to /quota, and at once", "nothing left, the quota is free")
def _(run):
    with connect(run) as connection:
        for sent in (300_000, 0, 1000):
            stream = begin(connection, run, "PUT", "/quota/x", length=MIB)
            connection.give(stream, bytes(sent), ends=False)
            connection.all_sent(stream)
            connection.pause(0.2 if sent else 0)
            connection.reset_stream(stream)
            _nothing_left(run, "/quota")
            must(run.tus("DELETE", run.create(MIB, "/quota")), 204)


@http2_case("F16", "16 streams at once, PUT and tus PATCH by turns, in odd pieces", "all are stored right")
def _(run):
    contents = [os.urandom(200_000 + 7919 * number) for number in range(16)]
    uploads = {number: run.create(len(contents[number])) for number in range(0, 16, 2)}
    with connect(run) as connection:
        streams = [
            begin_patch(connection, run, uploads[number], 0, len(content))
            if number in uploads
            else begin(connection, run, "PUT", "/files/x", length=len(content))
            for number, content in enumerate(contents)
        ]
        for at in range(0, 400_000, 6007):
            for stream, content in zip(streams, contents):
                if at < len(content):
                    connection.give(stream, content[at : at + 6007], ends=at + 6007 >= len(content))
            connection.pause(0.001)
        for number, stream in enumerate(streams):
            must(connection.stream_answer(stream), 204 if number in uploads else 201)
    _all_stored(run, contents)


@http2_case("F16 often", "16 connections with 16 streams each, at once", "all are stored right")
def _(run):
    contents, wrong = {}, []

    def send(turn):
        try:
            mine = [os.urandom(20_000 + 997 * number) for number in range(16)]
            contents[turn] = mine
            with connect(run) as connection:
                streams = [_put(connection, run, content) for content in mine]
                for stream in streams:
                    must(connection.stream_answer(stream, 30), 201)
        except (Failure, Broken, OSError) as failure:
            wrong.append(f"{type(failure).__name__}: {failure}")

    threads = [threading.Thread(target=send, args=(turn,)) for turn in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not wrong, "\n    ".join(wrong))
    _all_stored(run, [one for mine in contents.values() for one in mine])


@http2_case("F17", "a stream whose body stops, beside one that goes on", "408 or reset after `silence`, that alone")
def _(run):
    with connect(run) as connection:
        silent = begin(connection, run, "PUT", "/files/x", length=9)
        connection.give(silent, b"hel", ends=False)
        busy = begin(connection, run, "PUT", "/files/y", length=1000)
        for _ in range(SILENCE + 3):
            connection.give(busy, b"x" * 50, ends=False)
            connection.pause(1)
        check(silent.is_over, f"the silent stream is open after {SILENCE + 3} s")
        check(silent.answer is None or silent.answer.status == 408, f"got {silent.answer}")
        check(not busy.is_over, f"the busy one is over: {busy.answer}, reset {busy.reset}")
        connection.give(busy, b"x" * (1000 - 50 * (SILENCE + 3)))
        must(connection.stream_answer(busy), 201)
    run.stored(b"x" * 1000)


@http2_case("F18", "an answer before the body's end: 415 and 413", "it is seen; the stream is ended; the next works")
def _(run):
    with connect(run) as connection:
        for fields, length, status in (({"Content-Encoding": "gzip"}, 500_000, 415), ({}, 11 * MIB, 413)):
            with run.variant(str(status)):
                stream = begin(connection, run, "PUT", "/files/x", fields, length)
                connection.give(stream, bytes(100_000), ends=False)
                must(connection.stream_answer(stream), status)
                connection.wait(lambda one=stream: one.reset is not None, 3)
                check(stream.reset in (0, CANCEL), f"reset with {stream.reset}")
                _lives(connection, run)


@http2_case("F19", "connections that are cut by TCP at odd places of a PUT", "the gateway lives, nothing is stored")
def _(run):
    for at in range(1, 60):
        with connect(run) as connection:
            stream = begin(connection, run, "PUT", "/brief/x", length=1000)
            connection.send(frame(DATA, 0, stream.identifier, bytes(200))[: at * 4])
            connection.cut()
    time.sleep(0.3)
    with connect(run) as connection:
        _lives(connection, run)


@http2_case("T34 h2", "PATCH, cut after 300,000 bytes -> HEAD -> PATCH", "what arrived is kept, and goes on")
def _(run):
    content = os.urandom(MIB)
    over = RunHTTP2(run)
    upload = over.create(MIB)
    with connect(run) as connection:
        stream = begin_patch(connection, run, upload, 0, MIB)
        connection.give(stream, content[:300_000], ends=False)
        connection.all_sent(stream)
        connection.pause(0.3)
        connection.cut()
    offset = int(over.head(upload, fields={"Upload-Offset": lambda got: 1 <= int(got) <= 300_000})["Upload-Offset"])
    must(over.patch(upload, offset, content[offset:]), 204, {"Upload-Offset": MIB})
    over.close()
    run.stored(content)


@http2_case("R23 h2", "HEAD on another stream while a PATCH runs", "that stream is cut; the offset told is accepted")
def _(run):
    content = os.urandom(MIB)
    for version in (3, 6, 8, 10, None):
        with run.variant(f"V={version}"):
            over = RunHTTP2(run)
            draft = Draft(over, version)
            upload = draft.create()
            more = {"Upload-Offset": 0} | ({"Content-Type": "application/partial-upload"} if draft.rules >= 6 else {})
            connection = over._connection()
            older = begin(connection, run, "PATCH", upload, draft.fields(True, more), MIB)
            connection.give(older, content[:300_000], ends=False)
            connection.all_sent(older)
            connection.pause(0.3)
            offset = int(must(draft.head(upload), (200, 204), {"Upload-Offset": ANY})["Upload-Offset"])
            check(offset <= 300_000, f"the offset is {offset}")
            connection.wait(lambda one=older: one.is_over, 3)
            check(older.answer is None, f"the older one was answered: {older.answer}")
            check(over._connection() is connection, "the connection is gone with the older stream")
            final(draft.patch(upload, offset, True, content[offset:]), draft)
            over.close()
            run.stored(content)


