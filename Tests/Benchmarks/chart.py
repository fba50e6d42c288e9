"""The results as an SVG: a panel of bars for each workload, light and dark as the reader's system is."""

from xml.sax.saxutils import escape

from workloads import WORKLOADS

COLUMNS, PANEL, GAP, MARGIN = 2, 440, 36, 24
HEADER, TITLE, BAR, SPACE = 66, 40, 20, 22
NAME, VALUE = 116, 66  # room for names at the left, for figures at the right

STYLE = """
  svg { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .ground { fill: #ffffff; } text { fill: #1f2328; } .quiet { fill: #59636e; font-size: 11.5px; }
  .heading { font-size: 18px; font-weight: 600; } .title { font-weight: 600; }
  .sluice { fill: #0969da; } .peer { fill: #afb8c1; } .mark { fill: none; stroke: #818b98; stroke-dasharray: 3 2; }
  .spread { stroke: #1f2328; stroke-width: 1.2; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
    .sluice { fill: #4493f8; } .peer { fill: #545d68; } .mark { stroke: #9198a1; } .spread { stroke: #f0f6fc; }
  }
"""


def draw(results):
    """The whole chart."""
    loads = [load for load in WORKLOADS if results.contenders(load)]
    columns = [loads[0::COLUMNS], loads[1::COLUMNS]]
    rows = [
        max(_height(results, column[row]) for column in columns if row < len(column)) for row in range(len(columns[0]))
    ]
    width, height = 2 * MARGIN + COLUMNS * PANEL + GAP, HEADER + sum(rows) + MARGIN
    about = results.data["about"]
    origin = f"{about.get('processor', '')}, OpenSSL {about.get('OpenSSL', '')}, commit {about.get('commit', '')}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="Sluice beside its peers, workload by workload">',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}" rx="8"/>',
        f'<text class="heading" x="{MARGIN}" y="32">Sluice beside its peers, one core for the gateway</text>',
        f'<text class="quiet" x="{MARGIN}" y="52">{escape(origin)}</text>',
    ]
    for place, column in enumerate(columns):
        top = HEADER
        for row, load in enumerate(column):
            parts += _panel(results, load, MARGIN + place * (PANEL + GAP), top)
            top += rows[row]
    return "\n".join(parts + ["</svg>", ""])


def _height(results, load):
    return TITLE + BAR * len(results.contenders(load)) + SPACE


def _panel(results, load, left, top):
    metric = load.metrics[0]
    names = results.contenders(load)
    most = max(results.spread(load, name, metric)[1] for name in names) or 1
    length = (PANEL - NAME - VALUE) / most
    better = "less is better" if metric.less_is_better else "more is better"
    parts = [
        f'<text class="title" x="{left}" y="{top + 14}">{escape(load.title)}</text>',
        f'<text class="quiet" x="{left}" y="{top + 31}">{escape(metric.title)}; {better}</text>',
    ]
    for index, name in enumerate(names):
        y = top + TITLE + index * BAR
        value = results.median(load, name, metric)
        least, highest = results.spread(load, name, metric)
        kind = "sluice" if name.startswith("sluice") else "mark" if name.startswith("mark") else "peer"
        start, middle = left + NAME, y + 7
        parts += [
            f'<text x="{start - 8}" y="{y + 12}" text-anchor="end" font-size="12">{escape(name)}</text>',
            f'<rect class="{kind}" x="{start}" y="{y}" width="{max(value * length, 1):.1f}" height="14" rx="2"/>',
            f'<line class="spread" x1="{start + least * length:.1f}" x2="{start + highest * length:.1f}" '
            f'y1="{middle}" y2="{middle}"/>',
            f'<text x="{start + highest * length + 6:.1f}" y="{y + 12}" font-size="12">{metric.format.format(value)}</text>',
        ]
    return parts
