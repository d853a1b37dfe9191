"""Near-duplicates across splits: texts that would let a model be fitted or tuned on what it is measured on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from datasketch import MinHash, MinHashLSH

from tasks.logic.splits import SPLITS

# Width of the sketches: 128 minima a text.
_PERMUTATIONS = 128
# The bands are chosen so that at most this share of the pairs just at the wanted similarity is overlooked.
_MISSED = 1e-4
_TITLES_BETWEEN_CALLS = 500
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
    MinHash LSH finds candidates, the sets themselves decide. on_title is called with the number of texts
    done, now and then. Raises ValueError on a split that is not one of SPLITS.
    """
    unknown = set(splits) - set(SPLITS)
    if unknown or len(tokens) != len(splits):
        raise ValueError(f"expected one of {SPLITS} for each of {len(tokens)} texts; got {len(splits)}, {unknown}")
    sketches = _sketch(tokens, ngram, random_seed, on_title)
    index = MinHashLSH(num_perm=_PERMUTATIONS, params=_bands(similarity))
    for row, sketch in enumerate(sketches):
        if sketch is not None and splits[row] != "train":
            index.insert(row, sketch)
    marked = np.zeros(len(tokens), dtype=bool)
    for row, sketch in enumerate(sketches):
        protected = _PROTECTED.get(splits[row], ())
        if sketch is not None and protected:
            rivals = [tokens[other] for other in index.query(sketch) if splits[other] in protected]
            marked[row] = _resembles_any(tokens[row], rivals, similarity, ngram)
    return marked


def ngrams_of(tokens: str, ngram: int) -> set[str]:
    """Return the set of a text's word n-grams; a text of fewer words is one n-gram."""
    words = tokens.split()
    if len(words) <= ngram:
        return {" ".join(words)}
    return {" ".join(words[start : start + ngram]) for start in range(len(words) - ngram + 1)}


def _resembles_any(text: str, rivals: Sequence[str], similarity: float, ngram: int) -> bool:
    if not rivals:
        return False
    own = ngrams_of(text, ngram)
    for rival in rivals:
        other = ngrams_of(rival, ngram)
        shared = len(own & other)
        if shared >= similarity * (len(own) + len(other) - shared):
            return True
    return False


def _sketch(
    tokens: Sequence[str], ngram: int, random_seed: int, on_title: Callable[[int], None] | None
) -> list[MinHash | None]:
    """Return a MinHash a text, None for a text without words; all share one set of permutations."""
    blank = MinHash(num_perm=_PERMUTATIONS, seed=random_seed, hashfunc=zlib.crc32)
    sketches: list[MinHash | None] = []
    for done, text in enumerate(tokens, start=1):
        sketch = None
        if text.strip():
            sketch = blank.copy()
            sketch.update_batch([gram.encode() for gram in ngrams_of(text, ngram)])
        sketches.append(sketch)
        if on_title and done % _TITLES_BETWEEN_CALLS == 0:
            on_title(done)
    return sketches


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
