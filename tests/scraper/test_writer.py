from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scraper.items import RAW_SCHEMA, Title
from scraper.raw import dropped_ids, read_raw, stored_ids
from scraper.writer import Drop, PartWriter, WriterError
from tasks.store import StoreError, describe_file, read_manifest, write_manifest


def open_writer(folder: Path, **changes: Any) -> PartWriter:
    plan: dict[str, Any] = {"step": "collect", "fingerprint": "f1", "part_titles": 2, "asked": 5, **changes}
    return PartWriter(folder, **plan)


def title(number: int, **changes: Any) -> Title:
    return Title(f"tt{number:07d}", source="imdb", genres=("Drama",), **changes)


def fill(folder: Path, *numbers: int) -> PartWriter:
    writer = open_writer(folder)
    for number in numbers:
        writer.add(title(number))
    return writer


def test_part_is_written_when_it_is_full(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2, 3)
    manifest = read_manifest(tmp_path / "a")
    assert manifest is not None
    assert {name: entry.rows for name, entry in manifest.files.items()} == {"part-00000.parquet": 2}
    assert manifest.complete is False


def test_parts_carry_the_raw_schema(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2)
    schema = pq.read_schema(tmp_path / "a" / "part-00000.parquet")
    assert schema.equals(RAW_SCHEMA)
    assert schema.metadata == {b"genreflow.schema_version": b"3"}


def test_all_fields_come_back(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    writer = open_writer(tmp_path / "a")
    writer.add(title(1, year=1999, rating=8.5, budget=63_000_000, synopsis="All.", retrieved_at=moment))
    writer.finish()
    row = next(read_raw(tmp_path)).to_pylist()[0]
    assert (row["year"], row["rating"], row["budget"], row["synopsis"]) == (1999, 8.5, 63_000_000, "All.")
    assert (row["genres"], row["retrieved_at"]) == (["Drama"], moment)


def test_manifest_is_there_before_the_first_part(tmp_path: Path) -> None:
    open_writer(tmp_path / "a")
    manifest = read_manifest(tmp_path / "a")
    assert manifest is not None
    assert (manifest.files, manifest.complete) == ({}, False)


def test_finishing_writes_the_rest_and_the_counts(tmp_path: Path) -> None:
    writer = fill(tmp_path / "a", 1, 2, 3)
    writer.drop(Drop("tt0000004", "not_found", "status 404"))
    writer.drop(Drop("tt0000005", "failed:503", permanent=False))
    manifest = writer.finish()
    assert manifest.complete
    assert {name: manifest.summary[name] for name in ("asked", "stored", "dropped", "failed")} == {
        "asked": 5,
        "stored": 3,
        "dropped": {"not_found": 1},
        "failed": {"failed:503": 1},
    }


def test_only_permanent_drops_are_remembered(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a")
    writer.drop(Drop("tt0000004", "not_found"))
    writer.drop(Drop("tt0000005", "failed:503", permanent=False))
    writer.flush()
    assert dropped_ids(tmp_path / "a") == {"tt0000004"}


def test_unfinished_folder_is_continued_after_its_last_named_part(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2, 3)
    orphan = tmp_path / "a" / "part-00001.parquet"
    orphan.write_bytes(b"half")
    writer = open_writer(tmp_path / "a")
    assert not orphan.exists()
    writer.add(title(4))
    writer.finish()
    assert stored_ids(tmp_path / "a") == {"tt0000001", "tt0000002", "tt0000004"}


def test_finished_folder_is_never_opened_again(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1).finish()
    with pytest.raises(WriterError, match="already finished"):
        open_writer(tmp_path / "a")


def test_folder_of_another_fingerprint_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2)
    with pytest.raises(WriterError, match="holds collect f1, not collect f2"):
        open_writer(tmp_path / "a", fingerprint="f2")


def test_title_that_does_not_fit_the_schema_is_named(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a")
    writer.add(title(1))
    with pytest.raises(WriterError, match="title tt0000002 does not fit the raw schema"):
        writer.add(title(2, year="soon"))


def test_title_without_a_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WriterError, match="with an id and a source"):
        open_writer(tmp_path / "a").add(Title("tt0000001"))


def test_reading_gives_only_what_manifests_name(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2, 3)
    fill(tmp_path / "b", 4).finish()
    (tmp_path / "b" / "part-00009.parquet").write_bytes(b"half")
    tables = list(read_raw(tmp_path, ["title_id"]))
    assert [table.to_pydict() for table in tables] == [
        {"title_id": ["tt0000001", "tt0000002"]},
        {"title_id": ["tt0000004"]},
    ]


def test_damaged_part_raises_with_its_name(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2)
    (tmp_path / "a" / "part-00000.parquet").write_bytes(b"x")
    with pytest.raises(StoreError, match=r"a/part-00000.parquet: missing, or not what its manifest says"):
        list(read_raw(tmp_path))


def test_damaged_part_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2, 3, 4)
    (tmp_path / "a" / "part-00000.parquet").unlink()
    told: list[str] = []
    tables = list(read_raw(tmp_path, on_damaged=lambda path, wrong: told.append(path.name)))
    assert (told, [table.num_rows for table in tables]) == (["part-00000.parquet"], [2])


def change_manifest(folder: Path, **changes: Any) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    write_manifest(folder, manifest.model_copy(update=changes))


def test_part_of_a_newer_schema_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2)
    path = tmp_path / "a" / "part-00000.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata({"genreflow.schema_version": "4"}), path)
    change_manifest(tmp_path / "a", files={path.name: describe_file(path, rows=2)})
    with pytest.raises(StoreError, match=r"a/part-00000.parquet: raw schema version 4, expected 1 to 3"):
        list(read_raw(tmp_path))


def test_manifest_of_a_newer_version_is_refused_and_nothing_is_removed(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2)
    change_manifest(tmp_path / "a", version=4)
    (tmp_path / "a" / "part-00001.parquet").write_bytes(b"what a newer genreflow names elsewhere")
    for refused in (lambda: list(read_raw(tmp_path)), lambda: open_writer(tmp_path / "a")):
        with pytest.raises(StoreError, match=r"a/manifest.json: version 4, expected 1 to 3: a newer genreflow made it"):
            refused()
    assert (tmp_path / "a" / "part-00001.parquet").exists()


def test_parts_without_a_manifest_are_neither_skipped_nor_removed(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1, 2)
    (tmp_path / "a" / "manifest.json").unlink()
    for refused in (lambda: list(read_raw(tmp_path)), lambda: open_writer(tmp_path / "a")):
        with pytest.raises(StoreError, match=r"a/manifest.json: missing, and beside it are parts of raw titles"):
            refused()
    assert (tmp_path / "a" / "part-00000.parquet").exists()


def test_folder_has_a_manifest_before_its_first_part(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["manifest.json"]
    assert list(read_raw(tmp_path)) == []


@pytest.mark.parametrize(("version", "later"), [(1, ["summaries", "countries", "languages", "lead"]), (2, ["lead"])])
def test_part_of_an_earlier_schema_is_read_with_its_later_columns_null(
    tmp_path: Path, version: int, later: list[str]
) -> None:
    fill(tmp_path / "a", 1, 2)
    path = tmp_path / "a" / "part-00000.parquet"
    table = pq.read_table(path).drop_columns(later)
    pq.write_table(table.replace_schema_metadata({"genreflow.schema_version": str(version)}), path)
    change_manifest(tmp_path / "a", files={path.name: describe_file(path, rows=1)})
    (read,) = read_raw(tmp_path)
    assert read.schema.equals(RAW_SCHEMA)
    assert [read[name].to_pylist() for name in later] == [[None, None]] * len(later)
