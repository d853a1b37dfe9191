"""From probabilities to genres: one comparison, and the threshold that serves it best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
GRID = tuple(tenth / 10 for tenth in range(1, 10))


class SweepRow(TypedDict):
    """Hold the figures at one threshold: micro-F1, macro-F1, and micro precision and recall."""

    threshold: float
    micro: float
    macro: float
    precision: float
    recall: float


def predict(probabilities: npt.ArrayLike, thresholds: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return which genres each title gets: probability >= threshold, compared in float64.

    probabilities are titles x genres; thresholds are one number, or one a genre.
    """
    answer: npt.NDArray[np.bool_] = np.asarray(probabilities, np.float64) >= np.asarray(thresholds, np.float64)
    return answer


def best_global_threshold(
    probabilities: npt.ArrayLike, truth: npt.ArrayLike, objective: Literal["micro", "macro"]
) -> tuple[float, float]:
    """Return the threshold with the best F1 and that F1, by exact search over all distinct probabilities.

    Both arrays are titles x genres. Of equal F1 the highest threshold wins. The threshold lies halfway between the
    chosen probability and the next lower one (0 below the lowest): the same titles get the same genres, and a later
    rounding flips none. Macro-F1 is over the genres that stand in truth. Raises ValueError on wrong shapes or NaN.
    """
    scores, labels = _checked(probabilities, truth)
    order = np.argsort(-scores, axis=None, kind="stable")
    ranked = scores.ravel()[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    curve = _micro_curve(labels, order) if objective == "micro" else _macro_curve(labels, order)
    best = int(np.argmax(curve[ends]))
    chosen = float(ranked[ends[best]])
    lower = float(ranked[ends[best + 1]]) if best + 1 < len(ends) else min(0.0, chosen)
    middle = lower + (chosen - lower) / 2
    return (middle if lower < middle else chosen), float(curve[ends[best]])


def sweep(probabilities: npt.ArrayLike, truth: npt.ArrayLike, grid: Sequence[float] = GRID) -> list[SweepRow]:
    """Return the figures at each threshold of the grid; by default 0.1 to 0.9, the study's table."""
    scores, labels = _checked(probabilities, truth)
    return [_row(predict(scores, threshold), labels, float(threshold)) for threshold in grid]


def _row(predicted: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], threshold: float) -> SweepRow:
    hits, answers, positives = ((predicted & truth).sum(0), predicted.sum(0), truth.sum(0))
    supported = positives > 0
    by_genre = _f1(hits[supported], answers[supported], positives[supported])
    return SweepRow(
        threshold=threshold,
        micro=float(_f1(hits.sum(), answers.sum(), positives.sum())),
        macro=float(by_genre.mean()) if by_genre.size else 0.0,
        precision=float(hits.sum() / max(answers.sum(), 1)),
        recall=float(hits.sum() / max(positives.sum(), 1)),
    )


def _f1(hits: npt.ArrayLike, answers: npt.ArrayLike, positives: npt.ArrayLike) -> Floats:
    # F1 = 2 TP / (2 TP + FP + FN), and 2 TP + FP + FN = answers + positives.
    both = np.asarray(answers) + np.asarray(positives)
    f1: Floats = 2 * np.asarray(hits) / np.maximum(both, 1)
    return f1


def _micro_curve(truth: npt.NDArray[np.bool_], order: npt.NDArray[np.intp]) -> Floats:
    hits = np.cumsum(truth.ravel()[order], dtype=np.int64)
    return _f1(hits, np.arange(1, len(order) + 1), truth.sum())


def _macro_curve(truth: npt.NDArray[np.bool_], order: npt.NDArray[np.intp]) -> Floats:
    """Sum the genres' F1 along one walk down all probabilities: each step changes the F1 of one genre only."""
    genre = order % truth.shape[1]
    steps = np.zeros(len(order))
    supported = np.flatnonzero(truth.any(axis=0))
    for column in supported:
        at = np.flatnonzero(genre == column)
        hits = np.cumsum(truth.ravel()[order[at]], dtype=np.int64)
        steps[at] = np.diff(_f1(hits, np.arange(1, len(at) + 1), truth[:, column].sum()), prepend=0.0)
    curve: Floats = np.cumsum(steps) / max(len(supported), 1)
    return curve


def _checked(probabilities: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    scores, labels = np.asarray(probabilities, np.float64), np.asarray(truth).astype(bool)
    if scores.ndim != 2 or scores.shape != labels.shape or scores.size == 0:
        raise ValueError(
            f"expected probabilities and truth as titles x genres, one size; got {scores.shape} and {labels.shape}"
        )
    if np.isnan(scores).any():
        raise ValueError(f"expected probabilities; got {int(np.isnan(scores).sum())} that are not a number")
    return scores, labels
