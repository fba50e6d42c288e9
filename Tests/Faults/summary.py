"""What was tried, what came of it, and how to do it again."""

import collections
import os
import re
import sys
import time

from station import HERE  # noqa: F401  the path to the modules below
from recording import FATES
from page import commit, machine, with_section

WORDS = {
    "eio": "fails once (EIO)", "enospc": "fails once (ENOSPC)", "outage": "fails for 1.2 s",
    "dead": "fails, and for 1.5 s whatever changes store or ledger",
    "wait": "waits for 0.4 s",
    "kill-before": "kills the gateway before it", "kill-after": "kills the gateway after it",
    "half": "writes half, then fails (ENOSPC)", "kill-within": "kills the gateway with half of it written",
}


def _kind(text):
    """What two findings have in common: the words, without names, keys and numbers."""
    words = [word for word in text.split() if not re.search(r"[/0-9]|^\(", word)]
    return " ".join(words)[:80]


class Summary:
    """Of one run. Prints what is wrong as it comes."""

    def __init__(self, options):
        self.options = options
        self.tried, self.failed = collections.Counter(), {}
        self.by_call, self.by_store = collections.Counter(), collections.Counter()
        self.kinds = collections.Counter()
        self.unmet = self.possible = 0
        self.scenarios, self.counts = {}, collections.Counter()
        self.cuts, self.cut_kinds = collections.Counter(), collections.Counter()
        self.fates = collections.Counter()
        self.left_out = []

    def wrong(self, name, texts):
        """Says all of it for the first ones of a kind, and their names alone for the others."""
        self.failed.setdefault(name, []).extend(texts)
        kind = _kind(texts[-1])
        self.kinds[kind] += 1
        print(f"WRONG {name}{f': {kind}' if self.kinds[kind] > 3 else ''}", flush=True)
        for text in texts[:6] if self.kinds[kind] <= 3 else []:
            print(f"    {text[:600]}", flush=True)

    def enumerated(self, scenarios, cases):
        self.scenarios, self.possible = scenarios, len(cases)
        calls = sum(sum(counts.values()) for counts in scenarios.values())
        print(f"{len(scenarios)} scenarios, {calls} system calls, {len(cases)} cases, seed {self.options.seed}",
              flush=True)

    def case(self, case, result):
        if result is None:
            return
        if isinstance(result, str):
            return self.wrong(str(case), [f"the case could not be run: {result}"])
        _, wrong, counts, has_fired = result
        self.add(counts)
        if not has_fired:
            self.unmet += 1
        else:
            self.tried[case.fault] += 1
            self.by_call[f"{case.place}.{case.call}"] += 1
            self.by_store[case.scenario.store] += 1
        if wrong:
            self.wrong(str(case), wrong)
        return None

    def cut(self, system, kind, counts):
        self.cuts[system] += 1
        self.cut_kinds[kind] += 1
        self.add(counts)

    def add(self, counts):
        for what, count in counts.items():
            self.counts[what] += count

    def conclude(self, seconds):
        """Prints the summary. Returns the exit status."""
        print()
        if self.tried or self.unmet:
            print(f"system calls: {sum(self.tried.values())} faults of {self.possible or len(self.options.only or [])} "
                  f"possible ones, {self.unmet} that their call did not come to")
            for fault, count in self.tried.most_common():
                print(f"  {WORDS[fault]:55} {count:6}  {self._wrong_of(fault)} wrong")
            calls = ", ".join(f"{name} {count}" for name, count in sorted(self.by_call.items()))
            print(f"  by call: {calls}")
        if self.cuts:
            print(f"power cuts: {', '.join(f'{count} of {name}' for name, count in self.cuts.items())}; "
                  f"{', '.join(f'{count} {kind}' for kind, count in self.cut_kinds.items())}")
        for text in self.left_out:
            print(f"left out: {text}")
            # A tool that is missing there is a fault, as with all tests.
            if os.environ.get("CI"):
                self.failed[f"left out: {text}"] = [text]
        print(", ".join(f"{count} {what}" for what, count in sorted(self.counts.items())))
        if self.failed:
            for kind, count in self.kinds.most_common():
                print(f"{count} wrong: {kind}")
            print("\nto do one again:")
            for name in self.failed:
                print(f"  {self._again(name)}")
        passed = sum(self.tried.values()) + sum(self.cuts.values()) - len(self.failed)
        print(f"\n{max(0, passed)} passed, {len(self.failed)} failed, {seconds:.0f} s, seed {self.options.seed}")
        if self.options.report_markdown:
            self._write(self.options.report_markdown, seconds)
        return 1 if self.failed else 0

    def _wrong_of(self, fault):
        return sum(1 for name in self.failed if name.endswith(f"/{fault}"))

    def _again(self, name):
        command = f"/usr/bin/python3 Tests/Faults/faults.py --sluice {os.path.relpath(self.options.sluice)}"
        if name.endswith("/clean"):
            return f"{command} --part calls --seed {self.options.seed}"
        if name.startswith("recording"):
            return f"{command} --part cuts --seed {self.options.seed}"
        if name.startswith("cut "):
            _, folder, cut = name.split(" ")
            return f"{command} --replay {folder} --cut {cut}"
        return f"{command} --only {name}"

    # The page

    def _write(self, path, seconds):
        with open(path, encoding="utf-8") as file:
            page = file.read()
        page = with_section(page, "faults", "\n".join(self._section(seconds)))
        if page is None:
            sys.exit(f"faults: {path} needs the lines <!-- faults --> and <!-- end of faults -->, where the section goes")
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)

    def _section(self, seconds):
        options = self.options
        calls = sum(sum(counts.values()) for counts in self.scenarios.values())
        faults, cuts = sum(self.tried.values()), sum(self.cuts.values())
        yield "| | |\n|---|---|"
        yield f"| run | {time.strftime('%Y-%m-%d', time.gmtime())}, {seconds:.0f} s |"
        yield f"| commit | {commit()} |"
        yield f"| machine | {machine()} |"
        sluice = os.path.relpath(options.sluice)
        yield (f"| command | `/usr/bin/python3 Tests/Faults/faults.py --sluice {sluice} --seconds {options.seconds:.0f} "
               f"--seed {options.seed} --report-markdown FILE` |")
        yield f"| system calls on the way of uploads | {calls}, in {len(self.scenarios)} scenarios |"
        yield f"| faults in one of them | {faults} of {self.possible} that are possible |"
        yield f"| power cuts | {cuts} |"
        yield f"| starts of the gateway | {self.counts['gateway starts']} |"
        yield f"| cases in which a promise was broken | **{len(self.failed)}** |"
        if self.tried:
            yield "\n| what one system call did | how often | broken |\n|---|---:|---:|"
            for fault, count in self.tried.most_common():
                yield f"| {WORDS[fault]} | {count} | {self._wrong_of(fault)} |"
            places, kinds = collections.defaultdict(list), self.by_call
            for name, count in sorted(kinds.items()):
                place, _, call = name.partition(".")
                places[place].append(f"{call} {count}")
            names = {"store": "a store's folders and files", "partial": "unfinished files", "log": "the ledger's log",
                     "database": "the ledger's database, and what moves the log into it", "shared": "the log's index",
                     "state": "the state folder"}
            yield "\n| of what | calls that met a fault |\n|---|---|"
            for place in names:
                if places[place]:
                    yield f"| {names[place]} | {', '.join(places[place])} |"
        if self.cuts:
            yield "\n| power cut | how often |\n|---|---:|"
            for name, count in self.cuts.items():
                yield f"| of {name} | {count} |"
            for kind, count in self.cut_kinds.items():
                yield f"| {kind} | {count} |"
            for fate, count in self.fates.items():
                yield f"| of the writes that no flush had followed, {FATES[fate]} are there | {count} |"
        if self.failed:
            yield "\nBroken:\n"
            for name, texts in self.failed.items():
                yield f"- `{name}`: {texts[0][:300]}"
