"""What may be asked of a model beside its texts, and how probabilities are told then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Params(NamedTuple):
    """Hold the params of a model with their defaults, by which it answers as it was trained to.

    thresholds are those of logic.decisions.under; top is how many genres have their probability told at least, 0: all
    of them; explain asks what each word of a text says of its genres.
    """

    thresholds: str = ""
    top: int = 0
    explain: bool = False


def read_params(given: Mapping[str, Any] | None) -> Params:
    """Return what is asked for by name; raises ValueError naming a param with a wrong value."""
    params = Params(**(given or {}))
    if params.top < 0:
        raise ValueError(f"top: expected how many genres to tell, 0 for all of them, got {params.top}")
    return params


def tell_probabilities(
    probabilities: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_], genres: Sequence[str], top: int
) -> list[dict[str, float]]:
    """Return each text's probabilities by genre; both arrays are texts x genres.

    With top 0 all, in the order of genres; else the top most probable and all that are chosen, most probable first.
    """
    if not top:
        return [dict(zip(genres, row, strict=True)) for row in probabilities.tolist()]
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return [
        {genres[column]: row[column] for rank, column in enumerate(columns) if rank < top or own[column]}
        for row, own, columns in zip(probabilities.tolist(), chosen.tolist(), order.tolist(), strict=True)
    ]
