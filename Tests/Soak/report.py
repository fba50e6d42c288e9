"""What a run tried and what came of it, as a page: every number is the run's own."""

import os
import time

from page import commit, machine, with_section_of
from places import MIB

# What was done, as the journal counts it; what must hold then.
TRIED = (
    ("the gateway killed at any time", ("SIGKILL (any time)",), "nothing that was acknowledged is gone"),
    ("killed at an offer, an acknowledgement, the last byte, a final, a give-up",
     ("SIGKILL (offer)", "SIGKILL (progress)", "SIGKILL (last)", "SIGKILL (final)", "SIGKILL (give-up)"), "the same"),
    ("killed in a start or a shutdown", ("SIGKILLs during a start-up", "SIGKILL (shutdown)"), "the same"),
    ("killed while syncs of stores and ledger fail", ("SIGKILL (failing syncs)",), "the same"),
    ("power cut of all disks", ("SIGKILL (power cut)", "SIGKILL (power cut at a final)"),
     "all that was acknowledged is on the disks; an offer without a safe byte may be forgotten"),
    ("stopped by SIGTERM", ("SIGTERM",), "status 0, in time"),
    ("frozen for up to 3 s (SIGSTOP, SIGCONT)", ("SIGSTOP and SIGCONT",), "clients go on"),
    ("disk full or nearly", ("times that the disk was filled",), "status 11, later uploads go on"),
    ("disk remounted read-only", ("times that the small disk was read-only",), "status 11, goes on when it is writable"),
    ("spans of 0.5 to 2 s with stores' syncs failing now and then", ("store syncs that fail now and then",),
     "status 11; no byte acknowledged that a failed sync lost; clients go on"),
    ("the same, every sync", ("times that every sync of the stores failed",), "the same"),
    ("the same, of the ledger's syncs", ("ledger syncs that fail now and then",), "the same; sums stay exact"),
    ("wall clock forwards, by up to 9 h", ("clock jumps forwards",), "no byte lost; short windows may end early"),
    ("wall clock backwards, by up to 9 h", ("clock jumps backwards",), "no byte lost; short windows may end late"),
    ("file descriptors run out for 0.5 to 2 s", ("times that descriptors ran out",),
     "clients wait or have status 11; goes on when there are some"),
    ("connections for which there was no descriptor",
     ("connections that waited for a descriptor, and got one",), "at most 10 % of a core meanwhile; all accepted later"),
    ("backends killed", ("backends killed",), "status 12, 14 or 17, never a wrong end"),
    ("of these, while they flapped", ("backends killed while they flap",), "the same"),
    ("backends that reset or fall silent", ("backend connections: reset", "backend connections: silent"), "the same"),
    ("connections cut by their client", ("client cuts by ",), "resumes at an offset that never goes back"),
    ("clients gone for good", ("clients that vanished for good",), "expires, and gives its quota back"),
)
CHECKED = ("offsets held against the ones before", "acknowledgements", "resumes", "resumes of pipes",
           "resumes by sluice send", "resumes over HTTP", "questions by HEAD",
           "acknowledgements by answers over HTTP", "acknowledgements by 104", "offsets of which a 409 told better",
           "requests over HTTP with a wrong checksum, refused", "connections lost by faults of the gateway", "offers of a part", "uploads given up",
           "pipes begun anew after a fault of the backend", "pipes begun anew after a restart",
           "answers of backends that reached the client")


class Report:
    """Of a run that is over."""

    def __init__(self, soak):
        self.soak, self.journal = soak, soak.journal
        self.uploads = list(soak.journal.uploads.values())

    def write(self, path):
        page = "\n".join(self._lines()) + "\n"
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                page = with_section_of(page, "faults", file.read())
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)

    def _sum(self, names):
        """Of all counts with these names; one that ends in a space is how names begin."""
        return sum(count for name, count in self.journal.counts.items()
                   if any(name == one or one.endswith(" ") and name.startswith(one) for one in names))

    def _lines(self):
        here = os.path.dirname(os.path.abspath(__file__))
        with open(f"{here}/reliability.md", encoding="utf-8") as file:
            template = file.read()
        for name in ("summary", "tried", "syncs", "checked", "load", "found"):
            template = template.replace(f"<!-- {name} -->", "\n".join(getattr(self, f"_{name}")()))
        return template.rstrip().split("\n")

    def _summary(self):
        soak, journal = self.soak, self.journal
        complete = [upload for upload in self.uploads if upload.outcome == "complete"]
        stored = sum(upload.size for upload in complete) / MIB
        faults = sum(self._sum(names) for _, names, _ in TRIED[:16])
        options = f"--seconds {soak.options.seconds} --seed {soak.options.seed}"
        yield f"| | |\n|---|---|\n| run | {time.strftime('%Y-%m-%d', time.gmtime())}, {journal.elapsed():.0f} s |"
        yield f"| commit | {commit()} |"
        yield f"| machine | {machine()} |"
        yield f"| command | `/usr/bin/python3 Tests/Soak/soak.py --sluice .build/release/sluice {options} --report-markdown FILE` |"
        yield f"| uploads | {len(self.uploads)} begun, {len(complete)} complete, {stored:.0f} MiB verified byte for byte |"
        yield f"| starts of the gateway | {soak.gateway.starts}, the slowest {soak.gateway.slowest_start:.2f} s |"
        yield f"| faults from outside | {faults} |"
        yield f"| promises broken | **{len(journal.violations)}** |"
        yield f"| memory and descriptors at the end | {soak.settled} |"

    def _tried(self):
        yield "| what was done | how often | what must hold |\n|---|---:|---|"
        for name, counted, rule in TRIED:
            yield f"| {name} | {self._sum(counted) or '-'} | {rule} |"

    def _syncs(self):
        yield "| call that failed with EIO | how often |\n|---|---:|"
        for name, count in self.soak.control.failed().items():
            yield f"| {name} | {count} |"
        dropped, full = self.soak.control.dropped()
        yield f"\nThey lost {dropped} bytes of files that were not synced yet" + (
            f"; {full} files were too many to be looked after." if full else ".")

    def _checked(self):
        yield "| what was checked or seen | how often |\n|---|---:|"
        for name in CHECKED:
            yield f"| {name} | {self.journal.counts.get(name, 0)} |"
        for name, count in sorted(self.journal.counts.items()):
            if name.startswith(("answers with status", "answers over HTTP with status")):
                yield f"| {name} | {count} |"

    def _load(self):
        prefix = "sluice load: "
        yield "| of `sluice load` | how often |\n|---|---:|"
        for name, count in sorted(self.journal.counts.items()):
            if name.startswith(prefix):
                yield f"| {name.removeprefix(prefix)} | {count} |"

    def _found(self):
        if not self.journal.violations:
            yield "None."
        for text, _ in self.journal.violations:
            yield f"- {text}"
