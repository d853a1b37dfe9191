"""From joined titles to a labelled corpus: text and genre filters, near-duplicates, genre list."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pandas as pd

from tasks.logic.lists import count_values, keep_listed, of_column, to_column


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
    *,
    min_chars: int,
    max_chars: int | None,
    first_year: int | None,
    last_year: int | None,
    drops: Drops,
) -> pd.DataFrame:
    """Keep titles with a real text of allowed length and year, by columns chars and words of the text.

    chars counts the text as people read it, placeholders and tails off: missing where no text was told, 0 where only
    a placeholder was. Titles without a year go only where a year is asked, those of which no word is left go last.
    """
    frame = drops.drop(frame, frame["chars"].isna(), "no_text")
    frame = drops.drop(frame, frame["chars"] == 0, "placeholder")
    if first_year is not None or last_year is not None:
        first, last = first_year or 0, last_year or 9999
        frame = drops.drop(frame, ~frame["year"].between(first, last).fillna(False).astype(bool), "outside_years")
    frame = drops.drop(frame, frame["chars"] < min_chars, "too_short")
    if max_chars is not None:
        frame = drops.drop(frame, frame["chars"] > max_chars, "too_long")
    return drops.drop(frame, frame["words"] == 0, "only_stop_words")


def keep_labelled(frame: pd.DataFrame, known: Collection[str], drops: Drops) -> pd.DataFrame:
    """Keep titles with a known genre, and of their genres the known ones."""
    return _keep_genres(frame, known, drops, "no_known_genre")


def choose_genres(
    frame: pd.DataFrame, known: Collection[str], min_titles: int, drops: Drops
) -> tuple[pd.DataFrame, list[str], dict[str, int]]:
    """Choose the genres modelled, those that enough fitted train titles have, and keep only those as labels.

    Reads columns split and near_duplicate, adds column fitted (False for a near-duplicate, which stays but is not
    fitted on). Returns the frame, the modelled genres in alphabetical order, and for every genre left out the number
    of its titles.
    """
    frame = frame.assign(fitted=frame["split"].isin(["train", "validation"]) & ~frame["near_duplicate"])
    train = count_values(of_column(frame.loc[frame["fitted"] & (frame["split"] == "train"), "genres"]))
    modelled = sorted(genre for genre in set(known) if train[genre] >= min_titles)
    named = count_values(of_column(frame["genres"]))
    left_out = {genre: count for genre, count in sorted(named.items()) if genre not in modelled}
    return _keep_genres(frame, modelled, drops, "no_modelled_genre"), modelled, left_out


def _keep_genres(frame: pd.DataFrame, genres: Collection[str], drops: Drops, reason: str) -> pd.DataFrame:
    frame = frame.assign(genres=to_column(keep_listed(of_column(frame["genres"]), genres), frame.index))
    return drops.drop(frame, frame["genres"].list.len() == 0, reason)
