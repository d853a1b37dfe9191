"""Parquet files of others, batch by batch: what a batch unpacks to is known, and limited, before it is unpacked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conf.errors import GenreflowError

# A text that stands once in the file may be the value of every row: some hundred kilobytes can stand for terabytes. No
# plot has the 128 kB that a row of 8,192 would need.
MOST_BYTES = 2**30
# A column chunk may be as large as the file, and what is buffered ahead is kept until the end.
BUFFER_BYTES = 2**20


class UnpackedError(GenreflowError):
    """Name a file, and the rows of it that unpack to more than any file of titles needs."""


def open_packed(path: Path, buffer_size: int = 0) -> pq.ParquetFile:
    """Open a Parquet file for read_batches: texts stay as they are stored; raises pyarrow.ArrowInvalid, OSError.

    Without a buffer's size whole column chunks are read ahead.
    """
    with pq.ParquetFile(path) as file:
        schema, metadata = file.schema, file.metadata
    texts = [schema.column(place).path for place in range(len(schema))
             if schema.column(place).physical_type == "BYTE_ARRAY"]  # fmt: skip
    return pq.ParquetFile(
        path, metadata=metadata, read_dictionary=texts, buffer_size=buffer_size, pre_buffer=not buffer_size
    )


def read_batches(
    path: Path, file: pq.ParquetFile, rows: int, columns: Sequence[str], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the columns of a file that open_packed opened, in the types of a schema; raises UnpackedError."""
    before = 0
    wanted = pa.schema([schema.field(name) for name in columns])
    for batch in file.iter_batches(rows, columns=list(columns)):
        size = sum(_unpacked(column) for column in batch.columns)
        if size > MOST_BYTES:
            raise UnpackedError(
                f"{path}: rows {before + 1:,} to {before + batch.num_rows:,} unpack to {size:,} bytes, more than the "
                f"{MOST_BYTES:,} that any such file of titles needs"
            )
        before += batch.num_rows
        yield batch.select(wanted.names).cast(wanted)


def read_frugally(path: Path, file: pq.ParquetFile, rows: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the columns of an open file as read_batches does, but without keeping distinct texts unless it must.

    Memory does not grow with the rows of a row group then. Raises UnpackedError.
    """
    if not _may_swell(path, rows, columns):
        yield from file.iter_batches(rows, columns=list(columns))
        return
    with open_packed(path, BUFFER_BYTES) as packed:
        yield from read_batches(path, packed, rows, columns, pq.read_schema(path))


def _may_swell(path: Path, rows: int, columns: Sequence[str]) -> bool:
    """Say whether so many rows could unpack to too much: the longest text that a row may repeat decides."""
    with open_packed(path, BUFFER_BYTES) as file:
        for group in range(file.num_row_groups):
            count = min(rows, file.metadata.row_group(group).num_rows)
            # One row brings the whole dictionary of its row group with it.
            first = next(file.iter_batches(1, row_groups=[group], columns=list(columns)), None)
            if first is not None and any(_longest(column) * count > MOST_BYTES for column in first.columns):
                return True
    return False


def _longest(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return 0
    return int(pc.max(pc.binary_length(column.dictionary)).as_py() or 0)


def _unpacked(column: pa.Array) -> int:
    """Return the bytes that a column has once every value is written out."""
    if pa.types.is_dictionary(column.type):
        if not (pa.types.is_string(column.type.value_type) or pa.types.is_binary(column.type.value_type)):
            return int(column.nbytes)
        lengths = pc.binary_length(column.dictionary).cast(pa.int64())
        return int(pc.sum(lengths.take(column.indices)).as_py() or 0)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return _unpacked(column.flatten()) + column.nbytes
    if pa.types.is_struct(column.type):
        return sum(map(_unpacked, column.flatten()))
    return int(column.nbytes)
