"""A small HTTP/2 client over TLS: streams that go on at once, and frames as they are given, also wrong ones."""

import sys
import time

from client import PATIENCE, Answer, Broken, Connection

try:
    import h2.config
    import h2.connection
    import h2.events
    import h2.exceptions
    import h2.settings
    from hpack import Encoder

    MISSING = None
except ImportError as failure:
    MISSING = f"{sys.executable} has no h2 ({failure}); install Debian's python3-h2 and use /usr/bin/python3"

FRAME = 16_384
# Types and flags of frames, RFC 9113, section 6.
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, END_HEADERS = 1, 4
# Codes of errors, RFC 9113, section 7.
NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL = 0, 1, 7, 8


def frame(kind, flags, stream, payload=b""):
    """A frame's bytes."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def field_block(fields):
    """Fields as HPACK has them, whatever they say; the table of the connection stays as it is."""
    return Encoder().encode([(name, value, True) for name, value in fields], huffman=False)


class Stream:
    """What came on one stream."""

    def __init__(self, identifier, sent):
        self.identifier, self.sent = identifier, sent
        self.interim, self.answer, self.is_over, self.reset = [], None, False, None
        # What waits for the window, and whether the stream ends behind it.
        self.waiting, self.ends, self.trailers = b"", False, None


class HTTP2Connection(Connection):
    """A connection to the gateway, on one thread; what the gateway says is taken in while the client waits or sends."""

    def __init__(self, port, authority, patience=PATIENCE):
        if MISSING:
            raise Broken(MISSING)
        super().__init__(port, authority, ("h2",), patience)
        if self.protocol != "h2":
            raise Broken(f"the gateway chose {self.protocol}, not h2")
        config = h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False)
        config.normalize_outbound_headers = False
        self.h2, self.streams, self.goaway, self.pongs = h2.connection.H2Connection(config), {}, None, 0
        self.has_settings, self.arrived = False, b""
        self.h2.initiate_connection()
        # Answers are small: the windows for them never bind.
        self.h2.increment_flow_control_window(1 << 24)
        self._send()
        self.wait(lambda: self.has_settings, patience)

    # Requests

    def open(self, method, target, fields=(), authority="localhost", ends=False, scheme="https"):
        """A new stream with this head."""
        fields = list(fields.items() if isinstance(fields, dict) else fields)
        head = [(":method", method), (":scheme", scheme), (":authority", authority), (":path", target)]
        if authority is None:
            del head[2]
        return self.open_raw(head + [(name.lower(), str(value)) for name, value in fields], ends)

    def open_raw(self, head, ends=False):
        """A new stream with exactly these fields."""
        identifier = self.h2.get_next_available_stream_id()
        shown = "; ".join(f"{name}: {value}" for name, value in head).encode()
        stream = self.streams[identifier] = Stream(identifier, shown)
        try:
            self.h2.send_headers(identifier, head, end_stream=ends)
        except h2.exceptions.ProtocolError as failure:
            raise Broken(f"closed: {type(failure).__name__} {failure}") from None
        self._send()
        return stream

    def give(self, stream, data, ends=True, trailers=None):
        """Sends as much as the windows allow; the rest goes out while the client waits for whatever."""
        stream.waiting = memoryview(bytes(stream.waiting) + data if stream.waiting else data)
        stream.ends, stream.trailers = ends, trailers
        self._go_on(stream)

    def has_sent(self, stream):
        return stream.is_over or not stream.waiting

    def all_sent(self, stream, patience=PATIENCE):
        self.wait(lambda: self.has_sent(stream), patience)

    def forget_limit(self):
        """From now on the client opens more streams than the gateway allows."""
        self.h2.remote_settings.max_concurrent_streams = 1 << 20
        self.h2.remote_settings.acknowledge()

    def reset_stream(self, stream, code=CANCEL):
        stream.waiting, stream.is_over = b"", True
        self.h2.reset_stream(stream.identifier, code)
        self._send()

    def ping(self):
        self.h2.ping(b"12345678")
        self._send()

    # Answers

    def stream_answer(self, stream, patience=PATIENCE):
        """The final answer, whole; a stream that is reset after it has one too."""
        self.wait(lambda: stream.is_over, patience)
        if stream.answer is None:
            why = "the connection" if stream.reset is None else f"the stream is reset with {stream.reset}, which"
            raise Broken(f"{why} closed before an answer{self.last_words()}")
        return stream.answer

    def end_of(self, stream, patience=PATIENCE):
        """`reset`, `closed` or the status with which the stream ends."""
        self.wait(lambda: stream.is_over, patience)
        if stream.answer is not None:
            return stream.answer.status
        return "closed" if stream.reset is None else "reset"

    def last_words(self):
        return "" if self.goaway is None else f", GOAWAY {self.goaway}"

    def wait(self, condition, patience=PATIENCE):
        """Takes in what comes until the condition holds, or the connection is over."""
        deadline = time.monotonic() + patience
        while not condition():
            if self.is_over:
                for stream in self.streams.values():
                    stream.is_over = True
                return
            self._take_in(deadline)

    def pause(self, seconds):
        """Takes in what comes for so long."""
        try:
            self.wait(lambda: False, seconds)
        except Broken as failure:
            if not str(failure).startswith("silence"):
                raise

    def closes_within(self, seconds):
        self.pause(seconds)
        return self.is_over

    # Inside

    def _send(self):
        try:
            self.send(self.h2.data_to_send())
        except OSError:
            pass  # What the gateway said before it closed can still be read.

    def _go_on(self, stream):
        """Gives out what the windows allow."""
        while not stream.is_over and (stream.waiting or stream.ends):
            room = self.h2.local_flow_control_window(stream.identifier)
            part = bytes(stream.waiting[: min(room, FRAME)])
            if stream.waiting and not part:
                break
            stream.waiting = stream.waiting[len(part) :]
            is_last = stream.ends and not stream.waiting
            self.h2.send_data(stream.identifier, part, end_stream=is_last and stream.trailers is None)
            if is_last:
                stream.ends = False
                if stream.trailers is not None:
                    self.h2.send_headers(stream.identifier, stream.trailers, end_stream=True)
        self._send()

    def hear(self):
        super().hear()
        self._take_in_frames()

    def _take_in(self, deadline):
        self._fill(deadline)
        self._take_in_frames()

    def _take_in_frames(self):
        self.arrived, self.buffer = self.arrived + self.buffer, b""
        while len(self.arrived) >= 9 and len(self.arrived) >= (end := 9 + int.from_bytes(self.arrived[:3], "big")):
            one, self.arrived = self.arrived[:end], self.arrived[end:]
            # h2 takes a GOAWAY for the end of everything, while streams that are under way go on.
            if one[3] == GOAWAY:
                self.goaway = int.from_bytes(one[13:17], "big")
                continue
            try:
                events = self.h2.receive_data(one)
            except h2.exceptions.ProtocolError as failure:
                raise Broken(f"the gateway breaks the protocol: {type(failure).__name__} {failure}") from None
            for event in events:
                self._note(event)
        self._send()
        for stream in list(self.streams.values()):
            if stream.waiting:
                self._go_on(stream)

    def _note(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.has_settings = True
        elif isinstance(event, h2.events.PingAckReceived):
            self.pongs += 1
        elif stream is None:
            return
        elif isinstance(event, h2.events.InformationalResponseReceived):
            stream.interim.append(_head(event, stream))
        elif isinstance(event, h2.events.ResponseReceived):
            stream.answer = _head(event, stream)
            stream.answer.interim = stream.interim
        elif isinstance(event, h2.events.DataReceived):
            stream.answer.body += event.data
        elif isinstance(event, h2.events.StreamEnded):
            stream.is_over = True
        elif isinstance(event, h2.events.StreamReset):
            stream.is_over, stream.reset = True, int(event.error_code)


def _head(event, stream):
    fields = [(name, value) for name, value in event.headers if not name.startswith(":")]
    return Answer(int(dict(event.headers)[":status"]), fields, stream.sent)
