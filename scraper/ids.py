"""Which titles are asked for: ids from a list, a titles file or IMDb's title.basics."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.parquet as pq

from conf.data import Collect, Select
from scraper.basics import IdsError, is_basics, select_ids
from scraper.items import GENERATED, TITLE_ID
from tasks.parquet_batches import open_packed, read_batches

# The value of collect.ids that asks the local movie site itself.
SITE = "site"
_BATCH_ROWS = 65536
_SITE_SECONDS = 30
# Ids of ten million titles.
_SITE_BYTES = 2**27


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
    elif is_basics(path):
        found = select_ids(path, select)
    else:
        raise IdsError(f"{path}: expected a name ending in .txt, .parquet, .tsv or .tsv.gz")
    ids = _collect(found, limit)
    if not ids:
        raise IdsError(f"{path}: no title id in it{explain_select(path, select)}")
    return ids


def ask_site(base_url: str, limit: int | None = None) -> tuple[list[str], bool]:
    """Ask the local movie site which titles it serves (/ids.txt, one id a line), and if they are generated.

    Raises IdsError naming the site.
    """
    url = f"{base_url.rstrip('/')}/ids.txt"
    try:
        with urlopen(url, timeout=_SITE_SECONDS) as answer:
            lines = answer.read(_SITE_BYTES).decode("utf-8", errors="replace").split()
    except OSError as error:
        raise IdsError(
            f"{url} does not answer ({error}); start the site (genreflow site --titles FILE.parquet), or name a list "
            f"of ids: --set collect.ids=FILE"
        ) from None
    ids = _collect((line for line in lines if TITLE_ID.fullmatch(line)), limit)
    if not ids:
        raise IdsError(f"{url}: no title id in it; expected one a line")
    return ids, lines[0] == GENERATED


def check_ids(collect: Collect) -> None:
    """Read the first title id that a crawl would ask for; raises IdsError for a list or a site without any."""
    if collect.ids == SITE:
        ask_site(collect.base_url, 1)
    elif collect.ids is not None and collect.ids != GENERATED:
        read_ids(collect.ids, collect.select, 1)


def _collect(found: Iterator[str], limit: int | None) -> list[str]:
    ids: dict[str, None] = {}
    for title_id in found:
        ids[title_id] = None
        if limit is not None and len(ids) >= limit:
            break
    return list(ids)


def explain_select(path: Path, select: Select) -> str:
    """Say what a list of ids should have had, by its kind."""
    if not is_basics(path):
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


def _check(title_id: Any, place: str) -> str:
    if not isinstance(title_id, str) or not TITLE_ID.fullmatch(title_id):
        raise IdsError(f"{place}: expected a title id (tt and seven digits or more), got {reprlib.repr(title_id)}")
    return title_id


def _read_parquet(path: Path) -> Iterator[str]:
    try:
        schema = pq.read_schema(path)
        with open_packed(path) as file:
            if "title_id" not in schema.names:
                raise IdsError(f"{path}: expected a column title_id, got {', '.join(schema.names)}")
            row = 0
            for batch in read_batches(path, file, _BATCH_ROWS, ["title_id"], schema):
                for value in batch.column(0).to_pylist():
                    row += 1
                    yield _check(value, f"{path} row {row}")
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise IdsError(f"{path}: not a Parquet file, or a damaged one: {error}") from None
