"""A table for people: on the terminal, or in Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.measure import Measurement
from rich.table import Table

from tasks.logic.markdown import markdown_table, plain_text
from tasks.terminal import open_console

_ANY = 10_000


def show(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    words: Sequence[str] = (),
    droppable: Sequence[str] = (),
    markdown: bool = False,
) -> None:
    """Print a table; its columns hold figures, flush right, but for those named in words.

    Those in droppable go, one after the other, where a terminal is too narrow for all.
    """
    if markdown:
        numbers = frozenset(columns) - frozenset(words)
        sys.stdout.write(f"### {plain_text(title)}\n\n{markdown_table(columns, rows, numbers)}\n\n")
        return
    console, told = open_console(), [[str(cell) for cell in row] for row in rows]
    left = list(columns)
    table = _make(title, columns, told, left, words)
    for column in droppable:
        if Measurement.get(console, console.options.update(max_width=_ANY), table).maximum <= console.width:
            break
        left.remove(column)
        table = _make(title, columns, told, left, words)
    console.print(table)


def _make(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str], words: Sequence[str]
) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in left:
        table.add_column(column, justify="left" if column in words else "right", no_wrap=column not in words)
    for row in rows:
        cells = zip(columns, row, strict=True)
        table.add_row(*(cell for column, cell in cells if column in left))
    return table
