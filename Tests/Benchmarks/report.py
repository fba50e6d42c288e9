"""Tables, for the terminal and for the documentation."""

import os

from workloads import CPU_PER_GIB, WORKLOADS

BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def tables(results):
    """All workloads' tables, in Markdown."""
    return "\n\n".join(_table(results, load) for load in WORKLOADS if results.contenders(load))


def _table(results, load):
    first, *others = load.metrics
    best, mark = results.best_peer(load, first), results.mark(load, first)
    titles = ["", first.title, "least to most"] + [metric.title for metric in others]
    titles += (["of the best peer"] if best else []) + (["of the mark"] if mark else []) + ["runs"]
    lines = [f"### {load.title}", "", f"`{load.name}`. {_shape(results, load)}", ""]
    lines += ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    for name in results.contenders(load):
        value = results.median(load, name, first)
        least, most = results.spread(load, name, first)
        cells = [name, f"**{first.format.format(value)}**", f"{first.format.format(least)} to {first.format.format(most)}"]
        cells += [metric.format.format(results.median(load, name, metric)) for metric in others]
        cells += [_ratio(value, reference) for reference in (best, mark) if reference]
        cells.append(str(len(results.values(load, name, first))))
        lines.append("| " + " | ".join(cells) + " |")
    for failure in results.data["failures"]:
        if failure["workload"] == load.name:
            lines.append(f"\n{failure['contender']} failed: {failure['reason']}")
    return "\n".join(lines)


def _ratio(value, reference):
    return f"{value / reference:.2f}"


def _shape(results, load):
    shape = results.data["settings"]["workloads"].get(load.name, {})
    size, connections = shape.get("size", load.size), shape.get("connections", load.connections)
    words = [f"{connections} connection{'s' if connections > 1 else ''}"]
    if shape.get("total"):
        words[0] = f"{shape['total']} connections, {connections} at a time"
    if shape.get("rounds", 1) > 1:
        words.append(f"{shape['rounds']} uploads on each")
    words.append(f"{_size(size)} each")
    if load.rate:
        words.append(f"at most {_size(load.rate)}/s each")
    if load.delay:
        words.append(f"{load.delay} ms there and back")
    better = "Less" if load.metrics[0].less_is_better else "More"
    return f"{', '.join(words)}. {better} is better."


def _size(count):
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit and count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} B"


def section(results):
    """The generated section of the documentation."""
    about = results.data["about"]
    lines = [BEGIN, "<!-- `make bench` writes this section; what is written here by hand is lost. -->", ""]
    lines += ["| | |", "| --- | --- |"] + [f"| {name} | {value} |" for name, value in about.items()]
    lines += [f"| command | `{results.data['settings']['command']}` |"]
    limit = results.data["limit"].get("aes_gcm_seconds_per_gib")
    if limit:
        shown = CPU_PER_GIB.format.format(limit)
        lines.append(f"| `openssl speed -evp aes-128-gcm`, blocks of 16 KiB | {shown} CPU-s/GiB: decryption alone |")
    lines += ["", "![The same as a chart](benchmarks.svg)", "", tables(results), ""]
    lines += ["## The configurations", "", "As they stood in `Tests/Benchmarks/peers` at that run.", ""]
    for name in sorted(results.data["settings"]["configurations"]):
        text = results.data["settings"]["configurations"][name].rstrip()
        lines += [f"<details><summary>{name}</summary>", "", f"```{_language(name)}", text, "```", "", "</details>", ""]
    lines.append(END)
    return "\n".join(lines)


def _language(name):
    return {".yaml": "yaml", ".conf": "nginx"}.get(os.path.splitext(name)[1], "")


def put_into(path, results):
    """Replaces the section between the two marks of a document. Raises `ValueError` if they are not there once."""
    with open(path) as file:
        text = file.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{path} needs the lines {BEGIN} and {END}, each once and in this order")
    before, rest = text.split(BEGIN)
    with open(path, "w") as file:
        file.write(before + section(results) + rest.split(END)[1])
