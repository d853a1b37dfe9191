import numpy as np
import pytest
from sklearn.metrics import f1_score

from tasks.logic.metrics import intervals, paired_bootstrap, score, score_ranking

GENRES = ["Comedy", "Drama", "Western"]
TRUTH = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0]])
PREDICTED = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 0]])


def drawn(seed: int, titles: int = 80, right: float = 0.8):
    rng = np.random.default_rng(seed)
    truth = rng.random((titles, 4)) < [0.03, 0.3, 0.5, 0.6]
    return truth, np.where(rng.random(truth.shape) < right, truth, ~truth)


def test_micro_figures():
    # 2 hits, 4 answers, 4 positives.
    figures = score(TRUTH, PREDICTED, GENRES)
    assert (figures["f1_micro"], figures["precision_micro"], figures["recall_micro"]) == (0.5, 0.5, 0.5)


def test_macro_is_over_genres_with_support():
    figures = score(TRUTH, PREDICTED, GENRES)
    assert figures["f1_macro"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert figures["without_support"] == ["Western"]


def test_samples_and_weighted_figures():
    figures = score(TRUTH, PREDICTED, GENRES)
    assert figures["f1_samples"] == pytest.approx((2 / 3 + 2 / 3 + 0 + 0) / 4)
    assert figures["f1_weighted"] == pytest.approx((2 * 2 / 3 + 2 * 1 / 2) / 4)


def test_figures_of_a_genre():
    assert score(TRUTH, PREDICTED, GENRES)["per_genre"]["Drama"] == {
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "support": 2,
        "predicted": 2,
    }


def test_wrong_answers_and_wholly_right_titles_are_counted():
    # Of twelve answers four are wrong; only the last title is right in all.
    figures = score(TRUTH, PREDICTED, GENRES)
    assert figures["hamming_loss"] == pytest.approx(4 / 12)
    assert figures["subset_accuracy"] == 0.25


def test_average_precision_is_over_genres_with_support():
    probabilities = [[0.9, 0.2, 0.1], [0.6, 0.8, 0.7], [0.4, 0.3, 0.2], [0.1, 0.1, 0.1]]
    figures = score_ranking(TRUTH, probabilities, GENRES)
    # Comedy: ranks 1 and 3; Drama: ranks 1 and 3. All pooled: ranks 1, 2, 4 and 6.
    assert figures["average_precision"] == pytest.approx({"Comedy": (1 + 2 / 3) / 2, "Drama": (1 + 2 / 3) / 2})
    assert figures["map_macro"] == pytest.approx((1 + 2 / 3) / 2)
    assert figures["map_micro"] == pytest.approx((1 + 2 / 2 + 3 / 4 + 4 / 6) / 4)


def test_label_ranking_is_over_titles_with_a_genre():
    probabilities = [[0.9, 0.5, 0.7], [0.6, 0.8, 0.7], [0.4, 0.5, 0.2], [0.1, 0.1, 0.1]]
    # Title 1: ranks 1 and 3; title 2: rank 1; title 3: rank 2; title 4 has no genre.
    assert score_ranking(TRUTH, probabilities, GENRES)["lrap"] == pytest.approx(((1 + 2 / 3) / 2 + 1 + 1 / 2) / 3)


def test_a_single_genre_is_ranked():
    figures = score_ranking([[1], [0]], [[0.4], [0.3]], ["Drama"])
    assert figures == {"map_micro": 1.0, "map_macro": 1.0, "lrap": 1.0, "average_precision": {"Drama": 1.0}}


def test_nothing_to_rank_scores_zero():
    figures = score_ranking(np.zeros_like(TRUTH), np.full(TRUTH.shape, 0.5), GENRES)
    assert figures == {"map_micro": 0.0, "map_macro": 0.0, "lrap": 0.0, "average_precision": {}}


def test_titles_are_counted():
    assert score(TRUTH, PREDICTED, GENRES)["titles"] == 4


def test_nothing_answered_scores_zero():
    figures = score(TRUTH, np.zeros_like(TRUTH), GENRES)
    assert (figures["f1_micro"], figures["f1_macro"]) == (0.0, 0.0)


def test_another_genre_list_is_refused():
    with pytest.raises(ValueError, match="expected 2 columns.*got 3"):
        score(TRUTH, PREDICTED, GENRES[:2])


def test_matrices_of_unlike_size_are_refused():
    with pytest.raises(ValueError, match=r"got \(4, 3\) and \(3, 3\)"):
        score(TRUTH, PREDICTED[:3], GENRES)


def test_one_resample_equals_scikit_learn_on_the_resampled_titles():
    truth, predicted = drawn(1)
    weights = np.random.default_rng(9).multinomial(80, np.full(80, 1 / 80), size=1)[0]
    rows = np.repeat(np.arange(80), weights)
    supported = np.flatnonzero(truth[rows].any(axis=0))
    micro = f1_score(truth[rows], predicted[rows], average="micro")
    macro = f1_score(truth[rows], predicted[rows], average="macro", labels=supported)
    found = intervals(truth, predicted, resamples=1, level=0.95, random_seed=9)
    assert found["f1_micro"] == pytest.approx([micro, micro], abs=1e-12)
    assert found["f1_macro"] == pytest.approx([macro, macro], abs=1e-12)


def test_an_interval_holds_the_figure_and_repeats():
    truth, predicted = drawn(2)
    low, high = intervals(truth, predicted, 250, 0.95, 4)["f1_micro"]
    assert low < f1_score(truth, predicted, average="micro") < high
    assert intervals(truth, predicted, 250, 0.95, 4)["f1_micro"] == [low, high]


def test_a_wider_level_gives_a_wider_interval():
    truth, predicted = drawn(3)
    low, high = intervals(truth, predicted, 300, 0.5, 4)["f1_macro"]
    outer = intervals(truth, predicted, 300, 0.99, 4)["f1_macro"]
    assert outer[0] < low < high < outer[1]


def test_a_better_answer_is_better_in_nearly_all_resamples():
    truth, good = drawn(5, titles=300, right=0.9)
    _, poor = drawn(5, titles=300, right=0.6)
    found = paired_bootstrap(truth, good, poor, 300, 1)
    expected = f1_score(truth, good, average="micro") - f1_score(truth, poor, average="micro")
    assert found["difference"] == pytest.approx(expected, abs=1e-12)
    assert found["share_better"] > 0.99
    assert 0 < found["low"] < found["difference"] < found["high"]


def test_an_answer_is_not_better_than_itself():
    truth, answer = drawn(6)
    assert paired_bootstrap(truth, answer, answer, 50, 1) == {
        "share_better": 0.0,
        "difference": 0.0,
        "low": 0.0,
        "high": 0.0,
    }


def test_sides_change_with_the_answers():
    truth, a = drawn(7)
    b = drawn(8)[1]
    one, other = (paired_bootstrap(truth, *pair, 200, 3) for pair in ((a, b), (b, a)))
    assert one["difference"] == -other["difference"]
    assert one["share_better"] + other["share_better"] <= 1


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_paired_resamples_equal_scikit_learn_on_the_resampled_titles(average):
    truth, a = drawn(1)
    b = drawn(2, right=0.7)[1]
    weights = np.random.default_rng(9).multinomial(80, np.full(80, 1 / 80), size=1)[0]
    rows = np.repeat(np.arange(80), weights)
    supported = np.flatnonzero(truth[rows].any(axis=0)) if average == "macro" else None
    expected = [
        f1_score(truth[rows], answer[rows], average=average, labels=supported, zero_division=0) for answer in (a, b)
    ]
    found = paired_bootstrap(truth, a, b, resamples=1, random_seed=9, average=average)
    assert found["low"] == found["high"] == pytest.approx(expected[0] - expected[1], abs=1e-12)


def test_a_rare_genre_decides_under_macro_only():
    truth = np.zeros((200, 2), dtype=bool)
    truth[:150, 0] = truth[:8, 1] = True
    finds_rare, misses_rare = truth.copy(), truth.copy()
    finds_rare[100:110, 0] = False
    misses_rare[:, 1] = False
    micro, macro = (
        paired_bootstrap(truth, finds_rare, misses_rare, 300, 1, average=average) for average in ("micro", "macro")
    )
    assert micro["low"] < 0 < micro["high"]
    assert macro["low"] > 0.3
