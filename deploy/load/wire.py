"""What a capture of loopback says of uploads over TLS 1.3, without any key: records have their lengths in the clear.

Of each connection to the gateway's port the two directions are put together by TCP's sequence numbers and cut into records.
A record of TLS 1.3 has 5 bytes of header, a tag of 16 and 1 for the content's type (RFC 8446, section 5.2); all the rest of it
is content, for neither libssl nor the gateway pads. Which record is what follows from the protocol's order: the client's
first encrypted one is its Finished; after it, in turn, a request, the server's offer, the bytes, the server's final.
"""

import struct

APPLICATION_DATA = 23
RECORD_OVERHEAD = 22
# An encrypted alert: level, description, type and tag.
ALERT = 2 + 17


class WireError(Exception):
    """Why a capture cannot be judged, for a person."""


class Direction:
    """One direction's bytes in their order, cut into records."""

    def __init__(self, first):
        self.next, self.waiting, self.head, self.left = first, {}, b"", 0
        self.bytes = 0
        self.begun = None

    def segment(self, sequence, data, time):
        """Takes a segment, and yields type, length and the times of first and last byte of each record that it completes."""
        self.waiting[sequence] = data
        while self.waiting:
            # In 32 bits, and a repeated segment may begin before what is due.
            due = min(self.waiting, key=lambda one: (one - self.next + (1 << 31)) % (1 << 32))
            behind = (self.next - due) % (1 << 32)
            if behind >= 1 << 31:
                return
            data = self.waiting.pop(due)[behind:]
            self.next = (self.next + len(data)) % (1 << 32)
            self.bytes += len(data)
            yield from self._cut(data, time)

    def _cut(self, data, time):
        place = 0
        while place < len(data):
            if self.left == 0:
                self.begun = self.begun or time
                wanted = 5 - len(self.head)
                self.head += bytes(data[place:place + wanted])
                place += wanted
                if len(self.head) < 5:
                    return
                self.left = struct.unpack(">H", self.head[3:])[0]
            step = min(self.left, len(data) - place)
            self.left -= step
            place += step
            if self.left == 0:
                yield self.head[0], struct.unpack(">H", self.head[3:])[0], self.begun, time
                self.head, self.begun = b"", None


class Turn:
    """What the client sent until the server spoke, and what the server said to it."""

    def __init__(self, begun):
        self.begun, self.sent, self.answered = begun, None, None
        self.content = self.records = 0


class Connection:
    def __init__(self, opened, first):
        self.opened, self.finished = opened, None
        self.client, self.server = Direction(first), None
        self.turns = []
        # Bytes of the client's records that belong to no upload: the handshake's, and close_notify.
        self.aside = 0
        # When how many bytes of content came.
        self.content = []

    @property
    def is_answered(self):
        return not self.turns or self.turns[-1].answered is not None

    def client_record(self, kind, length, begun, time):
        is_over = length == ALERT and len(self.turns) % 2 == 0 and self.is_answered
        if kind != APPLICATION_DATA or self.finished is None or is_over:
            self.aside += 5 + length
            if kind == APPLICATION_DATA:
                self.finished = self.finished or begun
            return
        if self.is_answered:
            self.turns.append(Turn(begun))
        turn = self.turns[-1]
        turn.sent, turn.content, turn.records = time, turn.content + length - 17, turn.records + 1
        if len(self.turns) % 2 == 0:
            self.content.append((time, length - 17))

    def server_record(self, kind, length, begun, time):
        # A ticket comes before the first offer, and either before the request or as a part of what answers it.
        if kind == APPLICATION_DATA and self.turns and not (length == ALERT and self.turns[-1].answered):
            self.turns[-1].answered = time

    def uploads(self):
        """The turns of each upload: its request and its bytes."""
        if len(self.turns) % 2:
            raise WireError("a request without its bytes")
        return list(zip(self.turns[::2], self.turns[1::2]))


class Capture:
    """The connections to a port, and sums over all packets."""

    def __init__(self, path, port):
        self.port, self.connections, self.open = port, [], {}
        self.packets = self.octets = self.other_opens = 0
        for time, packet in packets(path):
            self.packets += 1
            self._take(time, packet)
        # Before it begins, `sluice load` looks if its target takes connections, and sends nothing over that one.
        self.bare = sum(1 for one in self.connections if one.client.bytes == 0)
        self.connections = [one for one in self.connections if one.client.bytes > 0]
        if any(one.client.waiting or one.server is None or one.server.waiting for one in self.connections):
            raise WireError("the capture lacks packets")
        if any(one.finished is None for one in self.connections):
            raise WireError("a handshake that did not end")

    def _take(self, time, packet):
        head = (packet[0] & 15) * 4
        size = struct.unpack_from(">H", packet, 2)[0]
        self.octets += size
        if packet[9] != 6:
            return
        source, target, sequence = struct.unpack_from(">HHI", packet, head)
        flags = packet[head + 13]
        data = packet[head + (packet[head + 12] >> 4) * 4:size]
        if flags & 0x12 == 0x02:
            if target == self.port:
                self.open[source] = Connection(time, (sequence + 1) % (1 << 32))
                self.connections.append(self.open[source])
            else:
                self.other_opens += 1
        elif source == self.port and flags & 0x12 == 0x12 and target in self.open:
            self.open[target].server = Direction((sequence + 1) % (1 << 32))
        elif len(data) and target == self.port and source in self.open:
            one = self.open[source]
            for record in one.client.segment(sequence, data, time):
                one.client_record(*record)
        elif len(data) and source == self.port and target in self.open:
            one = self.open[target]
            for record in one.server.segment(sequence, data, time):
                one.server_record(*record)


def packets(path):
    """Time in seconds and bytes from the IPv4 header on of each packet in a file of tcpdump."""
    with open(path, "rb") as file:
        magic, *_, link = struct.unpack("<IHHiIII", file.read(24))
        if magic != 0xA1B23C4D or link != 1:
            raise WireError(f"{path} is no capture in nanoseconds of Ethernet frames")
        while len(head := file.read(16)) == 16:
            seconds, nanoseconds, kept, size = struct.unpack("<IIII", head)
            if kept < size:
                raise WireError("the capture has packets that were cut short")
            frame = file.read(kept)
            if len(frame) == kept and frame[12:14] == b"\x08\x00":
                yield seconds + nanoseconds / 1e9, memoryview(frame)[14:]
