"""How the titles that came since a training differ from those that it had."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.logic.lists import count_values

# Standard errors of a difference of two shares that are put down to chance.
BY_CHANCE = 3.0


class Shift(NamedTuple):
    """Hold the genre whose share changed most, and by how much beyond chance (0 to 1)."""

    genre: str
    size: float


def genre_shift(before: pa.ListArray, new: pa.ListArray, genres: Collection[str]) -> Shift:
    """Find the genre whose share of the titles changed most, BY_CHANCE standard errors of the difference taken off.

    The error is that of two independent proportions, pooled: sqrt(p (1 - p) (1/n + 1/m)). 0 where nothing changed
    more than that.
    """
    counted = [count_values(each) for each in (before, new)]
    names = sorted(genres)
    old, recent = (np.array([count[name] for name in names], float) for count in counted)
    pooled = (old + recent) / (len(before) + len(new))
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(before) + 1 / len(new)))
    beyond = np.abs(recent / len(new) - old / len(before)) - BY_CHANCE * error
    return Shift(names[int(beyond.argmax())], max(0.0, float(beyond.max())))


def length_ratio(before: pa.ChunkedArray, new: pa.ChunkedArray) -> float:
    """Return the median words of the new texts over that of the former ones; texts are space-joined words."""
    middle, recent = (float(np.median(pc.count_substring(each, " ").to_numpy() + 1)) for each in (before, new))
    return recent / middle


def vocabulary(texts: pa.ChunkedArray) -> pa.Array:
    """Return the distinct words of space-joined texts, one chunk of them in memory as words at a time."""
    return pc.unique(pa.chunked_array([pc.unique(_words(chunk)) for chunk in texts.chunks], pa.string()))


def unknown_share(texts: pa.ChunkedArray, known: pa.Array) -> float:
    """Return which share of the texts' words, repetitions counted, is none of the known ones; 0 of no words."""
    words = found = 0
    for chunk in texts.chunks:
        here = _words(chunk)
        words += len(here)
        found += pc.sum(pc.is_in(here, known)).as_py() or 0
    return 1 - found / words if words else 0.0


def _words(texts: pa.Array) -> pa.Array:
    return pc.list_flatten(pc.split_pattern(texts, " "))
