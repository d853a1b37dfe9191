"""Which source a file or folder comes from, told by its columns or keys rather than by its name."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import difflib
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from conf.mapping import Format, Mapping, load_mapping, mappings
from conf.section import nearest_hint
from scraper.importers.tally import ImportFileError

_LOOK_BYTES = 2**20
_LOOK_ROWS = 20
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd"}
_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "an old Office file; save it as CSV (UTF-8)",
    b"\xff\xfe": "text in UTF-16; save it as UTF-8",
    b"\xfe\xff": "text in UTF-16; save it as UTF-8",
}
_LINE_END = re.compile(rb"\r\n|\n|\r")
_NEAREST = 3
# Columns, and characters of each, that an error shows.
_SHOWN_COLUMNS, _SHOWN_CHARACTERS = 30, 40


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """Hold what lies at a path: its format, the columns or keys, and the first row of a text file."""

    path: Path
    format: Format
    columns: tuple[str, ...]
    first_row: tuple[str, ...] = ()
    delimiter: str = ","


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """Hold how a path is read: the mapping and its name, the format, and the columns or keys that there are."""

    path: Path
    name: str
    mapping: Mapping
    format: Format
    columns: tuple[str, ...]
    delimiter: str = ","

    @property
    def source(self) -> str:
        """Return the records' source."""
        return self.mapping.source.replace("{stem}", self.path.stem)

    @property
    def files(self) -> list[Path]:
        """List every file that is read."""
        if self.format == "json-folder":
            return json_files(self.path)
        return [self.path, *([self.side_path] if self.side_path else [])]

    @property
    def side_path(self) -> Path | None:
        """Return the path of the side table."""
        return self.path.parent / self.mapping.side.file if self.mapping.side else None

    @property
    def read_columns(self) -> list[str]:
        """List the columns or keys of the file that the mapping reads."""
        return [name for name in self.columns if name in self.mapping.wanted]


def recognise(path: Path, source: str | Path | None = None) -> Shape:
    """Return how a file or folder is to be read: as `source` says, else as the shipped mapping that fits best.

    Raises ImportFileError naming what was found and what each of the nearest sources lacks, ConfigError for an
    unknown source or a mapping that is none.
    """
    if not path.exists():
        raise ImportFileError(f"{path}: no such file; expected a titles file or the folder of a data set")
    names = [str(source)] if source is not None else mappings()
    known = {name: load_mapping(name) for name in names}
    found = _look(_file_in(path, known) if path.is_dir() else path)
    lacking = {name: _lacks(found, mapping) for name, mapping in known.items()}
    fitting = [name for name in names if not lacking[name]]
    if not fitting:
        raise ImportFileError(_explain(path, found, known, lacking, source is not None))
    best = max(fitting, key=lambda name: _share_read(found, known[name]))
    header = known[best].header or found.columns
    shape = Shape(found.path, Path(best).stem, known[best], found.format, tuple(header), found.delimiter)
    _check_columns(shape, own=best not in mappings())
    return shape


def _check_columns(shape: Shape, own: bool) -> None:
    """Refuse a column that is read and stands twice, and one that a mapping of one's own names and a table lacks."""
    twice = [name for name in dict.fromkeys(shape.columns) if shape.columns.count(name) > 1]
    read_twice = [name for name in twice if name in shape.mapping.wanted]
    if read_twice:
        raise ImportFileError(f"{shape.path}: column {', '.join(read_twice)} stands more than once in the header")
    if not own or shape.format in ("jsonl", "json-folder") or shape.mapping.side:
        return
    for field, column in shape.mapping.columns.items():
        if not set(column.from_) & set(shape.columns):
            wanted = " or ".join(column.from_)
            raise ImportFileError(f"{shape.path}: no column {wanted} for {field}, which {shape.name}.yaml names"
                                  f"{nearest_hint(column.from_[0], list(shape.columns))}")  # fmt: skip


def json_files(folder: Path) -> list[Path]:
    """List the .json files of a folder, or of dataset/ in it, by name."""
    return sorted(folder.glob("*.json")) or sorted((folder / "dataset").glob("*.json"))


def _file_in(folder: Path, known: dict[str, Mapping]) -> Path:
    there = [folder / name for mapping in known.values() for name in mapping.files if (folder / name).is_file()]
    if len(there) > 1:
        raise ImportFileError(f"{folder}: holds several data sets ({', '.join(file.name for file in there)}); name one")
    if there:
        return there[0]
    if json_files(folder):
        return folder
    usual = ", ".join(name for mapping in known.values() for name in mapping.files)
    raise ImportFileError(f"{folder}: nothing to import in this folder: expected .json files, one a title, or one of "
                          f"{usual}; name the file itself")  # fmt: skip


def _look(path: Path) -> Found:
    if path.is_dir():
        return Found(path, "json-folder", ("@stem", "@file", *_keys(_first_objects(path))))
    with path.open("rb") as stream:
        start = stream.read(_LOOK_BYTES)
    if not start.strip():
        raise ImportFileError(f"{path}: no rows; expected at least one title")
    for magic, advice in _FOREIGN.items():
        if start.startswith(magic):
            raise ImportFileError(f"{path}: {advice}")
    if path.suffix.lower() in (".xlsx", ".ods") and start.startswith(b"PK"):
        raise ImportFileError(f"{path}: a spreadsheet; save it as CSV (UTF-8)")
    for magic, packing in _PACKED.items():
        if start.startswith(magic):
            raise ImportFileError(f"{path}: packed with {packing}; unpack it first")
    if start.startswith(b"PAR1") or path.suffix == ".parquet":
        return Found(path, "parquet", _parquet_columns(path))
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise ImportFileError(f"{path}: a JSON array; write one object a line (JSON lines), e.g. jq -c '.[]' FILE")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return Found(path, "jsonl", _keys(_first_lines(start)))
    # A whole first row: columns have no line breaks in their names.
    first = _LINE_END.split(start, maxsplit=1)[0].decode("utf-8-sig", "replace")
    commas = ";" if first.count(";") > first.count(",") else ","
    delimiter = "\t" if "\t" in first.partition(commas)[0] else commas
    columns = row = tuple(first.split(delimiter))
    with contextlib.suppress(csv.Error):
        columns = tuple(next(csv.reader([first], delimiter=delimiter), ()))
    return Found(path, "tsv" if delimiter == "\t" else "csv", columns, row, delimiter)


def _parquet_columns(path: Path) -> tuple[str, ...]:
    try:
        return tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise ImportFileError(f"{path}: not a Parquet file: {error}") from None


def _first_objects(folder: Path) -> list[object]:
    return [_loaded(file.read_bytes()) for file in json_files(folder)[:_LOOK_ROWS]]


def _first_lines(start: bytes) -> list[object]:
    lines = start.split(b"\n")
    return [_loaded(line) for line in lines[:_LOOK_ROWS]]


def _loaded(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _keys(values: list[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(key) for value in values if isinstance(value, dict) for key in value))


def _lacks(found: Found, mapping: Mapping) -> list[str]:
    """List what a file lacks to be one of a mapping's, in words."""
    if found.format not in mapping.formats:
        return [f"the format ({' or '.join(mapping.formats)}, not {found.format})"]
    if mapping.header:
        return _lacks_headerless(found, mapping)
    lacking = [f"{name}{_alike(name, found)}" for name in mapping.needs if name not in found.columns]
    if mapping.needs_one_of and not set(mapping.needs_one_of) & set(found.columns):
        hints = "".join(_alike(name, found) for name in mapping.needs_one_of)
        lacking.append(f"any of {'/'.join(mapping.needs_one_of)}{hints}")
    ways = (*mapping.id.columns, *filter(None, (mapping.id.imdb_number, mapping.id.other_number)))
    if not mapping.id.hash and not set(ways) & set(found.columns):
        lacking += [f"{name}{_alike(name, found)}" for name in ways[:1] if name not in mapping.needs]
    return lacking


def _alike(name: str, found: Found) -> str:
    lower = {column.strip().lower(): column for column in found.columns}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.8)
    return f" (there is {lower[near[0]]!r})" if near else ""


def _lacks_headerless(found: Found, mapping: Mapping) -> list[str]:
    if len(found.first_row) != len(mapping.header):
        return [f"{len(mapping.header)} columns without a header ({', '.join(mapping.header)})"]
    number = mapping.id.other_number or mapping.id.imdb_number
    if number in mapping.header and not found.first_row[mapping.header.index(number)].strip().isdecimal():
        return [f"a number as {number} in its first row (no header)"]
    if mapping.side and not (found.path.parent / mapping.side.file).is_file():
        return [f"{mapping.side.file} beside it"]
    return []


def _share_read(found: Found, mapping: Mapping) -> tuple[bool, float]:
    columns = mapping.header or found.columns
    return bool(mapping.header), len([name for name in columns if name in mapping.wanted]) / max(1, len(columns))


def _explain(path: Path, found: Found, known: dict[str, Mapping], lacking: dict[str, list[str]], asked: bool) -> str:
    columns = ", ".join(name[:_SHOWN_CHARACTERS] for name in found.columns[:_SHOWN_COLUMNS]) or "none"
    same_format = {name: lacks for name, lacks in lacking.items() if found.format in known[name].formats}
    nearest = sorted(same_format or lacking, key=lambda name: _distance(found, known[name], lacking[name]))[:_NEAREST]
    told = "; ".join(f"{name} lacks {', '.join(lacking[name])}" for name in nearest)
    if asked:
        return f"{path}: not a file of this source: {told}; found the columns {columns}"
    return (
        f"{path}: no source is known by these columns: {columns} ({found.format}). Nearest: {told}. Name the "
        "source, --source NAME, or write a mapping of its columns, --source FILE.yaml (docs/sources.md)"
    )


def _distance(found: Found, mapping: Mapping, lacks: list[str]) -> tuple[int, float]:
    alike = sum(bool(difflib.get_close_matches(name, found.columns, n=1, cutoff=0.8)) for name in mapping.needs)
    return len(lacks), -alike
