"""Fit one recipe in a process of its own: `python -m tasks.fitting SPEC.json`, progress as JSON lines on stdout.

Seeds are global and TensorFlow keeps its memory, so no two fits share a process.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from conf.names import Corpus, Recipe
from conf.schema import BiLstm, Linear, SeedNetwork
from tasks import saved_recipe
from tasks.logic import linear, networks, sequences
from tasks.logic.labels import to_matrix

MODEL = "model"
PROBABILITIES = "probabilities.npz"
HISTORY = "history.json"
SCORED_SPLITS = ("validation", "selection", "test")

Report = Callable[..., None]


class FitSpec(BaseModel, frozen=True):
    """Say what is fitted on what, and where its files go (folders of this machine)."""

    recipe: Recipe
    corpus: Corpus
    titles: Path
    genres: list[str]
    vectors: Path | None
    folder: Path
    random_seed: int
    settings: dict[str, Any]


def fit(spec: FitSpec, report: Report) -> None:
    """Fit the recipe on the fitted train titles; write its model, probabilities by split, and loss by epoch."""
    frame = pd.read_parquet(spec.titles)
    folder = spec.folder / MODEL
    folder.mkdir(parents=True)
    recipe = {"linear": _fit_linear, "seed": _fit_seed, "bilstm": _fit_bilstm}[spec.recipe]
    probabilities, history = recipe(spec, frame, folder, report)
    by_split = {split: probabilities(frame.loc[frame["split"] == split, "tokens"].tolist()) for split in SCORED_SPLITS}
    saved_recipe.save_arrays(spec.folder / PROBABILITIES, by_split)
    (spec.folder / HISTORY).write_text(json.dumps(history))


def _fit_linear(
    spec: FitSpec, frame: pd.DataFrame, folder: Path, report: Report
) -> tuple[saved_recipe.Probabilities, networks.History]:
    settings = Linear.model_validate(spec.settings)
    texts, truth = _fitted(frame, "train", spec.genres)
    model = linear.fit_linear(
        texts,
        truth,
        **settings.model_dump(),
        random_seed=spec.random_seed,
        on_genre=lambda done: report(done=done, total=len(spec.genres), note="genres"),
    )
    saved_recipe.save_linear(folder, model)
    return lambda given: linear.linear_probabilities(model, given), {}


def _fit_seed(
    spec: FitSpec, frame: pd.DataFrame, folder: Path, report: Report
) -> tuple[saved_recipe.Probabilities, networks.History]:
    settings = SeedNetwork.model_validate(spec.settings)
    vocabulary, vectors = _vectors(spec)
    texts, truth = _fitted(frame, "train", spec.genres)
    validation_texts, validation_truth = _fitted(frame, "validation", spec.genres)
    rows = sequences.number_words(texts, vocabulary, settings.max_words)
    length = max(len(row) for row in rows)
    networks.make_repeatable(spec.random_seed)
    network = networks.build_seed(
        vectors,
        len(spec.genres),
        length,
        units=settings.units,
        dropout=settings.dropout,
        learning_rate=settings.learning_rate,
    )
    history = networks.fit_padded(
        network,
        rows,
        truth,
        (sequences.number_words(validation_texts, vocabulary, length), validation_truth),
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        on_epoch=_on_epoch(report, settings.epochs),
    )
    saved_recipe.save_network(folder, network, vocabulary, [length])
    return lambda given: saved_recipe.read_with_network(network, given, vocabulary, [length]), history


def _fit_bilstm(
    spec: FitSpec, frame: pd.DataFrame, folder: Path, report: Report
) -> tuple[saved_recipe.Probabilities, networks.History]:
    settings = BiLstm.model_validate(spec.settings)
    texts, truth = _fitted(frame, "train", spec.genres)
    validation_texts, validation_truth = _fitted(frame, "validation", spec.genres)
    vocabulary, vectors = _common_words(texts, *_vectors(spec), settings.min_titles)
    networks.make_repeatable(spec.random_seed)
    network = networks.build_bilstm(
        vectors * settings.vector_scale,
        len(spec.genres),
        truth.mean(axis=0),
        units=settings.units,
        word_dropout=settings.word_dropout,
        dropout=settings.dropout,
        learning_rate=settings.learning_rate,
    )
    history = networks.fit_bucketed(
        network,
        sequences.number_words(texts, vocabulary, settings.max_words),
        truth,
        (sequences.number_words(validation_texts, vocabulary, settings.max_words), validation_truth),
        buckets=settings.buckets,
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        patience=settings.patience,
        random_seed=spec.random_seed,
        on_epoch=_on_epoch(report, settings.epochs),
    )
    saved_recipe.save_network(folder, network, vocabulary, settings.buckets)
    return lambda given: saved_recipe.read_with_network(network, given, vocabulary, settings.buckets), history


def _fitted(frame: pd.DataFrame, split: str, genres: Sequence[str]) -> tuple[list[str], np.ndarray]:
    chosen = frame[frame["fitted"] & (frame["split"] == split)]
    return chosen["tokens"].tolist(), to_matrix(chosen["genres"], genres)


def _vectors(spec: FitSpec) -> tuple[list[str], np.ndarray]:
    if spec.vectors is None:
        raise ValueError(f"recipe {spec.recipe} needs Word2Vec vectors; got none")
    return saved_recipe.read_vectors(spec.vectors)


def _common_words(
    texts: Sequence[str], vocabulary: Sequence[str], vectors: np.ndarray, min_titles: int
) -> tuple[list[str], np.ndarray]:
    titles = Counter(word for text in texts for word in set(text.split()))
    kept = [i for i, word in enumerate(vocabulary) if titles[word] >= min_titles]
    return [vocabulary[i] for i in kept], vectors[kept]


def _on_epoch(report: Report, epochs: int) -> networks.OnEpoch:
    parent = os.getppid()

    def told(epoch: int, losses: dict[str, float]) -> None:
        if os.getppid() != parent:
            raise SystemExit("the run that this fit belongs to is gone; stopped")
        report(done=epoch, total=epochs, note=f"validation loss {losses['val_loss']:.4f}")

    return told


def _report(**progress: Any) -> None:
    sys.stdout.write(json.dumps(progress) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    fit(FitSpec.model_validate_json(Path(sys.argv[1]).read_bytes()), _report)
