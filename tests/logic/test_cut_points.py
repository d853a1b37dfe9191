import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tasks.logic.cut_points import best_cut


def by_trying_all(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the highest of the best cuts and its F1, by scikit-learn at every distinct score."""
    tried = [(f1_score(labels, scores >= cut, zero_division=0), cut) for cut in np.unique(scores)]
    f1, chosen = max(tried)
    return chosen, f1


@settings(max_examples=200 if "GENREFLOW_LONG" in os.environ else 50)
@given(
    st.lists(
        st.tuples(st.floats(-0.5, 1.5) | st.sampled_from([0.0, 0.25, 1.0, 1 / 4096, 0.25 + 1e-9]), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
def test_no_cut_is_better_than_the_one_found(drawn: list[tuple[float, bool]]):
    scores, labels = np.array([score for score, _ in drawn]), np.array([label for _, label in drawn])
    cut = best_cut(scores, labels)
    chosen, f1 = by_trying_all(scores, labels)
    assert cut.f1 == pytest.approx(f1, abs=1e-12)
    assert f1_score(labels, scores >= cut.chosen, zero_division=0) == pytest.approx(cut.f1, abs=1e-12)
    # Equal quotients may round apart in scikit-learn's mean of precision and recall, never here.
    assert cut.chosen >= chosen or f1_score(labels, scores >= chosen, zero_division=0) == pytest.approx(cut.f1)


@pytest.mark.parametrize("crowded", [False, True])
def test_many_scores_give_the_same_as_sorting_them_all(crowded: bool):
    rng = np.random.default_rng(5)
    labels = rng.random(30_000) < 0.07
    scores = rng.beta(1 + 3 * labels, 6)
    # All in a few bins: then the search sorts most of them.
    scores = 0.3 + scores / 5000 if crowded else scores
    order = np.argsort(-scores)
    f1 = 2 * np.cumsum(labels[order]) / (np.arange(1, len(order) + 1) + labels.sum())
    best = int(np.argmax(f1))
    cut = best_cut(scores, labels)
    assert (cut.chosen, cut.f1) == (scores[order[best]], f1[best])
    assert cut.lower == scores[order[best + 1]]


def test_below_all_scores_there_is_no_lower_one():
    assert best_cut(np.array([0.9, 0.4]), np.array([True, True])) == (0.4, None, 1.0)
