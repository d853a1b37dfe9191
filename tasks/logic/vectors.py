"""Word2Vec: tokenized texts in, a vocabulary and its vectors out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np


class _Texts:
    """Iterate over space-joined texts as token lists, again for each epoch, without holding the lists."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts

    def __iter__(self) -> Iterator[list[str]]:
        return (text.split() for text in self._texts)


def fit_vectors(
    texts: Iterable[str],
    *,
    vector_size: int,
    window: int,
    min_count: int,
    sample: float,
    alpha: float,
    min_alpha: float,
    negative: int,
    epochs: int,
    workers: int,
    random_seed: int,
    on_epoch: Callable[[int], None] | None = None,
) -> tuple[list[str], np.ndarray]:
    """Fit CBOW Word2Vec (Mikolov et al. 2013, gensim) on space-joined texts, read again for each epoch.

    Returns the vocabulary, most frequent word first, and its vectors: float32 (words, vector_size), each of
    length 1. With one worker the same texts and seed give the same vectors bit for bit. Raises ValueError when
    no word is left.
    """
    from gensim.models import Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    class Progress(CallbackAny2Vec):
        def __init__(self) -> None:
            self.epoch = 0

        def on_epoch_end(self, model: Any) -> None:
            self.epoch += 1
            if on_epoch:
                on_epoch(self.epoch)

    if not any(texts):
        raise ValueError("no words to fit Word2Vec on: expected at least one train text with tokens")
    model = Word2Vec(
        _Texts(texts),
        vector_size=vector_size,
        window=window,
        min_count=min_count,
        sample=sample,
        alpha=alpha,
        min_alpha=min_alpha,
        negative=negative,
        epochs=epochs,
        workers=workers,
        sg=0,
        seed=random_seed,
        callbacks=[Progress()],
    )
    vectors = model.wv.vectors / np.maximum(np.linalg.norm(model.wv.vectors, axis=1, keepdims=True), 1e-12)
    return list(model.wv.index_to_key), vectors.astype(np.float32)
