"""The titles that the local movie site serves: reading a titles file, and looking one title up by its id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conf.errors import GenreflowError
from scraper.items import TITLE_ID
from scraper.site.generator import TITLES_SCHEMA


class SiteError(GenreflowError):
    """Say why the local movie site cannot serve: which file, port or option, and what was expected."""


@dataclass(frozen=True, slots=True)
class SiteTitle:
    """Hold what the site knows of one title; None or empty where the titles file has nothing."""

    title_id: str
    title: str | None
    year: int | None
    genres: tuple[str, ...]
    summary: str | None
    synopsis: str | None


def read_titles(path: Path | str) -> pa.Table:
    """Read a titles Parquet file as a table of TITLES_SCHEMA; further columns are ignored.

    Raises SiteError naming the file and what is wrong: missing, not Parquet, columns missing or of another
    type, no rows, an id that is none, an id that stands twice.
    """
    path = Path(path)
    try:
        file = pq.ParquetFile(path)
        names = set(file.schema_arrow.names)
        table = file.read(columns=[name for name in TITLES_SCHEMA.names if name in names])
    except FileNotFoundError:
        raise SiteError(f"{path}: no such file; expected a Parquet file of titles") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise SiteError(f"{path}: not readable as Parquet: {error}") from None
    return check_titles(table, str(path))


def check_titles(table: pa.Table, name: str) -> pa.Table:
    """Return the table with the columns and types of TITLES_SCHEMA; raises SiteError, which begins with `name`."""
    missing = [column for column in TITLES_SCHEMA.names if column not in table.column_names]
    if missing:
        raise SiteError(
            f"{name}: no column {', '.join(missing)}; expected {', '.join(TITLES_SCHEMA.names)}, "
            f"got {', '.join(table.column_names) or 'none'}"
        )
    if not table.num_rows:
        raise SiteError(f"{name}: no titles in it; expected at least one row")
    arrays = [_cast(table[field.name], field, name) for field in TITLES_SCHEMA]
    checked = pa.table(arrays, schema=TITLES_SCHEMA)
    _check_ids(checked["title_id"], name)
    return checked


def _cast(column: pa.ChunkedArray, field: pa.Field, name: str) -> pa.ChunkedArray:
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise SiteError(f"{name}: column {field.name} must be {field.type}, got {column.type}") from None


def _check_ids(ids: pa.ChunkedArray, name: str) -> None:
    if ids.null_count:
        raise SiteError(f"{name}: {ids.null_count} of {len(ids)} title_id are null; each title needs an id")
    fits = pc.match_substring_regex(ids, f"^{TITLE_ID.pattern}$")
    if not pc.all(fits).as_py():
        wrong = ids.filter(pc.invert(fits))
        raise SiteError(
            f"{name}: {len(wrong)} of {len(ids)} title_id are not tt and seven digits or more, "
            f"the first being {wrong[0].as_py()!r}"
        )
    if pc.count_distinct(ids).as_py() < len(ids):
        counts = pc.value_counts(ids)
        twice = counts.filter(pc.greater(counts.field("counts"), 1))
        raise SiteError(
            f"{name}: {len(twice)} title_id stand more than once, the first being {twice[0]['values'].as_py()}"
        )


class Catalogue:
    """Find titles of a checked table by id; rows stay in Arrow and become objects one at a time."""

    def __init__(self, table: pa.Table) -> None:
        self._columns = [table[name] for name in TITLES_SCHEMA.names]
        self._rows = {title_id: row for row, title_id in enumerate(table["title_id"].to_pylist())}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[SiteTitle]:
        return (self._at(row) for row in range(len(self)))

    def find(self, title_id: str) -> SiteTitle | None:
        """Return the title with this id, None where there is none."""
        row = self._rows.get(title_id)
        return None if row is None else self._at(row)

    def names(self) -> Iterator[tuple[str, str | None, int | None]]:
        """Yield id, title and year of every title, at less cost than the titles themselves."""
        return zip(*(column.to_pylist() for column in self._columns[:3]), strict=True)

    def _at(self, row: int) -> SiteTitle:
        title_id, title, year, genres, summary, synopsis = (column[row].as_py() for column in self._columns)
        named = tuple(genre for genre in genres or () if genre)
        return SiteTitle(title_id, title, year, named, summary, synopsis)
