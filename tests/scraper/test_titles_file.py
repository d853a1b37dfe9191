import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scraper.importers.titles_file import ImportFileError, ImportReport, import_titles
from scraper.writer import read_raw

GENRES = ("Drama", "Comedy", "Sci-Fi")


def titles(count: int = 4, **columns: Any) -> dict[str, Any]:
    return {
        "title_id": [f"tt{number:07d}" for number in range(1, count + 1)],
        "title": ["T"] * count,
        "year": [1999] * count,
        "genres": [["Drama"]] * count,
        "summary": ["Short."] * count,
        "synopsis": [None] * (count - 1) + ["Long."],
        **columns,
    }


def run(folder: Path, columns: dict[str, Any], max_bad_share: float = 0.5) -> ImportReport:
    path = folder / "my titles.parquet"
    pq.write_table(pa.table(columns), path)
    return import_titles(path, folder / "raw", GENRES, max_bad_share, part_titles=3)


def stored(folder: Path) -> list[dict[str, Any]]:
    return [row for table in read_raw(folder / "raw") for row in table.to_pylist()]


def test_rows_land_in_parts_named_after_the_file(tmp_path: Path) -> None:
    report = run(tmp_path, titles())
    assert (report.rows, report.stored, report.already_imported) == (4, 4, False)
    assert report.folder.startswith("import-my-titles-")
    assert len(list((tmp_path / "raw" / report.folder).glob("part-*.parquet"))) == 2


def test_row_carries_the_name_of_the_file_and_not_its_path(tmp_path: Path) -> None:
    run(tmp_path, titles())
    row = stored(tmp_path)[3]
    assert (row["title_id"], row["year"], row["genres"]) == ("tt0000004", 1999, ["Drama"])
    assert (row["summary"], row["synopsis"], row["source"]) == ("Short.", "Long.", "file")
    assert row["source_url"] == "my titles.parquet"


def test_same_file_is_imported_once(tmp_path: Path) -> None:
    first = run(tmp_path, titles())
    second = run(tmp_path, titles())
    assert (second.already_imported, second.folder, second.stored) == (True, first.folder, 4)
    assert len(stored(tmp_path)) == 4


def test_optional_columns_are_kept(tmp_path: Path) -> None:
    run(tmp_path, titles(summary_source=["mine"] * 4, terms=["CC0"] * 4))
    assert (stored(tmp_path)[0]["summary_source"], stored(tmp_path)[0]["terms"]) == ("mine", "CC0")


def test_years_stored_as_decimals_with_gaps_are_read(tmp_path: Path) -> None:
    run(tmp_path, titles(year=[1999.0, float("nan"), None, 2001.0]))
    assert [row["year"] for row in stored(tmp_path)] == [1999, None, None, 2001]


def test_bad_rows_are_counted_by_reason_with_examples(tmp_path: Path) -> None:
    columns = titles(
        8,
        title_id=["tt0000001", "tt0000001", None, "x1", "tt0000005", "tt0000006", "tt0000007", "tt0000008"],
        summary=["Short."] * 4 + ["  ", "Short.", "Short.", "Short."],
        year=[1999] * 6 + [99999, 1999],
        synopsis=[None] * 8,
    )
    report = run(tmp_path, columns, max_bad_share=0.7)
    assert report.tally.bad == {"duplicate_id": 1, "missing_id": 1, "malformed_id": 1, "no_text": 1, "wrong_type": 1}
    assert report.tally.examples["malformed_id"] == ["row 4 ('x1')"]
    assert [row["title_id"] for row in stored(tmp_path)] == ["tt0000001", "tt0000006", "tt0000008"]


def test_unknown_genres_are_taken_off_and_named_with_the_nearest(tmp_path: Path) -> None:
    genres = [["Drama", "Science Fiction"], ["sci-fi"], ["Drama"], ["Comedy"]]
    report = run(tmp_path, titles(genres=genres))
    assert report.tally.unknown_genres == {"Science Fiction": 1, "sci-fi": 1}
    assert report.tally.nearest_genres["sci-fi"] == "Sci-Fi"
    assert report.tally.bad == {"no_known_genre": 1}
    assert [row["genres"] for row in stored(tmp_path)] == [["Drama"], ["Drama"], ["Comedy"]]


def test_too_many_bad_rows_import_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"2 of 4 rows are unusable \(2 malformed_id, such as row 3"):
        run(tmp_path, titles(title_id=["tt0000001", "tt0000002", "a", "b"]), max_bad_share=0.2)
    assert stored(tmp_path) == []


def test_missing_columns_are_named(tmp_path: Path) -> None:
    columns = titles()
    del columns["genres"], columns["summary"]
    with pytest.raises(ImportFileError, match="columns genres, summary are missing"):
        run(tmp_path, columns)


def test_genres_that_are_no_lists_are_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="column genres: expected lists of genre names, got string"):
        run(tmp_path, titles(genres=["Drama"] * 4))


def test_empty_file_is_named(tmp_path: Path) -> None:
    columns = {name: pa.array([], type=pa.string()) for name in titles()}
    with pytest.raises(ImportFileError, match="no rows; expected at least one title"):
        run(tmp_path, columns | {"genres": pa.array([], type=pa.list_(pa.string()))})


def test_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "titles.parquet"
    path.write_text("title_id,title\n")
    with pytest.raises(ImportFileError, match="titles.parquet: not a Parquet file"):
        import_titles(path, tmp_path / "raw", GENRES, 0.5, 3)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="none.parquet: no such file"):
        import_titles(tmp_path / "none.parquet", tmp_path / "raw", GENRES, 0.5, 3)


def test_killed_import_is_taken_up_without_doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scraper.writer.PartWriter.finish", lambda writer: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, titles())
    assert len(stored(tmp_path)) == 3
    monkeypatch.undo()
    assert run(tmp_path, titles()).stored == 4
    assert len(stored(tmp_path)) == 4


@pytest.mark.skipif("GENREFLOW_TITLES" not in os.environ, reason="GENREFLOW_TITLES names no titles file")
def test_real_titles_file_is_imported_whole(tmp_path: Path) -> None:
    from conf.schema import load

    path = Path(os.environ["GENREFLOW_TITLES"])
    report = import_titles(path, tmp_path / "raw", load("base").prepare.genres, 0.2, part_titles=5000)
    assert report.stored == report.rows == pq.read_metadata(path).num_rows
