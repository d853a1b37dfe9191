"""All figures of a recipe: scores of each split, intervals, groups of test titles, curves; and the tables of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.logic import calibration, metrics, reports, thresholds
from tasks.logic.decisions import Decision, decide, thresholds_of


class Scored(NamedTuple):
    """Hold titles that a recipe was asked for: their rows, genres and uncalibrated probabilities, titles x genres."""

    titles: pd.DataFrame
    truth: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float64]

    def calibrated(self, decision: Decision) -> npt.NDArray[np.float64]:
        """Return the calibrated probabilities, titles x genres."""
        return calibration.apply_calibration(self.probabilities, decision["calibration"])

    def answer(self, decision: Decision) -> npt.NDArray[np.bool_]:
        """Return which genres each title gets, titles x genres."""
        return decide(self.calibrated(decision), decision)


class Bootstrap(TypedDict):
    """Hold what every interval is made with."""

    resamples: int
    level: float
    random_seed: int


def make_figures(
    splits: Mapping[str, Scored], genres: Sequence[str], decision: Decision, bootstrap: Bootstrap
) -> dict[str, Any]:
    """Return the figures of a recipe as plain values: a score of each split by its name, and the report on test.

    splits holds validation (the titles tuned on) and test, others are scored only. test_global and intervals_global
    are what test would be under the global threshold.
    """
    test, validation = splits["test"], splits["validation"]
    probabilities, answer = test.calibrated(decision), test.answer(decision)
    plain = thresholds.predict(probabilities, decision["threshold"])
    figures = {split: score_split(scored, genres, decision) for split, scored in splits.items()}
    figures["test"] |= {
        "ece": calibration.expected_error(probabilities, test.truth),
        "ece_uncalibrated": calibration.expected_error(test.probabilities, test.truth),
    }
    under_global = metrics.score(test.truth, plain, genres)
    groups = {
        "by_length": reports.group_by_length(test.titles["text"].str.len()),
        "by_source": reports.group_by_source(test.titles["source"].tolist()),
    }
    return {
        **figures,
        **decision,
        "intervals": metrics.intervals(test.truth, answer, **bootstrap),
        "test_global": {name: under_global[name] for name in ("f1_micro", "f1_macro")},
        "intervals_global": metrics.intervals(test.truth, plain, **bootstrap),
        **{name: reports.score_groups(rows, test.truth, answer, genres, **bootstrap) for name, rows in groups.items()},
        "calibration_curve": {
            "uncalibrated": calibration.curve(test.probabilities, test.truth),
            "calibrated": calibration.curve(probabilities, test.truth),
        },
        "threshold_curve": thresholds.sweep(
            validation.calibrated(decision), validation.truth, np.linspace(0.01, 0.99, 99).tolist()
        ),
        # The study did not calibrate.
        "study_table": thresholds.sweep(test.probabilities, test.truth, thresholds.GRID),
    }


def score_split(scored: Scored, genres: Sequence[str], decision: Decision) -> dict[str, Any]:
    """Return the scores of a split's answers and of the ranking behind them, by genre with the genre's threshold."""
    figures = metrics.score(scored.truth, scored.answer(decision), genres)
    ranking = metrics.score_ranking(scored.truth, scored.calibrated(decision), genres)
    precision = ranking.pop("average_precision")
    for genre, threshold in zip(genres, thresholds_of(decision), strict=True):
        figures["per_genre"][genre]["threshold"] = threshold
        if genre in precision:
            figures["per_genre"][genre]["average_precision"] = precision[genre]
    return figures | ranking


def make_tables(
    test: Scored, genres: Sequence[str], decision: Decision, figures: Mapping[str, Any]
) -> dict[str, pd.DataFrame]:
    """Return the tables of the report on test by name; figures are those of make_figures."""
    answer, title_ids = test.answer(decision), test.titles["title_id"].tolist()
    pairs = reports.count_pairs(test.truth), reports.count_pairs(answer)
    mistakes = reports.list_mistakes(title_ids, genres, test.truth, answer, test.calibrated(decision))
    return {
        "per_genre": pd.DataFrame([{"genre": genre, **row} for genre, row in figures["test"]["per_genre"].items()]),
        "by_length": pd.DataFrame(figures["by_length"]),
        "by_source": pd.DataFrame(figures["by_source"]),
        "co_occurrence": pd.DataFrame(reports.tabulate_pairs(*pairs, genres)),
        "mistakes": pd.DataFrame(mistakes, columns=list(reports.Mistake.__annotations__)),
    }
