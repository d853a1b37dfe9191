"""What a home holds that nobody needs any more: old results, and old runs, models and versions in MLflow."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from conf.names import CORPORA
from conf.schema import Settings
from tasks import store
from tasks.champion import CHAMPION, connect, model_name, versions_of
from tasks.moves import read_moves, version_before
from tasks.runs import find_runs, local_path, remove_files

# Folders of results, each made of others as their manifests tell. What raw/ holds is nobody's to remove.
RESULTS = ("cleaned", "corpora", "vectors", "others", "models", "evaluations", "behaviour")


class Unneeded(NamedTuple):
    """Hold one thing that can go: what it is, its name, the bytes it takes here, its MLflow id and files' address."""

    kind: str
    name: str
    bytes: int
    id: str = ""
    place: str = ""


class Tracked(NamedTuple):
    """Hold what of MLflow can go, and the data and evaluations (fingerprints) of what stays."""

    unneeded: list[Unneeded]
    data: set[str]
    evaluations: set[str]


def find_unneeded(home: Path, settings: Settings, keep: int) -> list[Unneeded]:
    """List what can go where of each kind the newest `keep` stay.

    Stays: the newest pipeline runs of each corpus with their recipes, the newest versions and all with an alias, the
    runs and models of either, rows that a kept one repeats; the newest results of each kind and recipe, those of what
    stays in MLflow, and everything that these are made of.
    """
    tracked = _look_into_mlflow(home, settings, keep)
    return [*_unneeded_results(home, keep, tracked), *tracked.unneeded]


def remove(home: Path, settings: Settings, unneeded: Iterable[Unneeded]) -> None:
    """Remove what find_unneeded listed; call it under the home's lock."""
    by_kind: dict[str, list[Unneeded]] = defaultdict(list)
    for each in unneeded:
        by_kind[each.kind].append(each)
    for each in by_kind["result"]:
        # Without its manifest it is no result: nobody trusts what is half removed.
        (home / each.name / store.MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(home / each.name)
    if any(by_kind[kind] for kind in ("version", "run", "model")):
        _remove_from_mlflow(home, settings, by_kind)


def _unneeded_results(home: Path, keep: int, tracked: Tracked) -> list[Unneeded]:
    manifests = {}
    for folder in (each for step in RESULTS for each in sorted((home / step).glob("*-*")) if each.is_dir()):
        if manifest := store.read_manifest(folder):
            manifests[f"{folder.parent.name}/{folder.name}"] = manifest
    groups: dict[str, list[str]] = defaultdict(list)
    for name, manifest in manifests.items():
        groups[name.rpartition("-")[0]].append(name)
        if manifest.fingerprint in tracked.data | tracked.evaluations:
            groups[f"tracked {name}"].append(name)
    needed: set[str] = set()
    # Blocks are needed by corpora alone: there are as many of one corpus as it has titles.
    left = [name for group, names in groups.items() if not group.startswith("cleaned/")
            for name in sorted(names, key=lambda name: manifests[name].created, reverse=True)[:keep]]  # fmt: skip
    while left:
        name = left.pop()
        if name in manifests and name not in needed:
            needed.add(name)
            left += manifests[name].inputs
    return [Unneeded("result", name, _bytes_of(home / name)) for name in manifests if name not in needed]


def _look_into_mlflow(home: Path, settings: Settings, keep: int) -> Tracked:
    found = Tracked([], set(), set())
    if not settings.track.uri and not (home / "mlflow").exists():
        return found
    client = connect(home, settings.track)
    for corpus in CORPORA:
        experiment = client.get_experiment_by_name(f"{settings.track.experiment}/{corpus}")
        if not experiment:
            continue
        name = model_name(settings.track, corpus)
        versions = versions_of(client, name)
        kept_versions = _kept_versions(client, name, versions, keep)
        # What people have logged there themselves carries no kind, and is theirs to remove.
        runs = [run for run in find_runs(client, experiment.experiment_id) if "kind" in run.data.tags]
        kept_runs = _kept_runs(runs, {version.run_id for version in kept_versions}, keep)
        uris = {run.data.tags.get("model_uri") for run in kept_runs}
        ours = {run.info.run_id for run in runs}
        models = [each for each in _models(client, experiment.experiment_id) if each.source_run_id in ours]
        kept_ids = {run.info.run_id for run in kept_runs}
        of_versions = {version.model_id for version in kept_versions}
        found.unneeded.extend(
            Unneeded("version", f"{name} {version.version}", 0, version.version)
            for version in versions
            if version not in kept_versions
        )
        found.unneeded.extend(
            _with_files("run", f"{corpus} {run.info.run_name}", run.info.run_id, run.info.artifact_uri)
            for run in runs
            if run.info.run_id not in kept_ids
        )
        found.unneeded.extend(
            _with_files("model", f"{corpus} {model.name}", model.model_id, model.artifact_location)
            for model in models
            if f"models:/{model.model_id}" not in uris and model.model_id not in of_versions
        )
        found.data.update(run.data.tags["data_fingerprint"] for run in kept_runs if "data_fingerprint" in run.data.tags)
        found.evaluations.update(run.data.tags["evaluation"] for run in kept_runs if "evaluation" in run.data.tags)
    return found


def _models(client: Any, experiment: str) -> list[Any]:
    models: list[Any] = []
    token = None
    while True:
        page = client.search_logged_models([experiment], page_token=token)
        models += page
        token = page.token
        if not token:
            return models


def _kept_versions(client: Any, name: str, versions: list[Any], keep: int) -> list[Any]:
    """Choose the newest versions, those with an alias, the champion's predecessor, and that which counts challenges."""
    if not versions:
        return []
    aliases = client.get_registered_model(name).aliases
    aliased = {int(number) for number in aliases.values()}
    if CHAMPION in aliases:
        # What a rollback goes back to.
        aliased.add(version_before(read_moves(client, name), int(aliases[CHAMPION])) or 0)
    last = max(versions, key=lambda version: int(version.tags.get("challenge", "0")))
    newest = versions[:keep]
    return [each for each in versions if each in newest or int(each.version) in aliased or each is last]


def _kept_runs(runs: list[Any], registered: set[str], keep: int) -> list[Any]:
    """Choose the newest pipeline runs and studies with what is below them, and whatever a kept run refers to."""
    by_id = {run.info.run_id: run for run in runs}
    parent = {run.info.run_id: run.data.tags.get("mlflow.parentRunId", run.info.run_id) for run in runs}
    parents: dict[str, list[Any]] = defaultdict(list)
    for run in runs:
        if parent[run.info.run_id] == run.info.run_id:
            parents[run.data.tags["kind"]].append(run)
    kept = {
        run.info.run_id
        for of_kind in parents.values()
        for place, run in enumerate(sorted(of_kind, key=lambda run: -run.info.start_time))
        if place < keep or run.info.status == "RUNNING"
    }
    kept |= {parent[run_id] for run_id in registered if run_id in by_id}
    below = [run for run in runs if parent[run.info.run_id] in kept]
    # A row that a kept one repeats is the one that comparisons show.
    origins = {run.data.tags["reused_from"] for run in below if "reused_from" in run.data.tags}
    kept |= {parent[run_id] for run_id in origins if run_id in by_id}
    return [run for run in runs if parent[run.info.run_id] in kept]


def _remove_from_mlflow(home: Path, settings: Settings, by_kind: dict[str, list[Unneeded]]) -> None:
    client = connect(home, settings.track)
    for each in by_kind["version"]:
        client.delete_model_version(each.name.rpartition(" ")[0], each.id)
    # What MLflow deletes it only marks so, and keeps rows and files: a database would grow night after night. Its
    # client has no call that frees the rows, a server none at all (there, `mlflow gc` does).
    rows = client._tracking_client.store
    drop_model = getattr(rows, "_hard_delete_logged_model", client.delete_logged_model)
    drop_run = getattr(rows, "_hard_delete_run", client.delete_run)
    for kind, drop in (("model", drop_model), ("run", drop_run)):
        for each in by_kind[kind]:
            # The record goes last: what was cut off before it is listed again.
            remove_files(home, settings.track, each.place)
            drop(each.id)


def _with_files(kind: str, name: str, mlflow_id: str, place: str) -> Unneeded:
    size = _bytes_of(local_path(place)) if urlsplit(place).scheme in ("", "file") else 0
    return Unneeded(kind, name, size, mlflow_id, place)


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
