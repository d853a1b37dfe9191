"""Which titles are asked for: ids from a list, a titles file or IMDb's title.basics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from conf.errors import GenreflowError
from conf.schema import Select
from scraper.items import TITLE_ID

_BASICS = {
    "tconst": pa.string(),
    "titleType": pa.string(),
    "startYear": pa.int32(),
    "runtimeMinutes": pa.int32(),
}
_BATCH_ROWS = 65536
_HEADER_BYTES = 4096
_SITE_SECONDS = 30


class IdsError(GenreflowError):
    """Say which file, and which line of it, does not name titles, and what was expected."""


def read_ids(spec: str | Path, select: Select, limit: int | None = None) -> list[str]:
    """Read title ids in file order, each once, at most `limit` of them.

    `spec` is a .txt list (one id a line, # begins a comment), a .parquet file with column title_id, or IMDb's
    title.basics as .tsv or .tsv.gz, whose rows `select` filters. Raises IdsError.
    """
    path = Path(spec)
    if not path.is_file():
        raise IdsError(f"{path}: no such file; expected a list of title ids (.txt, .parquet, .tsv or .tsv.gz)")
    if path.suffix == ".txt":
        found = _read_list(path)
    elif path.suffix == ".parquet":
        found = _read_parquet(path)
    elif path.name.endswith((".tsv", ".tsv.gz")):
        found = _read_basics(path, select)
    else:
        raise IdsError(f"{path}: expected a name ending in .txt, .parquet, .tsv or .tsv.gz")
    ids = _collect(found, limit)
    if not ids:
        raise IdsError(f"{path}: no title id in it{_explain_select(path, select)}")
    return ids


def ask_site(base_url: str, limit: int | None = None) -> list[str]:
    """Ask the local movie site which titles it serves (/ids.txt, one id a line); raises IdsError naming the site."""
    url = f"{base_url.rstrip('/')}/ids.txt"
    try:
        with urlopen(url, timeout=_SITE_SECONDS) as answer:
            lines = answer.read().decode("utf-8", errors="replace").split()
    except OSError as error:
        raise IdsError(
            f"{url} does not answer ({error}); start the site (genreflow site --titles FILE.parquet), or name a list "
            f"of ids: --set collect.ids=FILE"
        ) from None
    ids = _collect((line for line in lines if TITLE_ID.fullmatch(line)), limit)
    if not ids:
        raise IdsError(f"{url}: no title id in it; expected one a line")
    return ids


def _collect(found: Iterator[str], limit: int | None) -> list[str]:
    ids: dict[str, None] = {}
    for title_id in found:
        ids[title_id] = None
        if limit is not None and len(ids) >= limit:
            break
    return list(ids)


def _explain_select(path: Path, select: Select) -> str:
    if not path.name.endswith((".tsv", ".tsv.gz")):
        return "; expected one such as tt0133093"
    kinds = ", ".join(select.title_types) or "any titleType"
    return f" passes: {kinds}, startYear {select.first_year} or later, {select.min_runtime} minutes or longer"


def _read_list(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                title_id = line.partition("#")[0].strip()
                if title_id:
                    yield _check(title_id, f"{path} line {number}")
    except UnicodeDecodeError as error:
        raise IdsError(f"{path}: expected a text file in UTF-8, one title id a line: {error}") from None


def _check(title_id: str | None, place: str) -> str:
    if title_id is None or not TITLE_ID.fullmatch(title_id):
        raise IdsError(f"{place}: expected a title id (tt and seven digits or more), got {title_id!r}")
    return title_id


def _read_parquet(path: Path) -> Iterator[str]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise IdsError(f"{path}: not a Parquet file: {error}") from None
    with file:
        if "title_id" not in file.schema_arrow.names:
            raise IdsError(f"{path}: expected a column title_id, got {', '.join(file.schema_arrow.names)}")
        row = 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=["title_id"]):
            for value in batch.column(0).to_pylist():
                row += 1
                yield _check(value, f"{path} row {row}")


def _read_basics(path: Path, select: Select) -> Iterator[str]:
    """Stream title.basics: tab-separated, unquoted, null is \\N, one header line; memory stays flat."""
    _check_header(path)
    try:
        reader = csv.open_csv(
            path,
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False, escape_char=False),
            convert_options=csv.ConvertOptions(
                column_types=_BASICS,
                include_columns=list(_BASICS),
                null_values=["\\N"],
                strings_can_be_null=True,
            ),
        )
        line = 2
        for batch in reader:
            well_formed = pc.fill_null(pc.match_substring_regex(batch["tconst"], rf"^(?:{TITLE_ID.pattern})$"), False)
            wrong = pc.index(well_formed, False).as_py()
            if wrong >= 0:
                _check(batch["tconst"][wrong].as_py(), f"{path} line {line + wrong}")
            yield from batch.filter(_selected(batch, select))["tconst"].to_pylist()
            line += batch.num_rows
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        raise IdsError(f"{path}: not readable as IMDb's title.basics: {error}") from None


def _check_header(path: Path) -> None:
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            names = stream.read(_HEADER_BYTES).decode(errors="replace").partition("\n")[0].rstrip("\r").split("\t")
    except OSError as error:
        raise IdsError(f"{path}: not readable as IMDb's title.basics: {error}") from None
    missing = [name for name in _BASICS if name not in names]
    if missing:
        raise IdsError(f"{path} line 1: expected columns {', '.join(_BASICS)}, got {', '.join(names)}")


def _selected(batch: pa.RecordBatch, select: Select) -> pa.Array:
    chosen = pc.and_(
        pc.greater_equal(batch["startYear"], select.first_year),
        pc.greater_equal(batch["runtimeMinutes"], select.min_runtime),
    )
    if select.title_types:
        chosen = pc.and_(chosen, pc.is_in(batch["titleType"], pa.array(list(select.title_types), pa.string())))
    return pc.fill_null(chosen, False)
