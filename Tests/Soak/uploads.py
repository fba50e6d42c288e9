"""One upload of the run: what is sent and how, and what the gateway has promised about it."""

import os
import time
from dataclasses import dataclass, field

from content import Content
from places import MIB, ROUTES, Route


# Seconds that an upload is drawn out to at most.
LONGEST = 15


@dataclass
class Promise:
    """What the gateway said about one key."""

    key: str
    safe: int = 0
    sent: int = 0  # the most that can have arrived
    contact: float = field(default_factory=time.monotonic)
    is_done: bool = False
    is_gone: bool = False  # given up, or refused for its digest


@dataclass
class Upload:
    """A plan, and what came of it."""

    label: str
    kind: str  # stream, payload, send (a file), pipe (standard input)
    route: Route
    content: Content
    total: int | str
    ack: int | None = None
    digest: str | None = None  # right, wrong
    buffer: int = 65_536
    pace: float | None = None  # bytes a second
    fate: str = "complete"  # give up, vanish
    breaks: int = 0
    promises: dict = field(default_factory=dict)
    outcome: str = "unfinished"
    is_broken: bool = False

    @property
    def size(self):
        return self.content.size

    def promise(self, key):
        return self.promises.setdefault(key, Promise(key))

    def __str__(self):
        words = [f"{self.label} {self.kind} {self.route.path} {self.size} of {self.total}", self.fate]
        words += [f"{name} {value}" for name in ("ack", "digest", "pace", "breaks") if (value := getattr(self, name))]
        return ", ".join(words)


class Planner:
    """Draws uploads. The same seed draws much the same ones, as far as time does not decide."""

    def __init__(self, random, pool, largest):
        self.random, self.pool, self.largest = random, pool, largest
        self.number = 0
        self.tight_used = 0
        self.allow(0, 1)

    def allow(self, budget, seconds):
        """From now on: so many bytes in all, evenly over so long. Small uploads are drawn when there are none left."""
        self.rate, self.spent, self.since = budget / seconds, 0, time.monotonic()

    def draw(self, calm=False):
        """The next upload. A `calm` one is completed."""
        random = self.random
        self.number += 1
        label = f"u{self.number:04d}"
        route = ROUTES[random.choices(list(ROUTES), (45, 22, 15, 18))[0]]
        kind = random.choices(("stream", "payload", "send", "pipe"), (58, 12, 22, 8))[0]
        if calm:
            route = ROUTES["plain"]
        size = self._size(route, kind)
        if calm:
            size = min(size, 8 * MIB)
        self.spent += size
        upload = Upload(label, kind, route, Content(self.pool, size, random.randrange(1 << 30)), size)
        if kind == "pipe" or (kind == "stream" and random.random() < 0.2):
            upload.total = "*"
        if random.random() < 0.6:
            upload.ack = random.choice((4096, 65_536, MIB, 3_000_000, 16 * MIB))
        if kind != "pipe" and random.random() < 0.4:
            upload.digest = "wrong" if kind != "send" and not calm and random.random() < 0.12 else "right"
        upload.buffer = random.choice((1, 4096, 65_536, MIB, 64 * MIB))
        if size > 256 * 1024 and random.random() < 0.7:
            upload.pace = max(random.uniform(1.5, 12) * MIB, size / LONGEST)
        if not calm:
            upload.fate = self._fate(route, kind)
        upload.breaks = random.choice((0, 0, 1, 2, 4)) if size > 4096 else random.choice((0, 0, 0, 1))
        self._keep_tight_open(upload)
        return upload

    def _size(self, route, kind):
        random = self.random
        if kind == "payload":
            return random.choice((0, 1, 4096, random.randrange(route.payload), route.payload, route.payload + 1))
        drawn = random.choices((0, 1, 4096, random.randrange(65_536), MIB, random.randrange(8 * MIB), 20 * MIB,
                                random.randrange(20 * MIB, 201 * MIB)), (5, 5, 11, 9, 18, 18, 22, 12))[0]
        if route is ROUTES["tight"]:
            drawn = random.choice((drawn, random.randrange(4 * MIB, 40 * MIB)))
        left = int(self.rate * (time.monotonic() - self.since + 5)) - self.spent
        size = min(drawn, self.largest, max(left, 65_536))
        # A few are larger than the route takes, and are refused for it.
        return size if random.random() < 0.1 else min(size, route.upload)

    def _fate(self, route, kind):
        if kind == "payload":
            return "complete"
        if kind in ("send", "pipe"):
            return self.random.choices(("complete", "vanish"), (85, 15))[0]
        weights = {"/tight": (35, 40, 25), "/brief": (45, 15, 40)}.get(route.path, (76, 12, 12))
        return self.random.choices(("complete", "give up", "vanish"), weights)[0]

    def _keep_tight_open(self, upload):
        """What is complete uses the quota for good: on the small one most uploads must not be completed."""
        if upload.route is not ROUTES["tight"] or (upload.kind == "stream" and upload.fate != "complete"):
            return
        if self.tight_used + upload.size <= upload.route.held * 0.6:
            self.tight_used += upload.size
        elif upload.kind == "stream":
            upload.fate = "give up"
        else:
            upload.route = ROUTES["brief"]


class Told:
    """What clients do with the gateway's words: hold each against what it said before."""

    def __init__(self, places, journal):
        self.places, self.journal = places, journal

    def offset(self, upload, key, offset, where):
        """The gateway says that so much is safe where it may not say less than before, nor more than was sent."""
        promise = upload.promise(key)
        if offset < promise.safe:
            self.journal.violate(f"{where}: offset {offset}, but {promise.safe} was acknowledged", upload, key)
        if offset > promise.sent:
            self.journal.violate(f"{where}: offset {offset}, but only {promise.sent} were sent", upload, key)
        promise.safe = max(promise.safe, offset)
        promise.contact = time.monotonic()
        self.journal.count("offsets held against the ones before")

    def done(self, upload, key):
        """The gateway says that all is safe: it is, from this moment on."""
        self.journal.happened("final")
        promise = upload.promise(key)
        if promise.is_gone:
            self.journal.violate("complete, although it was given up or refused", upload, key)
        promise.is_done, promise.safe = True, upload.size
        upload.outcome = "complete"
        self.journal.note(f"{upload.label} complete as {key}")
        self.verify(upload, key, all_of_it=upload.size <= 4 * MIB)

    def verify(self, upload, key, all_of_it):
        """The file is there, and is what was sent."""
        path = f"{self.places.store(upload.route)}/{key}"
        try:
            size = os.stat(path).st_size
            wrong = f"{size} bytes are there, not {upload.size}" if size != upload.size else None
            if all_of_it and not wrong:
                wrong = upload.content.difference(path)
        except FileNotFoundError:
            wrong = "the file is not there"
        if wrong:
            self.journal.violate(f"told that it is complete, but {wrong}", upload, key)
        return not wrong

    def unknown(self, upload, key, where):
        """The gateway does not know the key. True where it may have forgotten it."""
        promise = upload.promise(key)
        if upload.digest == "wrong" and promise.sent >= upload.size:
            # It was refused, and the answer was lost.
            promise.is_gone = True
        if promise.is_gone:
            return True
        if upload.route.forgets and time.monotonic() - promise.contact >= upload.route.resume_for - 0.05:
            self.journal.count("uploads that expired before their client came back")
            return True
        self.journal.violate(f"{where}: the key is unknown, with {promise.safe} bytes acknowledged", upload, key)
        return False
