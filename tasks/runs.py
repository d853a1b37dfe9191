"""Runs in MLflow as they are found, opened, written and ended; nothing of Prefect is imported here."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from conf.names import Corpus
from conf.operation import Track, without_login
from conf.schema import Settings
from tasks import store
from tasks.champion import connect
from tasks.mlflow_store import TrackingError, is_away, keeps_files, takes_nothing

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
    from mlflow.exceptions import MlflowException

    name = f"{track.experiment}/{corpus}"
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    location = None if keeps_files(track.uri) else (home / "mlflow" / "artifacts" / corpus).as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=location))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # Another home that logs to this store has made it in the meantime.
    return str(client.get_experiment_by_name(name).experiment_id)


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


def is_whole(run: Any) -> bool:
    """Say whether all of a recipe's run is logged: MLflow calls it finished as soon as its model is there."""
    return run.info.status == "FINISHED" and "evaluation" in run.data.tags


def remove_run(client: Any, home: Path, track: Track, run: Any) -> None:
    """Remove a run that was cut short, with the models that it logged and all files: it is to be logged anew."""
    source = f"source_run_id = '{run.info.run_id}'"
    for model in client.search_logged_models([run.info.experiment_id], filter_string=source):
        remove_files(home, track, model.artifact_location)
        client.delete_logged_model(model.model_id)
    remove_files(home, track, run.info.artifact_uri)
    # Last, so that the run is found again where this is cut short, too.
    client.delete_run(run.info.run_id)


def remove_files(home: Path, track: Track, place: str) -> None:
    """Remove the files at a place of MLflow's; a copied home names places of the first one, whose files stay."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    if track.uri or local_path(place).resolve().is_relative_to(home.resolve()):
        get_artifact_repository(place).delete_artifacts()


def local_path(place: str) -> Path:
    """Return the folder that a file: address of MLflow's stands for."""
    return Path(url2pathname(urlsplit(place).path))


def log_batches(
    client: Any,
    run_id: str,
    *,
    params: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
    metrics: dict[str, float] | None = None,
    steps: list[tuple[str, int, float]] | None = None,
) -> None:
    """Log to a run in as few calls as MLflow takes; steps are (metric, step, value).

    What is sent again, because the answer was lost or a later call failed, is there once all the same.
    """
    from mlflow.entities import Metric, Param, RunTag

    # MLflow keeps points that are equal in everything once; by the clock a point sent twice would be two.
    moment = client.get_run(run_id).info.start_time
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


def end_runs(home: Path, track: Track, pipeline_run: str, status: Ended, reason: str, logger: Any) -> bool:
    """End a pipeline run's open runs as failed or killed, with the reason; says whether that could be done.

    A store that cannot be used is only logged.
    """
    if not track.uri and not (home / "mlflow").exists():
        return True
    try:
        client = connect(home, track)
        experiments = [e for e in client.search_experiments() if e.name.startswith(f"{track.experiment}/")]
        for experiment in experiments:
            for run in find_runs(client, experiment.experiment_id, pipeline_run=pipeline_run):
                if run.info.status == "RUNNING":
                    client.set_tag(run.info.run_id, "failure", reason[:4000])
                    client.set_terminated(run.info.run_id, status)
    except Exception as error:
        if not (isinstance(error, TrackingError) or is_away(error) or takes_nothing(error)):
            raise
        logger.error(
            "run %s is not marked as %s in MLflow; the next one here does it: %s",
            pipeline_run,
            status,
            without_login(str(error)),
        )
        return False
    return True


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
