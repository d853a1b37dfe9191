"""Genre names of any source turned into IMDb's own, by the table in conf/genres/aliases.yaml."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Collection, Iterable
from pathlib import Path

import yaml

import conf

_ALIASES = Path(conf.__file__).parent / "genres" / "aliases.yaml"
_ENDING = re.compile(r"\s+(?:films?|movies?|fiction)$")
_NEAREST_CUTOFF = 0.6


class GenreNames:
    """Turn names into those of `known` (IMDb's list), whatever their case; remembers what it has looked up."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = frozenset(known)
        self._lower = {name.lower(): (name,) for name in known}
        self._found: dict[str, tuple[str, ...] | None] = {}

    def translate(self, name: str) -> tuple[str, ...] | None:
        """Return the names of the list that a name stands for, () where it says none of them, None where unknown."""
        if name not in self._found:
            self._found[name] = self._look_up(" ".join(name.lower().split()))
        return self._found[name]

    def translate_all(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return what all the names stand for, each once, order kept; unknown names say nothing."""
        return tuple(dict.fromkeys(genre for name in names for genre in self.translate(name) or ()))

    def nearest(self, name: str) -> str | None:
        """Return the name of the list that looks most like an unknown one, None where none does."""
        close = difflib.get_close_matches(name.lower(), self._lower, n=1, cutoff=_NEAREST_CUTOFF)
        return self._lower[close[0]][0] if close else None

    def _look_up(self, name: str) -> tuple[str, ...] | None:
        for form in (name, _ENDING.sub("", name)):
            if form in self._lower:
                return self._lower[form]
            if form in _aliases():
                return tuple(genre for genre in _aliases()[form] if genre in self._known)
        return None


@functools.cache
def _aliases() -> dict[str, tuple[str, ...]]:
    table = yaml.safe_load(_ALIASES.read_text(encoding="utf-8"))
    return {name: tuple(genres) for name, genres in table.items()}
