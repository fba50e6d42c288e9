"""The packet of x-stream/1 (protocol.md, section 2): how it is written, and how a server's is read.

The reader is as strict as the grammar lets it be: it also holds the server to what a *sender* must
do (LF alone, four spaces of indent, names in lower case).
"""

import re
import unicodedata
from dataclasses import dataclass

HEAD_LIMIT = 16_384
HEADER_LIMIT = 64
NUMBER_LIMIT = 2**63 - 1

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_HEADER = re.compile(r" {4}([a-z0-9-]{1,64}): +(.+)", re.DOTALL)
_PAYLOAD = re.compile(r"payload: +(-|[0-9]+)", re.ASCII)
KEY = re.compile(r"[A-Za-z0-9_-]{16,128}")


class Violation(Exception):
    """The server did something that the protocol does not allow."""


@dataclass
class Packet:
    """One packet. `payload` is None where the packet says `-`."""

    headers: dict
    payload: bytes | None = None

    @property
    def status(self):
        """The status as a number, or None."""
        text = self.headers.get("status")
        return None if text is None else number(text, "status")

    @property
    def is_progress(self):
        """Whether the packet is of the kind that a client gets while it sends."""
        return "status" not in self.headers and "x-stream" not in self.headers


def number(text, what):
    """A plain decimal number, without sign, spaces or leading zeros, at most 2^63-1."""
    if not _NUMBER.fullmatch(text) or int(text) > NUMBER_LIMIT:
        raise Violation(f"{what} is not a plain number: {text!r}")
    return int(text)


def head(headers, size="-", eol="\n", indent="    "):
    """The bytes of a packet's head. `headers` is a dictionary, or a list of pairs to say a name twice."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines = ["headers:"] + [f"{indent}{name}: {value}" for name, value in pairs] + [f"payload: {size}", ""]
    return eol.join(lines).encode()


def encode(headers, payload=None):
    """The bytes of a whole packet."""
    return head(headers, "-" if payload is None else len(payload)) + (payload or b"")


class PacketReader:
    """Takes bytes in any split and gives whole packets. Raises Violation as soon as they cannot be one."""

    def __init__(self):
        self._buffer = bytearray()

    def __bool__(self):
        """Whether a packet has begun and is not whole yet."""
        return bool(self._buffer)

    def feed(self, data):
        self._buffer += data

    def next(self):
        """The next whole packet, or None."""
        headers, start = None, 0
        while (end := self._buffer.find(b"\n", start, HEAD_LIMIT)) >= 0:
            line = self._text(bytes(self._buffer[start:end]))
            start = end + 1
            if headers is None:
                if line != "headers:":
                    raise Violation(f"a packet begins with {line[:80]!r}")
                headers = {}
            elif line.startswith("payload:"):
                return self._complete(headers, line, start)
            else:
                self._header(headers, line)
        if len(self._buffer) >= HEAD_LIMIT:
            raise Violation("the server's head is longer than 16384 bytes")
        return None

    @staticmethod
    def _text(line):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Violation(f"the server's head is not UTF-8: {line[:80]!r}") from error
        if any(unicodedata.category(character) == "Cc" for character in text):
            raise Violation(f"a control character in the server's head: {text[:80]!r}")
        return text

    @staticmethod
    def _header(headers, line):
        match = _HEADER.fullmatch(line)
        if not match or not match[2].strip(" "):
            raise Violation(f"not a header line: {line[:80]!r}")
        if match[1] in headers:
            raise Violation(f"the server says {match[1]} twice")
        headers[match[1]] = match[2].strip(" ")
        if len(headers) > HEADER_LIMIT:
            raise Violation("the server's head has more than 64 headers")

    def _complete(self, headers, line, start):
        if not headers:
            raise Violation("a packet without headers")
        match = _PAYLOAD.fullmatch(line)
        if not match:
            raise Violation(f"not a payload line: {line[:80]!r}")
        if match[1] == "-":
            del self._buffer[:start]
            return Packet(headers)
        end = start + number(match[1], "the payload's size")
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[start:end])
        del self._buffer[:end]
        return Packet(headers, payload)
