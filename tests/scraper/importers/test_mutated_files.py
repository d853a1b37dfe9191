"""Files damaged in every way: each import ends with every row stored or counted, or in an error that names the file.

Short by default; GENREFLOW_LONG=1 damages 2,400 files of 30 rows and puts every odd value into every column.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import random
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import in_time
from mutations import ODD_TEXTS, dump_json, mutate_bytes, mutate_json, wrong_values
from shaped_pages import check_texts, shapes

from conf.errors import GenreflowError
from conf.schema import load
from scraper.importers.files import ImportReport, import_file
from scraper.importers.page_files import parse_pages, store_parsed
from scraper.raw import read_raw
from scraper.site.generator import generate_titles
from scraper.stored_pages import StoredPage, write_page

LONG = "GENREFLOW_LONG" in os.environ
FILES = 600 if LONG else 6
ROWS = 30
GENRES = load("base").prepare.genres


def rows() -> list[dict[str, Any]]:
    """Return titles as rows of a file, with every column that the common source knows."""
    more = {"run_time": "136 min", "rating": 8.5, "ratings_count": "1,234", "budget": "$1,000", "mpaa": "PG"}
    lists = {"directors": ["Bo Ek"], "actors": ["Ann Lee", "Jo Doe"], "summaries": ["He goes.::Jo"]}
    return [{**row, **more, **lists} for row in generate_titles(ROWS, 5).to_pylist()]


def checked_import(path: Path, raw: Path) -> int:
    """Import a file; returns how many titles are stored, 0 for a named error."""
    # What has been imported is not imported again.
    folders = (raw.with_name(f"{raw.name}-{number}") for number in itertools.count())
    raw, report = in_time(lambda: read_or_name(path, next(folders)), clock=time.process_time)
    if report is None:
        return 0
    assert report.rows == report.stored + report.tally.bad_rows
    assert len(report.tally.explain()) < 3000
    tables = list(read_raw(raw))
    assert sum(table.num_rows for table in tables) == report.stored
    for table in tables:
        table.validate(full=True)
        check_texts(table.to_pylist())
    return report.stored


def read_or_name(path: Path, raw: Path) -> tuple[Path, ImportReport | None]:
    try:
        return raw, import_file(path, raw, genres=GENRES, max_bad_share=1.0, part_titles=1000)
    except GenreflowError as error:
        assert path.name in str(error) or path.parent.name in str(error)
        assert "\n" not in str(error) and len(str(error)) < 3000
        return raw, None


def delimited(titles: list[dict[str, Any]], mark: str) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(titles[0]), delimiter=mark)
    writer.writeheader()
    writer.writerows(
        {name: json.dumps(cell) if isinstance(cell, list) else cell for name, cell in row.items()} for row in titles
    )
    return file.getvalue().encode("utf-8", "surrogatepass")


def lines(titles: list[Any], rng: random.Random) -> bytes:
    return "\n".join(dump_json(row, rng) for row in titles).encode("utf-8", "surrogatepass")


def packed(titles: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(titles), file)
    return file.getvalue()


def odd_cells(rng: random.Random) -> list[dict[str, Any]]:
    titles = rows()
    for row in rng.sample(titles, 10):
        row[rng.choice(list(row))] = rng.choice(ODD_TEXTS)
    return titles


MAKERS: dict[str, Callable[[random.Random], bytes]] = {
    "csv": lambda rng: delimited(odd_cells(rng), ","),
    "tsv": lambda rng: delimited(odd_cells(rng), "\t"),
    "jsonl": lambda rng: lines([mutate_json(row, rng) for row in rows()], rng),
    "parquet": lambda rng: packed(rows()),
}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", MAKERS)
def test_damaged_file_is_counted_row_by_row_or_named(kind: str, tmp_path: Path) -> None:
    stored = 0
    for number in range(FILES):
        rng = random.Random(f"{kind} {number}")
        content = MAKERS[kind](rng)
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(mutate_bytes(content, rng) if number % 2 else content)
        try:
            stored += checked_import(path, tmp_path / f"raw-{number}")
        except Exception as error:
            error.add_note(f"file {number}")
            raise
    assert stored > FILES


@pytest.mark.timeout(3600)
def test_every_column_of_every_wrong_kind_is_counted_or_named(tmp_path: Path) -> None:
    rng, values = random.Random(3), list(wrong_values())
    names = list(rows()[0])
    for name in names if LONG else rng.sample(names, 5):
        titles = rows() + rows()
        for place, wrong in enumerate(values if LONG else rng.sample(values, 12)):
            titles[place % ROWS][name] = wrong
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(lines(titles[:ROWS], rng))
        checked_import(path, tmp_path / f"raw-{name}")


ARROW_COLUMNS: dict[str, pa.Array] = {
    "numbers": pa.array([2**62] * ROWS),
    "not numbers": pa.array([float("nan"), float("inf"), -1e308] * (ROWS // 3)),
    "flags": pa.array([True, None] * (ROWS // 2)),
    "bytes": pa.array([b"\xff\xfe", b"\0", b""] * (ROWS // 3)),
    "seconds": pa.array([2**52, 0, -(2**52)] * (ROWS // 3)).cast(pa.timestamp("s")),
    "nanoseconds": pa.array([1, 0, -1] * (ROWS // 3)).cast(pa.timestamp("ns", tz="UTC")),
    "days": pa.array([date(1999, 1, 1)] * ROWS),
    "far days": pa.array([2**31 - 1] * ROWS, pa.int32()).cast(pa.date32()),
    "spans": pa.array([2**62] * ROWS).cast(pa.duration("s")),
    "times": pa.array([1] * ROWS).cast(pa.time64("ns")),
    "decimals": pa.array([Decimal("1e30")] * ROWS),
    "halves": pa.array([1.5] * ROWS, pa.float16()),
    "maps": pa.array([[("a", 1)]] * ROWS, pa.map_(pa.string(), pa.int64())),
    "objects": pa.array([{"name": "Drama", "more": [None]}] * ROWS),
    "lists of numbers": pa.array([[1, None]] * ROWS),
    "lists of lists": pa.array([[["Drama"]]] * ROWS),
    "lists of objects": pa.array([[{"name": "Drama"}]] * ROWS),
    "lists of bytes": pa.array([[b"\xff"]] * ROWS),
    "fixed lists": pa.array([["a", "b"]] * ROWS, pa.list_(pa.string(), 2)),
    "words": pa.array(["Drama"] * ROWS).dictionary_encode(),
    "numbered": pa.array([1999] * ROWS).dictionary_encode(),
    "nothing": pa.nulls(ROWS),
    "views": pa.array(["Drama", None] * (ROWS // 2), pa.string_view()),
    "large": pa.array([["a\0b"], None] * (ROWS // 2), pa.large_list(pa.large_string())),
}  # fmt: skip


@pytest.mark.parametrize("kind", ARROW_COLUMNS)
def test_column_of_any_arrow_type_is_counted_or_named(kind: str, tmp_path: Path) -> None:
    table = pa.Table.from_pylist(rows())
    columns = {name: ARROW_COLUMNS[kind] for name in table.column_names}
    for name, odd in {"id": {"title_id": columns.pop("title_id")}, "others": columns}.items():
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({**{each: table[each] for each in table.column_names}, **odd}), path)
        checked_import(path, tmp_path / f"raw-{name}")


@pytest.mark.parametrize("depth", [300, 990, 100_000])
@pytest.mark.parametrize("name", ["lines.jsonl", "folder"])
def test_json_nested_deep_is_one_bad_row(name: str, depth: int, tmp_path: Path) -> None:
    good = rows()
    if name == "folder":
        (tmp_path / name).mkdir()
        for row in good:
            (tmp_path / name / f"{row['title_id']}.json").write_text(json.dumps({"imdb_id": row["title_id"], **row}))
        (tmp_path / name / "bad.json").write_text('{"plot": ' + "[" * depth + "]" * depth + "}")
    else:
        bad = '{"title_id": "tt0000009", "summary": ' + "[" * depth + "]" * depth + "}"
        (tmp_path / name).write_text("\n".join([bad, *map(json.dumps, good)]))
    checked_import(tmp_path / name, tmp_path / "raw")


def test_damaged_stored_pages_are_told_one_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    pages = [page for name in ("main", "plots", "tn15", "reference-json") for page in shapes()[name].pages]
    count = 400 if LONG else 60
    for number in range(count):
        rng = random.Random(number)
        path = folder / f"{number:04d}.html.gz"
        write_page(path, StoredPage(rng.choice(pages), "http://a/title/tt0000001/"))
        if number % 4:
            path.write_bytes(mutate_bytes(path.read_bytes(), rng))
        if number % 4 == 2:
            plain = f"<!-- genreflow {dump_json(mutate_json({'url': 'a', 'retrieved_at': None}, rng), rng)} -->\nx"
            path.with_suffix("").write_text(plain, errors="replace")
    parsed = parse_pages(folder)
    assert len(parsed.pages) > count and all((page.error is None) != (page.title_id is None) for page in parsed.pages)
    assert store_parsed(parsed, tmp_path / "raw", 1000).folder
    for table in read_raw(tmp_path / "raw"):
        check_texts(table.to_pylist())
