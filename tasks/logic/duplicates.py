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
# Of the sketches' hash functions; a text's sketch is kept beside it, and the same for every run.
_SEED = 7
# The bands are chosen so that at most this share of the pairs just at the wanted similarity is overlooked.
_MISSED = 1e-4
_TITLES_BETWEEN_CALLS = 500
_TITLES_AT_ONCE = 10_000
# No text of one side may nearly duplicate one of a later side; selection and test may share texts.
_SIDES = (("train",), ("validation",), ("selection", "test"))


def band_keys(
    tokens: Sequence[str], similarity: float, ngram: int, on_title: Callable[[int], None] | None = None
) -> npt.NDArray[np.uint64]:
    """Return a number a band of each text's MinHash, (texts, bands): equal bands have equal numbers.

    tokens are a text's words joined by blanks. Two texts whose sets of word n-grams have a Jaccard similarity of at
    least `similarity` share a band, but for one pair in 10,000. Sketches are not kept: a million of them are two
    gigabytes, and an index of their bands as much again. on_title is called with the number of texts done, now and
    then.
    """
    count, rows = bands(similarity)
    sketch = MinHash(num_perm=_PERMUTATIONS, seed=_SEED, hashfunc=zlib.crc32)
    odd = np.random.default_rng(_SEED).integers(0, 2**63, rows, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    keys = np.zeros((len(tokens), count), dtype=np.uint64)
    for row, text in enumerate(tokens):
        sketch.clear()
        sketch.update_batch([gram.encode() for gram in ngrams_of(text, ngram)])
        keys[row] = sketch.hashvalues[: count * rows].reshape(count, rows) @ odd
        if on_title and (row + 1) % _TITLES_BETWEEN_CALLS == 0:
            on_title(row + 1)
    return keys


def suspects(keys: npt.NDArray[np.uint64], splits: Sequence[str] | npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Mark the texts that share a band with one which they must not resemble, or which must not resemble them."""
    side = np.zeros(len(keys), np.uint8)
    of_split = np.asarray(splits, dtype=object)
    for bit, names in enumerate(_SIDES):
        side[np.isin(of_split, names)] = 1 << bit
    marked = np.zeros(len(keys), dtype=bool)
    for band in keys.T if len(keys) else ():
        order = np.argsort(band)
        first = np.flatnonzero(np.diff(band[order], prepend=~band[order[0]]))
        sides = np.bitwise_or.reduceat(side[order], first)
        # Two sides or three: more than one bit.
        mixed = sides & (sides - 1) > 0
        marked[order[np.repeat(mixed, np.diff(first, append=len(band)))]] = True
    return marked


def near_duplicates(
    tokens: Sequence[str],
    splits: Sequence[str] | npt.NDArray[np.object_],
    keys: npt.NDArray[np.uint64],
    similarity: float,
    ngram: int,
) -> npt.NDArray[np.bool_]:
    """Mark the texts to leave out: train like a text of another split, validation like a selection or test text.

    tokens are a text's words joined by blanks; two texts are alike when the Jaccard similarity of their sets of
    word n-grams is at least `similarity` (a text of fewer words is one n-gram; one without words is like none).
    LSH on the texts' band_keys finds candidates, the sets themselves decide. Raises ValueError on a split that is not
    one of SPLITS.
    """
    unknown = set(splits) - set(SPLITS)
    if unknown or not len(tokens) == len(splits) == len(keys):
        sizes = f"{len(splits)} splits, {len(keys)} keys, unknown: {unknown}"
        raise ValueError(f"expected one of {SPLITS} and a row of keys for each of {len(tokens)} texts; got {sizes}")
    of_split = np.asarray(splits, dtype=object)
    worded = np.array([bool(text.strip()) for text in tokens], dtype=bool)
    marked = np.zeros(len(tokens), dtype=bool)
    for place, names in enumerate(_SIDES[:-1], 1):
        later = [split for side in _SIDES[place:] for split in side]
        own, held = (np.flatnonzero(worded & np.isin(of_split, each)) for each in (list(names), later))
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


def bands(similarity: float) -> tuple[int, int]:
    """Return bands and rows of the LSH: the longest rows with which a pair at `similarity` is found.

    A pair of similarity s is found with probability 1 - (1 - s^rows)^bands (Leskovec et al., Mining of Massive
    Datasets, section 3.4).
    """
    for rows in range(16, 1, -1):
        bands = _PERMUTATIONS // rows
        if (1 - similarity**rows) ** bands <= _MISSED:
            return bands, rows
    return _PERMUTATIONS, 1
