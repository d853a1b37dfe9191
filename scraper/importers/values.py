"""What single values say: figures as files write them, and lists in their syntaxes."""

from __future__ import annotations

import ast
import json
import math
import re
import reprlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from scraper.pages.written import read_count, read_minutes, read_money, read_rating

YEARS = range(1800, 2200)
# Between the values of a list that came as one, in front of the first, too.
LIST_MARK = "\x1f"
# What parts the names of a list that has no syntax of its own, the surest first.
_PARTING = ("|", ";", ",")
_NOTHING = frozenset({"", "n/a", "na", "nan", "none", "null", "nat", "<na>", "\\n", "-"})
# Alone or in a date: 1999, 1999.0, 1999-03-31, 12.5.1999, 1999–2003.
_YEAR = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_PLAIN = re.compile(r"\d[\d,]*(?:\.\d+)?(?:[eE]\+?\d+)?")
_INT32, _INT64 = 2**31, 2**63


class UnreadError(ValueError):
    """Say that a value is no such thing as its field holds."""


def says_nothing(value: Any) -> bool:
    """Say whether a value is one of the many ways to write that there is none."""
    if isinstance(value, str):
        return value.strip().lower() in _NOTHING
    return value is None or (isinstance(value, float) and math.isnan(value))


def year(value: str) -> int:
    """Return the first year in "1999", "1999.0", "1999-03-31", "12.5.1999", "(1999)" or "1999–2003"."""
    written = _YEAR.search(value)
    found = int(written[1]) if written else None
    return _checked(found if found in YEARS else None, value)


def minutes(value: str) -> int:
    """Return the minutes of "136", "136 min" or "2h 16min"."""
    return _checked(_whole(value, _INT32) if _PLAIN.fullmatch(value) else read_minutes(value), value)


def rating(value: str) -> float:
    """Return a rating from 1 to 10."""
    return _checked(read_rating(value), value)


def count(value: str) -> int:
    """Return a whole number such as "1,234"."""
    return _checked(_whole(value, _INT64) if _PLAIN.fullmatch(value) else read_count(value), value)


def money(value: str) -> tuple[int, str | None]:
    """Return amount and currency of "63000000" (None), "$63,000,000" or "INR 120,000"."""
    amount, currency = (_whole(value, _INT64), None) if _PLAIN.fullmatch(value) else read_money(value)
    return _checked(amount, value), currency


def moment(value: Any) -> datetime:
    """Return a time of ISO 8601 in UTC; one without an offset is taken as UTC."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnreadError(f"no time: {value!r}") from None


def figure(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Return a reader of any value: None where it says nothing, the first of a list, else what `read` makes of it."""

    def of_any(value: Any) -> Any:
        if isinstance(value, str) and value.lstrip().startswith("["):
            value = next(iter(parse_list(value, "auto")), None)
        if says_nothing(value):
            return None
        if isinstance(value, bool):
            raise UnreadError(f"no figure: {value!r}")
        return read(str(value).strip())

    return of_any


def parse_list(text: str, syntax: str) -> tuple[str, ...]:
    """Return the values of a list written in a syntax, blanks and repetitions left out; raises UnreadError."""
    if text.startswith(LIST_MARK):
        return _tidy(text.split(LIST_MARK))
    bracketed = text[:1] in "[{" and text[-1:] in "]}"
    if syntax in ("json", "python", "auto") and text and bracketed:
        return _tidy(_members(_load(text)))
    if syntax == "json" and text.startswith('"'):
        return _tidy(_members(_load(text)))
    if syntax == "auto":
        return _tidy(text.split(next((mark for mark in _PARTING if mark in text), ",")))
    return _tidy(text.split({"comma": ",", "pipe": "|"}.get(syntax, LIST_MARK)))


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise UnreadError(f"no list: {text[:40]!r}") from None


def _members(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = [value["name"]] if isinstance(value.get("name"), str) else list(value.values())
    members = []
    for each in value if isinstance(value, list | tuple | set) else [value]:
        member = each.get("name") if isinstance(each, dict) else each
        if isinstance(member, str | float) or (type(member) is int and abs(member) < _INT64):
            members.append(str(member))
        elif member is not None:
            raise UnreadError(f"no text in a list: {reprlib.repr(member)}")
    return members


def _tidy(values: list[str]) -> tuple[str, ...]:
    cleaned = (value.replace("\0", "").encode("utf-8", "ignore").decode().strip() for value in values)
    return tuple(dict.fromkeys(value for value in cleaned if value))


def _whole(value: str, limit: int) -> int | None:
    number = float(value.replace(",", ""))
    if not number < limit:
        return None
    if "." in value or "e" in value.lower():
        return int(number)
    # Python reads no more than 4,300 digits, zeros in front of them included.
    return int(value.replace(",", "").lstrip("0") or "0")


def _checked(found: Any, value: str) -> Any:
    if found is None or (isinstance(found, int) and found >= _INT64):
        raise UnreadError(f"not readable: {value!r}")
    return found
