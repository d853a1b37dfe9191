"""Several models' probabilities as one: weighted means, their weights found on validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.metrics import log_loss


def mix(probabilities: Sequence[np.ndarray], weights: npt.ArrayLike) -> np.ndarray:
    """Return the weighted mean of probabilities, each float64 (titles, genres); weights sum to 1."""
    return np.asarray(np.tensordot(np.asarray(weights, dtype=np.float64), np.stack(probabilities), axes=1))


def find_weights(probabilities: Sequence[np.ndarray], truth: np.ndarray) -> list[float]:
    """Return the weights, none below 0 and 1 in all, whose mean has the least cross-entropy.

    probabilities holds a matrix (titles, genres) a model, truth is of the same shape. The cross-entropy of a mean of
    probabilities is convex in the weights, so there is one least value and the search (SLSQP) finds it.
    """
    count = len(probabilities)

    def entropy(weights: np.ndarray) -> float:
        mixed = np.clip(mix(probabilities, weights), 1e-7, 1.0 - 1e-7).ravel()
        return float(log_loss(truth.ravel(), mixed, labels=[0, 1]))

    found = minimize(
        entropy,
        np.full(count, 1.0 / count),
        method="SLSQP",
        bounds=[(0.0, 1.0)] * count,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1.0},
        options={"ftol": 1e-9},
    )
    # Rounded, so that what is stored and shown is what is used.
    weights = np.round(np.clip(found.x, 0.0, None) / np.clip(found.x, 0.0, None).sum(), 4)
    weights[int(weights.argmax())] += 1.0 - weights.sum()
    return [float(weight) for weight in np.round(weights, 4)]
