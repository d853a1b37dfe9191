import numpy as np
import pytest
from sklearn.metrics import f1_score

from tasks.logic.reports import (
    MISTAKES_A_KIND,
    count_pairs,
    group_by_length,
    group_by_source,
    list_mistakes,
    score_groups,
    tabulate_pairs,
)

GENRES = ["Comedy", "Drama", "War"]
TRUTH = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 0], [0, 1, 1]])
PREDICTED = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]])


def test_lengths_are_cut_into_quarters_named_after_their_ends():
    groups = group_by_length([50, 10, 40, 30, 20, 80, 70, 60])
    assert {name: np.flatnonzero(rows).tolist() for name, rows in groups.items()} == {
        "10-20": [1, 4],
        "30-40": [2, 3],
        "50-60": [0, 7],
        "70-80": [5, 6],
    }


@pytest.mark.parametrize("lengths", [[7, 7, 7], [7], [5, 9]])
def test_every_title_is_in_one_group_of_length(lengths):
    assert sum(rows.astype(int) for rows in group_by_length(lengths).values()).tolist() == [1] * len(lengths)


def test_small_sources_are_one_group():
    groups = group_by_source(["imdb"] * 30 + ["tmdb"] * 29 + ["omdb"] + ["wikipedia"] * 40)
    assert {name: int(rows.sum()) for name, rows in groups.items()} == {"wikipedia": 40, "imdb": 30, "other": 30}
    assert list(groups) == ["wikipedia", "imdb", "other"]


def test_large_sources_leave_no_other():
    assert list(group_by_source(["imdb"] * 30)) == ["imdb"]


def test_a_group_is_scored_on_its_own_titles():
    rng = np.random.default_rng(1)
    truth, predicted = rng.random((90, 3)) < 0.4, rng.random((90, 3)) < 0.4
    rows = np.arange(90) < 50
    found = score_groups(
        {"short": rows, "long": ~rows}, truth, predicted, GENRES, resamples=200, level=0.9, random_seed=1
    )
    assert [(row["group"], row["titles"]) for row in found] == [("short", 50), ("long", 40)]
    for row, mine in zip(found, (rows, ~rows), strict=True):
        for average in ("micro", "macro"):
            figure = f1_score(truth[mine], predicted[mine], average=average)
            assert row[f"f1_{average}"] == pytest.approx(figure)
            assert row[f"f1_{average}_low"] < figure < row[f"f1_{average}_high"]


def test_pairs_are_counted():
    assert count_pairs(TRUTH).tolist() == [[2, 1, 0], [1, 3, 1], [0, 1, 1]]


def test_each_pair_is_tabled_once_most_frequent_first():
    found = tabulate_pairs(count_pairs(TRUTH), count_pairs(PREDICTED), GENRES)
    assert [tuple(row.values()) for row in found] == [
        ("Comedy", "Drama", 1, 2),
        ("Drama", "War", 1, 0),
        ("Comedy", "War", 0, 0),
    ]


def test_mistakes_are_ranked_by_how_sure_they_are():
    probabilities = np.array([[0.9, 0.9, 0.1], [0.6, 0.9, 0.1], [0.3, 0.1, 0.8], [0.1, 0.2, 0.9]])
    found = list_mistakes(["tt1", "tt2", "tt3", "tt4"], GENRES, TRUTH, PREDICTED, probabilities)
    assert [tuple(row.values()) for row in found] == [
        ("tt3", "War", 0.8, "false positive"),
        ("tt2", "Comedy", 0.6, "false positive"),
        ("tt4", "Drama", 0.2, "false negative"),
        ("tt3", "Comedy", 0.3, "false negative"),
    ]


def test_mistakes_of_a_kind_are_limited():
    truth = np.tile([True, False], (60, 1))
    found = list_mistakes([f"tt{row}" for row in range(60)], GENRES[:2], truth, ~truth, np.full(truth.shape, 0.5))
    kinds = [row["kind"] for row in found]
    assert kinds == ["false positive"] * MISTAKES_A_KIND + ["false negative"] * MISTAKES_A_KIND


def test_right_answers_are_no_mistakes():
    assert list_mistakes(["tt1"], GENRES, TRUTH[:1], TRUTH[:1], TRUTH[:1]) == []
