"""Tasks that keep runs in MLflow: a parent a corpus and pipeline run, a child a recipe, nothing twice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from pydantic import BaseModel

from conf.names import Corpus
from conf.schema import Settings, dump
from tasks import packaging, store
from tasks.artifacts import show_image, show_link, show_table
from tasks.champion import connect
from tasks.corpus import PLOTS, StoredCorpus, drop_table
from tasks.datasets import log_datasets
from tasks.embedding import StoredVectors
from tasks.evaluation import CURVE, PREDICTED, Evaluation, read_figures
from tasks.leaderboard import compare_answers
from tasks.logic.advice import advise
from tasks.logic.markdown import plain_text
from tasks.logic.notes import corpus_note, recipe_note, title_of, told, told_difference
from tasks.logic.spreadsheets import to_csv
from tasks.retries import TRACKING_RETRIES
from tasks.reuse import cached
from tasks.runs import (
    code_tags,
    conf_tags,
    experiment_id,
    find_runs,
    flatten,
    is_whole,
    log_batches,
    new_run,
    remove_run,
)
from tasks.runs_table import address_of_runs, store_view
from tasks.system_metrics import read_usage, usage_steps
from tasks.training import StoredModel, members_of, read_history

# What MLflow takes in no metric's name; a slash would make a folder of its own.
_METRIC_NAME = re.compile(r"[^\w\-. :]")


class ParentRun(BaseModel, frozen=True):
    """Name a corpus's parent run in MLflow."""

    corpus: Corpus
    experiment_id: str
    run_id: str
    pipeline_run: str


class LoggedRun(BaseModel, frozen=True):
    """Name a recipe's run in MLflow, the model it logged (None for the prior-only row), and what its figures advise."""

    recipe: str
    run_id: str
    model_uri: str | None
    evaluation: Evaluation
    reused: bool = False
    reused_from: str | None = None
    advice: list[str] = []

    @property
    def shown_run_id(self) -> str:
        """Return the id of the run that comparisons show: of a reused result the one that logged it first."""
        return self.reused_from or self.run_id


class Promotion(BaseModel, frozen=True):
    """Say what became of a pipeline run's best recipe: its registered version, and whether it is champion and why.

    decided is False where this very model was registered before.
    """

    corpus: Corpus
    name: str
    version: int
    recipe: str
    promoted: bool
    reason: str
    decided: bool = True


@task(task_run_name="open MLflow run of {corpus.corpus}", cache_policy=NO_CACHE, **TRACKING_RETRIES)
def open_parent(
    home: Path, settings: Settings, pipeline_run: str, corpus: StoredCorpus, vectors: StoredVectors
) -> ParentRun:
    """Open the corpus's parent run for a pipeline run and its configuration, or go on in it.

    Data, configuration and plots are logged once.
    """
    client = connect(home, settings.track)
    experiment = experiment_id(client, home, settings.track, corpus.corpus)
    # A run that is retried after its configuration was edited is another one: what the former attempt logged stays as
    # it was, and MLflow lets no parameter be changed.
    tags = {"pipeline_run": pipeline_run, "kind": "pipeline", "conf": store.fingerprint(conf=dump(settings))[:12]}
    found = find_runs(client, experiment, **tags)
    run_id = found[0].info.run_id if found else new_run(
        client, experiment, f"{flow_run.scheduled_start_time:%Y-%m-%d %H:%M}", {**tags, "corpus": corpus.corpus},
    )  # fmt: skip
    parent = ParentRun(corpus=corpus.corpus, experiment_id=experiment, run_id=run_id, pipeline_run=pipeline_run)
    if found:
        client.update_run(run_id, status="RUNNING")
        if "failure" in found[0].data.tags:
            client.delete_tag(run_id, "failure")
        if "filter" in found[0].data.tags:
            return parent
    tags = {
        "data_fingerprint": corpus.fingerprint,
        "filter": corpus.filter,
        "sources": ", ".join(corpus.sources),
        "genre_sources": ", ".join(corpus.genre_sources),
        "terms": "; ".join(corpus.terms) or "not stated",
        "retrieved": " to ".join(corpus.retrieved or ("not stated",)),
        **conf_tags(settings),
        **code_tags(),
    }
    metrics = {f"titles.{split}": float(count) for split, count in corpus.splits.items()}
    metrics |= {"titles.fitted": float(corpus.fitted), "words": float(vectors.words)}
    metrics |= {f"dropped/{reason}": float(count) for reason, count in corpus.drops.items()}
    client.log_text(run_id, yaml.safe_dump(dump(settings), sort_keys=False), "conf.yaml")
    rows = drop_table(corpus)
    client.log_text(run_id, to_csv(pd.DataFrame(rows)), "drops.csv")
    client.log_artifacts(run_id, str(corpus.folder / PLOTS), "plots")
    log_datasets(client, run_id, corpus)
    store_view(client, experiment)
    # The tags come last: they say that the data's description is whole.
    log_batches(client, run_id, params=flatten(dump(settings)), tags=tags, metrics=metrics)
    return parent


@task(task_run_name="log {model.recipe} on {corpus.corpus}", cache_policy=NO_CACHE, **TRACKING_RETRIES)
def log_recipe(
    home: Path,
    settings: Settings,
    parent: ParentRun,
    corpus: StoredCorpus,
    model: StoredModel,
    evaluation: Evaluation,
) -> LoggedRun:
    """Log a recipe's figures, curves, plots and model as a child run; a reused result gets its row too."""
    client = connect(home, settings.track)
    advice = _advise(settings, model, evaluation)
    below = {"mlflow.parentRunId": parent.run_id, "recipe": model.recipe}
    for mine in find_runs(client, parent.experiment_id, **below):
        if is_whole(mine):
            return cached(_logged(mine, evaluation, advice, reused=True), evaluation.folder)
        remove_run(client, home, settings.track, mine)
    origin = [
        run
        for run in find_runs(client, parent.experiment_id, evaluation=evaluation.fingerprint)
        if is_whole(run) and "reused_from" not in run.data.tags
    ]
    tags = {
        "mlflow.parentRunId": parent.run_id,
        "pipeline_run": parent.pipeline_run,
        "kind": "recipe",
        "corpus": corpus.corpus,
        "recipe": model.recipe,
        "filter": corpus.filter,
        "data_fingerprint": corpus.fingerprint,
        "genres": ",".join(corpus.genres),
        **code_tags(),
    }
    run_id = new_run(client, parent.experiment_id, title_of(model.recipe), tags)
    _log_figures(client, run_id, settings, corpus, model, evaluation)
    log_datasets(client, run_id, corpus)
    note = recipe_note(model.recipe, corpus.corpus, read_figures(evaluation), model.weights, advice)
    tags = {
        "mlflow.note.content": note,
        # As people read them; the metrics have all digits.
        "f1_micro": told(evaluation.test_f1_micro, evaluation.interval_f1_micro),
        "f1_macro": told(evaluation.test_f1_macro, evaluation.interval_f1_macro),
    }
    if origin:
        tags |= {"reused_from": origin[0].info.run_id, "model_uri": origin[0].data.tags.get("model_uri", "")}
    elif model.recipe == "prior":
        tags |= {"model_uri": ""}
    else:
        tags |= {"model_uri": packaging.log_model(run_id, corpus, model, evaluation)}
    # The fingerprint marks the run as whole, so it is written after everything else.
    log_batches(client, run_id, tags=tags | {"evaluation": evaluation.fingerprint})
    client.set_terminated(run_id, "FINISHED")
    get_run_logger().info("%s %s: MLflow run %s", corpus.corpus, model.recipe, run_id)
    return _logged(client.get_run(run_id), evaluation, advice, reused=bool(origin))


def best_candidate(runs: list[LoggedRun]) -> LoggedRun:
    """Return the run that is best on validation among those with a model: the one that may become champion."""
    return max((run for run in runs if run.model_uri), key=lambda run: run.evaluation.validation_f1_micro)


@task(task_run_name="close MLflow run of {parent.corpus}", cache_policy=NO_CACHE, **TRACKING_RETRIES)
def close_parent(
    home: Path, settings: Settings, parent: ParentRun, runs: list[LoggedRun], promotion: Promotion
) -> None:
    """Write the outcome in words and the best recipe's figures to the parent run and end it.

    Each recipe's run is told by how much it differs from the best one on the test titles.
    """
    client = connect(home, settings.track)
    best = max(runs, key=lambda run: run.evaluation.validation_f1_micro)
    ranked = sorted(runs, key=lambda run: -run.evaluation.test_f1_micro)
    differences = {run.run_id: _difference(run, best, settings) for run in ranked if run.run_id != best.run_id}
    rows = [
        {
            "recipe": title_of(run.recipe),
            "test micro-F1": f"{run.evaluation.test_f1_micro:.4f}",
            "micro interval": _interval(run.evaluation.interval_f1_micro),
            "test macro-F1": f"{run.evaluation.test_f1_macro:.4f}",
            "macro interval": _interval(run.evaluation.interval_f1_macro),
            "test titles": run.evaluation.test_titles,
            f"micro-F1 to {best.recipe}": differences.get(run.run_id, ""),
        }
        for run in ranked
    ]
    summary = "; ".join(f"{row['recipe']} {row['test micro-F1']}" for row in rows)
    became = "is champion" if promotion.promoted else "is not promoted"
    outcome = (
        f"Best on validation: {best.recipe}. {promotion.name} version {promotion.version} {became}: {promotion.reason}."
    )
    show_table(rows, key=f"{parent.corpus}-leaderboard", description=outcome)
    curve = best.evaluation.folder / CURVE
    show_image(curve, key=f"{parent.corpus}-threshold-curve", description=f"{best.recipe}: validation F1 by threshold")
    show_link(
        address_of_runs(home, settings.track, parent.experiment_id),
        "MLflow's runs",
        key=f"{parent.corpus}-mlflow",
        description=f"Every {parent.corpus} run compared",
    )
    get_run_logger().info("%s: test micro-F1 %s. %s", parent.corpus, summary, outcome)
    metrics = {"test.f1_micro": best.evaluation.test_f1_micro, "test.f1_macro": best.evaluation.test_f1_macro}
    metrics |= _interval_metrics(
        "test", {"f1_micro": best.evaluation.interval_f1_micro, "f1_macro": best.evaluation.interval_f1_macro}
    )
    for run in runs:
        # The row that a reused result repeats was told of the best one of its own day.
        for run_id in {run.run_id, run.shown_run_id}:
            client.set_tag(run_id, "to_best", differences.get(run.run_id, "best"))
    note = corpus_note(rows, _told_data(client, parent), outcome, best.recipe, best.advice)
    log_batches(client, parent.run_id, metrics=metrics, tags={"mlflow.note.content": note, "best": best.recipe})
    client.set_terminated(parent.run_id, "FINISHED")


def _difference(run: LoggedRun, best: LoggedRun, settings: Settings) -> str:
    """Say by how much a recipe's micro-F1 differs from the best one's on the test titles, with its interval."""
    ours, theirs = [pd.read_parquet(each.evaluation.folder / PREDICTED).set_index("title_id") for each in (run, best)]
    named = (*ours["actual"], *ours["predicted"], *theirs["predicted"])
    genres = sorted({genre for names in named for genre in names})
    return told_difference(compare_answers(ours, theirs, genres, settings))


def _told_data(client: Any, parent: ParentRun) -> str:
    tags = client.get_run(parent.run_id).data.tags
    filter_, sources = plain_text(tags["filter"]), plain_text(tags["sources"])
    return f"the {parent.corpus} corpus {tags['data_fingerprint'][:12]}, filter {filter_}, from {sources}"


def _log_figures(
    client: Any,
    run_id: str,
    settings: Settings,
    corpus: StoredCorpus,
    model: StoredModel,
    evaluation: Evaluation,
) -> None:
    figures = read_figures(evaluation)
    metrics: dict[str, float] = {}
    for split in ("test", "validation", "selection"):
        scores = {key: value for key, value in figures[split].items() if isinstance(value, (int, float))}
        metrics |= {f"{split}.{key}": float(value) for key, value in scores.items()}
    metrics |= _interval_metrics("test", figures["intervals"])
    metrics |= {f"test.{name}_global": value for name, value in figures["test_global"].items()}
    metrics |= _interval_metrics("test", {f"{name}_global": ends for name, ends in figures["intervals_global"].items()})
    metrics |= {f"calibration.{name}": value for name, value in figures["calibration"].items()}
    for prefix in ("length", "source"):
        for row in figures[f"by_{prefix}"]:
            group = _METRIC_NAME.sub("_", row["group"])[:100]
            metrics |= {f"{prefix}/{group}.{key}": float(value) for key, value in row.items() if key != "group"}
    for genre, row in figures["test"]["per_genre"].items():
        # The rest is in per_genre.csv: MLflow's page draws a chart of each.
        metrics |= {f"genre/{genre}.{key}": float(row[key]) for key in ("f1", "support")}
    metrics |= {"threshold": figures["threshold"], "seconds": model.seconds, "epochs": float(model.epochs)}
    steps = [
        (f"{split}.loss", epoch + 1, loss)
        for split, losses in read_history(model).items()
        for epoch, loss in enumerate(losses)
    ]
    steps += [
        (f"validation.f1_{kind}_by_threshold", round(row["threshold"] * 100), row[kind])
        for row in figures["threshold_curve"]
        for kind in ("micro", "macro")
    ]
    steps += usage_steps(read_usage(model.folder))
    params = {"recipe": model.recipe, "filter": corpus.filter, "random_seed": settings.train.random_seed}
    params |= {"threshold_rule": figures["threshold_rule"]}
    if model.recipe != "prior":
        section = getattr(getattr(settings.train, model.recipe), corpus.corpus)
        params |= flatten(section.model_dump(mode="json"))
        if model.recipe == "blend":
            # The configuration also names those that are not trained here.
            params["members"] = members_of(model)
    metrics |= {f"weight/{member}": weight for member, weight in model.weights.items()}
    log_batches(client, run_id, params=params, metrics=metrics, steps=steps)
    client.log_dict(run_id, figures, "figures.json")
    client.log_text(run_id, to_csv(pd.DataFrame(figures["study_table"])), "study_thresholds.csv")
    predicted = pd.read_parquet(evaluation.folder / PREDICTED)
    listed = {name: predicted[name].map(", ".join) for name in ("actual", "predicted")}
    client.log_text(run_id, to_csv(predicted[["title_id"]].assign(**listed)), "test_titles.csv")
    client.log_text(run_id, yaml.safe_dump(dump(settings), sort_keys=False), "conf.yaml")
    for table in sorted(evaluation.folder.glob("*.csv")):
        client.log_artifact(run_id, str(table))
    client.log_artifacts(run_id, str(evaluation.folder / "plots"), "plots")


def _interval_metrics(prefix: str, intervals: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {
        f"{prefix}.{name}_{end}": value
        for name, ends in intervals.items()
        for end, value in zip(("low", "high"), ends, strict=True)
    }


def _interval(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.4f}-{ends[1]:.4f}"


def _advise(settings: Settings, model: StoredModel, evaluation: Evaluation) -> list[str]:
    """List what a recipe's figures give reason to try; the prior-only row is no recipe to better."""
    if model.recipe == "prior":
        return []
    section = getattr(getattr(settings.train, model.recipe), model.corpus)
    return advise(
        read_figures(evaluation),
        read_history(model),
        section=f"train.{model.recipe}.{model.corpus}",
        epochs=getattr(section, "epochs", None),
        members=model.weights,
        mixed=members_of(model),
    )


def _logged(run: Any, evaluation: Evaluation, advice: list[str], *, reused: bool) -> LoggedRun:
    return LoggedRun(
        recipe=evaluation.recipe,
        run_id=run.info.run_id,
        model_uri=run.data.tags["model_uri"] or None,
        evaluation=evaluation,
        reused=reused,
        reused_from=run.data.tags.get("reused_from"),
        advice=advice,
    )
