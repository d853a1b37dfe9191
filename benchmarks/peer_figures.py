"""The figures of the peers' table: F1 as a mean over seeds, its interval, and paired differences to one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from conf.training import Bootstrap, Thresholds
from tasks.logic.calibration import apply_calibration
from tasks.logic.decisions import decide, find_decision

Floats = npt.NDArray[np.float64]
AVERAGES = ("micro", "macro")
LINEAR, MINILM = "linear", "MiniLM + logistic regression"
# The rows that every other one is compared with.
BASES = (LINEAR, MINILM)
# How much better than a base a row shall be at least: name, base, average, difference.
GOALS = (
    ("blend", LINEAR, "micro", 0.02),
    ("blend", LINEAR, "macro", 0.03),
    ("blend with sentence", MINILM, "micro", 0.03),
)


class Row(NamedTuple):
    """Hold what a model answers the test titles, bool (titles, genres), once a seed, and the seconds of a fit."""

    name: str
    ours: bool
    answers: Sequence[np.ndarray]
    seconds: float


class Resampled(NamedTuple):
    """Hold the F1 of each seed on the titles themselves (seeds,), and the seeds' mean in each resample (resamples,)."""

    by_seed: Floats
    means: Floats

    @property
    def mean(self) -> float:
        """Return the mean over the seeds on the titles themselves."""
        return float(self.by_seed.mean())


def answer(
    validation: tuple[np.ndarray, np.ndarray], test: np.ndarray, rule: Thresholds, *, prior: bool = False
) -> npt.NDArray[np.bool_]:
    """Return which genres each test title gets, decided as genreflow's own recipes decide.

    validation holds probabilities and truth of the titles tuned on, test the probabilities of the test titles. The
    prior-only row has a global threshold, as it has in every table: it says how many genres each title gets.
    """
    decision = find_decision(
        *validation,
        rule="global" if prior else rule.rule,
        objective="micro" if prior else rule.objective,
        shrinkage=rule.shrinkage,
        at_least_one=rule.at_least_one,
    )
    return decide(apply_calibration(test, decision["calibration"]), decision)


def resample(
    truth: np.ndarray, answers: Sequence[np.ndarray], resamples: int, random_seed: int
) -> dict[str, Resampled]:
    """Return micro- and macro-F1 over resamples of the titles, the same resamples whoever answers.

    A resample's figure is the mean over the seeds' answers, all scored on its titles; for one answer it is that of
    tasks.logic.metrics. The difference of two models' figures is paired by that.
    """
    titles, actual = len(truth), truth.astype(bool)
    drawn = np.random.default_rng(random_seed).multinomial(titles, np.full(titles, 1 / titles), size=resamples)
    # The first row counts each title once.
    weights = np.vstack([np.ones((1, titles)), drawn.astype(np.float64)])
    figures: dict[str, list[Floats]] = {average: [] for average in AVERAGES}
    for given in answers:
        hits, answered, positives = (
            weights @ each.astype(np.float64) for each in (actual & given, given.astype(bool), actual)
        )
        supported = positives > 0
        by_genre = np.where(supported, 2 * hits / np.maximum(answered + positives, 1), 0.0)
        both = answered.sum(axis=1) + positives.sum(axis=1)
        figures["micro"].append(2 * hits.sum(axis=1) / np.maximum(both, 1))
        figures["macro"].append(by_genre.sum(axis=1) / np.maximum(supported.sum(axis=1), 1))
    return {
        average: Resampled(np.array([each[0] for each in found]), np.mean([each[1:] for each in found], axis=0))
        for average, found in figures.items()
    }


def measure(rows: Sequence[Row], truth: np.ndarray, bootstrap: Bootstrap, random_seed: int) -> list[dict[str, Any]]:
    """Return each row's figures as plain values: mean, interval, seeds, and differences to the BASES."""
    sampled = {row.name: resample(truth, row.answers, bootstrap.resamples, random_seed) for row in rows}
    tail = (1 - bootstrap.level) / 2
    measured = []
    for row in rows:
        figures: dict[str, Any] = {"name": row.name, "ours": row.ours, "seconds": row.seconds}
        for average in AVERAGES:
            found = sampled[row.name][average]
            figures[average] = {
                "mean": found.mean,
                "interval": _ends(found.means, tail),
                "seeds": [float(value) for value in found.by_seed],
            }
            figures[average]["against"] = {
                name: {
                    "difference": found.mean - sampled[name][average].mean,
                    "interval": _ends(found.means - sampled[name][average].means, tail),
                }
                for name in BASES
                if name in sampled and name != row.name
            }
        measured.append(figures)
    return measured


def verdicts(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say whether bilstm is not below linear, blend above it by the whole interval, and which goals are met."""
    against = {
        (row["name"], base, average): each
        for row in measured
        for average in AVERAGES
        for base, each in row[average]["against"].items()
    }
    told = []
    for name, bound in (("bilstm", "not below linear"), ("blend", "above linear, the whole interval above 0")):
        for average in AVERAGES:
            if found := against.get((name, LINEAR, average)):
                kept = found["difference"] >= 0 if name == "bilstm" else found["interval"][0] > 0
                told.append(f"bound: {name} {bound}, {average}-F1: {'kept' if kept else 'MISSED'}")
    for name, base, average, least in GOALS:
        if found := against.get((name, base, average)):
            told.append(
                f"goal: {name} {least:+.2f} {average}-F1 over {base}, {tell_difference(found)}: "
                f"{'reached' if found['difference'] >= least else 'missed'}"
            )
    return told


def tell_difference(found: Mapping[str, Any]) -> str:
    """Return a difference and its interval in words."""
    low, high = found["interval"]
    return f"{found['difference']:+.3f} ({low:+.3f} to {high:+.3f})"


def _ends(values: Floats, tail: float) -> list[float]:
    return [float(value) for value in np.quantile(values, [tail, 1 - tail])]
