"""One page over the reports of several scenarios, which looks like them: its style is theirs."""

import json
import re
from html import escape
from typing import NamedTuple, Optional


class Outcome(NamedTuple):
    name: str
    # Of `sluice load`; None where it was skipped.
    status: Optional[int]
    note: str

    @property
    def word(self):
        return {0: "passed", 1: "failed", None: "skipped"}.get(self.status, "did not run")


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>Load scenarios: {summary}</title>
<style>{style}
.cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 12px; }}
.card {{ background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; min-width: 0;
  break-inside: avoid; }}
.card h2 {{ margin: 0 0 6px; align-items: center; display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 10px; }}
.card h2 .verdict {{ font-size: 13px; }}
.card .plot {{ height: 90px; margin: 10px 0 8px; }}
.card dl {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 6px 12px; margin: 0; }}
.card dl div {{ display: block; border: 0; padding: 0; }}
.card dt {{ font-size: 12px; }}
</style>
</head>
<body>
<main>
<header><div class="title"><h1>Load scenarios</h1><span class="verdict {kind}">{summary}</span></div>
<p class="where">{where}</p></header>
<div class="cards">
{cards}
</div>
</main>
<footer>{tool}</footer>
</body>
</html>
"""


def write_index(out, outcomes):
    """Returns the page's path."""
    cards, style, tools = [], "", set()
    for outcome in outcomes:
        result = None
        if outcome.status is not None and (file := out / f"{outcome.name}.json").exists():
            result = json.loads(file.read_text())
            report = (out / f"{outcome.name}.html").read_text()
            style = style or re.search(r"<style>(.*?)</style>", report, re.DOTALL)[1]
            tools.add(result["tool"])
        cards.append(card(outcome, result))
    failed = sum(outcome.status not in (0, None) for outcome in outcomes)
    skipped = sum(outcome.status is None for outcome in outcomes)
    passed = len(outcomes) - failed - skipped
    counts = [(passed, "passed"), (failed, "failed"), (skipped, "skipped")]
    summary = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing ran"
    index = out / "index.html"
    index.write_text(PAGE.format(
        summary=summary, style=style, kind="bad" if failed else "good", cards="\n".join(cards),
        where=escape("Against a gateway on this machine, one after another"), tool=escape(", ".join(sorted(tools)))))
    return index


def card(outcome, result):
    kind = {0: "good", None: ""}.get(outcome.status, "bad")
    mark = {0: "✓", None: "–"}.get(outcome.status, "✗")
    name = escape(outcome.name)
    title = f'<a href="{name}.html">{name}</a>' if result else name
    parts = [f'<article class="card"><h2>{title}<span class="verdict {kind}">{mark} {outcome.word}</span></h2>']
    if result:
        parts.append(f"<p>{escape(result['purpose'])}</p>")
    if outcome.note:
        parts.append(f'<p class="note">{escape(outcome.note)}</p>')
    if result:
        parts += [spark(result["timeline"]), figures(result)]
        unmet = [one for one in result["thresholds"] if not one["isMet"]]
        parts += [f'<p class="bad"><code>{escape(one["expectation"])}</code>: {escape(one["text"])}</p>' for one in unmet]
    return "\n".join(parts) + "</article>"


def spark(timeline):
    """Bytes sent a second."""
    width = max(1, -(-len(timeline) // 120))
    steps = [timeline[start:start + width] for start in range(0, len(timeline), width)]
    values = [sum(second["sentBytes"] for second in step) / len(step) for step in steps]
    most = max(values, default=0) or 1
    across = 1000 / max(len(values), 1)
    points = [f"{at * across:.1f} {1000 - value / most * 1000:.1f}H{(at + 1) * across:.1f}" for at, value in enumerate(values)]
    path = "L".join(points) or "0 1000"
    return (
        '<div class="plot"><svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" '
        f'aria-label="bytes sent a second, at most {size(most)}"><path class="grid" d="M0 1000H1000"/>'
        f'<path class="area a" d="M0 1000L{path}V1000Z"/><path class="line a" d="M{path}"/></svg></div>')


def figures(result):
    totals, upload, seconds = result["totals"], result["latency"]["upload"], result["seconds"]
    time = lambda value: duration(value) if upload["count"] else "-"  # noqa: E731
    of = f" of {totals['begun']}" if totals["begun"] != totals["completed"] else ""
    entries = [
        ("complete", f"{totals['completed']}{of}"),
        ("throughput", f"{size(totals['completedBytes'] / seconds)}/s" if seconds else "-"),
        ("errors", str(totals["errors"])), ("p50", time(upload["p50"])), ("p99", time(upload["p99"])),
        ("longest", time(upload["max"])),
    ]
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in entries) + "</dl>"


def size(count):
    units = ["B", "KiB", "MiB", "GiB"]
    while count >= 1000 and len(units) > 1:
        count, units = count / 1024, units[1:]
    return f"{count:.3g} {units[0]}"


def duration(seconds):
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"
