"""A fitted recipe as an MLflow model that carries all it needs: code, weights, tables, exact requirements."""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.champion import MODEL_CODE
from tasks.corpus import StoredCorpus
from tasks.evaluation import Evaluation, read_decision
from tasks.fitting import MODEL
from tasks.logic.text import stop_words
from tasks.sentences import PACKAGE
from tasks.training import NETWORKS, StoredModel

# What the model's code imports; nothing of Prefect or Scrapy travels with a model.
CODE = ("__init__.py", "genre_model.py", "saved_recipe.py", "sentences.py", "logic")

EXAMPLE = "A retired detective hunts a killer who stages murders as film scenes."


def log_model(run_id: str, corpus: StoredCorpus, model: StoredModel, evaluation: Evaluation) -> str:
    """Log the recipe as a pyfunc (models from code) to the run and return the model's URI."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import Schema
    from mlflow.types.schema import Array, ColSpec, DataType, Object, Property

    probabilities = Object([Property(genre, DataType.double) for genre in corpus.genres])
    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]),
        outputs=Schema([ColSpec(Array(DataType.string), "genres"), ColSpec(probabilities, "probabilities")]),
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = _gather(Path(scratch) / "model", corpus, model, evaluation)
        code = _gather_code(Path(scratch) / "tasks")
        with MODEL_CODE, mlflow.start_run(run_id=run_id):
            logged = mlflow.pyfunc.log_model(
                name=model.recipe,
                python_model=str(code / "genre_model.py"),
                artifacts={"model": str(folder)},
                code_paths=[str(code)],
                pip_requirements=requirements(model),
                signature=signature,
                input_example=pd.DataFrame({"text": [EXAMPLE]}),
            )
    return str(logged.model_uri)


def requirements(model: StoredModel) -> list[str]:
    """List the exact packages that a model needs to predict: a blend those of all its members."""
    recipes = {model.recipe, *model.weights}
    names = ["mlflow", "numpy", "pandas", "pyarrow", "nltk", "scikit-learn"]
    if recipes & NETWORKS:
        names += ["keras", _tensorflow()]
    if "sentence" in recipes:
        names += ["torch", "sentence-transformers"]
        names += [PACKAGE.replace("_", "-")] if importlib.util.find_spec(PACKAGE) else []
    return [f"{name}=={version(name)}" for name in names]


def _tensorflow() -> str:
    try:
        version("tensorflow-cpu")
    except PackageNotFoundError:
        return "tensorflow"
    return "tensorflow-cpu"


def _gather(folder: Path, corpus: StoredCorpus, model: StoredModel, evaluation: Evaluation) -> Path:
    shutil.copytree(model.folder / MODEL, folder)
    card: dict[str, Any] = {
        "corpus": corpus.corpus,
        "recipe": model.recipe,
        "members": model.weights,
        "genres": corpus.genres,
        **read_decision(evaluation),
        "stop_words": sorted(stop_words()),
        "filter": corpus.filter,
        "sources": corpus.sources,
        "genre_sources": corpus.genre_sources,
        "terms": model.terms,
        "retrieved": corpus.retrieved,
        "data_fingerprint": corpus.fingerprint,
        "evaluation": evaluation.fingerprint,
    }
    (folder / "model.json").write_text(json.dumps(card, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder


def _gather_code(folder: Path) -> Path:
    source = Path(__file__).parent
    folder.mkdir()
    for name in CODE:
        path = source / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(path, folder / name)
    return folder
