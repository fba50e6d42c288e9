"""The figures of a result of `sluice load` beside those of the packets."""

import math
from bisect import bisect_right
from typing import NamedTuple

MIB = 1 << 20
# What has to agree: one percent.
SHARE = 0.01


class Rule(NamedTuple):
    """What may be asked of a scenario's figures beyond the counts."""

    is_far: bool = False
    # A packet's time is the kernel's. The generator's begins with the call before it, and ends when its one thread has had
    # its turn and has decrypted what came. Times of a millisecond or two may be apart by so much; in seconds.
    turn: float = 0.0
    # Without a bandwidth the generator hands on what then waits for the socket, some MiB for each connection: its seconds
    # and the moment of its last byte are not those of the packets, and only told.
    is_paced: bool = True


RULES = {"far": Rule(is_far=True), "kept": Rule(turn=0.002), "full": Rule(is_paced=False)}


class Line(NamedTuple):
    name: str
    ours: float
    wire: float
    # How far they may be apart, in the figure's own unit; None where nothing is asked.
    slack: float | None
    form: str = "{:,.0f}"
    allowed: str = "1 %"

    @property
    def agrees(self):
        return self.slack is None or abs(self.ours - self.wire) <= self.slack

    @property
    def share(self):
        return (self.ours - self.wire) / self.wire if self.wire else (0.0 if self.ours == 0 else math.inf)

    @property
    def report(self):
        return {"figure": self.name, "generator": self.ours, "wire": self.wire, "difference": self.share,
                "agrees": self.agrees}

    def __str__(self):
        word = "" if self.agrees else "  NO"
        return (f"{self.name:34}{self.form.format(self.ours):>16}{self.form.format(self.wire):>16}"
                f"{self.share * 100:>+11.3f}%{self.allowed:>18}{word}")


def count(name, ours, wire, form="{:,.0f}"):
    return Line(name, ours, wire, SHARE * wire, form)


def time(name, ours, wire, rule):
    slack = max(SHARE * wire, rule.turn) * 1000 if rule.is_paced else None
    allowed = "told" if slack is None else f"1 % or {rule.turn * 1000:g} ms" if rule.turn else "1 %"
    return Line(name, ours * 1000, wire * 1000, slack, "{:.3f}", allowed)


def compare(result, capture, kernel, rule):
    """All lines; of a result as JSON, a capture, and what the kernel counted meanwhile."""
    totals, connections = result["totals"], capture.connections
    uploads = [upload for one in connections for upload in one.uploads()]
    content = sum(bytes.content for _, bytes in uploads)
    requests = sum(request.content for request, _ in uploads)
    opened = kernel["opens"] - capture.other_opens - capture.bare
    # What ends a connection comes after the run.
    begin, end = min(one.opened for one in connections), max(bytes.answered or 0 for _, bytes in uploads)
    lines = [
        count("connections: SYNs", totals["connections"], len(connections)),
        count("connections: the kernel's count", totals["connections"], opened),
        count("uploads complete", totals["completed"], sum(1 for _, bytes in uploads if bytes.answered)),
        count("bytes sent: content of records", totals["sentBytes"], content),
        count("bytes sent: TCP's, less overhead", totals["sentBytes"], payload_without_overhead(connections, requests)),
        count("MiB a second, whole run", totals["sentBytes"] / result["seconds"] / MIB, content / (end - begin) / MIB, "{:.3f}"),
        # Not the generator's: whether the capture can be believed.
        count("(capture) IP bytes: kernel, packets", kernel["octets"], capture.octets),
    ]
    return lines + over_time(result, connections, rule) + times(result, connections, rule)


def payload_without_overhead(connections, requests):
    """What is left of the bytes that TCP carried to the gateway, by the count of records alone."""
    left = -requests
    for one in connections:
        records = sum(turn.records for turn in one.turns)
        left += one.client.bytes - 22 * records - one.aside
    return left


def over_time(result, connections, rule):
    """What was sent up to the end of each second, and in each; a portion may be handed on in one and leave in the next."""
    sent = sorted(portion for one in connections for portion in one.content)
    moments, sums, sum_ = [moment for moment, _ in sent], [0], 0
    for _, size in sent:
        sum_ += size
        sums.append(sum_)
    ours, furthest, each = 0, (0, 0, 0), []
    for entry in result["timeline"]:
        last = ours
        ours += entry["sentBytes"]
        border = result["startedAt"] / 1000 + entry["second"] + 1
        wire = sums[bisect_right(moments, border)]
        before = sums[bisect_right(moments, border - 1)]
        furthest = max(furthest, (abs(ours - wire), ours, wire))
        each.append(abs((ours - last) - (wire - before)))
    slack, allowed = (SHARE * sum_, "1 % of all") if rule.is_paced else (None, "told")
    return [
        Line("bytes up to a second, the worst", furthest[1], furthest[2], slack, allowed=allowed),
        Line("all bytes, and each second's error", sum_ + sum(each), sum_, slack, allowed=allowed),
    ]


def times(result, connections, rule):
    measured = {name: [] for name in ("connect", "offer", "final", "upload")}
    for one in connections:
        measured["connect"].append(one.finished - one.opened)
        for index, (request, content) in enumerate(one.uploads()):
            measured["offer"].append(request.answered - request.begun)
            measured["final"].append(content.answered - content.sent)
            # The first of a connection begins with connecting.
            measured["upload"].append(content.answered - (request.begun if index else one.opened))
    lines = []
    for name, values in measured.items():
        values.sort()
        ours = result["latency"][name]
        lines.append(count(f"{name}: how many times", ours["count"], len(values)))
        for percent in (50, 90, 99):
            wire = values[max(0, math.ceil(percent / 100 * len(values)) - 1)]
            lines.append(time(f"{name}, p{percent} (ms)", ours[f"p{percent}"], wire, rule))
    return lines
