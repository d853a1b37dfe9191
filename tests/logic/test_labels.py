import numpy as np
import pytest
from sklearn.metrics import f1_score

from tasks.logic.labels import prior_only, to_genres, to_matrix
from tasks.logic.thresholds import best_global_threshold


def test_to_matrix_marks_the_genres_of_the_list():
    matrix = to_matrix([["Drama"], ["Western", "Comedy"], []], ["Comedy", "Drama", "Western"])
    assert matrix.tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert matrix.dtype == np.uint8


def test_to_matrix_refuses_a_genre_outside_the_list():
    with pytest.raises(KeyError, match="Fiction"):
        to_matrix([["Drama"], ["Fiction"]], ["Comedy", "Drama", "Western"])


def test_to_genres_reverses_to_matrix():
    assert to_genres([[0, 1, 0], [1, 0, 1]], ["Comedy", "Drama", "Western"]) == [["Drama"], ["Comedy", "Western"]]


def test_to_genres_takes_one_row():
    assert to_genres(np.array([True, False]), ["Comedy", "Drama"]) == [["Comedy"]]


def test_to_genres_refuses_another_models_list():
    with pytest.raises(ValueError, match="expected 2 columns.*got 3"):
        to_genres([[0, 1, 0]], ["Comedy", "Drama"])


def chosen(train: np.ndarray, validation: np.ndarray) -> list[bool]:
    scores = prior_only(train.astype(np.uint8))
    threshold, _ = best_global_threshold(np.tile(scores, (len(validation), 1)), validation, "micro")
    return (scores >= threshold).tolist()


def test_prior_only_gives_the_most_frequent_genres():
    train = np.array([[0, 1, 1], [0, 1, 0], [1, 1, 1]])
    validation = np.array([[0, 1, 1], [0, 1, 1]])
    assert chosen(train, validation) == [False, True, True]


def test_prior_only_parts_genres_of_equal_frequency():
    assert chosen(np.ones((5, 4)), np.array([[1, 0, 0, 0]])) == [True, False, False, False]


def test_prior_only_and_the_threshold_search_find_the_best_k():
    rng = np.random.default_rng(3)
    share = np.linspace(0.05, 0.7, 9)
    train, validation = (rng.random((200, 9)) < share for _ in range(2))
    by_k = []
    for k in range(1, 10):
        answer = np.zeros((200, 9), dtype=int)
        answer[:, np.argsort(-train.sum(0), kind="stable")[:k]] = 1
        by_k.append(f1_score(validation, answer, average="micro"))
    assert sum(chosen(train, validation)) == int(np.argmax(by_k)) + 1
    scores = prior_only(train.astype(np.uint8))
    assert 0 < scores.min() <= scores.max() < 1
