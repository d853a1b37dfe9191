"""A fitted recipe as plain files: arrays, JSON and .keras, never a pickle. Shipped inside every MLflow model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.logic import linear, networks, sequences

READING = "reading.json"
NETWORK = "network.keras"
VOCABULARY = "vocabulary.json"
VECTORS = "vectors.npy"
TERMS = "terms.json"
ARRAYS = "linear.npz"

Probabilities = Callable[[Sequence[str]], np.ndarray]


def save_linear(folder: Path, model: linear.LinearModel) -> None:
    """Write a linear model: its terms as JSON, its arrays as .npz."""
    _write_json(folder / READING, {"kind": "linear", "ngrams": model.ngrams})
    _write_json(folder / TERMS, model.terms)
    save_arrays(folder / ARRAYS, {"idf": model.idf, "weights": model.weights, "intercepts": model.intercepts})


def save_network(folder: Path, network: Any, vocabulary: Sequence[str], buckets: Sequence[int]) -> None:
    """Write a network, the words it knows and the lengths that its input is padded to."""
    _write_json(folder / READING, {"kind": "network", "buckets": list(buckets)})
    _write_json(folder / VOCABULARY, list(vocabulary))
    network.save(folder / NETWORK)


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as .npz without pickle."""
    np.savez(path, allow_pickle=False, **arrays)


def save_vectors(folder: Path, vocabulary: Sequence[str], vectors: np.ndarray) -> None:
    """Write a vocabulary as JSON and its vectors, float32 (words, vector_size), as .npy."""
    _write_json(folder / VOCABULARY, list(vocabulary))
    np.save(folder / VECTORS, vectors, allow_pickle=False)


def read_vectors(folder: Path) -> tuple[list[str], np.ndarray]:
    """Read a stored vocabulary and its vectors."""
    vocabulary = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
    return vocabulary, np.load(folder / VECTORS, allow_pickle=False)


def open_recipe(folder: Path) -> Probabilities:
    """Return the function from space-joined texts to probabilities, float64 (titles, genres).

    TensorFlow is imported only for a network; .keras files are read in safe mode, arrays without pickle.
    """
    reading = json.loads((folder / READING).read_text(encoding="utf-8"))
    if reading["kind"] == "linear":
        terms = json.loads((folder / TERMS).read_text(encoding="utf-8"))
        with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
            model = linear.LinearModel(reading["ngrams"], terms, arrays["idf"], arrays["weights"], arrays["intercepts"])
        return lambda texts: linear.linear_probabilities(model, texts)

    import keras

    networks.accept_unmasked_maximum()
    network = keras.saving.load_model(folder / NETWORK, compile=False, safe_mode=True)
    vocabulary = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
    return lambda texts: read_with_network(network, texts, vocabulary, reading["buckets"])


def read_with_network(
    network: Any, texts: Sequence[str], vocabulary: Sequence[str], buckets: Sequence[int]
) -> np.ndarray:
    """Return a network's probabilities for space-joined texts, each read up to the longest bucket's words."""
    rows = sequences.number_words(texts, vocabulary, buckets[-1])
    return networks.network_probabilities(network, rows, buckets)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
