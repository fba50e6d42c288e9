"""Words of man(7)."""

import datetime
import os
import re
import time

# Builds that can be repeated have the same pages.
DAY = datetime.date.fromtimestamp(float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())).isoformat()


def header(name, section, version):
    return f'.TH {name.upper()} {section} "{DAY}" "sluice {version}" "Sluice"\n'


def escaped(text):
    """One line of text; what begins with a full stop or an apostrophe would be a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def paragraphs(text):
    """Text with empty lines between its paragraphs; lines that are set in by two or more stay as they are."""
    blocks = []
    for block in text.strip().split("\n\n"):
        rows = block.split("\n")
        body = "\n".join(escaped(row) for row in rows)
        as_it_is = any(re.match(r" {2,}", row) for row in rows)
        blocks.append(f".nf\n{body}\n.fi\n" if as_it_is else f"{body}\n")
    return ".PP\n".join(blocks)
