"""Tables in Markdown, as GitHub and MLflow's pages draw them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: frozenset[str] = frozenset()
) -> str:
    """Return a table; the columns named in numbers are flush right. What would end a cell or a row is made harmless."""
    rule = ["---:" if column in numbers else "---" for column in columns]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (columns, rule, *rows))


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
