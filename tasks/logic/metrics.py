"""How good an answer is: F1 in its averages, figures a genre, and the bootstrap over titles behind intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    hamming_loss,
    label_ranking_average_precision_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)

from tasks.logic.cut_points import f1_of

Matrix = npt.ArrayLike
# Resamples drawn at once: a block of weights takes this many rows of one float64 a title.
_BLOCK = 100


def score(truth: Matrix, predicted: Matrix, genres: Sequence[str]) -> dict[str, Any]:
    """Return the figures of an answer; both matrices are titles x genres, genres names the columns.

    f1_macro is over the genres that stand in truth; the others are named in without_support. An undefined figure
    (a title or genre with nothing asked and nothing answered) counts 0. hamming_loss is the share of wrong answers
    of titles x genres, subset_accuracy that of titles whose genres are all right. Raises ValueError on wrong shapes.
    """
    actual, answer = _checked(truth, predicted)
    _check_genres(actual, genres)
    precision, recall, f1, support = precision_recall_fscore_support(actual, answer, average=None, zero_division=0)
    per_genre = {
        genre: {
            "precision": float(precision[column]),
            "recall": float(recall[column]),
            "f1": float(f1[column]),
            "support": int(support[column]),
            "predicted": int(answer[:, column].sum()),
        }
        for column, genre in enumerate(genres)
    }
    return {
        "f1_micro": float(f1_score(actual, answer, average="micro", zero_division=0)),
        "f1_macro": float(f1[support > 0].mean()) if support.any() else 0.0,
        "f1_weighted": float(f1_score(actual, answer, average="weighted", zero_division=0)),
        "f1_samples": float(f1_score(actual, answer, average="samples", zero_division=0)),
        "precision_micro": float(precision_score(actual, answer, average="micro", zero_division=0)),
        "recall_micro": float(recall_score(actual, answer, average="micro", zero_division=0)),
        "hamming_loss": float(hamming_loss(actual, answer)),
        "subset_accuracy": float(accuracy_score(actual, answer)),
        "titles": len(actual),
        "without_support": [genre for genre, figures in per_genre.items() if not figures["support"]],
        "per_genre": per_genre,
    }


def score_ranking(truth: Matrix, probabilities: Matrix, genres: Sequence[str]) -> dict[str, Any]:
    """Return how well probabilities rank: average precision in two averages and a genre, and LRAP.

    Both matrices are titles x genres. map_micro and map_macro are over the genres that stand in truth, lrap (label
    ranking average precision) over the titles that have a genre; 0 where there are none. average_precision holds
    the genres that stand in truth. Raises ValueError on wrong shapes.
    """
    scores = np.asarray(probabilities, np.float64)
    actual, _ = _checked(truth, scores > 0)
    _check_genres(actual, genres)
    titles, columns = actual.any(axis=1), np.flatnonzero(actual.any(axis=0)).tolist()
    if not columns:
        return {"map_micro": 0.0, "map_macro": 0.0, "lrap": 0.0, "average_precision": {}}
    asked, given = actual[:, columns], scores[:, columns]
    by_genre = np.atleast_1d(average_precision_score(asked, given, average=None))
    return {
        "map_micro": float(average_precision_score(asked, given, average="micro")),
        "map_macro": float(by_genre.mean()),
        "lrap": float(label_ranking_average_precision_score(actual[titles], scores[titles])),
        "average_precision": {genres[column]: float(by_genre[i]) for i, column in enumerate(columns)},
    }


def intervals(
    truth: Matrix, predicted: Matrix, resamples: int, level: float, random_seed: int
) -> dict[str, list[float]]:
    """Return [low, high] of f1_micro and f1_macro: the percentile bootstrap over titles (Efron 1979).

    In each resample macro-F1 is over the genres that stand in it, as score has it.
    """
    counts = _counts(*_checked(truth, predicted))
    micro, macro = [], []
    for weights in _resample(counts.shape[1], resamples, random_seed):
        by_genre = weights @ counts
        micro.append(f1_of(*by_genre.sum(axis=2)))
        macro.append(_macro(by_genre))
    return {
        "f1_micro": _percentiles(np.concatenate(micro), level),
        "f1_macro": _percentiles(np.concatenate(macro), level),
    }


def paired_bootstrap(
    truth: Matrix,
    a: Matrix,
    b: Matrix,
    resamples: int,
    random_seed: int,
    level: float = 0.95,
    average: Literal["micro", "macro"] = "micro",
) -> dict[str, float]:
    """Compare the F1 of two answers on the same titles, resampled together.

    Returns share_better (the share of resamples in which a is strictly better: one-sided), difference (a minus b on
    the titles themselves), and the percentile interval low, high of that difference. In each resample macro-F1 is
    over the genres that stand in it.
    """
    ours, theirs = (_counts(*_checked(truth, answer)) for answer in (a, b))
    if average == "micro":
        # Summed over the genres first, all of them count as one, whose macro-F1 is the micro-F1.
        ours, theirs = (counts.sum(axis=2, keepdims=True) for counts in (ours, theirs))
    differences = np.concatenate(
        [
            _macro(weights @ ours) - _macro(weights @ theirs)
            for weights in _resample(ours.shape[1], resamples, random_seed)
        ]
    )
    low, high = _percentiles(differences, level)
    return {
        "share_better": float((differences > 0).mean()),
        "difference": float(_macro(ours.sum(axis=1, keepdims=True))[0] - _macro(theirs.sum(axis=1, keepdims=True))[0]),
        "low": low,
        "high": high,
    }


def _checked(truth: Matrix, predicted: Matrix) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    actual, answer = np.asarray(truth).astype(bool), np.asarray(predicted).astype(bool)
    if actual.ndim != 2 or actual.shape != answer.shape or actual.size == 0:
        raise ValueError(f"expected two matrices of titles x genres, one size; got {actual.shape} and {answer.shape}")
    return actual, answer


def _check_genres(actual: npt.NDArray[np.bool_], genres: Sequence[str]) -> None:
    if actual.shape[1] != len(genres):
        raise ValueError(f"expected {len(genres)} columns, one a genre; got {actual.shape[1]}")


def _counts(truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return hits, answers and positives of each title and genre, as one array 3 x titles x genres."""
    return np.stack([truth & predicted, predicted, truth]).astype(np.float64)


def _resample(titles: int, resamples: int, random_seed: int) -> Iterator[npt.NDArray[np.float64]]:
    """Yield blocks of weights, resamples x titles: how often each title stands in each resample."""
    rng = np.random.default_rng(random_seed)
    for start in range(0, resamples, _BLOCK):
        rows = min(_BLOCK, resamples - start)
        yield rng.multinomial(titles, np.full(titles, 1 / titles), size=rows).astype(np.float64)


def _macro(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    supported = counts[2] > 0
    macro: npt.NDArray[np.float64] = (f1_of(*counts) * supported).sum(axis=1) / np.maximum(supported.sum(axis=1), 1)
    return macro


def _percentiles(values: npt.NDArray[np.float64], level: float) -> list[float]:
    tail = (1 - level) / 2
    return [float(value) for value in np.quantile(values, [tail, 1 - tail])]
