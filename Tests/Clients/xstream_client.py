"""The exchanges of x-stream/1 (protocol.md, sections 4 and 5), from the client's side.

Everything that the server says is held against the protocol; what does not fit raises Violation.
"""

import base64
import hashlib
from dataclasses import asdict, dataclass, field

from xstream_packet import KEY, Violation, encode, number

MIB = 1024 * 1024
WIDEST_PROGRESS = 8 * MIB
FORMATS = ("bytes", "text", "json")


@dataclass
class Result:
    """What came of an exchange. `left` is a number, "*" or None where the server took none."""

    status: int
    key: str | None = None
    left: int | str | None = None
    offset: int | None = None
    digest: str | None = None
    progress: list = field(default_factory=list)
    reason: str | None = None
    retry_after: int | None = None
    formats: str | None = None
    payload: bytes | None = None

    def as_json(self):
        fields = asdict(self)
        if self.payload is not None:
            fields["payload"] = self.payload.decode("utf-8", "replace")
        return fields


def digest_of(data):
    """The value of x-stream-digest for bytes."""
    return digest_value(hashlib.sha256(data))


def digest_value(sha256):
    return f"sha-256=:{base64.b64encode(sha256.digest()).decode()}:"


def expect(condition, complaint):
    if not condition:
        raise Violation(complaint)


def result_of(packet):
    """Reads the headers that any answer with a status may have, and checks each on its own."""
    headers = packet.headers
    expect(packet.status is not None, f"an answer without status: {headers}")
    expect(packet.status <= 17, f"an unknown status {packet.status}")
    result = Result(packet.status, headers.get("x-stream-key"), payload=packet.payload)
    result.reason, result.digest = headers.get("reason"), headers.get("x-stream-digest")
    result.formats = headers.get("data-format")
    if result.key is not None:
        expect(KEY.fullmatch(result.key), f"a key of the wrong form: {result.key!r}")
    if "x-stream-offset" in headers:
        result.offset = number(headers["x-stream-offset"], "x-stream-offset")
    if "retry-after" in headers:
        result.retry_after = number(headers["retry-after"], "retry-after")
    stream = headers.get("x-stream")
    if stream is not None and stream != "-1":
        left, colon, buffer = stream.partition(":")
        expect(colon and buffer == "0", f"a final's x-stream is not LEFT:0 but {stream!r}")
        result.left = "*" if left == "*" else number(left, "LEFT")
    return result


def check_refusal(packet):
    """An answer by which the server takes nothing: `x-stream: -1`, status, reason, no key."""
    result = result_of(packet)
    expect(result.status != 0, f"a refusal with status 0: {packet.headers}")
    expect(result.reason, f"a refusal without a reason: {packet.headers}")
    expect(result.key is None, f"a refusal with a key: {packet.headers}")
    # A malformed packet is not an open one, and 14 to 16 may come when nobody has asked for anything.
    lone = result.status in (1, 14, 15, 16) and "x-stream" not in packet.headers
    expect(lone or packet.headers.get("x-stream") == "-1", f"a refusal without x-stream: -1: {packet.headers}")
    if result.status == 4:
        formats = (result.formats or "").split(", ")
        expect(all(name in FORMATS for name in formats), f"status 4 without a list of formats: {packet.headers}")
    return result


class Stream:
    """One stream on one connection: `open`, `send` as often as wanted, `final`."""

    def __init__(self, connection, route, total, buffer=65_536, data_format="bytes", key=None, ack=None,
                 digest=None, name=None, token=None, more=None):
        self.connection, self.route, self.total, self.key = connection, route, total, key
        self.format, self.ack, self.digest, self.resumes = data_format, ack, digest, key is not None
        self.start = self.position = 0
        self.end = total if isinstance(total, int) else None
        self.portion = buffer
        self.progress = []
        self.result = None
        self.headers = request_headers(route, f"{total}:{buffer}", data_format, key, token)
        optional = {"x-stream-ack": ack, "x-stream-digest": digest, "x-stream-name": name}
        self.headers |= {name: str(value) for name, value in optional.items() if value is not None} | (more or {})

    def open(self, send=True):
        """Asks for the offer. Returns whether there is one; if not, `result` says why."""
        if send:
            self.connection.send(encode(self.headers))
        packet = self.connection.receive()
        if "status" not in packet.headers:
            self._take_offer(packet)
            return True
        if self.resumes and packet.headers.get("x-stream") != "-1":
            self._take_final(packet)
        else:
            self.result = check_refusal(packet)
        return False

    def send(self, data):
        """Sends bytes in any split. Returns False when the server has ended the exchange meanwhile."""
        self.position += len(data)
        self.connection.send(data)
        self.connection.poll()
        while self.connection.packets and self.result is None:
            self._take(self.connection.packets.popleft())
        return self.result is None and not self.connection.write_broken

    def send_from(self, source, portion=None, until=None):
        """Sends a file's bytes from the offset on, up to the offer, `until`, or the file's end."""
        last = min((edge for edge in (self.end, until) if edge is not None), default=None)
        while self.result is None and (last is None or self.position < last):
            size = portion or self.portion
            data = source.read(size if last is None else min(size, last - self.position))
            if not data or not self.send(data):
                break

    def final(self, timeout=None):
        """Waits for the final packet."""
        while self.result is None:
            self._take(self.connection.receive(timeout))
        return self.result

    def wait_progress(self, at_least=1):
        """Waits until the server has said that so many bytes are safe. Returns the offset, or None after a final."""
        while self.result is None and (not self.progress or self.progress[-1] < at_least):
            self._take(self.connection.receive())
        return self.progress[-1] if self.progress else None

    def _take_offer(self, packet):
        headers = packet.headers
        key, stream = headers.get("x-stream-key"), headers.get("x-stream", "")
        expect(key and KEY.fullmatch(key), f"an offer without a proper key: {headers}")
        expect(self.key is None or key == self.key, f"the offer has another key than {self.key}: {headers}")
        expect(headers.get("data-format") == self.format, f"the offer does not repeat {self.format}: {headers}")
        expect(not packet.payload, "an offer with a payload")
        count, colon, buffer = stream.partition(":")
        expect(colon, f"an offer's x-stream is not N:BUFFER but {stream!r}")
        count, self.portion = number(count, "the offer's N"), number(buffer, "the offer's BUFFER")
        expect(self.portion > 0, "an offer with a BUFFER of 0")
        offset = number(headers.get("x-stream-offset", "0"), "x-stream-offset")
        expect(self.resumes or offset == 0, "a new stream begins at an offset")
        expect(self.end is None or offset <= self.end, f"the offset {offset} is past the total {self.total}")
        self.key, self.start, self.position = key, offset, offset
        if count:
            self.end = offset + count if self.end is None else min(self.end, offset + count)

    def _take(self, packet):
        if packet.is_progress:
            self._take_progress(packet)
        else:
            self._take_final(packet)

    def _take_progress(self, packet):
        headers = packet.headers
        expect(self.ack is not None, f"a progress packet that nobody asked for: {headers}")
        expect(set(headers) == {"x-stream-key", "x-stream-offset"} and not packet.payload,
               f"a progress packet has the key and the offset alone: {headers}")
        expect(headers["x-stream-key"] == self.key, f"a progress packet of another stream: {headers}")
        offset, before = number(headers["x-stream-offset"], "x-stream-offset"), (self.progress or [self.start])[-1]
        expect(offset > before, f"progress goes from {before} to {offset}")
        expect(offset <= self.position, f"{offset} bytes are safe, but only {self.position} were sent")
        self._check_spacing(before, offset)
        self.progress.append(offset)
        # One more than asked for: the server may count from the stream's start or from this offer's. Whoever asks for
        # fewer than the widest spacing allows is told as often as that.
        allowed = (offset - self.start) // min(self.ack, WIDEST_PROGRESS) + 1
        expect(len(self.progress) <= allowed, f"more progress packets than one for {self.ack} bytes")

    def _check_spacing(self, before, after):
        widest = max(self.ack, WIDEST_PROGRESS)
        expect(after - before <= widest, f"progress from {before} to {after} is wider than {widest}")

    def _take_final(self, packet):
        result = result_of(packet)
        result.progress = list(self.progress)
        self.result = result
        expect(result.left is not None, f"a final without LEFT:0: {packet.headers}")
        expect(result.key == self.key, f"the final has not the stream's key {self.key}: {packet.headers}")
        if result.left == "*":
            expect(self.total == "*", "LEFT is * in a stream of a known total")
            expect(result.status != 0, "status 0 with LEFT *")
        else:
            self._check_left(result)
        if result.status in (0, 9) and self.ack and self.position > self.start:
            self._check_spacing((self.progress or [self.start])[-1], self.position)
        if self.digest is not None and result.status in (0, 13):
            expect(result.digest is not None, "the final of a digested stream has no digest")
            expect((result.digest == self.digest) == (result.status == 0),
                   f"status {result.status}, asked {self.digest}, computed {result.digest}")

    def _check_left(self, result):
        # TOTAL 0 with a wrong digest: LEFT is TOTAL, so it is 0 and the status is not.
        empty_mismatch = result.status == 13 and self.total == 0
        expect((result.status == 0) == (result.left == 0) or empty_mismatch,
               f"status {result.status} with LEFT {result.left}")
        if self.total == "*":
            expect(result.left == 0, "LEFT is a number, not *, in an unfinished stream of unknown total")
            return
        expect(result.left <= self.total, f"LEFT {result.left} is more than the total {self.total}")
        if result.status == 13:
            expect(result.left == self.total, f"the digest is wrong, but LEFT is {result.left} of {self.total}")
        elif not (self.resumes and result.status == 0):
            arrived = self.total - result.left
            expect(arrived <= self.position, f"{arrived} bytes arrived, but {self.position} were sent")
            expect(result.status != 9 or arrived == self.end, f"partial at {arrived}, offered up to {self.end}")
            expect(not self.progress or arrived >= self.progress[-1], "less arrived than was said to be safe")


def request_headers(route, stream, data_format="bytes", key=None, token=None):
    """The headers of an open packet, or of a payload packet where `stream` is None."""
    headers = {"route": route, "data-format": data_format, "x-stream": stream, "x-stream-key": key,
               "authorization": f"Bearer {token}" if token else None}
    return {name: value for name, value in headers.items() if value is not None}


def ask(connection, route, key, total, token=None, data_format="bytes"):
    """Asks how far a stream is. Nothing changes by it."""
    connection.send(encode(request_headers(route, f"{total}:0", data_format, key, token)))
    packet = connection.receive()
    if packet.headers.get("x-stream") == "-1":
        return check_refusal(packet)
    result = result_of(packet)
    expect(result.key in (None, key), f"the answer speaks of another key: {packet.headers}")
    if result.status == 17:
        # Section 8: all of it has to be sent again, under another key.
        expect(total in ("*", result.left), f"status 17 with LEFT {result.left} of {total}")
        return result
    expect(result.status in (0, 9), f"an answer about a stream with status {result.status}: {packet.headers}")
    if result.status == 0:
        expect(result.left == 0, f"status 0 with LEFT {result.left}")
        return result
    expect(result.offset is not None, f"status 9 without x-stream-offset: {packet.headers}")
    if total == "*":
        expect(result.left == "*", f"LEFT is {result.left}, not *")
    else:
        expect(isinstance(result.left, int) and result.left > 0, f"status 9 with LEFT {result.left}")
        expect(result.offset + result.left <= total, f"offset {result.offset} and LEFT {result.left} are past {total}")
    return result


def give_up(connection, route, key, token=None, data_format="bytes"):
    """Gives a stream up."""
    connection.send(encode(request_headers(route, "-1", data_format, key, token)))
    packet = connection.receive()
    expect(packet.headers.get("x-stream") == "-1", f"the answer to a give-up is not x-stream: -1: {packet.headers}")
    return result_of(packet) if packet.status == 0 else check_refusal(packet)


def check_payload_answer(packet, size):
    """The final to a payload packet of `size` bytes, or a refusal."""
    result = result_of(packet)
    if result.status == 0:
        expect(result.key is not None, f"a payload was taken, but there is no key: {packet.headers}")
        expect(result.left == 0, f"status 0 with x-stream {packet.headers.get('x-stream')}")
    else:
        expect(result.left != 0 or size == 0, f"status {result.status} with LEFT 0")
        expect(result.reason or result.left is not None, f"a refusal without a reason: {packet.headers}")
    return result


def send_payload(connection, route, data, token=None, data_format="bytes", digest=None, name=None):
    """A small upload in one go."""
    headers = request_headers(route, None, data_format, None, token)
    if digest:
        headers["x-stream-digest"] = digest
    if name:
        headers["x-stream-name"] = name
    connection.send(encode(headers, data))
    return check_payload_answer(connection.receive(), len(data))
