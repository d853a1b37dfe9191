"""How a recipe's probabilities become genres: found on validation, and the same in training, promotion and serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

import numpy as np
import numpy.typing as npt

from tasks.logic.calibration import Calibration, apply_calibration, fit_calibration
from tasks.logic.thresholds import best_genre_thresholds, best_global_threshold, predict, shrink

Rule = Literal["global", "per_genre"]


class Decision(TypedDict):
    """Hold what turns probabilities into genres, as plain values: a model's card and its figures carry the same.

    threshold is the global one, thresholds are those that decide, one a genre in the order of the columns; under the
    rule global they are all the same.
    """

    calibration: Calibration
    threshold_rule: Rule
    threshold: float
    thresholds: list[float]
    at_least_one: bool


def find_decision(
    probabilities: npt.ArrayLike,
    truth: npt.ArrayLike,
    *,
    rule: Rule,
    objective: Literal["micro", "macro"],
    shrinkage: float,
    at_least_one: bool,
) -> Decision:
    """Calibrate on validation titles, then find the thresholds on the calibrated probabilities.

    Both arrays are titles x genres. Thresholds a genre are shrunk to the global one of best micro-F1, whatever the
    objective: it rests on all titles, and keeps micro-F1 up where a genre has too few of its own.
    """
    calibration = fit_calibration(probabilities, truth)
    scores, labels = apply_calibration(probabilities, calibration), np.asarray(truth).astype(bool)
    threshold, _ = best_global_threshold(scores, labels, objective if rule == "global" else "micro")
    thresholds = np.full(labels.shape[1], threshold)
    if rule == "per_genre":
        own = best_genre_thresholds(scores, labels, objective)
        thresholds = shrink(own, labels.sum(axis=0), towards=threshold, shrinkage=shrinkage)
    return Decision(
        calibration=calibration,
        threshold_rule=rule,
        threshold=threshold,
        thresholds=[float(each) for each in thresholds],
        at_least_one=at_least_one,
    )


def decide(probabilities: npt.ArrayLike, decision: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Return which genres each title gets of calibrated probabilities, titles x genres.

    decision is a Decision or what holds its keys: a model's card, a recipe's figures.
    """
    return predict(probabilities, decision["thresholds"], decision["at_least_one"])


def tell_thresholds(decision: Mapping[str, Any], genres: Sequence[str]) -> dict[str, Any]:
    """Return the thresholds for people and programs: {rule, value} of the global one, or {rule, values} by genre."""
    if decision["threshold_rule"] == "global":
        return {"rule": "global", "value": decision["threshold"]}
    return {"rule": "per_genre", "values": dict(zip(genres, decision["thresholds"], strict=True))}
