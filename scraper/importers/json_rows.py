"""Rows of JSON: one object a line, or one file a title."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.json as pajson

from scraper.importers.cells import plain_text
from scraper.importers.shapes import Shape, json_files
from tasks.long_lines import LONGEST_LINE, TOO_LONG, read_line
from tasks.long_lines import read_lines as read_whole_lines

if TYPE_CHECKING:
    from scraper.importers.reading import Intake

_BLOCK_BYTES = 4 * 2**20
_FILES = 500


def read_lines(shape: Shape, intake: Intake) -> Iterator[pa.RecordBatch]:
    """Yield batches of a file with one JSON object a line; a block that Arrow refuses is read line by line."""
    intake.total = shape.path.stat().st_size
    number, kinds = 0, _kinds(shape)
    with shape.path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            rest, whole = read_line(stream) if not block.endswith(b"\n") else (b"", True)
            block, _, endless = (block + rest, b"", b"") if whole else block.rpartition(b"\n")
            intake.done = stream.tell()
            lines = block.count(b"\n") + (not block.endswith(b"\n")) if block else 0
            batch = _read_whole(block, lines, kinds) if block else None
            if batch is None:
                batch = _read_each(block, number, shape, intake)
            number += lines
            if not whole:
                number += 1
                intake.skip(number, f"{TOO_LONG}: {_example(endless)}")
            if batch.num_rows:
                yield batch


def read_folder(shape: Shape, intake: Intake) -> Iterator[pa.RecordBatch]:
    """Yield batches of a folder's .json files; each row has @stem and @file, the file's name."""
    files = json_files(shape.path)
    intake.total = len(files)
    for start in range(0, len(files), _FILES):
        rows = []
        for number, file in enumerate(files[start : start + _FILES], start + 1):
            if file.stat().st_size > LONGEST_LINE:
                intake.skip(number, f"{file.name!r}, more than {LONGEST_LINE:,} bytes")
                continue
            value = _load(file.read_bytes(), number, repr(file.name), intake)
            if value is not None:
                rows.append({**value, "@stem": file.stem, "@file": file.name})
        intake.done = min(start + _FILES, len(files))
        if rows:
            yield _to_batch(rows, shape)


def _kinds(shape: Shape) -> pa.Schema:
    """Return the types of the first object's plain values: else Arrow would take texts that look like dates as such."""
    with shape.path.open("rb") as stream:
        first = [json_object(line) for line, _ in itertools.islice(read_whole_lines(stream), 20)]
    kinds: dict[str, pa.DataType] = {}
    for row in filter(None, first):
        for name, value in row.items():
            if name in shape.read_columns and isinstance(value, str):
                kinds[name] = pa.string()
            elif name in shape.read_columns and isinstance(value, list) and value and isinstance(value[0], str):
                kinds[name] = pa.list_(pa.string())
    return pa.schema(kinds.items())


def _read_whole(block: bytes, lines: int, kinds: pa.Schema) -> pa.RecordBatch | None:
    try:
        table = pajson.read_json(
            io.BytesIO(block),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(block) + 1),
            parse_options=pajson.ParseOptions(explicit_schema=kinds),
        )
    except pa.ArrowException:
        return None
    # A name that stands twice in an object, or blank lines: the numbers of rows would not be right.
    if table.num_rows != lines or any(pa.types.is_timestamp(kind) for kind in table.schema.types):
        return None
    return table.combine_chunks().to_batches()[0]


def _read_each(block: bytes, before: int, shape: Shape, intake: Intake) -> pa.RecordBatch:
    rows = []
    for number, line in enumerate(block.split(b"\n"), before + 1):
        if not line.strip():
            continue
        value = _load(line, number, _example(line), intake)
        if value is not None:
            rows.append(value)
    return _to_batch(rows, shape)


def json_object(content: bytes) -> dict[str, Any] | None:
    """Return a JSON object, None for anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _load(content: bytes, number: int, example: str, intake: Intake) -> dict[str, Any] | None:
    value = json_object(content)
    if value is None:
        try:
            content.decode()
            intake.skip(number, example)
        except UnicodeDecodeError:
            intake.skip(number, example, "not_utf8")
    return value


def _example(line: bytes) -> str:
    return repr(line[:40].decode("utf-8", "replace"))


def _to_batch(rows: list[dict[str, Any]], shape: Shape) -> pa.RecordBatch:
    names = [name for name in (*shape.columns, *shape.mapping.wanted) if name in shape.mapping.wanted]
    columns = {
        name: pa.array([plain_text(row.get(name)) for row in rows], pa.string()) for name in dict.fromkeys(names)
    }
    return pa.RecordBatch.from_pydict(columns)
