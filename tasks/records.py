"""The records below raw/ as tables: all of a corpus, or those of one title joined as prepare joins them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from conf.errors import GenreflowError
from conf.names import CORPORA, Corpus
from conf.schema import Prepare
from scraper.items import GENERATED, TITLE_ID
from scraper.writer import read_raw
from tasks import store
from tasks.logic.joining import join_records

COLUMNS = ["title_id", "title", "year", "title_type", "genres", "source", "source_url", "terms", "retrieved_at"]


class NoTitlesError(GenreflowError):
    """Say that a corpus would be empty, and of what it was to be made."""


def raw_digests(raw: Path) -> dict[str, str]:
    """Return the SHA-256 of every raw part that a manifest names, by crawl folder and file name."""
    digests = {}
    for folder in sorted(raw.glob("*/")):
        manifest = store.read_manifest(folder)
        for name, entry in manifest.files.items() if manifest else ():
            digests[f"{folder.name}/{name}"] = entry.sha256
    return digests


def read_records(raw: Path, corpus: Corpus, title_id: str | None = None) -> pd.DataFrame:
    """Read every raw record, or those of one title, with the columns that a corpus needs.

    Raises NoTitlesError when there is none, and for generated titles beside others: a model of both would be of
    neither use.
    """
    columns = [*COLUMNS, corpus, f"{corpus}_source"]
    tables = list(read_raw(raw, columns=columns))
    if title_id is not None:
        tables = [table.filter(pc.equal(table["title_id"], title_id)) for table in tables]
    if not any(table.num_rows for table in tables):
        what = "no titles" if title_id is None else f"no record of {title_id}"
        raise NoTitlesError(
            f"{what} in {raw}: collect some (genreflow collect) or import a file (genreflow import FILE)"
        )
    records = pa.concat_tables(tables).to_pandas()
    sources = set(records["source"])
    if GENERATED in sources and len(sources) > 1:
        raise NoTitlesError(
            f"{raw} holds generated titles beside others ({', '.join(sorted(sources - {GENERATED}))}); "
            f"keep your own titles in a home of their own: --home DIR"
        )
    return records


def describe_title(raw: Path, title_id: str, settings: Prepare) -> dict[str, Any]:
    """Tell what the sources say of one title: the joined facts, each corpus's text, and every record's source.

    Raises NoTitlesError for what is no title id, or where raw/ has no record of it.
    """
    if not TITLE_ID.fullmatch(title_id):
        raise NoTitlesError(f"{title_id!r} is no title id; expected tt and seven digits or more, such as tt0133093")
    told: dict[str, Any] = {"title_id": title_id}
    for corpus in CORPORA:
        records = read_records(raw, corpus, title_id)
        lengths = getattr(settings, corpus)
        row = join_records(
            records, corpus, min_chars=lengths.min_chars, max_chars=lengths.max_chars, prefer=settings.prefer
        ).iloc[0]
        told |= {name: _plain(row[name]) for name in ("title", "year", "title_type")}
        told |= {"genres": row["genres"], "genre_sources": row["genre_sources"]}
        provenance = {name: _plain(row[name]) for name in ("source", "source_url", "terms", "retrieved_at")}
        provenance["part"] = _plain(row[f"{corpus}_source"])
        told[corpus] = {"text": row["text"], **provenance} if _plain(row["text"]) else None
        told["records"] = [
            {name: _plain(record[name]) for name in ("source", "source_url", "terms")}
            for record in records.to_dict("records")
        ]
    return told


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat(timespec="seconds")
    return value.item() if hasattr(value, "item") else value
