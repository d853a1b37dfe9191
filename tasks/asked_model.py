"""The model that is asked, and how it shall decide: a corpus's champion, or any model that genreflow has logged.

Nothing of Prefect is imported here: a first answer would wait for it.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conf.errors import GenreflowError
from conf.names import Corpus
from conf.operation import Track
from tasks.champion import ModelError, connect, lacking, load_champion, load_model
from tasks.logic.decisions import read_thresholds, under

MLMODEL = "MLmodel"
_EXPECTED = "expected the folder of an MLflow model, or a URI such as models:/NAME/VERSION or runs:/RUN_ID/NAME"
# The file that genreflow's models are made from; MLflow notes it in MLmodel.
_CODE = "genre_model.py"
# How MLflow opens such models; another loader is any module there is, or opens a pickle.
_LOADER = "mlflow.pyfunc.loaders.code_model"
_OWN = Path(__file__).parent
# What the home's store holds, or the server of track.uri, is trusted as these are.
_STORED = ("models:/", "runs:/")
logger = logging.getLogger(__name__)
# Copies of models that were opened elsewhere before; they go when the process ends.
_COPIES: list[tempfile.TemporaryDirectory[str]] = []
_URI = re.compile(r"[a-z][a-z0-9+.-]+:/")


class ThresholdsError(GenreflowError):
    """Say which thresholds were asked for, and which a model takes."""


def open_asked(home: Path, track: Track, corpus: Corpus, *, model: str | None = None, thresholds: str = "") -> Any:
    """Open the model named, else the corpus's champion; returns its GenreModel.

    model is the folder of an MLflow model or its URI, which is looked up in the home's store; its corpus is its own.
    The card names the model besides, and decides by the thresholds asked for (logic.decisions.under). Raises
    ModelError, ThresholdsError, and what load_champion raises.
    """
    try:
        # Sooner than a model is opened, which may take long.
        read_thresholds(thresholds)
    except ValueError as error:
        raise ThresholdsError(str(error)) from None
    if model is None:
        asked = load_champion(home, track, corpus).unwrap_python_model()
    else:
        asked = _open_named(home, track, model)
    asked.card = under(asked.card, thresholds)
    return asked


def _open_named(home: Path, track: Track, model: str) -> Any:
    from mlflow.exceptions import MlflowException

    if _URI.match(model):
        folder = _fetch(home, track, model)
    else:
        folder = Path(model).parent if Path(model).name == MLMODEL else Path(model)
        if not folder.exists():
            raise ModelError(f"{model}: no such folder; {_EXPECTED}")
    if not (folder / MLMODEL).is_file():
        raise ModelError(f"{model}: no MLflow model: it has no file {MLMODEL}; {_EXPECTED}")
    try:
        _check_kind(folder, model)
        folder = _without_byte_code(folder)
        if not model.startswith(_STORED) and (foreign := next(_foreign_code(folder), None)):
            logger.warning(
                "%s runs code that is not this genreflow's (%s): open models of people you trust alone", model, foreign
            )
        asked = load_model(str(folder), asked=model).unwrap_python_model()
    except (MlflowException, OSError, ImportError, ValueError) as error:
        raise ModelError(f"{model}: cannot be opened: {error}") from error
    missing = lacking(asked.card)
    if missing:
        raise ModelError(
            f"{model}: made by an older genreflow (its model.json lacks {', '.join(missing)}): train it again"
        )
    asked.card["model"] = model
    return asked


def _fetch(home: Path, track: Track, uri: str) -> Path:
    """Return the folder of a URI's model; what lies on this machine is not copied."""
    import mlflow
    from mlflow.exceptions import MlflowException

    connect(home, track)
    try:
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except (MlflowException, OSError, ImportError) as error:
        raise ModelError(f"{uri}: cannot be fetched: {error}") from None


def _check_kind(folder: Path, model: str) -> None:
    # Before it is loaded: loading runs a model's code.
    from mlflow.models import Model
    from yaml import YAMLError

    try:
        described = Model.load(str(folder))
    except (YAMLError, TypeError, UnicodeDecodeError) as error:
        raise ModelError(f"{model}: its file {MLMODEL} is not readable: {' '.join(str(error).split())}") from None
    flavor = described.flavors.get("python_function", {})
    made = Path(flavor.get("model_code_path") or "").name == _CODE and flavor.get("loader_module") == _LOADER
    if not made or flavor.get("code") != "code":
        raise ModelError(f"{model}: an MLflow model, but none that genreflow has logged")


def _without_byte_code(folder: Path) -> Path:
    """Return a model's folder, or a copy without what Python wrote beside the code where others opened the model.

    Python would run it in place of the code, and nobody can compare it with this installation's.
    """
    if next((folder / "code").rglob("__pycache__"), None) is None:
        return folder
    _COPIES.append(tempfile.TemporaryDirectory(prefix="genreflow-model-"))
    copy = Path(_COPIES[-1].name) / folder.name
    return Path(shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__")))


def _foreign_code(folder: Path) -> Iterator[str]:
    """Name the files of a model's code that are not those of this installation, byte for byte."""
    for file in (folder / _CODE, *sorted((folder / "code").rglob("*"))):
        name = file.relative_to(folder).as_posix()
        own = _OWN.parent / file.relative_to(folder / "code") if name.startswith("code/") else _OWN / _CODE
        if file.is_file() and not (own.is_file() and own.read_bytes() == file.read_bytes()):
            yield name
