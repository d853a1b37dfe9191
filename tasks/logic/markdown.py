"""Tables and texts in Markdown, as GitHub, MLflow's and Prefect's pages draw them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tasks.logic.printable import printable

# What ends a cell, begins HTML or bold (underscores at a word's edge), or makes a link of words in brackets.
_MARKS = re.compile(r"[\\|*`]|(?<![^\W_])_|_(?![^\W_])|(?<=\])[(\[:]")


def markdown_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: frozenset[str] = frozenset()
) -> str:
    """Return a table; the columns named in numbers are flush right. Every cell is plain text."""
    rule = ["---:" if column in numbers else "---" for column in columns]
    lines = (list(map(plain_text, columns)), rule, *(map(plain_text, row) for row in rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain_text(value: object) -> str:
    """Return a value as one line of Markdown that shows it as it is: no HTML, link, image or other cell comes of it."""
    line = " ".join(printable(str(value)).split())
    return _MARKS.sub(r"\\\g<0>", line.replace("&", "&amp;").replace("<", "&lt;"))
