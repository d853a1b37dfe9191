"""Synthetic titles: invented plots with the gaps, repeats and label noise that real titles have."""

from __future__ import annotations

import dataclasses
import random

import pyarrow as pa

from scraper.site.plots import Plot, draw_weighted, seeded, write_plot
from scraper.site.vocabulary import load_vocabulary

TITLES_SCHEMA = pa.schema(
    [
        pa.field("title_id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("year", pa.int32()),
        pa.field("genres", pa.list_(pa.string())),
        pa.field("summary", pa.string()),
        pa.field("synopsis", pa.string()),
    ]
)

# Titles of two seeds have different ids (a block of a million each, 90 blocks), so that a model fitted on the
# titles of one seed can be scored on those of another.
FIRST_ID, BLOCK, BLOCKS = 9_000_001, 1_000_000, 90

# Share of genres missing from a title's labels, and share of titles that carry a wrong one besides. This noise
# is what keeps any recipe, however good, well below a perfect score.
MISSING_LABEL, WRONG_LABEL, MOST_LABELS = 0.19, 0.38, 4
# Share of titles without a summary, without a year, from before the YEARS, and retelling an earlier title.
NO_SUMMARY, NO_YEAR, OLD, RETOLD = 0.06, 0.02, 0.10, 0.012
OLD_YEARS, YEARS = (1925, 1990), (1990, 2025)
# A retold title repeats one of so many titles before it; half of them change a word.
RETOLD_WITHIN, REWORDED = 50, 0.5

Row = tuple[str, int | None, list[str], str | None, str | None]


def generate_titles(count: int, random_seed: int) -> pa.Table:
    """Generate `count` synthetic titles as a table of TITLES_SCHEMA; title i does not depend on `count`."""
    rows = [_make_title(index, random_seed) for index in range(count)]
    columns = [site_ids(count, random_seed), *(list(column) for column in zip(*rows, strict=True))]
    if not rows:
        return TITLES_SCHEMA.empty_table()
    return pa.table(columns, schema=TITLES_SCHEMA)


def site_ids(count: int, random_seed: int) -> list[str]:
    """List the ids of the titles that generate_titles makes, without making them."""
    first = FIRST_ID + random_seed % BLOCKS * BLOCK
    return [f"tt{number:07d}" for number in range(first, first + count)]


def _make_title(index: int, random_seed: int) -> Row:
    rng = seeded(index, random_seed, "record")
    if index and rng.random() < RETOLD:
        earlier = max(0, index - 1 - int(rng.random() * RETOLD_WITHIN))
        plot = _retell(rng, write_plot(earlier, random_seed))
    else:
        plot = write_plot(index, random_seed)
    first, last = OLD_YEARS if rng.random() < OLD else YEARS
    year = None if rng.random() < NO_YEAR else first + int(rng.random() * (last - first))
    genres = label(rng, plot.true_genres)
    return plot.title, year, genres, None if rng.random() < NO_SUMMARY else plot.summary, plot.synopsis


def label(rng: random.Random, true_genres: tuple[str, ...]) -> list[str]:
    """Return a title's labels: some genre may be missing and a wrong one may stand beside; never empty."""
    kept = [genre for genre in true_genres if rng.random() >= MISSING_LABEL]
    labels = set(kept or true_genres[:1])
    if rng.random() < WRONG_LABEL and len(labels) < MOST_LABELS:
        weights = load_vocabulary().weights
        labels.add(draw_weighted(rng, {genre: weights[genre] for genre in weights if genre not in true_genres}))
    return sorted(labels)


def _retell(rng: random.Random, plot: Plot) -> Plot:
    if rng.random() >= REWORDED:
        return plot
    names = load_vocabulary().towns
    town = names[int(rng.random() * len(names))]
    return dataclasses.replace(
        plot,
        summary=_change_ending(plot.summary, town),
        synopsis=plot.synopsis and _change_ending(plot.synopsis, town),
    )


def _change_ending(text: str, word: str) -> str:
    body, _, _ = text.rpartition(" ")
    return f"{body} {word}."
