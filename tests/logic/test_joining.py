"""Several records of a title become one row: whose text counts, how genres are joined, and what is listed."""

from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from scraper.items import RAW_SCHEMA
from tasks.logic.joining import join_records

COLUMNS = ("title_id", "title", "year", "title_type", "genres", "source", "terms", "retrieved_at")
SCHEMA = pa.schema([*(RAW_SCHEMA.field(name) for name in COLUMNS), ("chars", pa.int32())])
NEW, OLD = "2026-02-01", "2026-01-01"


def record(title_id: str = "tt0000001", source: str = "imdb", moment: str | None = OLD, **told: Any) -> dict[str, Any]:
    retrieved = moment and datetime.fromisoformat(f"{moment}T00:00:00+00:00")
    return {"title_id": title_id, "source": source, "retrieved_at": retrieved, **told}


def join(*records: dict[str, Any], prefer: tuple[str, ...] = (), max_chars: int | None = 40) -> pd.DataFrame:
    """Join records given with their text, and return the text of the record that was chosen, too."""
    texts = [each.get("text") for each in records]
    counts = [None if text is None else len(text) for text in texts]
    measured = [{**each, "chars": count} for each, count in zip(records, counts, strict=True)]
    table = pa.Table.from_pylist(measured, SCHEMA)
    joined = join_records(table, min_chars=5, max_chars=max_chars, prefer=prefer)
    return joined.assign(text=[texts[row] for row in joined["row"]])


def test_newest_record_of_a_source_counts() -> None:
    row = join(
        record(text="the new text", moment=NEW, genres=["War"]),
        record(text="the old text", genres=["Drama"]),
    ).iloc[0]
    assert (row["text"], row["genres"]) == ("the new text", ["War"])


def test_of_equally_new_records_the_one_read_last_counts() -> None:
    assert join(record(text="read first"), record(text="read last")).iloc[0]["text"] == "read last"


def test_newest_record_without_a_text_takes_none_away() -> None:
    row = join(record(text="the old text"), record(moment=NEW, genres=["War"])).iloc[0]
    assert (row["text"], row["genres"]) == ("the old text", ["War"])


def test_empty_text_is_no_text() -> None:
    row = join(record(text="", moment=NEW), record(text="A real one.", source="tmdb")).iloc[0]
    assert (row["text"], row["source"]) == ("A real one.", "tmdb")


def test_text_within_the_limits_goes_before_a_newer_one_beyond_them() -> None:
    row = join(record(text="x" * 41, moment=NEW), record(text="fits well", source="tmdb")).iloc[0]
    assert row["text"] == "fits well"


def test_preferred_source_goes_before_a_newer_one() -> None:
    records = (record(text="from tmdb", source="tmdb", moment=NEW), record(text="from imdb"))
    assert join(*records).iloc[0]["text"] == "from tmdb"
    assert join(*records, prefer=("imdb",)).iloc[0]["text"] == "from imdb"


def test_genres_are_all_that_any_source_names_the_texts_first() -> None:
    row = join(
        record(source="basics", genres=["Drama", "War", "History"], terms="theirs"),
        record(source="mine", text="A text of mine.", genres=["War", "Romance"], terms="mine"),
    ).iloc[0]
    assert row["genres"] == ["War", "Romance", "Drama", "History"]
    assert (row["genre_sources"], row["all_terms"]) == (["mine", "basics"], ["mine", "theirs"])


def test_terms_of_the_text_are_listed_where_its_source_names_no_genre() -> None:
    row = join(
        record(source="plots", text="A text of theirs.", terms="CC BY-SA"),
        record(source="basics", genres=["War"], terms="own terms"),
    ).iloc[0]
    assert (row["genre_sources"], row["all_terms"]) == (["basics"], ["CC BY-SA", "own terms"])


def test_year_and_type_come_from_whoever_tells_them() -> None:
    row = join(record(source="plots", text="A text."), record(source="basics", year=1999, title_type="movie")).iloc[0]
    assert (row["year"], row["title_type"], row["source"]) == (1999, "movie", "plots")


def test_texts_own_year_is_kept() -> None:
    row = join(record(source="a", text="A text.", year=2001), record(source="b", year=1999, moment=NEW)).iloc[0]
    assert row["year"] == 2001


def test_every_title_has_one_row_in_order_of_ids() -> None:
    rows = join(record("tt0000002", text="second"), record("tt0000001"), record("tt0000002", source="tmdb"))
    assert rows["title_id"].tolist() == ["tt0000001", "tt0000002"]
    assert rows["genres"].tolist() == [[], []]
    assert rows["row"].tolist() == [1, 0]
    assert rows["chars"].isna().tolist() == [True, False]


def test_titles_without_any_text_are_kept_as_such() -> None:
    rows = join(record(genres=["War"]), record("tt0000002"))
    assert rows["text"].isna().all()
    assert rows["genres"].tolist() == [["War"], []]


def test_a_title_is_listed_under_a_source_once() -> None:
    row = join(record(genres=["War", "Drama", "War"], terms="t"), record(moment=NEW, genres=["War"], terms="t")).iloc[0]
    assert (row["genres"], row["genre_sources"], row["all_terms"]) == (["War"], ["imdb"], ["t"])


def test_a_record_without_a_moment_is_the_oldest() -> None:
    assert join(record(moment=None, text="no moment"), record(text="an old one")).iloc[0]["text"] == "an old one"
