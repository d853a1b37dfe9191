from itertools import product

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from tasks.logic.thresholds import best_genre_thresholds, best_global_threshold, predict, shrink, sweep


def drawn(seed: int, titles: int = 60, genres: int = 5, decimals: int = 2):
    rng = np.random.default_rng(seed)
    truth = rng.random((titles, genres)) < np.linspace(0.05, 0.6, genres)
    return np.round(np.clip(0.35 * truth + 0.6 * rng.random(truth.shape), 0, 1), decimals), truth


def test_predict_includes_the_threshold():
    assert predict([[0.3, 0.29, 0.31]], 0.3).tolist() == [[True, False, True]]


def test_predict_takes_one_threshold_a_genre():
    assert predict([[0.3, 0.3], [0.6, 0.1]], [0.5, 0.2]).tolist() == [[False, True], [True, False]]


def test_predict_compares_single_precision_in_double():
    assert predict(np.array([[0.3]], np.float32), np.float64(np.float32(0.3)) + 1e-12).tolist() == [[False]]


@pytest.mark.parametrize("objective", ["micro", "macro"])
@pytest.mark.parametrize(("seed", "decimals"), [(0, 2), (1, 1), (2, 15), (3, 2)])
def test_the_threshold_is_the_best_of_all_cut_points(objective, seed, decimals):
    probabilities, truth = drawn(seed, decimals=decimals)
    best = max(
        f1_score(truth, probabilities >= cut, average=objective, zero_division=0) for cut in np.unique(probabilities)
    )
    threshold, f1 = best_global_threshold(probabilities, truth, objective)
    assert f1 == pytest.approx(best, abs=1e-12)
    reached = f1_score(truth, predict(probabilities, threshold), average=objective, zero_division=0)
    assert reached == pytest.approx(best, abs=1e-12)


def test_macro_leaves_out_genres_without_a_title():
    probabilities, truth = drawn(4)
    truth[:, 2] = False
    assert not truth.any(0).all()
    best = max(
        f1_score(truth, probabilities >= cut, average="macro", labels=np.flatnonzero(truth.any(0)), zero_division=0)
        for cut in np.unique(probabilities)
    )
    assert best_global_threshold(probabilities, truth, "macro")[1] == pytest.approx(best, abs=1e-12)


def test_the_threshold_lies_halfway_to_the_next_lower_probability():
    assert best_global_threshold([[0.9, 0.5, 0.2]], [[1, 1, 0]], "micro") == (pytest.approx(0.35), 1.0)


def test_below_the_lowest_probability_lies_zero():
    assert best_global_threshold([[0.9, 0.4]], [[1, 1]], "micro") == (0.2, 1.0)


def test_the_highest_of_equal_thresholds_wins():
    assert best_global_threshold([[0.8, 0.6, 0.4, 0.2]], [[1, 0, 0, 1]], "micro")[0] == pytest.approx(0.7)


def test_neighbouring_numbers_are_parted():
    high = np.nextafter(0.5, 1)
    threshold, f1 = best_global_threshold([[high, 0.5]], [[1, 0]], "micro")
    assert (threshold, f1) == (high, 1.0)


def test_truth_without_a_genre_scores_zero():
    assert best_global_threshold([[0.9, 0.1]], [[0, 0]], "macro")[1] == 0.0


def test_a_missing_number_is_refused():
    with pytest.raises(ValueError, match="got 1 that are not a number"):
        best_global_threshold([[float("nan"), 0.1]], [[0, 1]], "micro")


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"got \(1, 2\) and \(1, 3\)"):
        sweep([[0.2, 0.1]], [[0, 1, 0]])


def test_sweep_is_the_table_of_the_study():
    probabilities, truth = drawn(5)
    rows = sweep(probabilities, truth)
    assert [row["threshold"] for row in rows] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    answer = probabilities >= 0.4
    assert rows[3] == pytest.approx(
        {
            "threshold": 0.4,
            "micro": f1_score(truth, answer, average="micro"),
            "macro": f1_score(truth, answer, average="macro"),
            "precision": precision_score(truth, answer, average="micro"),
            "recall": recall_score(truth, answer, average="micro"),
        },
        abs=1e-12,
    )


def cuts_of(column: np.ndarray) -> list[float]:
    """Return every cut that parts a genre's titles, and one above them all."""
    return [*np.unique(column).tolist(), 2.0]


@pytest.mark.parametrize(("seed", "decimals"), [(0, 2), (1, 1), (2, 15)])
def test_each_genre_gets_its_own_best_cut(seed, decimals):
    probabilities, truth = drawn(seed, decimals=decimals)
    answer = predict(probabilities, best_genre_thresholds(probabilities, truth, "macro"))
    for genre, column in enumerate(probabilities.T):
        actual = truth[:, genre]
        best = max(f1_score(actual, column >= cut, zero_division=0) for cut in cuts_of(column))
        assert f1_score(actual, answer[:, genre], zero_division=0) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_no_other_cuts_together_have_a_better_micro_f1(seed):
    probabilities, truth = drawn(seed, titles=9, genres=3, decimals=seed % 3 + 1)
    answers = (probabilities >= cuts for cuts in product(*map(cuts_of, probabilities.T)))
    best = max(2 * (answer & truth).sum() / (answer.sum() + truth.sum()) for answer in answers)
    answer = predict(probabilities, best_genre_thresholds(probabilities, truth, "micro"))
    assert f1_score(truth, answer, average="micro", zero_division=0) == pytest.approx(best, abs=1e-12)


def test_a_genre_that_costs_more_than_it_hits_answers_nothing_under_micro():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.4], [0.7, 0.6], [0.6, 0.8]])
    truth = np.array([[1, 1], [1, 0], [1, 0], [1, 0]])
    answer = predict(probabilities, best_genre_thresholds(probabilities, truth, "micro"))
    assert answer.tolist() == [[True, False]] * 4


@pytest.mark.parametrize("objective", ["micro", "macro"])
def test_a_genres_threshold_lies_halfway_to_the_next_lower_probability(objective):
    found = best_genre_thresholds([[0.9, 0.4], [0.5, 0.3], [0.2, 0.2]], [[1, 1], [1, 1], [0, 1]], objective)
    assert found == pytest.approx([0.35, 0.1])


@pytest.mark.parametrize("objective", ["micro", "macro"])
def test_the_highest_of_equal_cuts_wins(objective):
    # One hit of one answer, and two of four, are both F1 2/3.
    found = best_genre_thresholds([[0.8], [0.6], [0.4], [0.2]], [[1], [0], [0], [1]], objective)
    assert found == pytest.approx([0.7])


@pytest.mark.parametrize("objective", ["micro", "macro"])
@pytest.mark.parametrize("highest", [0.6, 1.0])
def test_a_genre_without_a_title_answers_nothing(objective, highest):
    probabilities = np.array([[0.9, highest], [0.2, 0.3]])
    found = best_genre_thresholds(probabilities, [[1, 0], [0, 0]], objective)
    assert predict(probabilities, found).tolist() == [[True, False], [False, False]]


def test_equal_probabilities_are_not_parted():
    found = best_genre_thresholds([[0.3], [0.3], [0.3]], [[1], [0], [0]], "macro")
    assert predict([[0.3]] * 3, found).all()


def test_thresholds_of_few_titles_are_drawn_to_the_global_one():
    few, many = shrink([0.5, 0.5], [5, 500], towards=0.2, shrinkage=20)
    assert 0.2 < few < many < 0.5


def test_shrinking_is_a_mean_of_logits():
    # As many titles as shrinkage: half way, and the logits of 0.8 and 0.2 meet at 0.5.
    assert shrink([0.8], [20], towards=0.2, shrinkage=20) == pytest.approx([0.5])


def test_no_shrinkage_leaves_thresholds_as_they_are():
    own = [np.nextafter(0.5, 1), 2.0]
    assert shrink(own, [1, 9], towards=0.2, shrinkage=0).tolist() == own


@pytest.mark.parametrize("shrinkage", [0, 20])
def test_a_genre_without_a_title_gets_the_global_threshold(shrinkage):
    assert shrink([0.9, 0.6], [0, 4], towards=0.3, shrinkage=shrinkage)[0] == 0.3


def test_a_title_without_a_genre_gets_the_one_nearest_to_its_threshold():
    # The likelier genre is further below its own threshold.
    probabilities = [[0.30, 0.10], [0.9, 0.1], [0.1, 0.01]]
    assert predict(probabilities, [0.8, 0.12], at_least_one=True).tolist() == [
        [False, True],
        [True, False],
        [False, True],
    ]


def test_at_least_one_takes_one_threshold_for_all_genres():
    assert predict([[0.1, 0.3]], 0.5, at_least_one=True).tolist() == [[False, True]]


def test_a_title_may_stay_without_a_genre():
    assert predict([[0.1, 0.3]], 0.5).tolist() == [[False, False]]
