import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from tasks.logic.thresholds import best_global_threshold, predict, sweep


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
