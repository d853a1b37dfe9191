"""One row a title out of the records that several sources, or several crawls of one, have of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.logic.lists import gather, to_column, unroll


def join_records(records: pa.Table, *, min_chars: int, max_chars: int | None, prefer: Sequence[str]) -> pd.DataFrame:
    """Return one row a title, in the order of title ids, by these rules.

    records: title_id, title, year, title_type, genres, source, terms, retrieved_at and chars, the characters of the
    text with placeholders off (null: none was told); further columns are handed on from the text's record. Column
    row is the text's record, counted from 0.

    Of one source, the newest record with a text counts for the text, and the newest with genres for the genres; of
    equally new ones, the one that stands last. Text (row, chars, source, terms, retrieved_at): of several sources'
    texts, one whose length is within the limits goes first, then the sources in the order of `prefer`, then the
    newest. Genres: all that any source names, so that a shorter list takes none away, those of the text's source
    first. title, year and title_type: from the text's record, else from the first of the others that tells. Adds
    columns genre_sources (lists of sources) and all_terms (lists: of the text and the genres).
    """
    rank = {source: place for place, source in enumerate(prefer)}
    frame = records.drop_columns(["genres"]).to_pandas()
    frame["row"] = np.arange(len(frame))
    frame["rank"] = frame["source"].map(lambda source: rank.get(source, len(rank))).astype(int)
    newest = frame.iloc[::-1].sort_values("retrieved_at", ascending=False, kind="stable", na_position="last")
    joined = _choose_texts(newest, min_chars, max_chars).sort_values("title_id", kind="stable").reset_index(drop=True)
    _join_genres(joined, newest, records["genres"].combine_chunks())
    for column in ("title", "year", "title_type"):
        if joined[column].isna().any():
            known = newest[newest[column].notna()].sort_values("rank", kind="stable").drop_duplicates("title_id")
            joined[column] = joined[column].fillna(joined["title_id"].map(known.set_index("title_id")[column]))
    joined["year"] = joined["year"].astype("Int64")
    return joined


def _choose_texts(newest: pd.DataFrame, min_chars: int, max_chars: int | None) -> pd.DataFrame:
    chars = newest["chars"].fillna(0)
    fits = chars.ge(max(min_chars, 1)) & (chars.le(max_chars) if max_chars is not None else True)
    judged = newest.assign(has_text=chars > 0, fits=fits)
    of_source = judged.sort_values("has_text", ascending=False, kind="stable").drop_duplicates(["title_id", "source"])
    # Stable: the newest stay first among equals.
    best = of_source.sort_values(["has_text", "fits", "rank"], ascending=[False, False, True], kind="stable")
    return best.drop_duplicates("title_id").drop(columns=["rank", "has_text", "fits"])


def _join_genres(joined: pd.DataFrame, newest: pd.DataFrame, genres: pa.ListArray) -> None:
    """Add columns genres, genre_sources and all_terms to the joined titles."""
    place = pd.Series(np.arange(len(joined)), index=joined["title_id"])
    named = pc.fill_null(pc.list_value_length(genres), 0).to_numpy()[newest["row"]] > 0
    told = newest[named].drop_duplicates(["title_id", "source"])
    owner = told["title_id"].map(place).to_numpy(np.intp)
    foreign = told["source"].to_numpy() != joined["source"].to_numpy()[owner]
    order = np.lexsort((told["rank"], foreign))
    told, owner = told.iloc[order], owner[order]
    of_record, names = unroll(genres.take(pa.array(told["row"])))
    # Large: the terms of some million records are more characters than the offsets of other strings can count.
    terms = pa.concat_arrays([pa.array(column, pa.large_string()) for column in (joined["terms"], told["terms"])])
    for column, owners, values in (
        ("genres", owner[of_record], names),
        ("genre_sources", owner, pa.array(told["source"], pa.string())),
        ("all_terms", np.concatenate([np.arange(len(joined)), owner]), terms),
    ):
        joined[column] = to_column(gather(owners, values, len(joined)))
