"""How a recipe's probabilities become genres: found on validation, and the same in training, promotion and serving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args

import numpy as np
import numpy.typing as npt

from tasks.logic.calibration import Calibration, apply_calibration, fit_calibration
from tasks.logic.thresholds import best_genre_thresholds, best_global_threshold, predict, shrink

Rule = Literal["global", "per_genre"]
RULES: tuple[Rule, ...] = get_args(Rule)


class Decision(TypedDict):
    """Hold what turns probabilities into genres, as plain values: a model's card and its figures carry the same.

    threshold is the global one, genre_thresholds are one a genre in the order of the columns; threshold_rule says
    which of the two decide.
    """

    calibration: Calibration
    threshold_rule: Rule
    threshold: float
    genre_thresholds: list[float]
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

    Both arrays are titles x genres. Both kinds of thresholds are found: whoever asks the model may choose. Thresholds
    a genre are shrunk to the global one of best micro-F1, whatever the objective: it rests on all titles, and keeps
    micro-F1 up where a genre has too few of its own. Under the rule per_genre it is the global one, too.
    """
    calibration = fit_calibration(probabilities, truth)
    scores, labels = apply_calibration(probabilities, calibration), np.asarray(truth).astype(bool)
    of_micro, _ = best_global_threshold(scores, labels, "micro")
    threshold = of_micro
    if rule == "global" and objective == "macro":
        threshold, _ = best_global_threshold(scores, labels, objective)
    own = best_genre_thresholds(scores, labels, objective)
    by_genre = shrink(own, labels.sum(axis=0), towards=of_micro, shrinkage=shrinkage)
    return Decision(
        calibration=calibration,
        threshold_rule=rule,
        threshold=threshold,
        genre_thresholds=[float(each) for each in by_genre],
        at_least_one=at_least_one,
    )


def under(decision: Mapping[str, Any], thresholds: str) -> dict[str, Any]:
    """Return a decision under other thresholds: "global", "per_genre", a number for all genres, or "", its own rule.

    Raises ValueError for anything else, and for a number that is not between 0 and 1.
    """
    number = read_thresholds(thresholds)
    if number is None:
        return {**decision, "threshold_rule": thresholds or decision["threshold_rule"]}
    return {**decision, "threshold_rule": "global", "threshold": number}


def read_thresholds(thresholds: str) -> float | None:
    """Return the number for all genres that is asked for, None for a rule or ""; raises ValueError as under does."""
    if thresholds in ("", *RULES):
        return None
    try:
        number = float(thresholds)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise ValueError(f"thresholds: expected global, per_genre or a number between 0 and 1, got {thresholds!r}")
    return number


def thresholds_of(decision: Mapping[str, Any]) -> list[float]:
    """Return the thresholds that decide, one a genre; under the rule global they are all the same."""
    if decision["threshold_rule"] == "global":
        return [decision["threshold"]] * len(decision["genre_thresholds"])
    return list(decision["genre_thresholds"])


def decide(probabilities: npt.ArrayLike, decision: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Return which genres each title gets of calibrated probabilities, titles x genres.

    decision is a Decision or what holds its keys: a model's card, a recipe's figures.
    """
    return predict(probabilities, thresholds_of(decision), decision["at_least_one"])


def tell_thresholds(decision: Mapping[str, Any], genres: Sequence[str]) -> dict[str, Any]:
    """Return the thresholds for people and programs: {rule, value} of the global one, or {rule, values} by genre."""
    if decision["threshold_rule"] == "global":
        return {"rule": "global", "value": decision["threshold"]}
    return {"rule": "per_genre", "values": dict(zip(genres, decision["genre_thresholds"], strict=True))}
