"""What is uploaded, and what its client was told of it."""

import threading
from dataclasses import dataclass, field, replace


@dataclass
class Plan:
    """How one upload is sent."""

    size: int
    kind: str = "stream"  # or "unknown" (in length), or "payload"; over HTTP "put", "tus", or "draft"
    ack: int | None = None  # over HTTP the most that one PATCH brings
    digest: str | None = None  # "right" or "wrong"
    cut: int | None = None  # the connection is reset after so many bytes, one of which at least is acknowledged
    ends: str = "complete"  # or "given up", after the cut, or "left", as it is then


@dataclass
class Told:
    """What a client knows of a key."""

    is_offered: bool = False
    safe: int = 0
    is_done: bool = False
    # It was asked for what drops the upload, and may have been dropped.
    is_leaving: bool = False
    is_gone: bool = False


class Promise:
    """One key's. Each word is kept with the place that the disks' log had reached when it came."""

    def __init__(self, key, words=()):
        self.key = key
        self._words = list(words)

    def say(self, place, what, value=None):
        self._words.append((place, what, value))

    def at(self, place):
        """With what was said before the log went past that place."""
        return Promise(self.key, [word for word in self._words if word[0] <= place])

    def told(self):
        told = Told()
        for _, what, value in self._words:
            if what == "safe":
                told.safe = max(told.safe, value)
            told.is_offered |= what == "offer"
            told.is_done |= what == "done"
            told.is_leaving |= what == "leaving"
            told.is_gone |= what == "gone"
        return told

    def places(self, *whats):
        """Where the log was when one of these was said."""
        return [place for place, what, _ in self._words if what in whats]


@dataclass
class Upload:
    """One upload of a plan, with all the keys that it had."""

    label: str
    route: object
    content: object
    plan: Plan
    promises: list = field(default_factory=list)
    # Keys whose answer was lost with the connection: the ledger may know of them, or of one that the client never saw.
    lost_answers: int = 0

    @property
    def size(self):
        return self.content.size

    @property
    def digest(self):
        return self.plan.digest == "right"

    @property
    def promise(self):
        """The newest."""
        return self.promises[-1] if self.promises else None

    def at(self, place):
        """As it was before the log went past that place; keys that came later have no words."""
        return replace(self, promises=[promise.at(place) for promise in self.promises])


class Findings:
    """What was wrong, from all threads of a run."""

    def __init__(self):
        self._lock = threading.Lock()
        self.wrong, self.counts = [], {}

    def add(self, text):
        with self._lock:
            if text not in self.wrong:
                self.wrong.append(text)

    def count(self, what, by=1):
        with self._lock:
            self.counts[what] = self.counts.get(what, 0) + by
