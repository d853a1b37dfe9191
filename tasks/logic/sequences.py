"""Texts as rows of word numbers: 0 is padding, word i of the vocabulary is i + 1, unknown words are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np


def numbers_of(vocabulary: Sequence[str]) -> dict[str, int]:
    """Return each word's number; made once a vocabulary, since it takes longer than to read a text."""
    return {word: i + 1 for i, word in enumerate(vocabulary)}


def number_words(texts: Sequence[str], numbers: Mapping[str, int]) -> list[np.ndarray]:
    """Turn space-joined texts into int32 arrays of their known words."""
    return [np.array([numbers[word] for word in text.split() if word in numbers], dtype=np.int32) for text in texts]


def pad(rows: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Lay rows into one int32 array (rows, length), zeros at the end; longer rows are cut."""
    padded = np.zeros((len(rows), length), dtype=np.int32)
    for i, row in enumerate(rows):
        padded[i, : min(len(row), length)] = row[:length]
    return padded


def read_windows(row: np.ndarray, window: int, max_words: int) -> np.ndarray:
    """Return a row, or of one longer than max_words as many windows, spread evenly from its start to its end."""
    if len(row) <= max_words:
        return row
    starts = np.linspace(0, len(row) - window, max(max_words // window, 1)).astype(int)
    return np.concatenate([row[start : start + window] for start in starts])


def like_lengths(
    rows: Sequence[np.ndarray],
    batch_size: int,
    random_generator: np.random.Generator | None = None,
    blur: float = 0.15,
) -> Iterator[np.ndarray]:
    """Yield the indices of batches of rows of like length.

    With a generator batches come in an order of chance, and lengths are blurred by up to that share, so that the same
    rows do not share a batch each time; without, the order is fixed.
    """
    lengths = np.array([len(row) for row in rows], dtype=float)
    if random_generator is not None:
        lengths *= random_generator.uniform(1.0, 1.0 + blur, len(rows))
    order = np.argsort(lengths, kind="stable")
    found = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    yield from found if random_generator is None else (found[i] for i in random_generator.permutation(len(found)))
