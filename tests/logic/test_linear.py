"""TF-IDF and logistic regressions, and the model as plain arrays."""

import numpy as np
import pytest

from tasks.logic.linear import LinearModel, Terms, fit_linear, linear_probabilities

TEXTS = ["ship sails sea", "sea storm ship", "robot in space", "space ship robot"] * 5
TRUTH = np.array([[1, 0], [1, 0], [0, 1], [0, 1]] * 5, dtype=np.uint8)


def fitted(texts=TEXTS, truth=TRUTH, weights=None, **changes) -> LinearModel:
    options = {"unit": "words", "ngrams": (1, 2), "min_titles": 2, "max_terms": None, "c": 4.0, "random_seed": 7}
    return fit_linear(texts, truth, weights, **{**options, **changes})


@pytest.fixture(scope="module")
def model() -> LinearModel:
    return fitted()


def test_probabilities_part_the_genres(model: LinearModel) -> None:
    sea, space = linear_probabilities(model, ["storm at sea", "robot"])
    assert sea[0] > 0.5 > sea[1]
    assert space[1] > 0.5 > space[0]


def test_arrays_alone_make_the_same_model(model: LinearModel) -> None:
    terms = Terms("words", (1, 2), model.terms.terms, model.terms.idf)
    again = LinearModel(terms, model.weights, model.intercepts)
    assert np.array_equal(linear_probabilities(again, TEXTS), linear_probabilities(model, TEXTS))


def test_a_text_counts_for_a_genre_as_its_weight_says() -> None:
    wrong = np.vstack([TRUTH, 1 - TRUTH])
    nothing = np.vstack([np.ones_like(TRUTH), np.zeros_like(TRUTH)])
    alone, ignored = fitted(), fitted([*TEXTS, *TEXTS], wrong, nothing, min_titles=4)
    assert ignored.terms.terms == alone.terms.terms
    assert ignored.weights == pytest.approx(alone.weights, abs=0.05)
    one = nothing.copy()
    one[len(TRUTH) :, 1] = 1.0
    first_only = fitted([*TEXTS, *TEXTS], wrong, one, min_titles=4)
    assert first_only.weights[0] == pytest.approx(ignored.weights[0])
    assert first_only.weights[1] == pytest.approx(np.zeros(len(alone.terms.terms)), abs=1e-3)


def test_text_without_known_words_gets_the_intercepts(model: LinearModel) -> None:
    expected = 1 / (1 + np.exp(-model.intercepts))
    assert linear_probabilities(model, ["", "unheard"]) == pytest.approx(np.vstack([expected, expected]))


def test_word_pairs_are_terms_too(model: LinearModel) -> None:
    assert "ship sails" in model.terms.terms


def test_least_titles_and_most_terms_bound_the_vocabulary() -> None:
    few = fitted([*TEXTS, "lonely"], np.vstack([TRUTH, [[1, 0]]]), ngrams=(1, 1), max_terms=3)
    assert len(few.terms.terms) == 3
    assert "lonely" not in few.terms.terms


def test_character_n_grams_stay_inside_words_and_ignore_case() -> None:
    model = fitted(["The Ships sail.", "A ship sails."] * 5, np.array([[1], [0]] * 5), unit="characters", ngrams=(3, 4))
    assert {"shi", "hip", " shi"} <= set(model.terms.terms)
    assert not any(" " in term.strip() for term in model.terms.terms)
    assert linear_probabilities(model, ["SHIPS"]) == pytest.approx(linear_probabilities(model, ["ships"]))


@pytest.mark.parametrize(("unit", "reads"), [("words", "words"), ("characters", "raw")])
def test_the_unit_says_which_text_is_read(unit, reads) -> None:
    assert fitted(unit=unit).terms.reads == reads
