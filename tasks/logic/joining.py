"""One row a title out of the records that several sources, or several crawls of one, have of it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tasks.logic.text import strip_placeholders


def join_records(
    records: pd.DataFrame,
    corpus: str,
    *,
    min_chars: int,
    max_chars: int | None,
    prefer: Sequence[str],
) -> pd.DataFrame:
    """Return one row a title, in the order of title ids, by these rules.

    Of one source, the newest record with a text counts for the text, and the newest with genres for the genres; of
    equally new ones, the one read last. Text (columns corpus, text with placeholders off, source, source_url, terms,
    retrieved_at): of several sources' texts, one whose length is within the limits goes first, then the sources in
    the order of `prefer`, then the newest. Genres: all that any source names, so that a shorter list takes none away,
    those of the text's source first. title, year and title_type: from the text's record, else from the first of the
    others that tells. Adds columns genre_sources (lists of sources) and all_terms (lists: of the text and the genres).
    """
    rank = {source: place for place, source in enumerate(prefer)}
    frame = records.assign(
        text=records[corpus].map(strip_placeholders, na_action="ignore").astype("str"),
        genres=records["genres"].map(lambda names: () if names is None else tuple(names)),
        rank=records["source"].map(lambda source: rank.get(source, len(rank))),
    )
    newest = frame.iloc[::-1].sort_values("retrieved_at", ascending=False, kind="stable", na_position="last")
    texts = _choose_texts(newest, min_chars, max_chars)
    told = newest[newest["genres"].map(len) > 0].drop_duplicates(["title_id", "source"])
    genres = _join_genres(told, texts)
    joined = texts.join(genres, on="title_id")
    for column in ("title", "year", "title_type"):
        known = newest[newest[column].notna()].sort_values("rank", kind="stable").drop_duplicates("title_id")
        joined[column] = joined[column].fillna(joined["title_id"].map(known.set_index("title_id")[column]))
    joined["year"] = joined["year"].astype("Int64")
    return joined.sort_values("title_id", kind="stable").reset_index(drop=True)


def _choose_texts(newest: pd.DataFrame, min_chars: int, max_chars: int | None) -> pd.DataFrame:
    chars = newest["text"].str.len().fillna(0)
    fits = chars.ge(max(min_chars, 1)) & (chars.le(max_chars) if max_chars is not None else True)
    judged = newest.assign(has_text=chars > 0, fits=fits)
    of_source = judged.sort_values("has_text", ascending=False, kind="stable").drop_duplicates(["title_id", "source"])
    # Stable: the newest stay first among equals.
    best = of_source.sort_values(["has_text", "fits", "rank"], ascending=[False, False, True], kind="stable")
    return best.drop_duplicates("title_id").drop(columns=["genres", "rank", "has_text", "fits"])


def _join_genres(told: pd.DataFrame, texts: pd.DataFrame) -> pd.DataFrame:
    """Return genres, genre_sources and all_terms by title id; told holds one record a title and source."""
    by_title = texts.set_index("title_id")
    own = told["source"] == told["title_id"].map(by_title["source"])
    ordered = told.assign(own=~own).sort_values(["own", "rank"], kind="stable")
    # One pass over plain lists: a million groups of pandas take half a minute and two gigabytes.
    lists: dict[str, tuple[dict[str, None], ...]] = {title_id: ({}, {}, {}) for title_id in by_title.index}
    for title_id, term in zip(by_title.index, by_title["terms"], strict=True):
        if isinstance(term, str):
            lists[title_id][2][term] = None
    for title_id, names, source, term in zip(
        ordered["title_id"], ordered["genres"], ordered["source"], ordered["terms"], strict=True
    ):
        genres, sources, terms = lists[title_id]
        genres.update(dict.fromkeys(names))
        sources[source] = None
        if isinstance(term, str):
            terms[term] = None
    columns = ("genres", "genre_sources", "all_terms")
    return pd.DataFrame(
        {
            name: pd.Series([list(each[place]) for each in lists.values()], by_title.index, dtype=object)
            for place, name in enumerate(columns)
        }
    )
