"""Word2Vec: repeatable, normalised, most frequent word first."""

import numpy as np
import pytest

from tasks.logic.vectors import fit_vectors

TEXTS = ["ship sails sea", "sea storm ship", "robot flies space", "space robot ship"] * 20
OPTIONS = {
    "vector_size": 8, "window": 3, "min_count": 1, "sample": 0.0, "alpha": 0.03, "min_alpha": 0.0007,
    "negative": 5, "epochs": 2, "workers": 1, "random_seed": 7,
}  # fmt: skip


def test_vectors_have_length_one_and_repeat_bit_for_bit() -> None:
    vocabulary, vectors = fit_vectors(TEXTS, **OPTIONS)
    again = fit_vectors(TEXTS, **OPTIONS)
    assert vocabulary == again[0]
    assert np.array_equal(vectors, again[1])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(vocabulary)), abs=1e-5)


def test_most_frequent_word_comes_first() -> None:
    assert fit_vectors(TEXTS, **OPTIONS)[0][0] == "ship"


def test_every_epoch_is_told() -> None:
    told: list[int] = []
    fit_vectors(TEXTS, **OPTIONS, on_epoch=told.append)
    assert told == [1, 2]


def test_no_words_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="no words to fit Word2Vec on"):
        fit_vectors(["", ""], **OPTIONS)
