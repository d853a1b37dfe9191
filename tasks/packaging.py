"""A fitted recipe as an MLflow model that carries all it needs: code, weights, tables, exact requirements."""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.champion import model_code
from tasks.corpus import StoredCorpus
from tasks.evaluation import Evaluation, read_decision
from tasks.fitting import MODEL
from tasks.logic.params import Params
from tasks.logic.text import stop_words
from tasks.saved_recipe import save_digests
from tasks.sentences import PACKAGE
from tasks.training import NETWORKS, StoredModel

# What the model's code imports; nothing of Prefect or Scrapy travels with a model.
CODE = ("__init__.py", "genre_model.py", "saved_recipe.py", "sentences.py", "logic")

EXAMPLE = "A retired detective hunts a killer who stages murders as film scenes."


def log_model(run_id: str, corpus: StoredCorpus, model: StoredModel, evaluation: Evaluation) -> str:
    """Log the recipe as a pyfunc (models from code) to the run and return the model's URI."""
    import mlflow

    with tempfile.TemporaryDirectory() as scratch:
        folder = _gather(Path(scratch) / "model", corpus, model, evaluation)
        code = _gather_code(Path(scratch) / "tasks")
        with model_code(), mlflow.start_run(run_id=run_id):
            logged = mlflow.pyfunc.log_model(
                name=model.recipe,
                python_model=str(code / "genre_model.py"),
                artifacts={"model": str(folder)},
                code_paths=[str(code)],
                pip_requirements=requirements(model),
                signature=_signature(corpus.genres),
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


def _signature(genres: Sequence[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Array, ColSpec, DataType, Map, Object, Property

    def record(**types: Any) -> Object:
        return Object([Property(name, kind) for name, kind in types.items()])

    word = record(word=DataType.string, weight=DataType.double, share=DataType.double)
    span = record(start=DataType.long, end=DataType.long, word=DataType.string, weight=DataType.double)
    explanation = record(text=DataType.string, genres=Map(record(words=Array(word), spans=Array(span))))
    # With the param top some genres are left out.
    probabilities = Object([Property(genre, DataType.double, required=False) for genre in genres])
    types = {"thresholds": DataType.string, "top": DataType.long, "explain": DataType.boolean}
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]),
        outputs=Schema(
            [
                ColSpec(Array(DataType.string), "genres"),
                ColSpec(probabilities, "probabilities"),
                ColSpec(explanation, "explanation", required=False),
            ]
        ),
        params=ParamSchema([ParamSpec(name, types[name], default) for name, default in Params()._asdict().items()]),
    )


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
    save_digests(folder)
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
