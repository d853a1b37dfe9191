"""Near-duplicates across splits: texts that would let a model be fitted or tuned on what it is measured on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from datasketch import MinHash

from tasks.logic.splits import SPLITS

# Width of the sketches: 128 minima a text.
_PERMUTATIONS = 128
# The bands are chosen so that at most this share of the pairs just at the wanted similarity is overlooked.
_MISSED = 1e-4
_TITLES_BETWEEN_CALLS = 500
_TITLES_AT_ONCE = 10_000
# What a text of the split on the left must not nearly duplicate.
_PROTECTED = {"train": ("validation", "selection", "test"), "validation": ("selection", "test")}


def near_duplicates(
    tokens: Sequence[str],
    splits: Sequence[str],
    similarity: float,
    ngram: int,
    random_seed: int,
    on_title: Callable[[int], None] | None = None,
) -> npt.NDArray[np.bool_]:
    """Mark the texts to leave out: train like a text of another split, validation like a selection or test text.

    tokens are a text's words joined by blanks; two texts are alike when the Jaccard similarity of their sets of
    word n-grams is at least `similarity` (a text of fewer words is one n-gram; one without words is like none).
    LSH on datasketch's MinHash finds candidates, the sets themselves decide. on_title is called with the number of
    texts done, now and then. Raises ValueError on a split that is not one of SPLITS.
    """
    unknown = set(splits) - set(SPLITS)
    if unknown or len(tokens) != len(splits):
        raise ValueError(f"expected one of {SPLITS} for each of {len(tokens)} texts; got {len(splits)}, {unknown}")
    keys = _band_keys(tokens, _bands(similarity), ngram, random_seed, on_title)
    of_split = np.array(splits, dtype=object)
    worded = np.array([bool(text.strip()) for text in tokens], dtype=bool)
    marked = np.zeros(len(tokens), dtype=bool)
    for split, protected in _PROTECTED.items():
        own, held = (np.flatnonzero(worded & np.isin(of_split, names)) for names in ([split], list(protected)))
        for row, rivals in _candidates(keys[own], keys[held]):
            texts = (tokens[held[rival]] for rival in rivals)
            marked[own[row]] = _resembles_any(tokens[own[row]], texts, similarity, ngram)
    return marked


def ngrams_of(tokens: str, ngram: int) -> set[str]:
    """Return the set of a text's word n-grams; a text of fewer words is one n-gram."""
    words = tokens.split()
    if len(words) <= ngram:
        return {" ".join(words)}
    return {" ".join(words[start : start + ngram]) for start in range(len(words) - ngram + 1)}


def _resembles_any(text: str, rivals: Iterable[str], similarity: float, ngram: int) -> bool:
    own = ngrams_of(text, ngram)
    for rival in rivals:
        other = ngrams_of(rival, ngram)
        shared = len(own & other)
        if shared >= similarity * (len(own) + len(other) - shared):
            return True
    return False


def _band_keys(
    tokens: Sequence[str],
    bands: tuple[int, int],
    ngram: int,
    random_seed: int,
    on_title: Callable[[int], None] | None,
) -> npt.NDArray[np.uint64]:
    """Return a number a band of each text's MinHash, (texts, bands): equal bands have equal numbers.

    Sketches are not kept: a million of them are two gigabytes, and an index of their bands as much again.
    """
    count, rows = bands
    blank = MinHash(num_perm=_PERMUTATIONS, seed=random_seed, hashfunc=zlib.crc32)
    odd = np.random.default_rng(random_seed).integers(0, 2**63, rows, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    keys = np.zeros((len(tokens), count), dtype=np.uint64)
    for row, text in enumerate(tokens):
        sketch = blank.copy()
        sketch.update_batch([gram.encode() for gram in ngrams_of(text, ngram)])
        keys[row] = sketch.hashvalues[: count * rows].reshape(count, rows) @ odd
        if on_title and (row + 1) % _TITLES_BETWEEN_CALLS == 0:
            on_title(row + 1)
    return keys


def _candidates(own: npt.NDArray[np.uint64], held: npt.NDArray[np.uint64]) -> Iterator[tuple[int, Iterator[int]]]:
    """Yield each row of own that shares a band with rows of held, and those rows, each once."""
    orders = np.argsort(held, axis=0)
    ranked = np.take_along_axis(held, orders, axis=0)
    for start in range(0, len(own), _TITLES_AT_ONCE):
        block = own[start : start + _TITLES_AT_ONCE]
        spans = np.array(
            [
                [np.searchsorted(there, here, side) for side in ("left", "right")]
                for here, there in zip(block.T, ranked.T, strict=True)
            ]
        )
        for row in np.flatnonzero((spans[:, 0] < spans[:, 1]).any(axis=0)):
            yield start + int(row), _rivals(orders, spans[:, :, row])


def _rivals(orders: npt.NDArray[np.intp], spans: npt.NDArray[np.intp]) -> Iterator[int]:
    # One by one: of a text that stands a thousand times in held the first is enough.
    seen: set[int] = set()
    for order, (first, last) in zip(orders.T, spans, strict=True):
        for rival in order[first:last]:
            if rival not in seen:
                seen.add(int(rival))
                yield int(rival)


def _bands(similarity: float) -> tuple[int, int]:
    """Return bands and rows of the LSH: the longest rows with which a pair at `similarity` is found.

    A pair of similarity s is found with probability 1 - (1 - s^rows)^bands (Leskovec et al., Mining of Massive
    Datasets, section 3.4).
    """
    for rows in range(16, 1, -1):
        bands = _PERMUTATIONS // rows
        if (1 - similarity**rows) ** bands <= _MISSED:
            return bands, rows
    return _PERMUTATIONS, 1
