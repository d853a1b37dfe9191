"""Task of the train stage: a fitted recipe's probabilities in, thresholds, figures and plots out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.names import Corpus
from conf.schema import Train
from tasks import store
from tasks.corpus import StoredCorpus, read_titles
from tasks.fitting import SCORED_SPLITS
from tasks.logic import charts, metrics, thresholds
from tasks.logic.labels import to_genres, to_matrix
from tasks.reuse import cached
from tasks.training import StoredModel, read_history, read_probabilities

VERSION = 1
FIGURES = "figures.json"
PREDICTED = "test_titles.parquet"
PLOTS = "plots"


class Evaluation(BaseModel, frozen=True):
    """Summarise a recipe's figures: threshold and validation F1 that chose it, test figures with intervals."""

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
    """Find the threshold on validation, score it on test, draw plots, all into evaluations/<corpus>-<recipe>-.../."""
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

    frame = read_titles(corpus)
    probabilities = read_probabilities(model)
    with store.new_result(folder, step="evaluate", version=VERSION, fingerprint=fingerprint) as draft:
        figures, predicted = _figures(frame, corpus, model.recipe, probabilities, settings)
        (draft.folder / FIGURES).write_text(json.dumps(figures, indent=1))
        predicted.to_parquet(draft.folder / PREDICTED, index=False)
        _save_plots(draft.folder / PLOTS, f"{corpus.corpus} {model.recipe}", figures, read_history(model))
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
        "%s %s: test micro-F1 %.4f, macro-F1 %.4f on %d titles at threshold %.3f",
        corpus.corpus,
        model.recipe,
        evaluation.test_f1_micro,
        evaluation.test_f1_macro,
        evaluation.test_titles,
        evaluation.threshold,
    )
    return evaluation


def read_figures(evaluation: Evaluation) -> dict[str, Any]:
    """Read all figures: threshold, scores by split, intervals, threshold curve, the study's table."""
    figures: dict[str, Any] = json.loads((evaluation.folder / FIGURES).read_text())
    return figures


def _figures(
    frame: pd.DataFrame,
    corpus: StoredCorpus,
    recipe: str,
    probabilities: dict[str, np.ndarray],
    settings: Train,
) -> tuple[dict[str, Any], pd.DataFrame]:
    rows = {split: frame[frame["split"] == split] for split in SCORED_SPLITS}
    truth = {split: to_matrix(rows[split]["genres"], corpus.genres) for split in SCORED_SPLITS}
    # A validation title that nearly duplicates a selection or test text would tune the threshold to them.
    tuned = rows["validation"]["fitted"].to_numpy()
    threshold, _ = thresholds.best_global_threshold(
        probabilities["validation"][tuned], truth["validation"][tuned], settings.thresholds.objective
    )
    predicted = {split: thresholds.predict(probabilities[split], threshold) for split in SCORED_SPLITS}
    scored = {split: slice(None) for split in SCORED_SPLITS} | {"validation": tuned}
    figures: dict[str, Any] = {
        split: metrics.score(truth[split][rows_], predicted[split][rows_], corpus.genres)
        for split, rows_ in scored.items()
    }
    figures |= {
        "threshold": threshold,
        "intervals": metrics.intervals(
            truth["test"],
            predicted["test"],
            resamples=settings.bootstrap.resamples,
            level=settings.bootstrap.level,
            random_seed=settings.random_seed,
        ),
        "threshold_curve": thresholds.sweep(
            probabilities["validation"][tuned], truth["validation"][tuned], np.linspace(0.01, 0.99, 99).tolist()
        ),
        "study_table": thresholds.sweep(probabilities["test"], truth["test"], thresholds.GRID),
    }
    table = pd.DataFrame(
        {
            "title_id": rows["test"]["title_id"].to_numpy(),
            "recipe": recipe,
            "actual": to_genres(truth["test"], corpus.genres),
            "predicted": to_genres(predicted["test"], corpus.genres),
        }
    )
    return figures, table


def _save_plots(folder: Path, name: str, figures: dict[str, Any], history: dict[str, list[float]]) -> None:
    folder.mkdir()
    plots: dict[str, Figure] = {
        "threshold_curve": charts.threshold_curve(
            figures["threshold_curve"], figures["threshold"], f"{name}: F1 by threshold"
        ),
        "per_genre_f1": charts.per_genre_f1(figures["test"]["per_genre"], f"{name}: F1 by genre"),
    }
    if history:
        plots["loss"] = charts.loss_curves(history, f"{name}: loss by epoch")
    for plot, figure in plots.items():
        figure.savefig(folder / f"{plot}.png")
