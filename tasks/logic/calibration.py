"""Probabilities that mean what they say: one slope and one intercept on the logits, and how far off they are."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from tasks.logic.logits import logit

Floats = npt.NDArray[np.float64]
# Bins of equal mass, as many as Guo et al. use.
BINS = 15


class Calibration(TypedDict):
    """Hold what a recipe's logits are multiplied by, and what is added then."""

    slope: float
    intercept: float


class CurvePoint(TypedDict):
    """Hold a bin of the calibration curve: the mean probability, and the share that was true."""

    predicted: float
    observed: float


def fit_calibration(probabilities: npt.ArrayLike, truth: npt.ArrayLike) -> Calibration:
    """Return the slope and intercept, one for all genres, under which the probabilities are likeliest (Platt 1999).

    Both arrays are titles x genres. With Platt's targets, (N+ + 1) / (N+ + 2) and 1 / (N- + 2) for 1 and 0, both are
    finite for a perfect ranking, too. The order of the probabilities is kept: where a falling or no line fits (all
    probabilities are equal, or truth is all 0 or all 1), it is slope 1 and intercept 0, which changes nothing.
    """
    scores, labels = logit(probabilities).ravel(), np.asarray(truth).astype(bool).ravel()
    positives = int(labels.sum())
    if np.ptp(scores) == 0 or positives in (0, labels.size):
        return Calibration(slope=1.0, intercept=0.0)
    target = np.where(labels, (positives + 1) / (positives + 2), 1 / (labels.size - positives + 2))
    # A soft target is a pair of weighted answers. An infinite C is no regularisation.
    regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    regression.fit(
        np.concatenate([scores, scores])[:, None],
        np.repeat([1, 0], labels.size),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    slope = float(regression.coef_[0, 0])
    if slope <= 0:
        return Calibration(slope=1.0, intercept=0.0)
    return Calibration(slope=slope, intercept=float(regression.intercept_[0]))


def apply_calibration(probabilities: npt.ArrayLike, calibration: Calibration) -> Floats:
    """Return calibrated probabilities, float64 in the shape of what came; slope 1 and intercept 0 change nothing."""
    if calibration == Calibration(slope=1.0, intercept=0.0):
        return np.asarray(probabilities, np.float64)
    return np.asarray(expit(calibration["slope"] * logit(probabilities) + calibration["intercept"]))


def curve(probabilities: npt.ArrayLike, truth: npt.ArrayLike) -> list[CurvePoint]:
    """Return the calibration curve of all genres pooled, in bins of equal mass; both arrays are titles x genres."""
    observed, predicted = calibration_curve(
        np.asarray(truth).astype(int).ravel(),
        np.asarray(probabilities, np.float64).ravel(),
        n_bins=BINS,
        strategy="quantile",
    )
    return [CurvePoint(predicted=float(p), observed=float(o)) for p, o in zip(predicted, observed, strict=True)]


def expected_error(probabilities: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Return the expected calibration error of all genres pooled, over the curve's bins (Guo et al. 2017).

    Both arrays are titles x genres. It is the mean distance of a bin's mean probability and its share that was true,
    each bin weighted with its size. Guo et al. cut [0, 1] into bins of equal width; as most probabilities of a genre
    are low, the bins hold equally many instead. scikit-learn has no such figure.
    """
    scores, labels = np.asarray(probabilities, np.float64).ravel(), np.asarray(truth).astype(bool).ravel()
    # The edges are those of calibration_curve's strategy "quantile".
    edges = np.quantile(scores, np.linspace(0, 1, BINS + 1))
    bins = np.searchsorted(edges[1:-1], scores)
    apart = np.bincount(bins, weights=scores - labels, minlength=BINS)
    return float(np.abs(apart).sum() / scores.size)
