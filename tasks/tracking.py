"""Tasks that keep runs in MLflow: a parent a corpus and pipeline run, a child a recipe, nothing twice."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
import yaml
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from pydantic import BaseModel

from conf.names import MLFLOW_NOTE, MLFLOW_PAGES, Corpus
from conf.schema import Settings, Track, dump
from tasks import packaging, store
from tasks.artifacts import show_image, show_link, show_table
from tasks.champion import TrackingError, connect
from tasks.corpus import PLOTS, StoredCorpus, drop_table
from tasks.embedding import StoredVectors
from tasks.evaluation import CURVE, PREDICTED, Evaluation, read_figures
from tasks.retries import TRACKING
from tasks.reuse import cached
from tasks.training import StoredModel, read_history

PARAMS_A_CALL = 100
METRICS_A_CALL = 1000
# What MLflow takes in no metric's name; a slash would make a folder of its own.
_METRIC_NAME = re.compile(r"[^\w\-. :]")
_VERSION = "genreflow.version"
# How MLflow calls a run that ended with an error, and one that was ended from outside.
Ended = Literal["FAILED", "KILLED"]


class ParentRun(BaseModel, frozen=True):
    """Name a corpus's parent run in MLflow."""

    corpus: Corpus
    experiment_id: str
    run_id: str
    pipeline_run: str


class LoggedRun(BaseModel, frozen=True):
    """Name a recipe's run in MLflow, and the model it logged (None for the prior-only row)."""

    recipe: str
    run_id: str
    model_uri: str | None
    evaluation: Evaluation
    reused: bool = False


class Training(NamedTuple):
    """Tell of a corpus's last finished training: its name and data, and what of the configuration differs now.

    same_titles says that the same filters chose its titles; changed is None where nothing differs.
    """

    name: str
    data_fingerprint: str
    same_titles: bool
    changed: str | None


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


def experiment_id(client: Any, home: Path, track: Track, corpus: Corpus) -> str:
    """Return the id of the corpus's experiment, made where it does not exist yet."""
    name = f"{track.experiment}/{corpus}"
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    location = None if track.uri else (home / "mlflow" / "artifacts" / corpus).as_uri()
    return str(client.create_experiment(name, artifact_location=location))


@task(task_run_name="open MLflow run of {corpus.corpus}", cache_policy=NO_CACHE, **TRACKING)
def open_parent(
    home: Path, settings: Settings, pipeline_run: str, corpus: StoredCorpus, vectors: StoredVectors
) -> ParentRun:
    """Open the corpus's parent run for a pipeline run, or go on in it, and log data, conf and plots once."""
    client = connect(home, settings.track)
    experiment = experiment_id(client, home, settings.track, corpus.corpus)
    found = find_runs(client, experiment, pipeline_run=pipeline_run, kind="pipeline")
    run_id = found[0].info.run_id if found else new_run(
        client, experiment, f"{flow_run.scheduled_start_time:%Y-%m-%d %H:%M}",
        {"pipeline_run": pipeline_run, "kind": "pipeline", "corpus": corpus.corpus},
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
        **_conf_tags(settings),
        **_code_tags(),
    }
    metrics = {f"titles.{split}": float(count) for split, count in corpus.splits.items()}
    metrics |= {"titles.fitted": float(corpus.fitted), "words": float(vectors.words)}
    metrics |= {f"dropped/{reason}": float(count) for reason, count in corpus.drops.items()}
    client.log_text(run_id, yaml.safe_dump(dump(settings), sort_keys=False), "conf.yaml")
    rows = drop_table(corpus)
    client.log_text(run_id, pd.DataFrame(rows).to_csv(index=False), "drops.csv")
    client.log_artifacts(run_id, str(corpus.folder / PLOTS), "plots")
    # The tags come last: they say that the data's description is whole.
    log_batches(client, run_id, params=_flatten(dump(settings)), tags=tags, metrics=metrics)
    return parent


def last_training(home: Path, settings: Settings, corpus: Corpus) -> Training | None:
    """Return what MLflow tells of the corpus's last finished training, None where there was none."""
    client = connect(home, settings.track)
    found = client.get_experiment_by_name(f"{settings.track.experiment}/{corpus}")
    runs = find_runs(client, found.experiment_id, kind="pipeline") if found else []
    finished = [run for run in runs if run.info.status == "FINISHED"]
    if not finished:
        return None
    last = max(finished, key=lambda run: run.info.start_time)
    wanted = {**_conf_tags(settings), _VERSION: version("genreflow")}
    differs = [name for name, value in wanted.items() if last.data.tags.get(name) != value]
    return Training(
        name=last.info.run_name,
        data_fingerprint=last.data.tags["data_fingerprint"],
        same_titles="conf.prepare" not in differs,
        changed=f"since the last training {', '.join(differs)} changed" if differs else None,
    )


@task(task_run_name="log {model.recipe} on {corpus.corpus}", cache_policy=NO_CACHE, **TRACKING)
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
    mine = find_runs(client, parent.experiment_id, pipeline_run=parent.pipeline_run, recipe=model.recipe)
    if mine and mine[0].info.status == "FINISHED":
        return cached(_logged(mine[0], evaluation, reused=True), evaluation.folder)
    origin = [
        run
        for run in find_runs(client, parent.experiment_id, evaluation=evaluation.fingerprint)
        if run.info.status == "FINISHED" and "reused_from" not in run.data.tags
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
        **_code_tags(),
    }
    run_id = mine[0].info.run_id if mine else new_run(client, parent.experiment_id, _run_name(model), tags)
    _log_figures(client, run_id, settings, corpus, model, evaluation)
    if origin:
        tags = {"reused_from": origin[0].info.run_id, "model_uri": origin[0].data.tags.get("model_uri", "")}
    elif model.recipe == "prior":
        tags = {"model_uri": ""}
    else:
        tags = {"model_uri": packaging.log_model(run_id, corpus, model, evaluation)}
    # The fingerprint marks the run as whole, so it is written after everything else.
    log_batches(client, run_id, tags=tags | {"evaluation": evaluation.fingerprint})
    client.set_terminated(run_id, "FINISHED")
    get_run_logger().info("%s %s: MLflow run %s", corpus.corpus, model.recipe, run_id)
    return _logged(client.get_run(run_id), evaluation, reused=bool(origin))


def best_candidate(runs: list[LoggedRun]) -> LoggedRun:
    """Return the run that is best on validation among those with a model: the one that may become champion."""
    return max((run for run in runs if run.model_uri), key=lambda run: run.evaluation.validation_f1_micro)


@task(task_run_name="close MLflow run of {parent.corpus}", cache_policy=NO_CACHE, **TRACKING)
def close_parent(home: Path, track: Track, parent: ParentRun, runs: list[LoggedRun], promotion: Promotion) -> None:
    """Write the outcome in words and the best recipe's figures to the parent run and end it."""
    client = connect(home, track)
    best = max(runs, key=lambda run: run.evaluation.validation_f1_micro)
    ranked = sorted(runs, key=lambda run: -run.evaluation.test_f1_micro)
    rows = [
        {
            "recipe": run.recipe,
            "test micro-F1": round(run.evaluation.test_f1_micro, 4),
            "micro interval": _interval(run.evaluation.interval_f1_micro),
            "test macro-F1": round(run.evaluation.test_f1_macro, 4),
            "macro interval": _interval(run.evaluation.interval_f1_macro),
            "test titles": run.evaluation.test_titles,
        }
        for run in ranked
    ]
    told = "; ".join(f"{row['recipe']} {row['test micro-F1']:.4f}" for row in rows)
    outcome = f"Best on validation: {best.recipe}. {promotion.name} version {promotion.version}: {promotion.reason}."
    show_table(rows, key=f"{parent.corpus}-leaderboard", description=outcome)
    curve = best.evaluation.folder / CURVE
    show_image(curve, key=f"{parent.corpus}-threshold-curve", description=f"{best.recipe}: validation F1 by threshold")
    address = f"{_pages(home, track)}/#/experiments/{parent.experiment_id}/runs"
    show_link(
        address, "MLflow's runs", key=f"{parent.corpus}-mlflow", description=f"Every {parent.corpus} run compared"
    )
    get_run_logger().info("%s: test micro-F1 %s. %s", parent.corpus, told, outcome)
    metrics = {"test.f1_micro": best.evaluation.test_f1_micro, "test.f1_macro": best.evaluation.test_f1_macro}
    metrics |= _interval_metrics(
        "test", {"f1_micro": best.evaluation.interval_f1_micro, "f1_macro": best.evaluation.interval_f1_macro}
    )
    note = f"Test micro-F1: {told}.\n\n{outcome}"
    log_batches(client, parent.run_id, metrics=metrics, tags={"mlflow.note.content": note, "best": best.recipe})
    client.set_terminated(parent.run_id, "FINISHED")


def _pages(home: Path, track: Track) -> str:
    """Return the address of MLflow's pages: of its server, of `genreflow ui`, or where that will be."""
    if track.uri and track.uri.startswith("http"):
        return track.uri.rstrip("/")
    note = home / MLFLOW_NOTE
    return note.read_text().strip() if note.exists() else MLFLOW_PAGES


def end_runs(home: Path, track: Track, pipeline_run: str, status: Ended, reason: str, logger: Any) -> None:
    """End a pipeline run's open runs as failed or killed, with the reason; a store that is gone is only logged."""
    if not track.uri and not (home / "mlflow").exists():
        return
    try:
        client = connect(home, track)
    except TrackingError as error:
        logger.error("run %s is not marked as %s: %s", pipeline_run, status, error)
        return
    experiments = [e.experiment_id for e in client.search_experiments() if e.name.startswith(f"{track.experiment}/")]
    for experiment in experiments:
        for run in find_runs(client, experiment, pipeline_run=pipeline_run):
            if run.info.status == "RUNNING":
                client.set_tag(run.info.run_id, "failure", reason[:4000])
                client.set_terminated(run.info.run_id, status)


def leaderboard(home: Path, track: Track, corpus: Corpus) -> list[dict[str, Any]]:
    """List the corpus's finished recipe runs, best test micro-F1 first; a reused row only once."""
    client = connect(home, track)
    found = client.get_experiment_by_name(f"{track.experiment}/{corpus}")
    if not found:
        return []
    runs = find_runs(client, found.experiment_id, kind="recipe")
    rows = [_row(run) for run in runs if run.info.status == "FINISHED" and "reused_from" not in run.data.tags]
    return sorted(rows, key=lambda row: -row["f1_micro"])


def _row(run: Any) -> dict[str, Any]:
    metrics, tags = run.data.metrics, run.data.tags
    return {
        "recipe": tags["recipe"],
        "f1_micro": metrics["test.f1_micro"],
        "f1_micro_low": metrics["test.f1_micro_low"],
        "f1_micro_high": metrics["test.f1_micro_high"],
        "f1_macro": metrics["test.f1_macro"],
        "f1_macro_low": metrics["test.f1_macro_low"],
        "f1_macro_high": metrics["test.f1_macro_high"],
        "threshold": metrics["threshold"],
        "titles": int(metrics["test.titles"]),
        "genres": len(tags["genres"].split(",")),
        "filter": tags["filter"],
        "data": tags["data_fingerprint"][:12],
        "commit": tags.get("mlflow.source.git.commit", "")[:12],
        "run_id": run.info.run_id,
        "started": run.info.start_time,
    }


def _log_figures(
    client: Any,
    run_id: str,
    settings: Settings,
    corpus: StoredCorpus,
    model: StoredModel,
    evaluation: Evaluation,
) -> None:
    figures = read_figures(evaluation)
    metrics = {"threshold": figures["threshold"], "seconds": model.seconds, "epochs": float(model.epochs)}
    for split in ("validation", "selection", "test"):
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
        metrics |= {f"genre/{genre}.{key}": float(value) for key, value in row.items()}
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
    params = {"recipe": model.recipe, "filter": corpus.filter, "random_seed": settings.train.random_seed}
    params |= {"threshold_rule": figures["threshold_rule"]}
    if model.recipe != "prior":
        section = getattr(getattr(settings.train, model.recipe), corpus.corpus)
        params |= _flatten(section.model_dump(mode="json"))
    metrics |= {f"weight/{member}": weight for member, weight in model.weights.items()}
    log_batches(client, run_id, params=params, metrics=metrics, steps=steps)
    client.log_dict(run_id, figures, "figures.json")
    client.log_text(run_id, pd.DataFrame(figures["study_table"]).to_csv(index=False), "study_thresholds.csv")
    predicted = pd.read_parquet(evaluation.folder / PREDICTED)
    told = {name: predicted[name].map(", ".join) for name in ("actual", "predicted")}
    client.log_text(run_id, predicted[["title_id"]].assign(**told).to_csv(index=False), "test_titles.csv")
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


def _logged(run: Any, evaluation: Evaluation, *, reused: bool) -> LoggedRun:
    return LoggedRun(
        recipe=evaluation.recipe,
        run_id=run.info.run_id,
        model_uri=run.data.tags["model_uri"] or None,
        evaluation=evaluation,
        reused=reused,
    )


def find_runs(client: Any, experiment: str, **tags: str) -> list[Any]:
    """Return an experiment's runs that carry all these tags."""
    clauses = " and ".join(f"tags.{name} = '{value}'" for name, value in tags.items())
    runs: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], clauses, max_results=1000, page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def _run_name(model: StoredModel) -> str:
    return "prior-only" if model.recipe == "prior" else model.recipe


def new_run(client: Any, experiment: str, name: str, tags: dict[str, str]) -> str:
    """Open a run and return its id."""
    return str(client.create_run(experiment, run_name=name, tags=tags).info.run_id)


def log_batches(
    client: Any,
    run_id: str,
    *,
    params: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
    metrics: dict[str, float] | None = None,
    steps: list[tuple[str, int, float]] | None = None,
) -> None:
    """Log to a run in as few calls as MLflow takes; steps are (metric, step, value)."""
    from mlflow.entities import Metric, Param, RunTag

    moment = int(time.time() * 1000)
    points = [Metric(key, value, moment, 0) for key, value in (metrics or {}).items()]
    points += [Metric(key, value, moment, step) for key, step, value in steps or ()]
    for start in range(0, len(points), METRICS_A_CALL):
        client.log_batch(run_id, metrics=points[start : start + METRICS_A_CALL])
    settings = [Param(key, str(value)) for key, value in (params or {}).items()]
    for start in range(0, len(settings), PARAMS_A_CALL):
        client.log_batch(run_id, params=settings[start : start + PARAMS_A_CALL])
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in (tags or {}).items()])


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _conf_tags(settings: Settings) -> dict[str, str]:
    """Return what tells whether a section of the configuration changed that decides what is trained."""
    return {
        f"conf.{name}": store.fingerprint(section=getattr(settings, name))[:12]
        for name in ("prepare", "embed", "train")
    }


def _code_tags() -> dict[str, str]:
    """Return the project's version and, in a checkout, its git commit (with + where files differ from it)."""
    tags = {_VERSION: version("genreflow")}
    root = Path(__file__).parent.parent
    if (root / ".git").exists():
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain")
        if commit:
            tags["mlflow.source.git.commit"] = commit + ("+" if changed else "")
    return tags


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
