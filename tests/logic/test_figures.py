import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score

from tasks.logic.decisions import find_decision
from tasks.logic.figures import Bootstrap, Scored, make_figures, make_tables
from tasks.logic.thresholds import predict

GENRES = ["Comedy", "Drama", "War", "News"]
BOOTSTRAP = Bootstrap(resamples=50, level=0.95, random_seed=3)


def drawn(seed: int, titles: int = 120) -> Scored:
    rng = np.random.default_rng(seed)
    # No title has News.
    truth = (rng.random((titles, 4)) < [0.3, 0.5, 0.1, 0.0]).astype(np.uint8)
    rows = pd.DataFrame(
        {
            "title_id": [f"tt{row:07}" for row in range(titles)],
            "text": ["x" * int(length) for length in rng.integers(40, 900, titles)],
            "source": np.where(rng.random(titles) < 0.8, "imdb", "tmdb"),
        }
    )
    return Scored(rows, truth, np.clip(0.3 * truth + 0.6 * rng.random(truth.shape), 0, 1))


@pytest.fixture(scope="module")
def splits():
    return {name: drawn(seed) for seed, name in enumerate(("validation", "selection", "test"))}


@pytest.fixture(scope="module")
def decision(splits):
    validation = splits["validation"]
    return find_decision(
        validation.probabilities,
        validation.truth,
        rule="per_genre",
        objective="macro",
        shrinkage=20,
        at_least_one=False,
    )


@pytest.fixture(scope="module")
def figures(splits, decision):
    return make_figures(splits, GENRES, decision, BOOTSTRAP)


def test_figures_are_plain_values(figures):
    assert json.loads(json.dumps(figures)) == figures


def test_each_split_is_scored_under_its_decision(splits, decision, figures):
    for name, scored in splits.items():
        answer = predict(scored.calibrated(decision), decision["genre_thresholds"])
        assert figures[name]["f1_micro"] == pytest.approx(f1_score(scored.truth, answer, average="micro"))


def test_a_genre_has_its_threshold_and_average_precision(splits, decision, figures):
    row, test = figures["test"]["per_genre"]["Drama"], splits["test"]
    assert row["threshold"] == decision["genre_thresholds"][1]
    # Calibration keeps the order, so it changes no ranking.
    assert row["average_precision"] == pytest.approx(
        average_precision_score(test.truth[:, 1], test.probabilities[:, 1])
    )
    assert "average_precision" not in figures["test"]["per_genre"]["News"]


def test_the_global_threshold_is_scored_beside(splits, decision, figures):
    test = splits["test"]
    answer = predict(test.calibrated(decision), decision["threshold"])
    low, high = figures["intervals_global"]["f1_micro"]
    assert figures["test_global"]["f1_micro"] == pytest.approx(f1_score(test.truth, answer, average="micro"))
    assert low < figures["test_global"]["f1_micro"] < high


def test_groups_hold_every_test_title(splits, figures):
    for groups in (figures["by_length"], figures["by_source"]):
        assert sum(row["titles"] for row in groups) == len(splits["test"].titles)
    assert {row["group"] for row in figures["by_source"]} == {"imdb", "other"}


def test_calibration_is_told_before_and_after(figures):
    assert 0 < figures["test"]["ece"] < figures["test"]["ece_uncalibrated"]
    assert set(figures["calibration_curve"]) == {"uncalibrated", "calibrated"}


def test_tables_have_a_row_a_genre_group_pair_and_mistake(splits, decision, figures):
    tables = make_tables(splits["test"], GENRES, decision, figures)
    assert tables["per_genre"]["genre"].tolist() == GENRES
    assert len(tables["co_occurrence"]) == 6
    assert tables["mistakes"].columns.tolist() == ["title_id", "genre", "probability", "kind"]
    assert set(tables) == {"per_genre", "by_length", "by_source", "co_occurrence", "mistakes"}
