"""Parquet files that unpack to far more than they are: refused by name, before anything is unpacked."""

import resource
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.data import Select
from conf.schema import load
from scraper.ids import read_ids
from scraper.importers.files import import_file
from scraper.importers.tally import ImportFileError
from tasks.answers import score_titles
from tasks.parquet_batches import UnpackedError, open_packed, read_batches
from tasks.text_files import open_texts

ROWS = 20_000


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of less than a megabyte that unpacks to eighty gigabytes."""
    folder = tmp_path_factory.mktemp("bomb")
    zeros = pa.array([0] * ROWS, pa.int32())
    text = pa.DictionaryArray.from_arrays(zeros, pa.array(["A plot. " * 2**19]))
    genres = pa.ListArray.from_arrays(
        pa.array(range(ROWS + 1), pa.int32()), pa.DictionaryArray.from_arrays(zeros, pa.array(["Drama"]))
    )
    ids = pa.array([f"tt{number:07d}" for number in range(ROWS)])
    table = pa.table({"title_id": ids, "summary": text, "genres": genres})
    pq.write_table(table, folder / "a.parquet", compression="zstd", store_schema=False, dictionary_pagesize_limit=2**30)
    pq.write_table(
        pa.table({"title_id": text}), folder / "ids.parquet", compression="zstd", store_schema=False,
        dictionary_pagesize_limit=2**30,
    )  # fmt: skip
    assert (folder / "a.parquet").stat().st_size < 10**6
    return folder / "a.parquet"


def test_import_ids_evaluation_and_prediction_refuse_it_unpacked(bomb: Path, tmp_path: Path) -> None:
    settings = load("base")
    refused = r"a.parquet: rows 1 to [0-9,]+ unpack to [0-9,]+ bytes, more than the 1,073,741,824"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImportFileError, match=f"{refused}.*; nothing was imported"):
        import_file(bomb, tmp_path / "raw", genres=settings.prepare.genres, max_bad_share=0.2, part_titles=200)
    with pytest.raises(UnpackedError, match=refused):
        score_titles(tmp_path, settings.track, "summary", bomb, include_train=True, train=settings.train)
    with pytest.raises(UnpackedError, match="ids.parquet: rows 1 to"):
        read_ids(bomb.with_name("ids.parquet"), Select(first_year=1, min_runtime=1, title_types=()))
    with pytest.raises(UnpackedError, match=refused), open_texts(bomb, ["summary"]) as texts:
        next(texts.rows)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 2**30
    assert not (tmp_path / "raw").exists() or not any((tmp_path / "raw").iterdir())


def test_plain_file_comes_back_as_it_is(tmp_path: Path) -> None:
    table = pa.table({
        "category": pa.array(["x", None, "y"]).dictionary_encode(),
        "names": pa.array([["q", None], None, []], pa.list_(pa.string())),
        "object": pa.array([{"text": "u", "n": 1}, None, {"text": None, "n": 2}]),
        "bytes": pa.array([b"1", b"\xff", None]),
        "broken": pa.array([b"1", b"\xff", None]).view(pa.string()),
        "large": pa.array(["1", "2", None], pa.large_string()),
        "nothing": pa.nulls(3),
        "year": pa.array([1, None, 3], pa.int16()),
    })  # fmt: skip
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    with open_packed(path) as file:
        batches = list(read_batches(path, file, 2, table.schema.names, pq.read_schema(path)))
    assert pa.Table.from_batches(batches).equals(table)


def test_long_texts_that_stand_for_themselves_are_read(tmp_path: Path) -> None:
    stored = ["a" * 3 * 10**6, None, *("c" * 500)]
    pq.write_table(pa.table({"summary": stored}), tmp_path / "a.parquet")
    with open_texts(tmp_path / "a.parquet", ["summary"]) as texts:
        assert [row.text for row in texts.rows] == stored
