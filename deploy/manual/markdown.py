"""A manual page of a page in Markdown: headings, paragraphs, tables of keys, lists and code, as docs/ has them."""

import re

from roff import escaped, header


def page_of_markdown(text, name, section, abstract, version):
    lines = text.split("\n")
    parts = [header(name, section, version), f".SH NAME\n{escaped(name)} \\- {escaped(abstract)}\n.SH DESCRIPTION\n"]
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("```"):
            end = lines.index("```", at + 1)
            parts.append(".PP\n.nf\n.RS 4\n" + "".join(escaped(row) + "\n" for row in lines[at + 1 : end]) + ".RE\n.fi\n")
            at = end + 1
        elif line.startswith("|"):
            end = next(index for index in range(at, len(lines) + 1) if index == len(lines) or not lines[index].startswith("|"))
            parts.append(_table(lines[at:end]))
            at = end
        elif line.startswith("# ") or not line.strip():
            at += 1
        elif line.startswith("## "):
            parts.append(f".SH {_inline(line[3:]).upper() if '`' not in line else _inline(line[3:])}\n")
            at += 1
        elif line.startswith("#"):
            parts.append(f".SS {_inline(line.lstrip('#').strip())}\n")
            at += 1
        else:
            end = at
            while end < len(lines) and lines[end].strip() and not re.match(r"```|\||#", lines[end]):
                if end > at and re.match(r"- |\d+\. ", lines[end]):
                    break
                end += 1
            block = " ".join(row.strip() for row in lines[at:end])
            item = re.match(r"(?:-|\d+\.) (.*)", block)
            parts.append(f".IP \\(bu 2\n{_inline(item.group(1))}\n" if item else f".PP\n{_inline(block)}\n")
            at = end
    # The first paragraph of a section is one without a request.
    return re.sub(r"(?m)^(\.S[HS] .*\n)\.PP\n", r"\1", "".join(parts)) + ".SH SEE ALSO\n.BR sluice (1)\n"


def _table(rows):
    """The first column is what is told of; those after it are put in one sentence, under their headings."""
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]
    heads, parts = cells[0], []
    for row in cells[2:]:
        words = row[1:]
        if len(heads) > 2 and heads[1] == "default":
            words = [f"{words[1]}.", f"Default: {words[0]}."]
        parts.append(f".TP\n{_inline(row[0])}\n{_inline(' '.join(words))}\n")
    return "".join(parts)


def _inline(text):
    """Code becomes bold, a link its words."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\*\*([^*]*)\*\*", r"\1", text)
    pieces = text.split("`")
    return "".join(
        f"\\fB{escaped(piece)}\\fR" if index % 2 else re.sub(r"^([.'])", r"\\&\1", escaped(piece))
        for index, piece in enumerate(pieces)
    )
