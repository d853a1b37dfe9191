"""Task of the train stage: a fitted recipe's probabilities in, thresholds, figures, tables and plots out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.names import Corpus
from conf.training import Train
from tasks import store
from tasks.corpus import StoredCorpus, read_titles
from tasks.fitting import SCORED_SPLITS
from tasks.logic import charts
from tasks.logic.calibration import apply_calibration
from tasks.logic.decisions import Decision, decide, find_decision
from tasks.logic.figures import Bootstrap, Scored, make_figures, make_tables
from tasks.logic.labels import to_genres, to_matrix
from tasks.logic.reports import count_pairs
from tasks.logic.spreadsheets import to_csv
from tasks.reuse import cached
from tasks.training import StoredModel, read_history, read_probabilities

VERSION = 3
FIGURES = "figures.json"
PREDICTED = "test_titles.parquet"
PLOTS = "plots"
CURVE = f"{PLOTS}/threshold_curve.png"


class Evaluation(BaseModel, frozen=True):
    """Summarise a recipe's figures: the global threshold, the validation F1, and test figures with intervals.

    The figures are those under the rule of the thresholds; the global threshold decides under the rule global only.
    """

    corpus: Corpus
    recipe: str
    folder: Path
    fingerprint: str
    threshold: float
    validation_f1_micro: float
    test_f1_micro: float
    test_f1_macro: float
    interval_f1_micro: tuple[float, float]
    interval_f1_macro: tuple[float, float]
    test_titles: int
    reused: bool = False


@task(task_run_name="evaluate {model.recipe} on {corpus.corpus}", cache_policy=NO_CACHE)
def evaluate_recipe(home: Path, corpus: StoredCorpus, model: StoredModel, settings: Train) -> Evaluation:
    """Calibrate and find thresholds on validation, score on test; all into evaluations/<corpus>-<recipe>-.../."""
    logger = get_run_logger()
    fingerprint = store.fingerprint(
        step="evaluate",
        version=VERSION,
        model=model.fingerprint,
        thresholds=settings.thresholds,
        bootstrap=settings.bootstrap,
        seed=settings.random_seed,
    )
    folder = home / "evaluations" / f"{corpus.corpus}-{model.recipe}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(Evaluation(folder=folder, **found.summary, reused=True), folder)

    inputs = (corpus.folder, model.folder)
    with store.new_result(folder, step="evaluate", version=VERSION, fingerprint=fingerprint, inputs=inputs) as draft:
        scored = _scored_splits(read_titles(corpus), corpus.genres, read_probabilities(model))
        decision = _find_decision(model.recipe, scored["validation"], settings)
        bootstrap = Bootstrap(
            resamples=settings.bootstrap.resamples,
            level=settings.bootstrap.level,
            random_seed=settings.random_seed,
        )
        figures = make_figures(scored, corpus.genres, decision, bootstrap)
        (draft.folder / FIGURES).write_text(json.dumps(figures, indent=1))
        for name, table in make_tables(scored["test"], corpus.genres, decision, figures).items():
            (draft.folder / f"{name}.csv").write_text(to_csv(table), encoding="utf-8")
        answer = scored["test"].answer(decision)
        _test_titles(scored["test"], answer, corpus.genres, model.recipe).to_parquet(
            draft.folder / PREDICTED, index=False
        )
        (draft.folder / PLOTS).mkdir()
        pairs = count_pairs(scored["test"].truth), count_pairs(answer)
        plots = _plots(f"{corpus.corpus} {model.recipe}", figures, pairs, corpus.genres, read_history(model))
        for name, plot in plots.items():
            plot.savefig(draft.folder / PLOTS / f"{name}.png")
        test = figures["test"]
        draft.summary = {
            "corpus": corpus.corpus,
            "recipe": model.recipe,
            "fingerprint": fingerprint,
            "threshold": figures["threshold"],
            "validation_f1_micro": figures["validation"]["f1_micro"],
            "test_f1_micro": test["f1_micro"],
            "test_f1_macro": test["f1_macro"],
            "interval_f1_micro": figures["intervals"]["f1_micro"],
            "interval_f1_macro": figures["intervals"]["f1_macro"],
            "test_titles": test["titles"],
        }
    evaluation = Evaluation(folder=folder, **draft.summary)
    logger.info(
        "%s %s: test micro-F1 %.4f, macro-F1 %.4f on %d titles, thresholds %s",
        corpus.corpus,
        model.recipe,
        evaluation.test_f1_micro,
        evaluation.test_f1_macro,
        evaluation.test_titles,
        figures["threshold_rule"],
    )
    return evaluation


def read_figures(evaluation: Evaluation) -> dict[str, Any]:
    """Read all figures: calibration and thresholds, scores by split and group, intervals, curves, the study's table."""
    figures: dict[str, Any] = json.loads((evaluation.folder / FIGURES).read_text())
    return figures


def read_decision(evaluation: Evaluation) -> Decision:
    """Read how the recipe's probabilities become genres: calibration and thresholds, as found on validation."""
    figures = read_figures(evaluation)
    return cast(Decision, {name: figures[name] for name in Decision.__annotations__})


def answer_split(model: StoredModel, evaluation: Evaluation, split: str) -> npt.NDArray[np.bool_]:
    """Return which genres an evaluated recipe gives the titles of a split, titles x genres."""
    decision = read_decision(evaluation)
    return decide(apply_calibration(read_probabilities(model)[split], decision["calibration"]), decision)


def _scored_splits(
    frame: pd.DataFrame, genres: list[str], probabilities: dict[str, npt.NDArray[np.float64]]
) -> dict[str, Scored]:
    scored = {}
    for split in SCORED_SPLITS:
        rows = frame[frame["split"] == split]
        # A validation title that nearly duplicates a selection or test text would tune the thresholds to them.
        kept = rows["fitted"].to_numpy() if split == "validation" else np.ones(len(rows), dtype=bool)
        scored[split] = Scored(rows[kept], to_matrix(rows.loc[kept, "genres"], genres), probabilities[split][kept])
    return scored


def _find_decision(recipe: str, validation: Scored, settings: Train) -> Decision:
    chosen = settings.thresholds
    prior = recipe == "prior"
    return find_decision(
        validation.probabilities,
        validation.truth,
        # By thresholds of its own, the prior-only row would give every title rare genres, too: it knows no title,
        # so any cut of a genre takes all of them. A global one says how many of the most frequent genres it is.
        rule="global" if prior else chosen.rule,
        objective="micro" if prior else chosen.objective,
        shrinkage=chosen.shrinkage,
        at_least_one=chosen.at_least_one,
    )


def _test_titles(test: Scored, answer: npt.NDArray[np.bool_], genres: list[str], recipe: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "title_id": test.titles["title_id"].to_numpy(),
            "recipe": recipe,
            "actual": to_genres(test.truth, genres),
            "predicted": to_genres(answer, genres),
        }
    )


def _plots(
    name: str,
    figures: dict[str, Any],
    pairs: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    genres: list[str],
    history: dict[str, list[float]],
) -> dict[str, Figure]:
    test = figures["test"]
    curves = {
        f"{key}: expected error {error:.4f}": figures["calibration_curve"][key]
        for key, error in (("uncalibrated", test["ece_uncalibrated"]), ("calibrated", test["ece"]))
    }
    by_genre = figures["genre_thresholds"] if figures["threshold_rule"] == "per_genre" else ()
    plots = {
        "threshold_curve": charts.threshold_curve(
            figures["threshold_curve"], figures["threshold"], by_genre, f"{name}: F1 by threshold"
        ),
        "per_genre_f1": charts.per_genre_f1(test["per_genre"], f"{name}: F1 by genre"),
        "calibration": charts.calibration_curves(curves, f"{name}: calibration"),
        "co_occurrence": charts.co_occurrence(*pairs, genres, f"{name}: genres that go together"),
    }
    if history:
        plots["loss"] = charts.loss_curves(history, f"{name}: loss by epoch")
    return plots
