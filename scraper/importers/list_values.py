"""What list values give: names, the first text, or summaries with their authors."""

from __future__ import annotations

from typing import Any

from conf.mapping import Column
from scraper.importers import values

_AUTHOR_MARK = "::"


def _list(value: Any, syntax: str) -> tuple[str, ...]:
    if values.says_nothing(value):
        return ()
    if not isinstance(value, str):
        raise values.UnreadError(f"no list: {value!r}")
    return values.parse_list(value, syntax)


def read_names(value: Any, column: Column) -> tuple[str, ...]:
    """Return the names of a list, the column's ending off each."""
    names = _list(value, column.list or "auto")
    if column.ending is None:
        return names
    return tuple(dict.fromkeys(name.removesuffix(column.ending).strip() for name in names))


def read_text(value: Any, syntax: str) -> str | None:
    """Return a text, or the first of a list of texts."""
    if isinstance(value, str) and (value.startswith(values.LIST_MARK) or value[:1] == "["):
        return next(iter(values.parse_list(value, syntax)), None)
    if not isinstance(value, str):
        return None
    return value.replace("\0", "").strip() or None


def read_summaries(value: Any, syntax: str) -> list[dict[str, str | None]]:
    """Return the texts of a list and their authors, whose names stand behind the mark."""
    parted = [text.partition(_AUTHOR_MARK) for text in _list(value, syntax)]
    return [{"text": text.strip(), "author": author.strip() or None} for text, _, author in parted if text.strip()]
