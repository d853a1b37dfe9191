"""What lies below raw/: its parts, and the records of one title joined as prepare joins them."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from conf.data import Prepare
from conf.errors import GenreflowError
from conf.names import CORPORA, Corpus
from scraper.items import GENERATED, TITLE_ID
from scraper.raw import first_sources, part_fault, raw_folders, read_raw, read_raw_manifest
from tasks import store
from tasks.logic.joining import join_records
from tasks.logic.text import strip_placeholders

COLUMNS = ["title_id", "title", "year", "title_type", "genres", "source", "source_url", "terms", "retrieved_at"]

ADVICE = (
    "put back what was there, or move its folder out of raw/ and collect or import the titles again; "
    "prepare.damaged_parts=leave_out goes on without it"
)

logger = logging.getLogger(__name__)


class NoTitlesError(GenreflowError):
    """Say that a corpus would be empty, and of what it was to be made."""


class RawPart(NamedTuple):
    """Hold what a manifest says of one raw part: its folder's name, SHA-256 and titles."""

    folder: str
    sha256: str
    rows: int


class Survey(NamedTuple):
    """Hold the raw parts to use, by crawl folder and file name, in that order, and what is wrong with the others."""

    parts: dict[str, RawPart]
    faults: list[str]


def survey_raw(raw: Path, settings: Prepare) -> Survey:
    """Find every raw part that a manifest names; what is damaged stops, or is left out as prepare.damaged_parts says.

    Raises StoreError for a damaged manifest where that stops; a part is only looked into where it is left out, since
    whoever reads it does so, too.
    """
    parts, faults = {}, []
    for folder in raw_folders(raw):
        try:
            manifest = read_raw_manifest(folder)
        except store.StoreError as error:
            if settings.damaged_parts == "stop":
                raise store.StoreError(f"{error}; {ADVICE}") from None
            faults.append(str(error))
            continue
        for name, entry in sorted(manifest.files.items()) if manifest else ():
            fault = part_fault(folder / name, entry) if settings.damaged_parts == "leave_out" else None
            if fault:
                faults.append(fault)
            else:
                parts[f"{folder.name}/{name}"] = RawPart(folder.name, entry.sha256, entry.rows or 0)
    return Survey(parts, faults)


def check_raw(raw: Path) -> None:
    """Raise NoTitlesError where nothing was ever collected or imported."""
    if not raw_folders(raw):
        raise _nothing_in(raw)


def _nothing_in(raw: Path) -> NoTitlesError:
    return NoTitlesError(
        f"no titles in {raw}: name what to collect (--set collect.ids=ids.txt) or import a file (genreflow import FILE)"
    )


def check_sources(raw: Path, sources: Collection[str]) -> None:
    """Raise NoTitlesError for no source at all, and for generated titles beside others: a model of both is no use."""
    if not sources:
        raise _nothing_in(raw)
    others = sorted(set(sources) - {GENERATED})
    if others and GENERATED in sources:
        folders = [name for name, source in first_sources(raw).items() if source != GENERATED]
        raise NoTitlesError(
            f"{raw} holds generated titles beside others ({', '.join(others)}); keep your own titles in a home of "
            f"their own (--home DIR), and move out of {raw} what came here: {', '.join(folders)}"
        )


def describe_title(raw: Path, title_id: str, settings: Prepare) -> dict[str, Any]:
    """Tell what the sources say of one title: the joined facts, each corpus's text, and every record's source.

    Raises NoTitlesError for what is no title id, or where raw/ has no record of it.
    """
    if not TITLE_ID.fullmatch(title_id):
        raise NoTitlesError(f"{title_id!r} is no title id; expected tt and seven digits or more, such as tt0133093")
    told: dict[str, Any] = {"title_id": title_id}
    for corpus in CORPORA:
        records, texts = _records_of(raw, corpus, title_id, settings)
        lengths = getattr(settings, corpus)
        row = join_records(
            records, min_chars=lengths.min_chars, max_chars=lengths.max_chars, prefer=settings.prefer
        ).iloc[0]
        text = texts[row["row"]]
        told |= {name: _plain(row[name]) for name in ("title", "year", "title_type")}
        told |= {"genres": row["genres"], "genre_sources": row["genre_sources"]}
        provenance = {name: _plain(row[name]) for name in ("source", "source_url", "terms", "retrieved_at")}
        provenance["part"] = _plain(row[f"{corpus}_source"])
        told[corpus] = {"text": text, **provenance} if text else None
        told["records"] = [
            {name: _plain(record[name]) for name in ("source", "source_url", "terms")} for record in records.to_pylist()
        ]
    return told


def _records_of(raw: Path, corpus: Corpus, title_id: str, settings: Prepare) -> tuple[pa.Table, list[str | None]]:
    """Return one title's raw records with column chars, and their texts with placeholders off."""
    columns = [*COLUMNS, corpus, f"{corpus}_source"]
    skip = _warn if settings.damaged_parts == "leave_out" else None
    tables = [table.filter(pc.equal(table["title_id"], title_id)) for table in read_raw(raw, columns, skip)]
    if not any(table.num_rows for table in tables):
        raise NoTitlesError(f"no record of {title_id} in {raw}: collect it (genreflow collect) or import a file of it")
    records = pa.concat_tables(tables)
    texts = [strip_placeholders(text) for text in records[corpus].to_pylist()]
    return records.append_column("chars", pa.array([text and len(text) for text in texts], pa.int32())), texts


def _warn(path: Path, fault: str) -> None:
    logger.warning("%s; left out (prepare.damaged_parts)", fault)


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat(timespec="seconds")
    return value.item() if hasattr(value, "item") else value
