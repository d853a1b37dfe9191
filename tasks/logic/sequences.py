"""Texts as rows of word numbers: 0 is padding, word i of the vocabulary is i + 1, unknown words are left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def number_words(texts: Sequence[str], vocabulary: Sequence[str], max_words: int) -> list[np.ndarray]:
    """Turn space-joined texts into int32 arrays of known words, cut after max_words of them."""
    numbers = {word: i + 1 for i, word in enumerate(vocabulary)}
    return [
        np.array([numbers[word] for word in text.split() if word in numbers][:max_words], dtype=np.int32)
        for text in texts
    ]


def pad(rows: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Lay rows into one int32 array (rows, length), zeros at the end; longer rows are cut."""
    padded = np.zeros((len(rows), length), dtype=np.int32)
    for i, row in enumerate(rows):
        padded[i, : min(len(row), length)] = row[:length]
    return padded


def bucket_of(rows: Sequence[np.ndarray], buckets: Sequence[int]) -> np.ndarray:
    """Return for each row the shortest bucket length that holds it (the longest for longer rows)."""
    lengths = np.minimum([len(row) for row in rows], buckets[-1])
    return np.asarray(buckets)[np.searchsorted(buckets, lengths)]


def batches(
    rows: Sequence[np.ndarray],
    buckets: Sequence[int],
    batch_size: int,
    random_generator: np.random.Generator | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (bucket length, indices of rows) so that rows of like length share a batch.

    With a generator, rows are shuffled within buckets and batches among each other; without, the order is fixed.
    """
    of = bucket_of(rows, buckets) if len(rows) else np.array([], dtype=int)
    found: list[tuple[int, np.ndarray]] = []
    for bucket in sorted(set(of.tolist())):
        indices = np.flatnonzero(of == bucket)
        if random_generator is not None:
            indices = random_generator.permutation(indices)
        found += [(bucket, indices[i : i + batch_size]) for i in range(0, len(indices), batch_size)]
    order = random_generator.permutation(len(found)) if random_generator is not None else range(len(found))
    yield from (found[int(i)] for i in order)
