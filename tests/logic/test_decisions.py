import numpy as np
import pytest

from tasks.logic.calibration import apply_calibration
from tasks.logic.decisions import decide, find_decision, tell_thresholds, thresholds_of, under
from tasks.logic.thresholds import best_genre_thresholds, best_global_threshold, predict

GENRES = ["Comedy", "Drama", "War"]


def drawn(titles: int = 400):
    rng = np.random.default_rng(6)
    truth = rng.random((titles, 3)) < [0.02, 0.3, 0.5]
    return np.clip(0.2 * truth + 0.7 * rng.random(truth.shape), 0, 1), truth


def found(rule="per_genre", objective="macro", shrinkage=20.0, at_least_one=False):
    return find_decision(*drawn(), rule=rule, objective=objective, shrinkage=shrinkage, at_least_one=at_least_one)


@pytest.mark.parametrize("objective", ["micro", "macro"])
def test_one_threshold_for_all_is_the_best_of_the_calibrated_probabilities(objective):
    decision = found("global", objective)
    probabilities, truth = drawn()
    expected, _ = best_global_threshold(apply_calibration(probabilities, decision["calibration"]), truth, objective)
    assert (decision["threshold"], thresholds_of(decision)) == (expected, [expected] * 3)


@pytest.mark.parametrize("objective", ["micro", "macro"])
def test_thresholds_a_genre_without_shrinkage_are_the_genres_own(objective):
    decision = found("per_genre", objective, shrinkage=0)
    probabilities, truth = drawn()
    scores = apply_calibration(probabilities, decision["calibration"])
    assert thresholds_of(decision) == best_genre_thresholds(scores, truth, objective).tolist()


@pytest.mark.parametrize("objective", ["micro", "macro"])
def test_thresholds_a_genre_are_drawn_to_the_global_one_of_best_micro_f1(objective):
    assert found("per_genre", objective)["threshold"] == found("global", "micro")["threshold"]
    strongly = found("per_genre", objective, shrinkage=1e9)
    assert strongly["genre_thresholds"] == pytest.approx([strongly["threshold"]] * 3, abs=1e-5)


def test_a_title_gets_a_genre_where_the_decision_says_so():
    decision = {"threshold_rule": "per_genre", "genre_thresholds": [0.5, 0.4, 0.9], "at_least_one": False}
    probabilities = [[0.1, 0.2, 0.3]]
    assert decide(probabilities, decision).tolist() == [[False, False, False]]
    assert decide(probabilities, decision | {"at_least_one": True}).tolist() == [[False, True, False]]


def test_each_genre_is_decided_by_its_own_threshold():
    decision = found()
    scores = apply_calibration(drawn()[0], decision["calibration"])
    assert (decide(scores, decision) == predict(scores, decision["genre_thresholds"])).all()
    assert len(set(decision["genre_thresholds"])) == 3


def test_thresholds_are_told_by_their_rule():
    one, each = found("global"), found("per_genre")
    assert tell_thresholds(one, GENRES) == {"rule": "global", "value": one["threshold"]}
    assert tell_thresholds(each, GENRES) == {
        "rule": "per_genre",
        "values": dict(zip(GENRES, each["genre_thresholds"], strict=True)),
    }


@pytest.mark.parametrize("objective", ["micro", "macro"])
def test_a_model_of_either_rule_carries_the_thresholds_of_the_other(objective):
    one, each = found("global", objective), found("per_genre", objective)
    assert one["genre_thresholds"] == each["genre_thresholds"]
    assert thresholds_of(under(one, "per_genre")) == thresholds_of(each)
    assert thresholds_of(under(each, "global")) == [found("global", "micro")["threshold"]] * 3


def test_a_number_decides_for_all_genres():
    decision = under(found(), "0.25")
    assert thresholds_of(decision) == [0.25] * 3
    assert tell_thresholds(decision, GENRES) == {"rule": "global", "value": 0.25}
    assert decide([[0.2, 0.25, 0.9]], decision).tolist() == [[False, True, True]]


@pytest.mark.parametrize("rule", ["global", "per_genre"])
def test_a_models_own_rule_needs_no_name(rule):
    assert under(found(rule), "") == found(rule)


@pytest.mark.parametrize("asked", ["half", "1.5", "-0.1", "nan", "Global"])
def test_thresholds_that_are_none_are_told(asked):
    expected = f"thresholds: expected global, per_genre or a number between 0 and 1, got '{asked}'"
    with pytest.raises(ValueError, match=expected):
        under(found(), asked)
