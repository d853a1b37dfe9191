"""The rows of a file or folder as Arrow batches, in constant memory; broken rows are set aside with their number."""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from scraper.importers.json_rows import read_folder, read_lines
from scraper.importers.shapes import Shape
from scraper.importers.tally import ImportFileError
from tasks import parquet_batches
from tasks.parquet_batches import UnpackedError, open_packed

# Larger blocks leave the processor's cache, smaller ones cost more steps; a row must fit into one.
_BLOCK_BYTES = 4 * 2**20
_PARQUET_ROWS = 8192


@dataclasses.dataclass(frozen=True, slots=True)
class Skipped:
    """Hold a row that is not among the batches: its number in the file, from 1, what it shows, and why.

    rows counts the lines in it: a quote that is never closed makes one row of all that follow.
    """

    number: int
    example: str
    reason: str
    rows: int = 1


class Intake:
    """Hold how far a file is read, in its own unit (bytes, rows or files), and the rows set aside on the way."""

    def __init__(self) -> None:
        self.skipped: list[Skipped] = []
        self.done = 0
        self.total = 0

    def skip(self, number: int, example: str, reason: str = "malformed_row", rows: int = 1) -> None:
        """Set a row aside."""
        self.skipped.append(Skipped(number, example, reason, rows))

    def number_of(self, place: int) -> int:
        """Return the number in the file, from 1, of a row by its place among those read, from 0."""
        number = place + 1
        for row in self.skipped:
            if row.number > number:
                break
            number += 1
        return number


def read_batches(shape: Shape, intake: Intake) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a shape in batches that hold the columns which its mapping reads, and those of a side table.

    Raises ImportFileError for a file that breaks off or is no such file.
    """
    readers: dict[str, Callable[[Shape, Intake], Iterator[pa.RecordBatch]]] = {
        "csv": _read_delimited, "tsv": _read_delimited, "parquet": _read_parquet, "jsonl": read_lines,
        "json-folder": read_folder,
    }  # fmt: skip
    batches = readers[shape.format](shape, intake)
    try:
        if shape.side_path is None:
            yield from batches
        else:
            yield from _join(batches, shape)
    except UnpackedError as error:
        raise ImportFileError(f"{error}; nothing was imported") from None
    except (pa.ArrowException, OSError) as error:
        raise ImportFileError(f"{shape.path}: not readable as {shape.format}: {error}") from None


def read_ahead(batches: Iterator[pa.RecordBatch], depth: int = 2) -> Generator[pa.RecordBatch, None, None]:
    """Yield what an iterator yields, which runs in a thread of its own, at most `depth` batches ahead."""
    waiting: queue.Queue[pa.RecordBatch | Exception | None] = queue.Queue(depth)
    stop = threading.Event()

    def fill() -> None:
        try:
            for batch in batches:
                waiting.put(batch)
                if stop.is_set():
                    break
            waiting.put(None)
        except Exception as error:  # noqa: BLE001 - raised again where the batches are asked for
            waiting.put(error)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stop.set()
        while thread.is_alive():
            with contextlib.suppress(queue.Empty):
                waiting.get(timeout=0.05)


def _read_delimited(shape: Shape, intake: Intake) -> Iterator[pa.RecordBatch]:
    quotes = shape.mapping.quotes
    first = 0 if shape.mapping.header else 1

    def set_aside(row: Any) -> str:
        name = repr(row.text.partition(shape.delimiter)[0][:40])
        lines = row.text.rstrip("\r\n").count("\n") + 1
        intake.skip(
            row.number - first, f"{name}, {lines} lines: a quote not closed?" if lines > 1 else name, rows=lines
        )
        return "skip"

    stream = pa.OSFile(str(shape.path))
    intake.total = stream.size()
    options = {
        "read_options": pacsv.ReadOptions(
            block_size=_BLOCK_BYTES, use_threads=False, column_names=shape.mapping.header or None
        ),
        "parse_options": pacsv.ParseOptions(
            delimiter=shape.delimiter,
            quote_char='"' if quotes else False,
            newlines_in_values=quotes,
            invalid_row_handler=set_aside,
        ),
        # Bytes: a row that is no UTF-8 must not take the file with it.
        "convert_options": pacsv.ConvertOptions(
            column_types=dict.fromkeys(shape.columns, pa.binary()),
            include_columns=shape.read_columns,
            null_values=[""],
            strings_can_be_null=True,
        ),
    }
    with contextlib.closing(stream), pacsv.open_csv(stream, **options) as batches:
        for batch in batches:
            intake.done = stream.tell()
            if batch.num_rows:
                yield batch


def _read_parquet(shape: Shape, intake: Intake) -> Iterator[pa.RecordBatch]:
    with open_packed(shape.path) as file:
        intake.total = file.metadata.num_rows
        schema = pq.read_schema(shape.path)
        for batch in parquet_batches.read_batches(shape.path, file, _PARQUET_ROWS, shape.read_columns, schema):
            intake.done += batch.num_rows
            yield batch


def _join(batches: Iterator[pa.RecordBatch], shape: Shape) -> Iterator[pa.RecordBatch]:
    side = shape.mapping.side
    assert side is not None
    names = [name for name in side.header if name in shape.mapping.wanted]
    table = pacsv.read_csv(
        shape.side_path,
        read_options=pacsv.ReadOptions(column_names=side.header),
        parse_options=pacsv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=lambda _: "skip"),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(side.header, pa.binary()), include_columns=names, strings_can_be_null=True
        ),
    ).combine_chunks()
    keys = table[side.key].combine_chunks()
    for batch in batches:
        rows = pc.index_in(batch[side.key], value_set=keys)
        for name in names:
            if name not in batch.schema.names:
                batch = batch.append_column(name, table[name].combine_chunks().take(rows))
        yield batch
