import numpy as np
import pytest

from tasks.logic.params import Params, read_params, tell_probabilities

GENRES = ["Comedy", "Drama", "War"]
PROBABILITIES = np.array([[0.2, 0.9, 0.4], [0.3, 0.3, 0.1]])
CHOSEN = np.array([[True, True, False], [False, False, True]])


def test_what_is_not_asked_for_is_as_the_model_was_trained():
    assert read_params(None) == read_params({}) == Params(thresholds="", top=0, explain=False)
    assert read_params({"top": 3}) == Params(top=3)


def test_a_negative_number_of_genres_is_named():
    with pytest.raises(ValueError, match="top: expected how many genres to tell, 0 for all of them, got -1"):
        read_params({"top": -1})


def test_all_genres_are_told_in_the_lists_order():
    told = tell_probabilities(PROBABILITIES, CHOSEN, GENRES, top=0)
    assert [list(row.items()) for row in told] == [
        [("Comedy", 0.2), ("Drama", 0.9), ("War", 0.4)], [("Comedy", 0.3), ("Drama", 0.3), ("War", 0.1)],
    ]  # fmt: skip


def test_the_most_probable_and_the_predicted_are_told_most_probable_first():
    told = tell_probabilities(PROBABILITIES, CHOSEN, GENRES, top=1)
    assert [list(row.items()) for row in told] == [
        [("Drama", 0.9), ("Comedy", 0.2)], [("Comedy", 0.3), ("War", 0.1)],
    ]  # fmt: skip
