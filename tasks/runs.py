"""Runs in MLflow as they are found, opened, written and ended; nothing of Prefect is imported here."""

from __future__ import annotations

import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

from conf.names import Corpus
from conf.schema import Settings, Track
from tasks import store
from tasks.champion import connect
from tasks.mlflow_store import TrackingError

PARAMS_A_CALL = 100
METRICS_A_CALL = 1000
_VERSION = "genreflow.version"
# How MLflow calls a run that ended with an error, and one that was ended from outside.
Ended = Literal["FAILED", "KILLED"]


class Training(NamedTuple):
    """Tell of a corpus's last finished training: its name and data, and what of the configuration differs now.

    same_titles says that the same filters chose its titles; changed is None where nothing differs.
    """

    name: str
    data_fingerprint: str
    same_titles: bool
    changed: str | None


def experiment_id(client: Any, home: Path, track: Track, corpus: Corpus) -> str:
    """Return the id of the corpus's experiment, made where it does not exist yet."""
    name = f"{track.experiment}/{corpus}"
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    location = None if track.uri else (home / "mlflow" / "artifacts" / corpus).as_uri()
    return str(client.create_experiment(name, artifact_location=location))


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


def last_training(home: Path, settings: Settings, corpus: Corpus) -> Training | None:
    """Return what MLflow tells of the corpus's last finished training, None where there was none."""
    client = connect(home, settings.track)
    found = client.get_experiment_by_name(f"{settings.track.experiment}/{corpus}")
    runs = find_runs(client, found.experiment_id, kind="pipeline") if found else []
    finished = [run for run in runs if run.info.status == "FINISHED"]
    if not finished:
        return None
    last = max(finished, key=lambda run: run.info.start_time)
    wanted = {**conf_tags(settings), _VERSION: version("genreflow")}
    differs = [name for name, value in wanted.items() if last.data.tags.get(name) != value]
    return Training(
        name=last.info.run_name,
        data_fingerprint=last.data.tags["data_fingerprint"],
        same_titles="conf.prepare" not in differs,
        changed=f"since the last training {', '.join(differs)} changed" if differs else None,
    )


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


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a tree's leaves by their dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def conf_tags(settings: Settings) -> dict[str, str]:
    """Return what tells whether a section of the configuration changed that decides what is trained."""
    return {
        f"conf.{name}": store.fingerprint(section=getattr(settings, name))[:12]
        for name in ("prepare", "embed", "train")
    }


def code_tags() -> dict[str, str]:
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
