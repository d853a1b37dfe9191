"""Generated titles in any number, with a vocabulary that grows as that of real plots does."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from conf.schema import load
from scraper.importers.files import import_file
from scraper.site.generator import TITLES_SCHEMA
from tasks.logic.text import stop_words

TITLES_AT_ONCE = 50_000
# Words a summary has on average, how they spread, and the share of them that are stop words, as counted in 13,182 real
# summaries.
WORDS, SPREAD, STOP_SHARE = 39, 0.55, 0.56
# Ranks of the other words: P(rank > r) = (1 + r / OFFSET) ** -TAIL, so that n words hold about n ** (1 / (1 + TAIL))
# different ones. In those summaries 8,400 to 228,000 words hold 4,400 to 30,700, an exponent of 0.58; here it is 0.59.
TAIL, OFFSET = 0.75, 300.0
# Share of the words that a title's first genre has to itself, and how many such words there are.
GENRE_SHARE, GENRE_WORDS = 0.15, 400
# Titles whose text is another one's.
COPIED = 0.01
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"


def write_titles(path: Path, count: int, random_seed: int) -> None:
    """Write so many generated titles, each with a summary, as a titles file."""
    with pq.ParquetWriter(path, TITLES_SCHEMA) as writer:
        for table in tables(count, random_seed):
            writer.write_table(table)


def write_raw(raw: Path, count: int, random_seed: int) -> None:
    """Import so many generated titles into a folder of raw titles."""
    settings = load("base")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "titles.parquet"
        write_titles(file, count, random_seed)
        part_titles = settings.import_.part_titles
        import_file(file, raw, genres=settings.prepare.genres, max_bad_share=0.0, part_titles=part_titles)


def tables(count: int, random_seed: int) -> Iterator[pa.Table]:
    """Yield generated titles in tables of TITLES_AT_ONCE, their ids in no order, as crawls and data sets have them."""
    genres = np.array(load("base").prepare.genres)
    common = np.array(sorted(stop_words()), dtype=object)
    # Genres are as uneven as words: the first has half of the titles, the last one in a hundred.
    shares = 1 / np.arange(1, len(genres) + 1)
    ids = np.random.default_rng(random_seed).permutation(count) + 1
    for first in range(0, count, TITLES_AT_ONCE):
        rng = np.random.default_rng((random_seed, first))
        rows = min(TITLES_AT_ONCE, count - first)
        named = rng.choice(len(genres), (rows, 2), p=shares / shares.sum())
        texts = _texts(rng, named[:, 0], common)
        yield pa.table(
            {
                "title_id": [f"tt{number:07d}" for number in ids[first : first + rows]],
                "title": [f"Film {number}" for number in range(first + 1, first + rows + 1)],
                "year": rng.integers(1950, 2025, rows),
                "genres": [list(dict.fromkeys(genres[pair])) for pair in named],
                "summary": texts,
                "synopsis": [None] * rows,
            },
            schema=TITLES_SCHEMA,
        )


def _texts(rng: np.random.Generator, genres: npt.NDArray[np.int_], common: npt.NDArray[np.object_]) -> list[str]:
    lengths = np.clip(rng.lognormal(np.log(WORDS) - SPREAD**2 / 2, SPREAD, len(genres)), 8, 200).astype(int)
    total = int(lengths.sum())
    ranks = (OFFSET * (rng.random(total) ** (-1 / TAIL) - 1)).astype(np.int64)
    own = rng.random(total) < GENRE_SHARE
    first_of = (np.repeat(genres, lengths) + 1) * GENRE_WORDS
    ranks[own] = first_of[own] + (ranks % GENRE_WORDS)[own]
    distinct, places = np.unique(ranks, return_inverse=True)
    words = np.array([spell(int(rank)) for rank in distinct], dtype=object)[places]
    stop = rng.random(total) < STOP_SHARE
    words[stop] = common[(len(common) * rng.random(int(stop.sum())) ** 3).astype(int)]
    ends = np.cumsum(lengths)
    marked = rng.random(total) < 0.07
    marked[ends - 1] = True
    words[marked] += np.where(rng.random(int(marked.sum())) < 0.5, ".", ",").astype(object)
    texts = [" ".join(words[end - length : end]) for end, length in zip(ends, lengths, strict=True)]
    for row in np.flatnonzero(rng.random(len(texts)) < COPIED):
        texts[row] = texts[row // 2]
    return texts


@functools.cache
def spell(rank: int) -> str:
    """Return the word of a rank: syllables, at least two, different for every rank."""
    syllables = []
    left = rank + len(_CONSONANTS) * len(_VOWELS)
    while left:
        left, syllable = divmod(left, len(_CONSONANTS) * len(_VOWELS))
        syllables.append(_CONSONANTS[syllable // len(_VOWELS)] + _VOWELS[syllable % len(_VOWELS)])
    return "".join(syllables)
