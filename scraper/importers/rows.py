"""Which rows of a titles file are usable, and what the others lack."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from scraper.items import TITLE_ID, Title

REQUIRED = ("title_id", "title", "year", "genres", "summary", "synopsis")
OPTIONAL = ("summary_source", "synopsis_source", "terms")
_TEXTS = ("title", "summary", "synopsis", *OPTIONAL)
_EXAMPLES = 3
_NEAREST_CUTOFF = 0.5
_YEARS = range(1800, 2200)


@dataclasses.dataclass(slots=True)
class Tally:
    """Count bad rows by reason with up to three examples, and unknown genre names with the nearest right."""

    bad: dict[str, int] = dataclasses.field(default_factory=dict)
    examples: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    unknown_genres: dict[str, int] = dataclasses.field(default_factory=dict)
    nearest_genres: dict[str, str | None] = dataclasses.field(default_factory=dict)

    @property
    def bad_rows(self) -> int:
        """Count the rows that are not stored."""
        return sum(self.bad.values())

    def count(self, reason: str, example: str) -> None:
        """Count one bad row."""
        self.bad[reason] = self.bad.get(reason, 0) + 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < _EXAMPLES:
            shown.append(example)

    def explain(self) -> str:
        """Say in one line how many rows are bad for which reason, with examples."""
        return "; ".join(
            f"{count} {reason}, such as {', '.join(self.examples[reason])}" for reason, count in self.bad.items()
        )


class RowJudge:
    """Turn rows into titles one after the other, keeping count of those that are unusable."""

    def __init__(self, genres: Collection[str]) -> None:
        self.tally = Tally()
        self._genres = tuple(genres)
        self._known = frozenset(genres)
        self._seen: set[str] = set()
        self._rows = 0
        self._now = datetime.now(UTC)

    def read(self, row: Mapping[str, Any], file_name: str) -> Title | None:
        """Return the row as a title whose source_url is the file's name, None where it is bad."""
        self._rows += 1
        title_id = row["title_id"]
        reason = self._fault_of_id(title_id) or _fault_of_types(row)
        if reason is None and not any((row[name] or "").strip() for name in ("summary", "synopsis")):
            reason = "no_text"
        genres = self._keep_known(row["genres"] or ()) if reason is None else ()
        if reason is None and not genres:
            reason = "no_known_genre"
        if reason is not None:
            self.tally.count(reason, f"row {self._rows} ({title_id!r})")
            return None
        self._seen.add(title_id)
        texts: dict[str, Any] = {name: (row.get(name) or "").strip() or None for name in _TEXTS}
        year = None if _is_missing(row["year"]) else int(row["year"])
        return Title(
            title_id=title_id,
            year=year,
            genres=genres,
            **texts,
            source="file",
            source_url=file_name,
            retrieved_at=self._now,
        )

    def _fault_of_id(self, title_id: Any) -> str | None:
        if title_id is None or title_id == "":
            return "missing_id"
        if not isinstance(title_id, str) or not TITLE_ID.fullmatch(title_id):
            return "malformed_id"
        return "duplicate_id" if title_id in self._seen else None

    def _keep_known(self, names: Collection[str | None]) -> tuple[str, ...]:
        told = dict.fromkeys(name.strip() for name in names if name)
        for name in told:
            if name not in self._known:
                self._count_unknown(name)
        return tuple(name for name in told if name in self._known)

    def _count_unknown(self, name: str) -> None:
        unknown = self.tally.unknown_genres
        if name not in unknown:
            lower = {genre.lower(): genre for genre in self._genres}
            close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=_NEAREST_CUTOFF)
            self.tally.nearest_genres[name] = lower[close[0]] if close else None
        unknown[name] = unknown.get(name, 0) + 1


def _fault_of_types(row: Mapping[str, Any]) -> str | None:
    if any(not isinstance(row.get(name), str | None) for name in _TEXTS):
        return "wrong_type"
    if any(not isinstance(name, str | None) for name in row["genres"] or ()):
        return "wrong_type"
    year = row["year"]
    if _is_missing(year):
        return None
    whole = isinstance(year, int | float) and not isinstance(year, bool) and math.isfinite(year) and year == int(year)
    return None if whole and int(year) in _YEARS else "wrong_type"


def _is_missing(year: Any) -> bool:
    return year is None or (isinstance(year, float) and math.isnan(year))
