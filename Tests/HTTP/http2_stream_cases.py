"""F11 to F24, F30: streams at once, resets, rests, ends, and the gateway that goes away."""

import os
import threading
import time

from client import Broken
from gateway import HEAD_TIMEOUT, MIB, SILENCE
from http2_client import CANCEL, DATA, END_HEADERS, HEADERS, SETTINGS, field_block, frame
from http2_rows import (
    RunHTTP2,
    all_stored,
    begin,
    begin_patch,
    connect,
    http2_case,
    lives,
    put,
    request_head,
)
from resumable_cases import Draft, final
from rows import ANY, OCTETS, Failure, check, must, nothing_left, path
from settings_cases import gateway
from tus_checksum_cases import sha1


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
    nothing_left(run, "/quota")


@http2_case("F12", "a connection at rest for longer than `timeouts.head`", "it is used again")
def _(run):
    with connect(run) as connection:
        lives(connection, run)
        connection.pause(HEAD_TIMEOUT + 1)
        check(not connection.is_over and connection.goaway is None, f"closed, GOAWAY {connection.goaway}")
        connection.ping()
        connection.wait(lambda: connection.pongs)
        lives(connection, run)


@http2_case("F12 idle", "`idle: 2s`: connections at rest, unused or used; one with a stream", "GOAWAY, closed")
def _(run):
    block = field_block(request_head(run))
    rests = {
        "no stream": lambda one, other: None,
        "after a stream": lambda one, other: must(one.stream_answer(put(one, other, b"hello")), 201),
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
    nothing_left(run, "/quota")


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
            nothing_left(run, "/quota")
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
    all_stored(run, contents)


@http2_case("F16 often", "16 connections with 16 streams each, at once", "all are stored right")
def _(run):
    contents, wrong = {}, []

    def send(turn):
        try:
            mine = [os.urandom(20_000 + 997 * number) for number in range(16)]
            contents[turn] = mine
            with connect(run) as connection:
                streams = [put(connection, run, content) for content in mine]
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
    all_stored(run, [one for mine in contents.values() for one in mine])


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
                lives(connection, run)


@http2_case("F19", "connections that are cut by TCP at odd places of a PUT", "the gateway lives, nothing is stored")
def _(run):
    for at in range(1, 60):
        with connect(run) as connection:
            stream = begin(connection, run, "PUT", "/brief/x", length=1000)
            connection.send(frame(DATA, 0, stream.identifier, bytes(200))[: at * 4])
            connection.cut()
    time.sleep(0.3)
    with connect(run) as connection:
        lives(connection, run)


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




@http2_case("F18 sends on", "an answer before the body's end, after which the client sends on", "the connection lives")
def _(run):
    with connect(run) as connection:
        for fields, status in (({"Content-Encoding": "gzip"}, 415), ({"Upload-Complete": "?2"}, 400)):
            with run.variant(str(status)):
                stream = begin(connection, run, "PUT", "/files/x", fields, 60_000)
                connection.give(stream, b"hello", ends=False)
                must(connection.stream_answer(stream), status)
                for _ in range(15):
                    connection.send(frame(DATA, 0, stream.identifier, bytes(1000)))
                    connection.pause(0.1)
                lives(connection, run)


@http2_case("F20", "PUT in padded DATA, in DATA of one byte, and with trailers", "201, the file is right")
def _(run):
    content = os.urandom(600)
    padded = b"".join(_padded(content[at : at + 20], at % 250) for at in range(0, 600, 20))
    single = b"".join(frame(DATA, 0, 0, content[at : at + 1]) for at in range(600))
    for name, sent in (("padded", padded), ("one byte", single)):
        with run.variant(name), connect(run) as connection:
            stream = begin(connection, run, "PUT", "/files/x", length=600)
            connection.send(_on(sent, stream.identifier.to_bytes(4, "big")))
            connection.send(frame(DATA, 1, stream.identifier))
            must(connection.stream_answer(stream), 201)
            run.stored(content)
    over = RunHTTP2(run)
    must(over.ask("PUT", "/files/x", {}, None, chunks=[content], trailers=[("A", "b")]), 201)
    over.close()
    run.stored(content)


@http2_case("F21", "16 GETs of the page, whose client has no window for answers", "the streams end after `silence`")
def _(run):
    with connect(run) as connection:
        connection.send(frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0"))
        fields = {"Accept": "text/html"}
        streams = [connection.open("GET", "/files", fields, run.host, ends=True) for _ in range(16)]
        deadline = time.monotonic() + SILENCE + 4
        while (left := [one for one in streams if not one.is_over]) and time.monotonic() < deadline:
            connection.pause(0.2)
            if connection.is_over:
                break
        check(connection.is_over or not left, f"{len(left)} of 16 streams are open after {SILENCE + 4} s")


@http2_case("F22", "SIGTERM with connections at rest, of which one reads nothing", "ended within 4 s, with 0")
def _(run):
    with gateway(run) as other, connect(other) as reading, connect(other) as silent:
        lives(reading, other)
        lives(silent, other)
        began = time.monotonic()
        other.gateway.process.terminate()
        check(reading.closes_within(4) and reading.goaway == 0, f"GOAWAY {reading.goaway}, over {reading.is_over}")
        other.gateway.process.wait(8)
        took, code = time.monotonic() - began, other.gateway.process.returncode
        check(took < 4 and code == 0, f"ended after {took:.1f} s with {code}")
        other.gateway.start()


@http2_case("F23", "`hosts: [up.example]`; :authority up.example, other.example", "201; 421")
def _(run):
    with gateway(run, http="http: {hosts: [up.example]}") as other:
        over = RunHTTP2(other)
        must(over.ask("PUT", "/files/x", {}, b"hello", host="up.example"), 201)
        must(over.ask("PUT", "/files/x", {}, b"hello", host="other.example"), 421)
        must(over.ask("PUT", "/files/x", {"Host": "up.example"}, b"hello", host="other.example"), (400, 421))
        over.close()
        check(len(other.gateway.published()) == 1, "not one file")


@http2_case("F24", "RST_STREAM after 104, and in a chunk with a checksum", "it goes on; the chunk is taken back")
def _(run):
    content = os.urandom(MIB)
    with connect(run) as connection:
        draft = Draft(RunHTTP2(run), 10)
        stream = begin(connection, run, "POST", "/files", draft.fields(True), MIB)
        connection.wait(lambda: stream.interim)
        check(stream.interim[0].status == 104, f"got {stream.interim[0]}")
        _half(connection, stream, content)
        upload = path(stream.interim[0])
        offset = int(must(draft.head(upload), (200, 204), {"Upload-Offset": ANY})["Upload-Offset"])
        check(0 < offset <= 300_000, f"the offset is {offset}")
        final(draft.patch(upload, offset, True, content[offset:]), draft)
        draft.run.close()
        run.stored(content)
        upload = run.create(MIB)
        more = {"Tus-Resumable": "1.0.0", "Upload-Offset": 0, "Content-Type": OCTETS, "Upload-Checksum": sha1(content)}
        _half(connection, begin(connection, run, "PATCH", upload, more, MIB), content)
        run.head(upload, fields={"Upload-Offset": 0})
        must(run.tus("DELETE", upload), 204)


def _half(connection, stream, content):
    connection.give(stream, content[:300_000], ends=False)
    connection.all_sent(stream)
    connection.pause(0.3)
    connection.reset_stream(stream)


def _padded(data, count):
    return frame(DATA, 8, 0, bytes([count]) + data + bytes(count))


def _on(frames, identifier):
    """The same frames on a stream."""
    sent = b""
    while frames:
        end = 9 + int.from_bytes(frames[:3], "big")
        sent += frames[:5] + identifier + frames[9:end]
        frames = frames[end:]
    return sent


@http2_case("F30", "a stream that drips, beside one that is fast enough", "408 or reset after its time, that alone")
def _(run):
    with gateway(run, progress="100 B per 1s") as other, connect(other) as connection:
        slow = begin(connection, other, "PUT", "/files/x", length=1000)
        fast = begin(connection, other, "PUT", "/files/y", length=40_000)
        deadline = time.monotonic() + SILENCE + 4
        while not slow.is_over and time.monotonic() < deadline:
            connection.give(slow, b"x", ends=False)
            connection.give(fast, b"y" * 200, ends=False)
            connection.pause(0.2)
        check(slow.is_over, f"the slow stream is open after {SILENCE + 4} s")
        check(slow.answer is None or slow.answer.status == 408, f"got {slow.answer}")
        check(not fast.is_over, f"the fast one is over: {fast.answer}, reset {fast.reset}")
