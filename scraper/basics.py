"""IMDb's title.basics (about eleven million rows): streamed, filtered, and joined to the titles below raw/ by id.

Columns and terms: https://developer.imdb.com/non-commercial-datasets/
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from conf.errors import GenreflowError
from conf.schema import Select
from scraper.items import RAW_SCHEMA, SCHEMA_VERSION, TITLE_ID
from scraper.writer import read_raw, stored_ids
from tasks.store import digest_file, fingerprint, new_result

SOURCE = "imdb-datasets"
TERMS = "IMDb non-commercial datasets: personal and non-commercial use, no redistribution; Information courtesy of IMDb"
# The file stops at so many genres a title, so a list of this length may lack some.
GENRES_AT_MOST = 3

_COLUMNS = {
    "tconst": pa.string(),
    "titleType": pa.string(),
    "primaryTitle": pa.string(),
    "originalTitle": pa.string(),
    "startYear": pa.int32(),
    "runtimeMinutes": pa.int32(),
    "genres": pa.string(),
}
_HEADER_BYTES = 4096
_NULL = "\\N"

Progress = Callable[[int, int], None]


class IdsError(GenreflowError):
    """Say which file, and which line of it, does not name titles, and what was expected."""


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


@dataclasses.dataclass(slots=True)
class Counted:
    """Count the rows of a file while they are read."""

    rows: int = 0


def is_basics(path: Path) -> bool:
    """Say by its name whether a file is taken for a title.basics."""
    return path.name.endswith((".tsv", ".tsv.gz"))


def read_basics(
    path: Path, columns: tuple[str, ...], counted: Counted | None = None, on_progress: Progress | None = None
) -> Iterator[pa.RecordBatch]:
    """Stream the columns (tconst always first): tab-separated, unquoted, null is \\N, one header line; memory is flat.

    on_progress gets bytes read and bytes in all, as packed. Raises IdsError for a file of another shape, a line that is
    no row, an id that is none, or when the rows read are not as many as the lines.
    """
    counted = counted or Counted()
    wanted = ["tconst", *(name for name in columns if name != "tconst")]
    missing = [name for name in wanted if name not in (names := _header(path))]
    if missing:
        raise IdsError(f"{path} line 1: expected columns {', '.join(wanted)}, got {', '.join(names)}")
    try:
        with pa.OSFile(str(path)) as packed, pa.input_stream(packed, compression=_compression(path)) as stream:
            lines = _CountedLines(stream)
            for batch in _open(lines, wanted):
                _check_ids(batch, path, counted.rows + 2)
                counted.rows += batch.num_rows
                if on_progress is not None:
                    on_progress(packed.tell(), packed.size())
                yield batch
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        raise IdsError(f"{path}: not readable as IMDb's title.basics: {error}") from None
    if counted.rows != lines.count - 1:
        raise IdsError(f"{path}: {lines.count - 1:,} lines below the header, {counted.rows:,} rows read of them")


def select_ids(
    path: Path, select: Select, counted: Counted | None = None, on_progress: Progress | None = None
) -> Iterator[str]:
    """Stream the ids of the rows that `select` takes, in file order; raises IdsError."""
    for batch in read_basics(path, ("titleType", "startYear", "runtimeMinutes"), counted, on_progress):
        yield from batch.filter(_selected(batch, select))["tconst"].to_pylist()


def join_basics(path: Path, raw: Path, on_progress: Progress | None = None) -> Joined:
    """Store genres, year, type, length and names of the titles below raw/ that are in the file.

    They become records of a source of their own without texts, which prepare joins with the others of the title: it
    completes what they lack and drops none of their genres. Titles that an earlier join took from the same file are
    not stored again. Raises IdsError for an unusable file, or where raw/ holds no title.
    """
    held = _held_ids(raw)
    if not held:
        raise IdsError(f"{raw} holds no titles to join with; import or collect some first")
    content = digest_file(path) if path.is_file() else ""
    prefix = f"basics-{content[:12]}-"
    before = sorted(raw.glob(f"{prefix}*"))
    wanted = pa.array(sorted(held.difference(*map(stored_ids, before))), pa.string())
    counted = Counted()
    found = [
        batch.filter(pc.is_in(batch["tconst"], wanted))
        for batch in read_basics(path, tuple(_COLUMNS), counted, on_progress)
    ]
    rows = pa.Table.from_batches([batch for batch in found if batch.num_rows] or found[:0], pa.schema(_COLUMNS))
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


def _compression(path: Path) -> str | None:
    return "gzip" if path.suffix == ".gz" else None


def _header(path: Path) -> list[str]:
    try:
        with pa.input_stream(str(path), compression=_compression(path)) as stream:
            line = stream.read(_HEADER_BYTES).decode(errors="replace").partition("\n")[0]
    except (pa.ArrowInvalid, OSError) as error:
        raise IdsError(f"{path}: not readable as IMDb's title.basics: {error}") from None
    return line.rstrip("\r").split("\t")


def _open(lines: Any, wanted: list[str]) -> Any:
    return csv.open_csv(
        pa.PythonFile(lines, mode="r"),
        read_options=csv.ReadOptions(use_threads=False, block_size=2**22),
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False, escape_char=False),
        convert_options=csv.ConvertOptions(
            column_types=_COLUMNS, include_columns=wanted, null_values=[_NULL], strings_can_be_null=True
        ),
    )


def _check_ids(batch: pa.RecordBatch, path: Path, first_line: int) -> None:
    well_formed = pc.fill_null(pc.match_substring_regex(batch["tconst"], rf"^(?:{TITLE_ID.pattern})$"), False)
    wrong = pc.index(well_formed, False).as_py()
    if wrong >= 0:
        told = batch["tconst"][wrong].as_py()
        place = f"{path} line {first_line + wrong}"
        raise IdsError(f"{place}: expected a title id (tt and seven digits or more), got {told!r}")


def _selected(batch: pa.RecordBatch, select: Select) -> pa.Array:
    chosen = pc.and_(
        pc.greater_equal(batch["startYear"], select.first_year),
        pc.greater_equal(batch["runtimeMinutes"], select.min_runtime),
    )
    if select.title_types:
        chosen = pc.and_(chosen, pc.is_in(batch["titleType"], pa.array(list(select.title_types), pa.string())))
    return pc.fill_null(chosen, False)


class _CountedLines(io.RawIOBase):
    """Count the lines of a stream on their way to the reader, the last one also without a line break."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream
        self._breaks = 0
        self._open_line = False

    @property
    def count(self) -> int:
        return self._breaks + self._open_line

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = bytes(self._stream.read(size) if size >= 0 else self._stream.read())
        self._breaks += piece.count(b"\n")
        if piece:
            self._open_line = not piece.endswith(b"\n")
        return piece
