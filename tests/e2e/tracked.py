"""What a training run left in MLflow, to be compared with what another one left."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from conf.names import Corpus
from conf.operation import Track
from tasks.champion import connect, load_champion, model_name
from tasks.runs import experiment_id, find_runs


@dataclass
class Tracked:
    """Hold each row's name, status and whether it tells of a failure; by row its parameters, points of each metric and
    files; each logged model's status and files; each version, its aliases and its model's recipe; who answers."""

    rows: list[tuple[str, str, bool]]
    params: dict[str, dict[str, str]]
    points: dict[str, dict[str, list[tuple[int, float]]]]
    files: dict[str, set[str]]
    models: list[tuple[str, set[str]]]
    versions: list[tuple[str, list[str], str]]
    champion: str


def read_tracked(home: Path, track: Track, corpus: Corpus, database: Path) -> Tracked:
    """Read a corpus's experiment; points come from the store's sqlite file: a server takes its time over so many."""
    client = connect(home, track)
    experiment = experiment_id(client, home, track, corpus)
    found = find_runs(client, experiment)
    runs = _numbered(found)
    models = {model.model_id: model for model in client.search_logged_models([experiment])}
    name = model_name(track, corpus)
    aliases = client.get_registered_model(name).aliases
    card = load_champion(home, track, corpus).unwrap_python_model().card
    return Tracked(
        rows=sorted((_name(run), run.info.status, "failure" in run.data.tags) for run in found),
        params={row: _params(run) for row, run in runs.items()},
        points={row: read_points(database, run.info.run_id) for row, run in runs.items()},
        files={row: _files(partial(client.list_artifacts, run.info.run_id)) for row, run in runs.items()},
        models=[
            (str(model.status), _files(partial(client.list_logged_model_artifacts, key)))
            for key, model in models.items()
        ],
        versions=[
            (
                str(version.version),
                sorted(alias for alias, number in aliases.items() if str(number) == str(version.version)),
                models[version.source.removeprefix("models:/")].name,
            )
            for version in client.search_model_versions(f"name = '{name}'")
        ],
        champion=card["model"].removeprefix(name),
    )  # fmt: skip


def _numbered(runs: list[Any]) -> dict[str, Any]:
    """Return runs by name in the order of their starts: linear, linear 2 and so on."""
    numbered: dict[str, Any] = {}
    for run in sorted(runs, key=lambda run: run.info.start_time):
        count = sum(name.split()[0] == _name(run) for name in numbered)
        numbered[f"{_name(run)} {count + 1}" if count else _name(run)] = run
    return numbered


def _name(run: Any) -> str:
    return str(run.data.tags.get("recipe", run.data.tags["kind"]))


def _params(run: Any) -> dict[str, str]:
    # Those tell one try from another.
    return {key: value for key, value in run.data.params.items() if not key.startswith(("track.", "run."))}


def read_points(database: Path, run_id: str) -> dict[str, list[tuple[int, float]]]:
    """Return every point of each metric that a run keeps, but for what the machine was doing."""
    points: dict[str, list[tuple[int, float]]] = {}
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        rows = store.execute("SELECT key, step, value FROM metrics WHERE run_uuid = ? ORDER BY step, value", [run_id])
        for key, step, value in rows:
            if not key.startswith("system/"):
                points.setdefault(key, []).append((step, value))
    return points


def _files(list_folder: Callable[[str | None], list[Any]]) -> set[str]:
    found: set[str] = set()
    folders: list[str | None] = [None]
    while folders:
        for each in list_folder(folders.pop()):
            if each.is_dir:
                folders.append(each.path)
            else:
                found.add(each.path)
    return found
