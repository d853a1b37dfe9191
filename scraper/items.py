"""The raw record: what one title carries from any source into raw/, and its Arrow schema."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime

import pyarrow as pa

# Raised whenever a column is added or changes its meaning; a part with a higher number is refused by readers.
SCHEMA_VERSION = 3

# The source of titles that the local movie site made up; nothing is trained on them together with others.
GENERATED = "generated"

# As long as an id of the importers may be, in digits of this script alone; Arrow, which knows no look-ahead, searches
# by it, too.
TITLE_ID = re.compile(r"tt[0-9]{7,16}")


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """Hold one summary and the name of who wrote it, None where the source names nobody."""

    text: str
    author: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Title:
    """Hold one title as its source gave it: texts unescaped and without placeholders, None where absent.

    The first fifteen fields after the id are those of the 2020 study. run_time is in minutes, budget and
    world_gross are whole units of their currency (ISO 4217), retrieved_at is in UTC. summary is the short
    outline, or the first of the summaries where there is none; summaries never repeat the outline. lead is the opening
    of an encyclopedia's article: it names the genre, so nothing may be trained on it.

    A record is what one source told at one moment: source, source_url, terms (the licence, or the terms of use) and
    retrieved_at hold for each of its texts; summary_source and synopsis_source say where in the source a text stood.
    """

    title_id: str
    title: str | None = None
    year: int | None = None
    mpaa: str | None = None
    run_time: int | None = None
    rating: float | None = None
    ratings_count: int | None = None
    budget: int | None = None
    world_gross: int | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    summary: str | None = None
    synopsis: str | None = None
    original_title: str | None = None
    title_type: str | None = None
    budget_currency: str | None = None
    world_gross_currency: str | None = None
    summaries: tuple[Summary, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    lead: str | None = None
    source: str = ""
    source_url: str | None = None
    terms: str | None = None
    summary_source: str | None = None
    synopsis_source: str | None = None
    retrieved_at: datetime | None = None


_TEXTS = pa.list_(pa.string())

RAW_SCHEMA = pa.schema(
    [
        pa.field("title_id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("year", pa.int32()),
        pa.field("mpaa", pa.string()),
        pa.field("run_time", pa.int32()),
        pa.field("rating", pa.float64()),
        pa.field("ratings_count", pa.int64()),
        pa.field("budget", pa.int64()),
        pa.field("world_gross", pa.int64()),
        pa.field("genres", _TEXTS),
        pa.field("directors", _TEXTS),
        pa.field("writers", _TEXTS),
        pa.field("actors", _TEXTS),
        pa.field("keywords", _TEXTS),
        pa.field("summary", pa.string()),
        pa.field("synopsis", pa.string()),
        pa.field("original_title", pa.string()),
        pa.field("title_type", pa.string()),
        pa.field("budget_currency", pa.string()),
        pa.field("world_gross_currency", pa.string()),
        pa.field("summaries", pa.list_(pa.struct([("text", pa.string()), ("author", pa.string())]))),
        pa.field("countries", _TEXTS),
        pa.field("languages", _TEXTS),
        pa.field("lead", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_url", pa.string()),
        pa.field("terms", pa.string()),
        pa.field("summary_source", pa.string()),
        pa.field("synopsis_source", pa.string()),
        pa.field("retrieved_at", pa.timestamp("us", tz="UTC")),
    ],
    metadata={"genreflow.schema_version": str(SCHEMA_VERSION)},
)

# Columns that came with a schema version; parts of an earlier one are read as if they were null there.
ADDED_COLUMNS = {2: ("summaries", "countries", "languages"), 3: ("lead",)}


def to_table(titles: list[Title]) -> pa.Table:
    """Turn records into an Arrow table of RAW_SCHEMA; raises pyarrow.ArrowInvalid naming the column on a wrong type."""
    return pa.Table.from_pylist([dataclasses.asdict(title) for title in titles], schema=RAW_SCHEMA)
