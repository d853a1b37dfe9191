"""A fitted recipe as plain files: arrays, JSON and .keras, never a pickle. Shipped inside every MLflow model."""

from __future__ import annotations

import functools
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.logic import blending, contributions, linear, networks, sequences
from tasks.logic.explanation import Floats, Passage
from tasks.logic.gradients import Gradients
from tasks.logic.names import Names
from tasks.logic.text import Texts

READING = "reading.json"
NETWORK = "network.keras"
VOCABULARY = "vocabulary.json"
VECTORS = "vectors.npy"
TERMS = "terms.json"
NAMES = "names.json"
ARRAYS = "linear.npz"
MEMBERS = "members"
FITTED_TITLES = "fitted_titles.json"
DIGESTS = "files.json"

_LOGGED = f"not as it was logged (SHA-256 in {DIGESTS}): put it back, or train again"

Probabilities = Callable[[Texts], np.ndarray]
# From a passage and genres, by their columns, to what each of its words adds to their logits: (words, genres).
Contributions = Callable[[Passage, Sequence[int]], Floats]


@dataclass(frozen=True)
class Opened:
    """Hold an opened recipe: from texts to probabilities, and from a text to what its words add to them."""

    probabilities: Probabilities
    contributions: Contributions

    def __call__(self, texts: Texts) -> np.ndarray:
        """Return the probabilities, float64 (titles, genres)."""
        return self.probabilities(texts)


class MemberError(Exception):
    """Say which member of a blend is missing or cannot be opened, and what would mend it."""


class DamagedFileError(Exception):
    """Name a file of a logged model that is missing, or not as it was logged."""


def save_digests(folder: Path) -> None:
    """Write the SHA-256 of every file of a model's folder; call it last."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    _write_json(folder / DIGESTS, {path.relative_to(folder).as_posix(): _digest(path) for path in files})


def check_digests(folder: Path) -> None:
    """Raise DamagedFileError where a file is not as save_digests found it; models of an older genreflow have none."""
    if not (folder / DIGESTS).exists():
        return
    try:
        digests = dict(_read_json(folder / DIGESTS))
    except ValueError:
        raise DamagedFileError(f"{folder / DIGESTS}: damaged, {_LOGGED}") from None
    for name, digest in digests.items():
        path = folder / name
        if not path.is_file() or _digest(path) != digest:
            raise DamagedFileError(f"{path}: missing or damaged, {_LOGGED}")


def save_linear(folder: Path, model: linear.LinearModel) -> None:
    """Write a linear model: its terms as JSON, its arrays as .npz."""
    _write_json(folder / READING, {"kind": "linear"})
    _save_terms(folder, model.terms, weights=model.weights, intercepts=model.intercepts)


def save_seed(folder: Path, network: Any, vocabulary: Sequence[str]) -> None:
    """Write the study's network and the words it knows."""
    _write_json(folder / READING, {"kind": "seed"})
    _write_json(folder / VOCABULARY, list(vocabulary))
    network.save(folder / NETWORK)


def save_bilstm(
    folder: Path,
    members: Sequence[Any],
    vocabulary: Sequence[str],
    terms: linear.Terms,
    *,
    window: int,
    max_words: int,
    term_scale: float,
) -> None:
    """Write the networks of a bilstm, one a seed, and how they read texts: vocabulary, n-grams, windows."""
    reading = {"kind": "bilstm", "window": window, "max_words": max_words, "term_scale": term_scale}
    _write_json(folder / READING, {**reading, "networks": len(members)})
    _write_json(folder / VOCABULARY, list(vocabulary))
    _save_terms(folder, terms)
    for i, network in enumerate(members):
        network.save(folder / f"{i}-{NETWORK}")


def save_sentence(folder: Path, model: str, names: Names, weights: np.ndarray, intercepts: np.ndarray) -> None:
    """Write the head over frozen sentence vectors, the name of the model that makes them, and what are names."""
    _write_json(folder / NAMES, {kind: sorted(words) for kind, words in names._asdict().items()})
    _write_json(folder / READING, {"kind": "sentence", "model": model})
    save_arrays(folder / ARRAYS, {"weights": weights, "intercepts": intercepts})


def save_blend(folder: Path, weights: Mapping[str, float]) -> None:
    """Write a blend's members and their weights; each member's files stand in members/<name>."""
    _write_json(folder / READING, {"kind": "blend", "weights": dict(weights)})


def save_fitted_titles(folder: Path, title_ids: Iterable[str]) -> None:
    """Write the ids of all titles that the recipe was fitted or tuned on."""
    _write_json(folder / FITTED_TITLES, sorted(title_ids))


def read_fitted_titles(folder: Path) -> frozenset[str]:
    """Read the ids of all titles that the recipe was fitted or tuned on."""
    return frozenset(_read_json(folder / FITTED_TITLES))


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as .npz without pickle."""
    np.savez(path, allow_pickle=False, **arrays)


def save_vectors(folder: Path, vocabulary: Sequence[str], vectors: np.ndarray) -> None:
    """Write a vocabulary as JSON and its vectors, float32 (words, vector_size), as .npy."""
    _write_json(folder / VOCABULARY, list(vocabulary))
    # By way of memory: numpy's own writing to a file does not tell why a disk took no more.
    content = io.BytesIO()
    np.save(content, vectors, allow_pickle=False)
    (folder / VECTORS).write_bytes(content.getbuffer())


def read_vectors(folder: Path) -> tuple[list[str], np.ndarray]:
    """Read a stored vocabulary and its vectors."""
    return _read_json(folder / VOCABULARY), np.load(folder / VECTORS, allow_pickle=False)


def open_recipe(folder: Path) -> Opened:
    """Open a stored recipe, to predict with and to explain what it predicts.

    TensorFlow is imported only for a network; .keras files are read in safe mode, arrays without pickle. Raises
    MemberError naming the member of a blend that is missing.
    """
    reading = _read_json(folder / READING)
    openers = {
        "linear": _open_linear,
        "seed": _open_seed,
        "bilstm": _open_bilstm,
        "sentence": _open_sentence,
        "blend": _open_blend,
    }
    return openers[reading["kind"]](folder, reading)


def _open_linear(folder: Path, reading: dict[str, Any]) -> Opened:
    terms, arrays = _read_terms(folder)
    model = linear.LinearModel(terms, arrays["weights"], arrays["intercepts"])
    return Opened(
        lambda texts: linear.linear_probabilities(model, getattr(texts, terms.reads)),
        functools.partial(contributions.of_linear, model),
    )


def _open_seed(folder: Path, reading: dict[str, Any]) -> Opened:
    network, numbers = _read_network(folder / NETWORK), sequences.numbers_of(_read_json(folder / VOCABULARY))
    return Opened(
        lambda texts: networks.seed_probabilities(network, sequences.number_words(texts.words, numbers)),
        functools.partial(contributions.of_seed, Gradients(network), numbers),
    )


def _open_bilstm(folder: Path, reading: dict[str, Any]) -> Opened:
    from tasks.logic import layers  # noqa: F401  the names that the saved networks' layers are registered by

    members = [_read_network(folder / f"{i}-{NETWORK}") for i in range(reading["networks"])]
    numbers, (terms, _) = sequences.numbers_of(_read_json(folder / VOCABULARY)), _read_terms(folder)
    read = {name: reading[name] for name in ("window", "max_words", "term_scale")}
    gradients = [Gradients(network) for network in members]
    return Opened(
        bilstm_reader(members, numbers, terms, **read),
        functools.partial(contributions.of_bilstm, gradients, numbers, terms, **read),
    )


def bilstm_reader(
    members: Sequence[Any],
    numbers: Mapping[str, int],
    terms: linear.Terms,
    *,
    window: int,
    max_words: int,
    term_scale: float,
) -> Probabilities:
    """Return the function from texts to the mean of the members' probabilities."""
    from tasks.logic import bilstm

    def probabilities(texts: Texts) -> np.ndarray:
        reading = bilstm.read(texts.words, numbers, terms, window, max_words)
        found = [bilstm.bilstm_probabilities(network, reading, window, term_scale) for network in members]
        return np.asarray(np.mean(found, axis=0))

    return probabilities


def _open_sentence(folder: Path, reading: dict[str, Any]) -> Opened:
    from tasks import sentences

    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        weights, intercepts = arrays["weights"], arrays["intercepts"]
    names = Names(**{kind: frozenset(words) for kind, words in _read_json(folder / NAMES).items()})
    reader = sentences.Reader(sentences.open_encoder(reading["model"]), names)

    def scores(texts: Sequence[str]) -> np.ndarray:
        return reader.read(texts) @ weights.T + intercepts

    return Opened(lambda texts: linear.logistic(scores(texts.raw)), functools.partial(contributions.left_out, scores))


def _open_blend(folder: Path, reading: dict[str, Any]) -> Opened:
    members = {}
    for name in reading["weights"]:
        place = folder / MEMBERS / name
        if not (place / READING).is_file():
            told = ", ".join(reading["weights"])
            raise MemberError(f"{place}: member {name!r} of the blend ({told}) is missing; expected its {READING}")
        try:
            members[name] = open_recipe(place)
        except (OSError, ImportError, ValueError) as error:
            raise MemberError(f"member {name!r} of the blend cannot be opened: {error}") from error
    weights = list(reading["weights"].values())

    def explain(passage: Passage, columns: Sequence[int]) -> Floats:
        parts = [member.contributions(passage, columns) for member in members.values()]
        probabilities = [member(passage.texts)[0, np.asarray(columns)] for member in members.values()]
        return contributions.mixed(parts, probabilities, weights)

    return Opened(lambda texts: blending.mix([member(texts) for member in members.values()], weights), explain)


def _read_network(path: Path) -> Any:
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (TypeError, ValueError) as error:
        # Keras goes on with the layer's whole configuration.
        reason = " ".join(str(error).split()).partition(". ")[0]
        raise ValueError(f"{path}: not a network that is opened safely: {reason}") from None


def _save_terms(folder: Path, terms: linear.Terms, **arrays: np.ndarray) -> None:
    _write_json(folder / TERMS, {"unit": terms.unit, "ngrams": terms.ngrams, "terms": terms.terms})
    save_arrays(folder / ARRAYS, {"idf": terms.idf, **arrays})


def _read_terms(folder: Path) -> tuple[linear.Terms, dict[str, np.ndarray]]:
    told = _read_json(folder / TERMS)
    with np.load(folder / ARRAYS, allow_pickle=False) as stored:
        arrays = dict(stored)
    low, high = told["ngrams"]
    return linear.Terms(told["unit"], (low, high), told["terms"], arrays["idf"]), arrays


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
