"""TF-IDF and logistic regressions, and the model as plain arrays."""

import dataclasses

import numpy as np
import pytest

from tasks.logic.linear import LinearModel, fit_linear, linear_probabilities

TEXTS = ["ship sails sea", "sea storm ship", "robot in space", "space ship robot"] * 5
TRUTH = np.array([[1, 0], [1, 0], [0, 1], [0, 1]] * 5, dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> LinearModel:
    return fit_linear(TEXTS, TRUTH, ngrams=2, min_titles=2, max_terms=None, c=4.0, random_seed=7)


def test_probabilities_part_the_genres(model: LinearModel) -> None:
    sea, space = linear_probabilities(model, ["storm at sea", "robot"])
    assert sea[0] > 0.5 > sea[1]
    assert space[1] > 0.5 > space[0]


def test_arrays_alone_make_the_same_model(model: LinearModel) -> None:
    again = LinearModel(**{field.name: getattr(model, field.name) for field in dataclasses.fields(model)})
    assert np.array_equal(linear_probabilities(again, TEXTS), linear_probabilities(model, TEXTS))


def test_text_without_known_words_gets_the_intercepts(model: LinearModel) -> None:
    expected = 1 / (1 + np.exp(-model.intercepts))
    assert linear_probabilities(model, ["", "unheard"]) == pytest.approx(np.vstack([expected, expected]))


def test_word_pairs_are_terms_too(model: LinearModel) -> None:
    assert "ship sails" in model.terms


def test_least_titles_and_most_terms_bound_the_vocabulary() -> None:
    few = fit_linear(
        [*TEXTS, "lonely"], np.vstack([TRUTH, [[1, 0]]]), ngrams=1, min_titles=2, max_terms=3, c=1.0, random_seed=7
    )
    assert len(few.terms) == 3
    assert "lonely" not in few.terms
