from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from site_rows import title_row, titles_table

from scraper.site.generator import TITLES_SCHEMA
from scraper.site.titles import Catalogue, SiteError, SiteTitle, check_titles, read_titles


def write(folder: Path, table: pa.Table) -> Path:
    path = folder / "titles.parquet"
    pq.write_table(table, path)
    return path


def test_a_titles_file_is_read_and_further_columns_are_ignored(tmp_path: Path) -> None:
    table = titles_table().append_column("note", pa.array(["x"]))
    read = read_titles(write(tmp_path, table))
    assert read.schema.names == TITLES_SCHEMA.names
    assert read.to_pylist() == [title_row()]


def test_large_strings_and_long_years_are_accepted(tmp_path: Path) -> None:
    table = titles_table()
    table = table.set_column(2, "year", pa.array([1994], pa.int64()))
    table = table.set_column(5, "synopsis", pa.array(["Long."], pa.large_string()))
    assert read_titles(write(tmp_path, table))["synopsis"].to_pylist() == ["Long."]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="gone.parquet: no such file"):
        read_titles(tmp_path / "gone.parquet")


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "titles.parquet"
    path.write_text("title_id,title\n")
    with pytest.raises(SiteError, match="titles.parquet: not readable as Parquet"):
        read_titles(path)


def test_missing_columns_are_named_with_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, titles_table().drop_columns(["summary", "genres"]))
    with pytest.raises(
        SiteError, match=r"titles.parquet: no column genres, summary; expected title_id, .*got title_id"
    ):
        read_titles(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="titles.parquet: no titles in it"):
        read_titles(write(tmp_path, TITLES_SCHEMA.empty_table()))


def test_a_column_of_a_wrong_type_is_named(tmp_path: Path) -> None:
    table = titles_table().set_column(3, "genres", pa.array(["Drama, Crime"]))
    with pytest.raises(SiteError, match="column genres must be list.*got string"):
        read_titles(write(tmp_path, table))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["tt1000001", "nm0000001"], "1 of 2 title_id are not tt and seven digits.*'nm0000001'"),
        (["tt1000001", "tt1000001"], "1 title_id stand more than once.*tt1000001"),
        (["tt1000001", None], "1 of 2 title_id are null"),
    ],
)
def test_bad_ids_are_counted_and_named(ids: list[str | None], message: str) -> None:
    table = pa.table({"title_id": ids}).append_column("title", pa.array(["a", "b"]))
    for name in TITLES_SCHEMA.names[2:]:
        table = table.append_column(name, pa.nulls(2, TITLES_SCHEMA.field(name).type))
    with pytest.raises(SiteError, match=message):
        check_titles(table, "titles")


def test_a_catalogue_finds_a_title_by_id() -> None:
    catalogue = Catalogue(titles_table(title_row(), title_row("tt1000002", year=None, genres=None)))
    assert catalogue.find("tt1000002") == SiteTitle(
        "tt1000002", title_row()["title"], None, (), title_row()["summary"], title_row()["synopsis"]
    )
    assert catalogue.find("tt9999999") is None
