"""Weighted means of several models' probabilities."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from tasks.logic.blending import find_weights, mix


def drawn(noise: list[float], titles: int = 400):
    rng = np.random.default_rng(5)
    truth = rng.random((titles, 4)) < 0.3
    return [np.clip(0.6 * truth + 0.2 + each * rng.normal(size=truth.shape), 0.01, 0.99) for each in noise], truth


def test_mix_is_the_weighted_mean() -> None:
    assert mix([np.array([[0.2, 0.4]]), np.array([[0.6, 0.0]])], [0.75, 0.25]) == pytest.approx(np.array([[0.3, 0.3]]))


def test_weights_sum_to_one_and_the_better_model_weighs_more() -> None:
    members, truth = drawn([0.1, 0.4])
    weights = find_weights(members, truth)
    assert sum(weights) == pytest.approx(1.0, abs=1e-9)
    assert weights[0] > weights[1] >= 0


def test_no_weights_on_a_grid_are_better() -> None:
    members, truth = drawn([0.25, 0.3])
    found = log_loss(truth.ravel(), mix(members, find_weights(members, truth)).ravel())
    grid = [log_loss(truth.ravel(), mix(members, [w, 1 - w]).ravel()) for w in np.linspace(0, 1, 101)]
    assert found <= min(grid) + 1e-6


def test_a_useless_member_gets_no_weight() -> None:
    members, truth = drawn([0.1])
    weights = find_weights([*members, np.full(truth.shape, 0.97)], truth)
    assert weights == [1.0, 0.0]


def test_certain_and_wrong_probabilities_are_borne() -> None:
    truth = np.array([[True, False], [False, True]])
    weights = find_weights([truth.astype(float), 1.0 - truth], truth)
    assert weights[0] == pytest.approx(1.0, abs=1e-3)
