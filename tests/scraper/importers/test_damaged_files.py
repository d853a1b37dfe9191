"""Files that a user gives, cut, flipped, emptied or of another kind: read, bad rows counted, or named in an error.

Short by default; GENREFLOW_LONG=1 damages each kind of file 200 times.
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from disks import damage, tree

from conf.errors import GenreflowError
from conf.schema import load
from scraper.ids import read_ids
from scraper.importers.files import import_file
from scraper.importers.page_files import parse_pages, store_parsed
from scraper.site.generator import generate_titles
from scraper.stored_pages import StoredPage, write_page
from tasks.text_files import open_texts

TRIES = 200 if os.environ.get("GENREFLOW_LONG") else 15
SETTINGS = load("quick")
BASICS = "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"


def import_(path: Path) -> None:
    genres = SETTINGS.prepare.genres
    import_file(path, path.parent / "raw", genres=genres, max_bad_share=0.2, part_titles=100)


def parse(path: Path) -> None:
    store_parsed(parse_pages(path), path.parent / "raw", part_titles=100)


def read(path: Path) -> None:
    with open_texts(path, ("summary",)) as file:
        for row in file.rows:
            assert row.text is None or isinstance(row.text, str)


def ids(path: Path) -> None:
    read_ids(path, SETTINGS.collect.select)


READERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{f"import {kind}": (f"titles.{kind}", import_) for kind in ("parquet", "csv", "jsonl")},
    **{f"predict {kind}": (f"titles.{kind}", read) for kind in ("parquet", "csv", "jsonl")},
    **{f"ids {kind}": (f"titles.{kind}", ids) for kind in ("parquet", "txt", "tsv", "tsv.gz")},
    **{f"page {kind}": (f"tt0000001.{kind}", parse) for kind in ("html", "html.gz")},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one whole file of every kind."""
    folder = tmp_path_factory.mktemp("whole")
    titles = generate_titles(60, random_seed=5).select(["title_id", "title", "year", "genres", "summary"])
    pq.write_table(titles, folder / "titles.parquet")
    plain = titles.to_pandas().assign(genres=[", ".join(each) for each in titles["genres"].to_pylist()])
    plain.to_csv(folder / "titles.csv", index=False)
    plain.to_json(folder / "titles.jsonl", orient="records", lines=True)
    rows = titles["title_id"].to_pylist()
    (folder / "titles.txt").write_text("\n".join(rows))
    basics = BASICS + "".join(f"{row}\tmovie\tA\tA\t0\t1999\t\\N\t100\tDrama\n" for row in rows)
    (folder / "titles.tsv").write_text(basics)
    (folder / "titles.tsv.gz").write_bytes(gzip.compress(basics.encode()))
    facts = '{"@type": "Movie", "name": "A film", "genre": ["Drama"], "description": "A storm comes."}'
    page = f'<html><script type="application/ld+json">{facts}</script><title>A film (1999) - IMDb</title></html>'
    (folder / "tt0000001.html").write_text(page)
    write_page(folder / "tt0000001.html.gz", StoredPage(page, "https://example.org", datetime(2026, 1, 2, tzinfo=UTC)))
    return folder


def half_stored(folder: Path) -> list[str]:
    return [name for name in tree(folder) if "/." in name or name.startswith(".")]


@pytest.mark.parametrize("name", READERS)
def test_damaged_file_is_read_or_named(name: str, whole: Path, tmp_path: Path) -> None:
    file, reader = READERS[name]
    draw, path = random.Random(name), tmp_path / file
    reader(whole / file)
    for attempt in range(TRIES):
        path.write_bytes(damage((whole / file).read_bytes(), draw) if attempt else b"")
        try:
            reader(path)
        except GenreflowError as error:
            assert str(path) in str(error)
    assert half_stored(tmp_path) == []


def make_folder(path: Path) -> None:
    path.mkdir()


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_foreign(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)


def make_other_table(path: Path) -> None:
    pq.write_table(pa.table({"price": [1.5, 2.5]}), path)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("make", [make_folder, make_loop, make_dangling_link, make_foreign, make_other_table])
def test_file_of_another_kind_is_named(make: Callable[[Path], Any], name: str, tmp_path: Path) -> None:
    file, reader = READERS[name]
    path = tmp_path / file
    make(path)
    try:
        reader(path)
    except GenreflowError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error).strip()
    else:
        pytest.fail(f"{make.__name__} was read")
    assert half_stored(tmp_path) == []
