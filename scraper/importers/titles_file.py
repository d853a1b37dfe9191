"""Importing a titles file that people already have: a Parquet table of titles into raw/."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from conf.errors import GenreflowError
from scraper.importers.rows import OPTIONAL, REQUIRED, RowJudge, Tally
from scraper.items import SCHEMA_VERSION
from scraper.writer import PartWriter, stored_ids
from tasks.store import digest_file, find_result
from tasks.store import fingerprint as combine

_BATCH_ROWS = 2048


class ImportFileError(GenreflowError):
    """Say which file cannot be imported, what was expected and what came."""


@dataclasses.dataclass(frozen=True, slots=True)
class ImportReport:
    """Tell what became of a file's rows: the folder's name below raw/, rows in all, rows stored, the tally."""

    folder: str
    rows: int
    stored: int
    tally: Tally
    already_imported: bool = False


def import_titles(
    path: Path,
    raw: Path,
    genres: Collection[str],
    max_bad_share: float,
    part_titles: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Import a Parquet titles file into raw/import-<stem>-<fingerprint>/ and report what became of its rows.

    Columns: title_id, title, year, genres (list), summary, synopsis; optional summary_source,
    synopsis_source, terms. Genres outside `genres` are taken off and counted. on_progress gets rows done and
    rows in all. Raises ImportFileError, with nothing stored, for an unusable file or too many bad rows.
    """
    total = _check_file(path)
    content = combine(content=digest_file(path), schema=SCHEMA_VERSION, genres=sorted(genres))
    for known in sorted(raw.glob(f"import-*-{content[:12]}")):
        if manifest := find_result(known, content):
            told = manifest.summary
            return ImportReport(known.name, total, told["stored"], Tally(**told["import"]), already_imported=True)
    tally = _count(path, genres)
    if tally.bad_rows > max_bad_share * total:
        raise ImportFileError(
            f"{path}: {tally.bad_rows} of {total} rows are unusable ({tally.explain()}), more than "
            f"import.max_bad_share {max_bad_share:g}; nothing was imported"
        )
    if tally.bad_rows == total:
        raise ImportFileError(f"{path}: no usable row among {total} ({tally.explain()}); nothing was imported")
    folder = raw / f"import-{_plain_stem(path)}-{content[:12]}"
    writer = PartWriter(
        folder,
        step="import",
        fingerprint=content,
        part_titles=part_titles,
        asked=total,
        notes={"dropped": tally.bad, "import": dataclasses.asdict(tally)},
    )
    _write(path, genres, writer, total, on_progress)
    return ImportReport(folder.name, total, writer.stored, tally)


def _check_file(path: Path) -> int:
    if not path.is_file():
        raise ImportFileError(f"{path}: no such file; expected a Parquet file of titles")
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise ImportFileError(f"{path}: not a Parquet file: {error}") from None
    missing = [name for name in REQUIRED if name not in schema.names]
    if missing:
        raise ImportFileError(
            f"{path}: columns {', '.join(missing)} are missing; expected {', '.join(REQUIRED)}, "
            f"got {', '.join(schema.names) or 'none'}"
        )
    kind = schema.field("genres").type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        raise ImportFileError(f"{path}: column genres: expected lists of genre names, got {kind}")
    if rows == 0:
        raise ImportFileError(f"{path}: no rows; expected at least one title")
    return int(rows)


def _count(path: Path, genres: Collection[str]) -> Tally:
    judge = RowJudge(genres)
    for batch in _batches(path):
        for row in batch:
            judge.read(row, path.name)
    return judge.tally


def _write(
    path: Path,
    genres: Collection[str],
    writer: PartWriter,
    total: int,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    # A killed import is taken up where its last part ended.
    held = stored_ids(writer.folder)
    judge, done = RowJudge(genres), 0
    for batch in _batches(path):
        for row in batch:
            title = judge.read(row, path.name)
            if title is not None and title.title_id not in held:
                writer.add(title)
        done += len(batch)
        if on_progress is not None:
            on_progress(done, total)
    writer.finish()


def _batches(path: Path) -> Any:
    with pq.ParquetFile(path) as file:
        columns = [name for name in (*REQUIRED, *OPTIONAL) if name in file.schema_arrow.names]
        try:
            for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
                yield batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise ImportFileError(f"{path}: damaged Parquet file: {error}") from None


def _plain_stem(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.") or "titles"
