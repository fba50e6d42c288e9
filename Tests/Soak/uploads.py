"""One upload of the run: what is sent and how, and what the gateway has promised about it."""

import time
from dataclasses import dataclass, field

from content import Content
from wires import VERSIONS as HTTP_VERSIONS
from places import MIB, ROUTES, SMALL_DISK, Route

# How often each route is drawn.
SHARES = {"plain": 22, "tight": 11, "brief": 8, "guarded": 10, "compressed": 14, "named": 8, "piped": 15, "limited": 8,
          "small": 12}
# Routes on which every upload is completed as long as nothing but clients misbehaves.
CALM = ("plain", "compressed", "named", "piped", "small")

# How often each way to upload is.
KINDS = {"stream": 37, "payload": 8, "send": 14, "pipe": 5, "put": 9, "tus": 12, "draft": 15}

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
    is_broken: bool = False  # its backend's stream is gone; the key still says so
    life: int = 0  # the gateway's, in which it was first offered
    began: float = field(default_factory=time.monotonic)


@dataclass
class Upload:
    """A plan, and what came of it."""

    label: str
    kind: str  # stream, payload, send (a file), pipe (standard input); over HTTP put, tus, draft
    route: Route
    content: Content
    total: int | str
    ack: int | None = None
    digest: str | None = None  # right, wrong
    buffer: int = 65_536
    pace: float | None = None  # bytes a second
    fate: str = "complete"  # give up, vanish
    breaks: int = 0
    http: str | None = None  # the version, 1.1 or 2
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
        words += [f"{name} {value}" for name in ("ack", "digest", "pace", "breaks", "http") if (value := getattr(self, name))]
        return ", ".join(words)


class Planner:
    """Draws uploads. The same seed draws much the same ones, as far as time does not decide."""

    def __init__(self, random, pool, prose, largest, routes):
        self.random, self.pool, self.prose, self.largest, self.routes = random, pool, prose, largest, routes
        self.number = 0
        self.used = {"/tight": 0, "/small": 0}
        self.allow(0, 1)

    def allow(self, budget, seconds):
        """From now on: so many bytes in all, evenly over so long. Small uploads are drawn when there are none left."""
        self.rate, self.spent, self.since = budget / seconds, 0, time.monotonic()

    def draw(self, calm=False):
        """The next upload. A `calm` one is completed."""
        random = self.random
        self.number += 1
        label = f"u{self.number:04d}"
        route = self.routes[random.choices(list(self.routes), [SHARES[name] for name in self.routes])[0]]
        kind = random.choices(list(KINDS), KINDS.values())[0]
        if calm:
            # What is complete stays: the small disk must have room for all that is drawn for it.
            route = self.routes[random.choice([name for name in self.routes if name in CALM])]
        if route.is_pipe and kind in ("send", "pipe"):
            # Whose connection broke, and why, only the Python client tells.
            kind = "stream"
        size = self._size(route, kind)
        if calm:
            size = min(size, route.payload if kind == "payload" else MIB if route.is_small else 8 * MIB)
        if calm and route.is_small:
            self.used["/small"] += size
            if self.used["/small"] > SMALL_DISK * 0.7:
                route = ROUTES["plain"]
        self.spent += size
        pool = self.prose if route.gzip and random.random() < 0.7 else self.pool
        upload = Upload(label, kind, route, Content(pool, size, random.randrange(1 << 30)), size)
        if kind == "pipe" or (kind in ("stream", "put", "tus", "draft") and random.random() < 0.2):
            upload.total = "*"
        if kind in ("put", "tus", "draft"):
            upload.http = random.choice(HTTP_VERSIONS)
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
        if not calm:
            self._keep_tight_open(upload)
        return upload

    def _size(self, route, kind):
        random = self.random
        if kind == "payload":
            return random.choice((0, 1, 4096, random.randrange(route.payload), route.payload, route.payload + 1))
        drawn = random.choices((0, 1, 4096, random.randrange(65_536), MIB, random.randrange(8 * MIB), 20 * MIB,
                                random.randrange(20 * MIB, 201 * MIB)), (5, 5, 11, 9, 18, 18, 22, 12))[0]
        if route.path == "/tight":
            drawn = random.choice((drawn, random.randrange(4 * MIB, 40 * MIB)))
        left = int(self.rate * (time.monotonic() - self.since + 5)) - self.spent
        size = min(drawn, self.largest, max(left, 65_536))
        # A few are larger than the route takes, and are refused for it.
        return size if random.random() < 0.1 else min(size, route.upload)

    def _fate(self, route, kind):
        if kind == "payload":
            return "complete"
        if kind in ("send", "pipe", "put"):
            return self.random.choices(("complete", "vanish"), (85, 15))[0]
        weights = {"/tight": (35, 40, 25), "/brief": (45, 15, 40), "/small": (60, 20, 20)}.get(route.path, (76, 12, 12))
        return self.random.choices(("complete", "give up", "vanish"), weights)[0]

    def _keep_tight_open(self, upload):
        """What is complete uses a small quota or disk for good: there most uploads must not be completed."""
        path = upload.route.path
        can_leave = upload.kind in ("stream", "tus", "draft")
        if path not in self.used or (can_leave and upload.fate != "complete"):
            return
        room = SMALL_DISK * 0.5 if upload.route.is_small else upload.route.held * 0.6
        if self.used[path] + upload.size <= room:
            self.used[path] += upload.size
        elif can_leave:
            upload.fate = "give up"
        else:
            upload.route = ROUTES["brief"]


class Told:
    """What clients do with the gateway's words: hold each against what it said before."""

    def __init__(self, places, journal, kept, troubles):
        self.places, self.journal, self.kept, self.troubles = places, journal, kept, troubles

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
        if promise.is_gone or promise.is_broken:
            self.journal.violate("complete, although it was given up, refused, or broken off", upload, key)
        if upload.digest == "wrong":
            self.journal.violate("complete, although its digest is wrong", upload, key)
        promise.is_done, promise.safe = True, upload.size
        upload.outcome = "complete"
        self.journal.note(f"{upload.label} complete as {key}")
        self.verify(upload, key, all_of_it=upload.size <= 4 * MIB)

    def verify(self, upload, key, all_of_it):
        """It is where it belongs, and is what was sent."""
        with self.places.gate.reading():
            wrong = self.kept.difference(upload, key, all_of_it)
        if wrong:
            self.journal.violate(f"told that it is complete, but {wrong}", upload, key)
        return not wrong

    def may_forget(self, promise):
        """An offer is recorded without waiting for the disk: a power cut may take it back while nothing is safe."""
        return promise.safe == 0 and self.troubles.explain(promise.began, "power")

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
        if upload.route.forgets and self.troubles.explain(promise.contact, "clock"):
            self.journal.count("uploads that expired early because the clock jumped")
            return True
        if self.may_forget(promise):
            self.journal.count("offers without a safe byte that a power cut took back")
            return True
        self.journal.violate(f"{where}: the key is unknown, with {promise.safe} bytes acknowledged", upload, key)
        return False
