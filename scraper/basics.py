"""IMDb's title.basics (about eleven million rows): streamed, counted, and filtered for ids.

Columns and terms: https://developer.imdb.com/non-commercial-datasets/
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from conf.data import Select
from conf.errors import GenreflowError
from scraper.items import TITLE_ID

COLUMNS = {
    "tconst": pa.string(),
    "titleType": pa.string(),
    "primaryTitle": pa.string(),
    "originalTitle": pa.string(),
    "startYear": pa.int32(),
    "runtimeMinutes": pa.int32(),
    "genres": pa.string(),
}
_HEADER_BYTES = 4096
_GZIP = b"\x1f\x8b"
# Each block costs a look-up table of all ids wanted, so there are few of them.
_BLOCK_BYTES = 2**24
_NULL = "\\N"

Progress = Callable[[int, int], None]


class IdsError(GenreflowError):
    """Say which file, and which line of it, does not name titles, and what was expected."""


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


def _compression(path: Path) -> str | None:
    with path.open("rb") as stream:
        return "gzip" if stream.read(len(_GZIP)) == _GZIP else None


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
        read_options=csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False, escape_char=False),
        convert_options=csv.ConvertOptions(
            column_types=COLUMNS, include_columns=wanted, null_values=[_NULL], strings_can_be_null=True
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
