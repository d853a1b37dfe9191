"""The MLflow store of a home and the champions in it.

Nothing of Prefect is imported here: a first answer would wait for it.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conf.errors import GenreflowError
from conf.names import Corpus
from conf.operation import Track
from tasks.logic.decisions import Decision
from tasks.mlflow_store import home_database, is_away, open_store, store_uri
from tasks.saved_recipe import DamagedFileError, MemberError
from tasks.sentences import SentenceModelError

CHAMPION = "champion"
CANDIDATE = "candidate"
_MODEL_CODE = threading.Lock()
_TRAIN = "train one first (genreflow demo, or genreflow run)"


class ModelError(GenreflowError):
    """Say which logged model cannot be opened here, and why."""


class NoChampionError(GenreflowError):
    """Say that no model has been promoted yet for a corpus, and what to run."""


class OldChampionError(GenreflowError):
    """Name a champion that does not carry what this version of genreflow needs to predict with it."""


def connect(home: Path, track: Track) -> Any:
    """Point MLflow at the configured store (by default sqlite inside the home) and return a client.

    Raises TrackingError naming the store where it cannot be used, within seconds.
    """
    import mlflow

    uri = store_uri(home, track)
    mlflow.set_tracking_uri(uri)
    return open_store(uri)


def check_store(home: Path, track: Track) -> None:
    """Raise TrackingError where a store outside the home cannot be used; the home's own is made when it is needed."""
    if track.uri is not None:
        connect(home, track)


def model_name(track: Track, corpus: Corpus) -> str:
    """Return the registered model's name for a corpus."""
    return f"{track.model}-{corpus}"


def load_model(uri: str, *, asked: str | None = None) -> Any:
    """Load a logged or registered model as an MLflow pyfunc; raises ModelError naming what is missing or damaged.

    asked is what its user calls the model, by default the URI.
    """
    import mlflow

    name = asked or uri
    try:
        with model_code():
            return mlflow.pyfunc.load_model(uri)
    except (MemberError, DamagedFileError, SentenceModelError, ValueError) as error:
        raise ModelError(f"{name}: {error}") from error
    except Exception as error:
        if is_away(error):
            raise
        # What is damaged may be code, YAML or an archive, and fails in a way of its own.
        raise ModelError(f"{name}: cannot be opened: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def model_code() -> Iterator[None]:
    """Let MLflow run a model's code in this process, one at a time: it keeps the code's set_model() call in a global.

    Imports write nothing beside that code: a model's folder holds what was logged, and nothing else.
    """
    with _MODEL_CODE:
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            yield
        finally:
            sys.dont_write_bytecode = before


def find_champion(client: Any, name: str) -> Any | None:
    """Return the registered version that carries the alias champion, None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def load_champion(home: Path, track: Track, corpus: Corpus) -> Any:
    """Load the corpus's champion as an MLflow pyfunc.

    Raises NoChampionError saying what to run where there is none, OldChampionError for one of an older genreflow.
    """
    none = f"no champion for the {corpus} corpus in this home yet"
    if track.uri is None and not home_database(home).exists():
        # Asked for, MLflow would make a store there.
        raise NoChampionError(f"{none}: {_TRAIN}")
    client = connect(home, track)
    name = model_name(track, corpus)
    version = find_champion(client, name)
    if version is None:
        raise NoChampionError(f"{none}: {_why_none(client, name, corpus)}")
    return open_version(name, version.version)


def open_version(name: str, version: str) -> Any:
    """Load a registered version as an MLflow pyfunc; raises ModelError, OldChampionError where it does not open."""
    loaded = load_model(f"models:/{name}/{version}")
    card = loaded.unwrap_python_model().card
    card["model"] = f"{name} version {version}"
    missing = lacking(card)
    if missing:
        raise OldChampionError(
            f"{card['model']} was made by an older genreflow (its model.json lacks {', '.join(missing)}): "
            f"train in another home, or take the alias {CHAMPION} off it and train again"
        )
    return loaded


def lacking(card: Mapping[str, Any]) -> list[str]:
    """Return what a model's card lacks to decide with, as those of an older genreflow do."""
    return [key for key in Decision.__annotations__ if key not in card]


def _why_none(client: Any, name: str, corpus: Corpus) -> str:
    # Without a champion nothing else keeps a candidate back.
    refused = [version for version in versions_of(client, name) if version.tags.get("behaviour_passed") == "no"]
    if not refused:
        return _TRAIN
    last = refused[0]
    return (
        f"{name} version {last.version} ({last.tags['recipe']}) was refused, {last.tags['reason']}; "
        f"behaviour.csv of its MLflow run {last.run_id} tells every case; genreflow promote {last.version} "
        f"--corpus {corpus} --force --reason WHY makes it champion all the same"
    )


def versions_of(client: Any, name: str) -> list[Any]:
    """List all versions of a registered model, the newest first."""
    return sorted(client.search_model_versions(f"name = '{name}'"), key=lambda version: -int(version.version))
