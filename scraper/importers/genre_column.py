"""The genre column: IMDb's names for those of any source, and a count of the names that nobody knows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from scraper.genres import GenreNames
from scraper.importers import values
from scraper.importers.columns import ReadColumn, Reader
from scraper.importers.faults import REASONS
from scraper.importers.tally import Tally

NO_KNOWN_GENRE = REASONS.index("no_known_genre") + 1


class Genres(NamedTuple):
    """Hold the names of IMDb's list that a value stands for, the names that nobody knows, and if it told any."""

    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    told: bool = False


class GenreReader(Reader):
    """Read genre lists in a syntax into Genres."""

    def __init__(self, names: Collection[str], syntax: str | None, placeholders: Sequence[str]) -> None:
        self._names = GenreNames(names)
        self._syntax = syntax or "auto"
        super().__init__(self._genres, Genres(), placeholders)

    def _genres(self, value: object) -> Genres:
        if values.says_nothing(value):
            return Genres()
        if not isinstance(value, str):
            raise values.UnreadError(f"no genres: {value!r}")
        names = values.parse_list(value, self._syntax)
        unknown = tuple(name for name in names if self._names.translate(name) is None)
        return Genres(self._names.translate_all(names), unknown, bool(names))

    def count_unknown(self, genres: ReadColumn, faults: np.ndarray, tally: Tally) -> None:
        """Count the unknown names of rows that are usable or have no other fault, with the nearest right name."""
        if not any(said.unknown for said in genres.said):
            return
        rows = (faults == 0) | (faults == NO_KNOWN_GENRE)
        often = np.bincount(genres.codes[rows], minlength=len(genres.said))
        for said, count in zip(genres.said, often.tolist(), strict=True):
            for name in said.unknown if count else ():
                if name not in tally.unknown_genres:
                    tally.nearest_genres[name] = self._names.nearest(name)
                tally.unknown_genres[name] = tally.unknown_genres.get(name, 0) + count
