"""IMDb's title.basics joined by id to the titles below raw/: genres, year and type, as records of their own source."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scraper.basics import COLUMNS, Counted, IdsError, Progress, read_basics
from scraper.items import RAW_SCHEMA, SCHEMA_VERSION
from scraper.raw import check_company, read_raw, stored_ids
from tasks.store import digest_file, fingerprint, new_result

SOURCE = "imdb-datasets"
TERMS = "IMDb non-commercial datasets: personal and non-commercial use, no redistribution; Information courtesy of IMDb"
# The file stops at so many genres a title, so a list of this length may lack some.
GENRES_AT_MOST = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Joined:
    """Tell what a join gave: rows read, titles held, found in the file, stored now, and the folder (None: nothing new).

    full_lists counts the stored titles with as many genres as the file ever lists: they may have more.
    """

    rows: int
    held: int
    found: int
    stored: int
    full_lists: int
    folder: str | None


def join_basics(path: Path, raw: Path, on_progress: Progress | None = None) -> Joined:
    """Store genres, year, type, length and names of the titles below raw/ that are in the file.

    They become records of a source of their own without texts, which prepare joins with the others of the title: it
    completes what they lack and drops none of their genres. Titles that an earlier join took from the same file are
    not stored again. Raises IdsError for an unusable file, or where raw/ holds no title, MixedTitlesError where those
    are generated.
    """
    held = _held_ids(raw)
    if not held:
        raise IdsError(f"{raw} holds no titles to join with; import or collect some first")
    check_company(raw, generated=False)
    content = digest_file(path) if path.is_file() else ""
    prefix = f"basics-{content[:12]}-"
    before = sorted(raw.glob(f"{prefix}*"))
    wanted = pa.array(sorted(held.difference(*map(stored_ids, before))), pa.string())
    counted = Counted()
    found = [
        batch.filter(pc.is_in(batch["tconst"], wanted))
        for batch in read_basics(path, tuple(COLUMNS), counted, on_progress)
    ]
    rows = pa.Table.from_batches([batch for batch in found if batch.num_rows] or found[:0], pa.schema(COLUMNS))
    known = len(held) - len(wanted)
    if not rows.num_rows:
        return Joined(counted.rows, len(held), known, 0, 0, None)
    titles = _to_titles(rows, path)
    folder = raw / f"{prefix}{len(before) + 1:04d}"
    ids = fingerprint(content=content, ids=titles["title_id"].to_pylist(), schema=SCHEMA_VERSION)
    with new_result(folder, step="import", version=SCHEMA_VERSION, fingerprint=ids) as draft:
        pq.write_table(titles, draft.folder / "part-00000.parquet", compression="zstd")
        draft.summary = {"asked": len(wanted), "stored": titles.num_rows, "dropped": {}, "failed": {}}
    full = int(pc.sum(pc.equal(pc.list_value_length(titles["genres"]), GENRES_AT_MOST)).as_py() or 0)
    return Joined(counted.rows, len(held), known + titles.num_rows, titles.num_rows, full, folder.name)


def _held_ids(raw: Path) -> set[str]:
    ids: set[str] = set()
    for table in read_raw(raw, columns=["title_id", "source"]):
        others = table.filter(pc.not_equal(table["source"], SOURCE))
        ids.update(others["title_id"].to_pylist())
    return ids


def _to_titles(rows: pa.Table, path: Path) -> pa.Table:
    # When the file was fetched: what it says of a title is as old as that.
    moment = pa.scalar(datetime.fromtimestamp(path.stat().st_mtime, UTC), pa.timestamp("us", tz="UTC"))
    told: dict[str, Any] = {
        "title_id": rows["tconst"],
        "title": rows["primaryTitle"],
        "original_title": rows["originalTitle"],
        "title_type": rows["titleType"],
        "year": rows["startYear"],
        "run_time": rows["runtimeMinutes"],
        "genres": pc.split_pattern(rows["genres"], ","),
        "source": pa.scalar(SOURCE),
        "source_url": pa.scalar(path.name),
        "terms": pa.scalar(TERMS),
        "retrieved_at": moment,
    }
    columns = [
        pa.repeat(value, rows.num_rows) if isinstance(value := told.get(field.name), pa.Scalar) else
        pa.nulls(rows.num_rows, field.type) if value is None else value.cast(field.type)
        for field in RAW_SCHEMA
    ]  # fmt: skip
    return pa.table(columns, schema=RAW_SCHEMA)
