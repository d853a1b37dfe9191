"""What a home holds once its run has ended, as plain values by name, so that two homes can be compared.

Left out is what two undisturbed runs differ in: moments, seconds, run ids, and fingerprints (a raw part's bytes tell
when each page came, and everything else's fingerprint follows from them).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from crashes import half_made

from conf.names import CORPORA, Corpus
from conf.operation import Track
from scraper.raw import read_raw
from tasks.champion import CHAMPION, connect, load_champion, model_name, versions_of
from tasks.moves import read_moves
from tasks.runs import find_runs, local_path
from tasks.store import MANIFEST
from tasks.upkeep import RESULTS

_MOMENTS = ("retrieved_at", "source_url")
# A row that repeats another leaves the behaviour tests to that one.
_OWN_METRICS = ("seconds", "system/", "behaviour/")
_OWN_TAGS_OF_VERSIONS = ("evaluation", "retrieved")
_PLOTS = "A detective hunts a killer.", "Two friends fall in love on a ship.", "Robots from a distant planet attack."


def state_of(home: Path, track: Track) -> dict[str, Any]:
    """Return titles, results, and what MLflow holds, by name."""
    state: dict[str, Any] = {"raw titles": _raw_titles(home / "raw"), **_results(home)}
    for folder in _result_folders(home):
        # Blocks are cut along raw parts, which a crawl that is gone on with cuts elsewhere.
        if folder.parent.name != "cleaned":
            name = f"{folder.parent.name}/{folder.name.rpartition('-')[0]}"
            state |= {f"{name}/{file}": told for file, told in _contents(folder)}
    client = connect(home, track)
    for corpus in CORPORA:
        state |= _rows(client, track, corpus)
        state |= _registered(client, home, track, corpus)
    return state


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Name each value in which two states differ, with both."""
    names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
    return [f"{name}: expected {_short(expected.get(name))}, found {_short(found.get(name))}" for name in names]


def leftovers(home: Path, track: Track) -> list[str]:
    """Name what nobody should find in a home whose run has ended: half-made, unnamed, open or half-registered."""
    left = list(half_made(home))
    notes = json.loads((home / "runs.json").read_text())
    left += [f"run noted as under way {note['flow_run']}" for note in notes if not note["ended"]]
    return [*left, *_open_in_prefect(home), *_open_in_mlflow(home, track)]


def _short(value: Any) -> str:
    told = repr(value)
    return told if len(told) < 200 else f"{told[:200]}..."


def _raw_titles(raw: Path) -> dict[str, Any]:
    """Return each stored row by title id, however often it is there: a digest of all but its moments."""
    frame = pd.concat([table.to_pandas() for table in read_raw(raw)])
    rows = frame.drop(columns=list(_MOMENTS)).to_json(orient="records", lines=True).splitlines()
    return dict(Counter(zip(frame["title_id"], map(_digest, rows), strict=True)))


def _digest(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def _result_folders(home: Path) -> list[Path]:
    return sorted(path for step in RESULTS for path in (home / step).glob("[!.]*") if path.is_dir())


def _results(home: Path) -> dict[str, int]:
    """Count the results of each kind: one each, for nothing was made twice under two names."""
    names = (f"{path.parent.name}/{path.name.rpartition('-')[0]}" for path in _result_folders(home))
    return dict(Counter(f"results of {name}" for name in names))


def _contents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield what a result's files say, by name; pictures are drawn from what the others say."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            told: Any = _digest(frame.drop(columns=[each for each in _MOMENTS if each in frame]).to_json())
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                told = {key: _digest(arrays[key].tobytes()) for key in arrays.files}
        elif path.suffix == ".keras":
            told = _network(path)
        elif path.name in (MANIFEST, "usage.json") or path.suffix == ".png":
            continue
        else:
            told = path.read_text() if path.suffix in (".json", ".csv") else _digest(path.read_bytes())
        yield name, told


def _network(path: Path) -> dict[str, str]:
    """Return the digests of a saved network's layers and weights; its metadata tells when it was saved."""
    import h5py

    told = {}
    with zipfile.ZipFile(path) as parts, h5py.File(io.BytesIO(parts.read("model.weights.h5"))) as weights:
        # Objects are numbered by their addresses in the process that saved them.
        told["config"] = _digest(re.sub(rb'"shared_object_id": \d+', b"", parts.read("config.json")))

        def add(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                told[name] = _digest(np.asarray(item).tobytes())

        weights.visititems(add)
    return told


def _rows(client: Any, track: Track, corpus: Corpus) -> dict[str, Any]:
    """Return what the rows of a corpus's last finished run say, and the run's own."""
    experiment = client.get_experiment_by_name(f"{track.experiment}/{corpus}").experiment_id
    finished = [run for run in find_runs(client, experiment, kind="pipeline") if run.info.status == "FINISHED"]
    last = max(finished, key=lambda run: run.info.start_time)
    found = find_runs(client, experiment, pipeline_run=last.data.tags["pipeline_run"])
    told: dict[str, Any] = {}
    for run in found:
        tags = run.data.tags
        name = f"MLflow {corpus} {tags.get('recipe', tags['kind'])}"
        told[f"{name} runs"] = told.get(f"{name} runs", 0) + 1
        told[f"{name} status"] = run.info.status
        told[f"{name} params"] = run.data.params
        told |= {f"{name} {key}": value for key, value in run.data.metrics.items() if not key.startswith(_OWN_METRICS)}
        told[f"{name} tags"] = {key: value for key, value in tags.items() if key in ("recipe", "f1_micro", "f1_macro")}
    return told


def _registered(client: Any, home: Path, track: Track, corpus: Corpus) -> dict[str, Any]:
    """Return a corpus's registered versions, aliases and moves, and what its champion answers."""
    name = model_name(track, corpus)
    model = client.get_registered_model(name)
    answer = load_champion(home, track, corpus).predict(pd.DataFrame({"text": _PLOTS}))
    row = client.get_run(client.get_model_version_by_alias(name, CHAMPION).run_id).data
    return {
        f"{name} numbers": [version.version for version in versions_of(client, name)],
        f"{name} behaviour": {key: value for key, value in row.metrics.items() if key.startswith("behaviour/")},
        f"{name} standing": [row.tags.get(key) for key in ("decision", "standing", "behaviour")],
        f"{name} versions": {
            version.version: {key: value for key, value in version.tags.items() if key not in _OWN_TAGS_OF_VERSIONS}
            for version in versions_of(client, name)
        },
        f"{name} aliases": {alias: str(version) for alias, version in model.aliases.items()},
        f"{name} moves": [(move.version, move.before, move.how, move.reason) for move in read_moves(client, name)],
        f"{name} answer": answer[["genres", "probabilities"]].to_json(),
    }


def _open_in_prefect(home: Path) -> Iterator[str]:
    database = home / "prefect" / "prefect.db"
    if not database.exists():
        return
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as prefect:
        for table in ("flow_run", "task_run"):
            rows = prefect.execute(f"SELECT name FROM {table} WHERE state_type = 'RUNNING'")
            yield from (f"Prefect's {table} {name} runs for ever" for (name,) in rows)


def _open_in_mlflow(home: Path, track: Track) -> Iterator[str]:
    client = connect(home, track)
    for corpus in CORPORA:
        experiment = client.get_experiment_by_name(f"{track.experiment}/{corpus}").experiment_id
        for run in find_runs(client, experiment):
            if run.info.status == "RUNNING":
                yield f"MLflow's run {run.info.run_name} of {corpus} runs for ever"
        for version in versions_of(client, model_name(track, corpus)):
            source = client.get_logged_model(version.source.removeprefix("models:/"))
            whole = (local_path(source.artifact_location) / "MLmodel").is_file()
            if (version.status, str(source.status), whole) != ("READY", "READY", True):
                yield f"{version.name} version {version.version} is half registered: {version.status}, {source.status}"
            if client.get_run(version.run_id).info.status != "FINISHED":
                yield f"{version.name} version {version.version} is of a run that did not finish"
