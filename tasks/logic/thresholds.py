"""From probabilities to genres: one comparison, and the thresholds that serve it best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from tasks.logic.cut_points import Cut, best_cut, f1_of, highest_point
from tasks.logic.logits import logit

Floats = npt.NDArray[np.float64]
GRID = tuple(tenth / 10 for tenth in range(1, 10))


class SweepRow(TypedDict):
    """Hold the figures at one threshold: micro-F1, macro-F1, and micro precision and recall."""

    threshold: float
    micro: float
    macro: float
    precision: float
    recall: float


def predict(
    probabilities: npt.ArrayLike, thresholds: npt.ArrayLike, at_least_one: bool = False
) -> npt.NDArray[np.bool_]:
    """Return which genres each title gets: probability >= threshold, compared in float64.

    probabilities are titles x genres; thresholds are one number, or one a genre. With at_least_one, a title that
    would get none gets the genre that is nearest to its threshold, in logits; the first of several.
    """
    scores, cuts = np.asarray(probabilities, np.float64), np.asarray(thresholds, np.float64)
    answer: npt.NDArray[np.bool_] = scores >= cuts
    if at_least_one:
        none = np.flatnonzero(~answer.any(axis=1))
        answer[none, (logit(scores[none]) - logit(cuts)).argmax(axis=1)] = True
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
    cut = best_cut(scores.ravel(), labels.ravel()) if objective == "micro" else _best_macro_cut(scores, labels)
    return _threshold(cut), cut.f1


def best_genre_thresholds(
    probabilities: npt.ArrayLike, truth: npt.ArrayLike, objective: Literal["micro", "macro"]
) -> Floats:
    """Return one threshold a genre: the cuts with the best F1, by exact search over all distinct probabilities.

    Both arrays are titles x genres. macro: each genre's own best F1; micro: the best micro-F1 of all genres together,
    for which a genre may answer nothing. Of equal cuts the highest wins; a cut lies halfway to the next lower
    probability, as in best_global_threshold, or between the highest and 1 where the genre answers nothing (always so
    for a genre without a title). Raises ValueError on wrong shapes or NaN.
    """
    scores, labels = _checked(probabilities, truth)
    if objective == "micro":
        return _joint_thresholds(scores, labels)
    columns = zip(scores.T, labels.T, strict=True)
    return np.array([_threshold(best_cut(*each)) if each[1].any() else _above(each[0].max()) for each in columns])


def shrink(thresholds: npt.ArrayLike, positives: npt.ArrayLike, towards: float, shrinkage: float) -> Floats:
    """Return one threshold a genre, drawn to the global one in logits, the more the fewer titles it rests on.

    thresholds and positives (the validation titles that have the genre) are one a genre. The genre's own threshold
    weighs n / (n + shrinkage): all with shrinkage 0, nothing for a genre without a title.
    """
    own, counts = np.asarray(thresholds, np.float64), np.asarray(positives, np.float64)
    weight = np.divide(counts, counts + shrinkage, out=np.zeros_like(own), where=counts > 0)
    mixed = expit(weight * logit(own) + (1 - weight) * logit(towards))
    # What is not mixed stays as it is to the last bit: a threshold may lie between neighbouring numbers.
    return np.select([weight == 1, weight == 0], [own, np.full_like(own, towards)], mixed)


def sweep(probabilities: npt.ArrayLike, truth: npt.ArrayLike, grid: Sequence[float] = GRID) -> list[SweepRow]:
    """Return the figures at each threshold of the grid; by default 0.1 to 0.9, the study's table."""
    scores, labels = _checked(probabilities, truth)
    return [_row(predict(scores, threshold), labels, float(threshold)) for threshold in grid]


def _row(predicted: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], threshold: float) -> SweepRow:
    hits, answers, positives = ((predicted & truth).sum(0), predicted.sum(0), truth.sum(0))
    supported = positives > 0
    by_genre = f1_of(hits[supported], answers[supported], positives[supported])
    return SweepRow(
        threshold=threshold,
        micro=float(f1_of(hits.sum(), answers.sum(), positives.sum())),
        macro=float(by_genre.mean()) if by_genre.size else 0.0,
        precision=float(hits.sum() / max(answers.sum(), 1)),
        recall=float(hits.sum() / max(positives.sum(), 1)),
    )


def _halfway(chosen: npt.ArrayLike, lower: npt.ArrayLike) -> Floats:
    upper, below = np.asarray(chosen, np.float64), np.asarray(lower, np.float64)
    middle = below + (upper - below) / 2
    # Between neighbouring numbers there is none.
    return np.where(below < middle, middle, upper)


def _threshold(cut: Cut) -> float:
    return float(_halfway(cut.chosen, min(0.0, cut.chosen) if cut.lower is None else cut.lower))


def _above(highest: npt.ArrayLike) -> Floats:
    """Return a threshold above the highest probability, which answers nothing."""
    return _halfway(np.maximum(np.nextafter(highest, np.inf), 1.0), highest)


def _joint_thresholds(scores: Floats, labels: npt.NDArray[np.bool_]) -> Floats:
    """Return the thresholds of the genres under the best micro-F1 of all (Dinkelbach 1967), exactly, in integers.

    Micro-F1 is a quotient, 2 TP over answers + positives. Where it is at least q for some cuts, they have
    2 TP - q (answers + positives) >= 0, and that difference is a sum over genres: each takes its best cut, the
    quotient reached is the next q, until it stays.
    """
    order = np.argsort(-scores, axis=0, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=0)
    # Row k of what follows is the cut below the k most probable titles of a genre.
    hits = np.cumsum(np.take_along_axis(labels, order, axis=0), axis=0, dtype=np.int64)
    hits = np.vstack([np.zeros_like(hits[:1]), hits])
    parted = np.ones(hits.shape, dtype=bool)
    parted[1:-1] = ranked[1:] != ranked[:-1]
    genres, answers = np.arange(hits.shape[1]), np.arange(len(hits))[:, None]
    reached, of = 0, 1
    while True:
        cuts = np.where(parted, 2 * hits * of - reached * answers, -1).argmax(axis=0)
        doubled, both = 2 * int(hits[cuts, genres].sum()), int(cuts.sum() + hits[-1].sum())
        if doubled * of <= reached * both:
            break
        reached, of = doubled, both
    lower = np.vstack([ranked, np.minimum(ranked[-1:], 0.0)])
    return np.where(cuts > 0, _halfway(lower[cuts - 1, genres], lower[cuts, genres]), _above(ranked[0]))


def _best_macro_cut(scores: Floats, labels: npt.NDArray[np.bool_]) -> Cut:
    """Sum the genres' F1 along one walk down all probabilities: each step changes the F1 of one genre only."""
    order = np.argsort(-scores, axis=None, kind="stable")
    ranked, truth, genre = scores.ravel()[order], labels.ravel()[order], order % labels.shape[1]
    steps = np.zeros(len(order))
    supported = np.flatnonzero(labels.any(axis=0))
    for column in supported:
        at = np.flatnonzero(genre == column)
        hits = np.cumsum(truth[at], dtype=np.int64)
        steps[at] = np.diff(f1_of(hits, np.arange(1, len(at) + 1), hits[-1]), prepend=0.0)
    curve = np.cumsum(steps) / max(len(supported), 1)
    return highest_point(ranked, curve)


def _checked(probabilities: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    scores, labels = np.asarray(probabilities, np.float64), np.asarray(truth).astype(bool)
    if scores.ndim != 2 or scores.shape != labels.shape or scores.size == 0:
        raise ValueError(
            f"expected probabilities and truth as titles x genres, one size; got {scores.shape} and {labels.shape}"
        )
    if np.isnan(scores).any():
        raise ValueError(f"expected probabilities; got {int(np.isnan(scores).sum())} that are not a number")
    return scores, labels
