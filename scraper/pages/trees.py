"""Null-safe reading of the JSON that pages carry: every step may be missing, null or of another type."""

from __future__ import annotations

import math
from typing import Any

# The raw schema keeps years and minutes in 32 bits.
INT32 = 2**31


def dig(tree: Any, *path: str | int) -> Any:
    """Follow keys and list positions into a tree; None as soon as one is missing."""
    for step in path:
        if isinstance(step, str) and isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(step, int) and isinstance(tree, list) and -len(tree) <= step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree


def text_at(tree: Any, *path: str | int) -> str | None:
    """Return the stripped text at a path, None where there is none or it is blank."""
    value = dig(tree, *path)
    return whole_characters(value).strip() or None if isinstance(value, str) else None


def whole_characters(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can carry where a text was cut and UTF-8 cannot; NUL goes."""
    text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def number_at(tree: Any, *path: str | int) -> float | None:
    """Return the finite number at a path, also one written as text (JSON-LD of 2018), None where there is none."""
    value = dig(tree, *path)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def integer_at(tree: Any, *path: str | int, limit: int = 2**63) -> int | None:
    """Return the whole number at a path, decimals cut off, None where there is none or it reaches the limit."""
    value = number_at(tree, *path)
    return int(value) if value is not None and abs(value) < limit else None


def each(tree: Any, *path: str | int) -> list[Any]:
    """Return the list at a path; a single object or text counts as a list of one, nothing as an empty one."""
    value = dig(tree, *path)
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def texts_at(trees: list[Any], *path: str | int) -> tuple[str, ...]:
    """Collect the text at the same path of each tree, blanks and repetitions left out, order kept."""
    found = (text_at(tree, *path) if path else text_at([tree], 0) for tree in trees)
    return tuple(dict.fromkeys(text for text in found if text))
