"""What all sections of the configuration share: frozen, nothing by default, unknown names met with the nearest."""

from __future__ import annotations

import difflib
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
Dropout = Annotated[float, Field(ge=0, lt=1)]
T = TypeVar("T")


class Section(BaseModel):
    """Refuse unknown keys and later changes; every value stands in base.yaml, none here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def each_once(names: tuple[T, ...]) -> tuple[T, ...]:
    """Return names of which none stands twice; raises ValueError else."""
    if len(set(names)) < len(names):
        raise ValueError(f"each name may stand once; got {', '.join(map(str, names))}")
    return names


def in_order(ngrams: tuple[int, int]) -> tuple[int, int]:
    """Return the shortest and the longest n-gram in this order; raises ValueError else."""
    if ngrams[0] > ngrams[1]:
        raise ValueError(f"expected the shortest n-gram first, then the longest; got {list(ngrams)}")
    return ngrams


def nearest_hint(name: str, names: list[str]) -> str:
    """Return "; did you mean 'x'?" for the name that looks most like an unknown one, "" where none does."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
