"""Files of texts, row by row and in constant memory: CSV, TSV, JSON lines and Parquet. A bad row keeps its place."""

from __future__ import annotations

import codecs
import contextlib
import csv
import functools
import io
import itertools
import json
import reprlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from conf.errors import GenreflowError
from tasks.long_lines import TOO_LONG, Lines, read_line, read_lines
from tasks.parquet_batches import BUFFER_BYTES, read_frugally

ID_COLUMNS = ("title_id", "id")
# Longer than any text; a quote that is never closed takes no more characters of the file with it.
FIELD_CHARACTERS = 2**22
# An object of JSON lines need not have all keys; these many are asked for their names.
FIRST_LINES = 100
_PARQUET_ROWS = 4096


class TitlesFileError(GenreflowError):
    """Name a file that cannot be predicted or scored, and what was expected of it."""


class Row(NamedTuple):
    """Hold a row's text, None where there is none; the title's id, None where the file has none; what is wrong."""

    text: str | None
    title_id: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class TextFile:
    """Hold an open file's rows in order, its column of ids, None without one, and what guesses its number of rows.

    estimate takes how many rows are read; of a Parquet file it knows all.
    """

    rows: Iterator[Row]
    id_column: str | None
    estimate: Callable[[int], int]


def open_texts(path: Path, names: Sequence[str]) -> AbstractContextManager[TextFile]:
    """Open a file of texts by its suffix; they stand in the first column of `names` that it has.

    Rows without a text are rows; blank lines of CSV and JSON lines are not. A row that cannot be read (no text, no JSON
    object, another number of fields, bytes that are no UTF-8) says so in its problem. Raises TitlesFileError naming
    file and column.
    """
    check_file(path)
    return _openers()[path.suffix.lower()](path, names)


def check_file(path: Path) -> None:
    """Check what is known of a file of texts before it is opened; raises TitlesFileError."""
    openers = _openers()
    if path.suffix.lower() not in openers:
        raise TitlesFileError(f"{path}: expected a file of texts, its name ending in {', '.join(openers)}")
    if not path.is_file():
        raise TitlesFileError(f"{path}: no such file; expected a file of texts")


def _openers() -> dict[str, Callable[[Path, Sequence[str]], AbstractContextManager[TextFile]]]:
    return {
        ".csv": functools.partial(_open_delimited, delimiter=","),
        ".tsv": functools.partial(_open_delimited, delimiter="\t"),
        ".jsonl": _open_json_lines,
        ".ndjson": _open_json_lines,
        ".parquet": _open_parquet,
    }


def read_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file; raises TitlesFileError where it is none."""
    if not path.is_file():
        raise TitlesFileError(f"{path}: no such file; expected a Parquet file of titles")
    with named_damage(path):
        return pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False)


@contextlib.contextmanager
def named_damage(path: Path) -> Iterator[None]:
    """Turn what goes wrong with reading a Parquet file into a TitlesFileError that names it."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise TitlesFileError(f"{path}: not a Parquet file, or a damaged one ({error})") from None


def is_text(kind: pa.DataType) -> bool:
    """Say whether a column of an Arrow type holds texts or nothing."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind))


@contextlib.contextmanager
def _open_delimited(path: Path, names: Sequence[str], delimiter: str) -> Iterator[TextFile]:
    csv.field_size_limit(FIELD_CHARACTERS)
    with path.open("rb") as stream:
        # Bytes that are no UTF-8 must not take the file with them; they come back as they were in _as_stored.
        lines = _Lines(io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline=""))
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            header = next(reader, [])
        except csv.Error as error:
            raise TitlesFileError(f"{path}: its first line is no row of column names ({error})") from None
        text, title_id = _choose(path, header, names)
        rows = _delimited_rows(reader, lines, header, text, title_id)
        yield TextFile(rows, title_id, _estimate_by_bytes(path, stream))


class _Lines:
    """Hand out the lines of a file, and once more those behind the first one of a row that cannot be read.

    Else a quote that is never closed would take all rows behind it.
    """

    def __init__(self, lines: Lines[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, whole = (self._again.popleft(), True) if self._again else read_line(self._lines)
        if not line:
            raise StopIteration
        self.number += 1
        if not whole:
            raise csv.Error(TOO_LONG)
        self._row.append(line)
        return line

    def start_row(self) -> None:
        """Say that what was handed out is read."""
        self._row.clear()

    def take_back(self) -> int:
        """Take back all lines of the row but the first; returns how many."""
        behind = self._row[1:]
        self._again.extendleft(reversed(behind))
        self.number -= len(behind)
        return len(behind)


def _delimited_rows(
    reader: Iterator[list[str]], lines: _Lines, header: list[str], text: str, title_id: str | None
) -> Iterator[Row]:
    place, id_place = header.index(text), None if title_id is None else header.index(title_id)
    while True:
        lines.start_row()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = ", perhaps by a quote that is not closed" if lines.take_back() else ""
            told = f"expected {len(header)} fields, got a broken row{hint}: {error} (line {lines.number})"
            yield Row(None, problem=told)
            continue
        if fields and len(fields) != len(header):
            yield Row(None, problem=f"expected {len(header)} fields, got {len(fields)} (line {lines.number})")
        elif fields:
            yield _read(_as_stored(fields[place]), None if id_place is None else _as_stored(fields[id_place]))


@contextlib.contextmanager
def _open_json_lines(path: Path, names: Sequence[str]) -> Iterator[TextFile]:
    with path.open("rb") as stream:
        if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            stream.seek(0)
        numbered = enumerate(read_lines(stream), 1)
        lines = (_Line(number, *read) for number, read in numbered if read[0].strip())
        first = list(itertools.islice(lines, FIRST_LINES))
        found = [value for value, _ in map(_read_object, first) if value is not None]
        if not found:
            told = f" ({_read_object(first[0])[1]})" if first else ""
            raise TitlesFileError(f"{path}: no JSON object in its first {FIRST_LINES} lines; expected one a line{told}")
        columns = list(dict.fromkeys(itertools.chain.from_iterable(found)))
        text, title_id = _choose(path, columns, names)
        rows = (_json_row(line, text, title_id) for line in itertools.chain(first, lines))
        yield TextFile(rows, title_id, _estimate_by_bytes(path, stream))


class _Line(NamedTuple):
    number: int
    content: bytes
    whole: bool


def _read_object(line: _Line) -> tuple[dict[str, Any] | None, str | None]:
    """Return the JSON object of a line, or what is wrong with it."""
    if not line.whole:
        return None, f"expected a JSON object, got {TOO_LONG} (line {line.number})"
    try:
        content = line.content.decode().strip()
    except UnicodeDecodeError as error:
        return None, _not_utf8(error)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None, f"expected a JSON object, got {reprlib.repr(content)}"
    if not isinstance(value, dict):
        return None, f"expected a JSON object, got {reprlib.repr(value)}"
    return value, None


def _json_row(line: _Line, text: str, title_id: str | None) -> Row:
    value, problem = _read_object(line)
    if value is None:
        return Row(None, problem=problem)
    known = None if title_id is None else value.get(title_id)
    # Half of a surrogate pair, which JSON may escape, cannot be stored.
    known = None if known is None else _as_id(known).encode("utf-8", "replace").decode()
    told = value.get(text)
    if told is None or isinstance(told, str):
        return Row(told, known)
    return Row(None, known, f"expected a text, got {reprlib.repr(told)}")


def _as_id(known: Any) -> str:
    # Lists nested as deep as can just be read are no id, and have no str().
    return str(known) if isinstance(known, str | int | float) else reprlib.repr(known)


@contextlib.contextmanager
def _open_parquet(path: Path, names: Sequence[str]) -> Iterator[TextFile]:
    with read_parquet(path) as file:
        schema, total = pq.read_schema(path), file.metadata.num_rows
        text, title_id = _choose(path, schema.names, names)
        if not is_text(schema.field(text).type):
            raise TitlesFileError(f"{path}: column {text} is {schema.field(text).type}; expected texts")
        if title_id is not None:
            kind = schema.field(title_id).type
            try:
                pa.array([], kind).cast(pa.string())
            except pa.ArrowNotImplementedError:
                raise TitlesFileError(f"{path}: column {title_id} is {kind}; expected ids") from None
        yield TextFile(_parquet_rows(path, file, text, title_id), title_id, lambda _: total)


def _parquet_rows(path: Path, file: pq.ParquetFile, text: str, title_id: str | None) -> Iterator[Row]:
    columns = [text] if title_id is None else [text, title_id]
    with named_damage(path):
        for batch in read_frugally(path, file, _PARQUET_ROWS, columns):
            # As bytes: a text that is no UTF-8 is one bad row.
            stored = [batch.column(name).cast(pa.string()).cast(pa.binary()).to_pylist() for name in columns]
            yield from map(_read, *stored)


def _choose(path: Path, columns: Sequence[str], names: Sequence[str]) -> tuple[str, str | None]:
    text = next((name for name in names if name in columns), None)
    if text is None:
        has = ", ".join(columns) or "none"
        raise TitlesFileError(f"{path}: expected a column {' or '.join(names)}; it has {has}")
    return text, next((name for name in ID_COLUMNS if name in columns), None)


def _read(text: bytes | None, title_id: bytes | None = None) -> Row:
    known = None if title_id is None else title_id.decode(errors="replace")
    try:
        return Row(None if text is None else text.decode(), known)
    except UnicodeDecodeError as error:
        return Row(None, known, _not_utf8(error))


def _as_stored(field: str) -> bytes:
    return field.encode("utf-8", "surrogateescape")


def _not_utf8(error: UnicodeDecodeError) -> str:
    return f"expected UTF-8, got {error.object[error.start : error.end]!r} at byte {error.start + 1}"


def _estimate_by_bytes(path: Path, stream: BinaryIO) -> Callable[[int], int]:
    size = path.stat().st_size
    return lambda rows: max(rows, round(rows * size / max(stream.tell(), 1)))
