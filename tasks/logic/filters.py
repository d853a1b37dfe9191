"""From joined titles to a labelled corpus: text and genre filters, near-duplicates, genre list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import pandas as pd

from tasks.logic.duplicates import near_duplicates
from tasks.logic.labels import genre_list
from tasks.logic.splits import split_of
from tasks.logic.words import clean_texts


@dataclass
class Drops:
    """Count titles that leave the corpus, by reason, in the order in which the filters look."""

    counts: dict[str, int] = field(default_factory=dict)

    def drop(self, frame: pd.DataFrame, bad: pd.Series, reason: str) -> pd.DataFrame:
        """Return the frame without the bad rows and count them under the reason."""
        self.counts[reason] = self.counts.get(reason, 0) + int(bad.sum())
        return frame[~bad]


def keep_texts(
    frame: pd.DataFrame,
    corpus: str,
    *,
    min_chars: int,
    max_chars: int | None,
    first_year: int | None,
    last_year: int | None,
    drops: Drops,
) -> pd.DataFrame:
    """Keep titles with a real text of allowed length and year, by column text (placeholders and tails off).

    Lengths are in characters of the text as people read it. Titles without a year go only where a year is asked.
    """
    frame = drops.drop(frame, frame[corpus].isna(), "no_text")
    frame = drops.drop(frame, frame["text"].isna() | (frame["text"] == ""), "placeholder")
    if first_year is not None or last_year is not None:
        first, last = first_year or 0, last_year or 9999
        frame = drops.drop(frame, ~frame["year"].between(first, last).fillna(False).astype(bool), "outside_years")
    chars = frame["text"].str.len()
    frame = drops.drop(frame, chars < min_chars, "too_short")
    if max_chars is not None:
        frame = drops.drop(frame, frame["text"].str.len() > max_chars, "too_long")
    return frame


def add_tokens(
    frame: pd.DataFrame,
    stop_words: frozenset[str],
    drops: Drops,
    on_title: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Add column tokens (cleaned words joined by spaces) and drop titles of which no word is left."""
    tokens = []
    for i, words in enumerate(clean_texts(frame["text"], stop_words)):
        tokens.append(words)
        if on_title and i % 500 == 0:
            on_title(i)
    frame = frame.assign(tokens=tokens)
    return drops.drop(frame, frame["tokens"] == "", "only_stop_words")


def add_labels(
    frame: pd.DataFrame,
    *,
    known: Collection[str],
    min_titles: int,
    similarity: float,
    ngram: int,
    random_seed: int,
    drops: Drops,
) -> tuple[pd.DataFrame, list[str], dict[str, int]]:
    """Split by title id, mark near-duplicates, choose the genres modelled and keep only those as labels.

    Adds columns split and fitted (False for a near-duplicate, which stays but is not fitted on). Returns the
    frame, the modelled genres in alphabetical order, and for every genre left out the number of its titles.
    """
    allowed = set(known)
    genres = frame["genres"].map(lambda names: [] if names is None else [n for n in names if n in allowed])
    frame = frame.assign(genres=genres)
    frame = drops.drop(frame, genres.map(len) == 0, "no_known_genre")
    frame = frame.assign(split=frame["title_id"].map(split_of))
    near = near_duplicates(
        frame["tokens"].tolist(), frame["split"].tolist(), similarity, ngram, random_seed=random_seed
    )
    frame = frame.assign(fitted=frame["split"].isin(["train", "validation"]) & ~near, near_duplicate=near)
    train = frame[(frame["split"] == "train") & frame["fitted"]]
    modelled = genre_list(train["genres"], known, min_titles)
    left_out = Counter(name for names in frame["genres"] for name in names if name not in modelled)
    frame = frame.assign(genres=frame["genres"].map(lambda names: [n for n in names if n in modelled]))
    frame = drops.drop(frame, frame["genres"].map(len) == 0, "no_modelled_genre")
    return frame, modelled, dict(sorted(left_out.items()))
