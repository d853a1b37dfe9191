import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.data import Select
from scraper.ids import IdsError, read_ids

SELECT = Select(first_year=1990, min_runtime=80, title_types=("movie",))
HEADER = "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"


def row(title_id: str, kind: str = "movie", year: str = "1999", minutes: str = "90", title: str = "T") -> str:
    return f"{title_id}\t{kind}\t{title}\t{title}\t0\t{year}\t\\N\t{minutes}\tDrama\n"


def basics(folder: Path, *rows: str) -> Path:
    path = folder / "title.basics.tsv"
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


def test_list_keeps_order_and_drops_comments_and_repetitions(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("# mine\ntt0000002\n\ntt0000001 # good\ntt0000002\n")
    assert read_ids(path, SELECT) == ["tt0000002", "tt0000001"]


def test_malformed_id_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("tt0000001\nnm0000002\n")
    with pytest.raises(IdsError, match=r"ids.txt line 2: expected a title id .* got 'nm0000002'"):
        read_ids(path, SELECT)


def test_limit_counts_distinct_ids(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("tt0000001\ntt0000001\ntt0000002\ntt0000003\n")
    assert read_ids(path, SELECT, limit=2) == ["tt0000001", "tt0000002"]


def test_parquet_gives_its_title_ids(tmp_path: Path) -> None:
    path = tmp_path / "titles.parquet"
    pq.write_table(pa.table({"title_id": ["tt0000003", "tt0000001"], "x": [1, 2]}), path)
    assert read_ids(path, SELECT) == ["tt0000003", "tt0000001"]


def test_parquet_without_title_id_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "titles.parquet"
    pq.write_table(pa.table({"imdb": ["tt0000003"], "x": [1]}), path)
    with pytest.raises(IdsError, match="expected a column title_id, got imdb, x"):
        read_ids(path, SELECT)


def test_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "titles.parquet"
    path.write_text("hello")
    with pytest.raises(IdsError, match="titles.parquet: not a Parquet file"):
        read_ids(path, SELECT)


def test_basics_are_filtered_by_year_runtime_and_type(tmp_path: Path) -> None:
    path = basics(
        tmp_path,
        row("tt0000001"),
        row("tt0000002", year="1989"),
        row("tt0000003", minutes="79"),
        row("tt0000004", kind="tvSeries"),
        row("tt0000005", year="\\N"),
        row("tt0000006", minutes="\\N"),
        row("tt0000007", year="1990", minutes="80"),
    )
    assert read_ids(path, SELECT) == ["tt0000001", "tt0000007"]


def test_no_title_types_takes_all(tmp_path: Path) -> None:
    path = basics(tmp_path, row("tt0000001"), row("tt0000004", kind="tvSeries"))
    assert read_ids(path, SELECT.model_copy(update={"title_types": ()})) == ["tt0000001", "tt0000004"]


def test_quotes_in_titles_are_plain_characters(tmp_path: Path) -> None:
    path = basics(tmp_path, row("tt0000001", title='"Half a quote'), row("tt0000002"))
    assert read_ids(path, SELECT) == ["tt0000001", "tt0000002"]


def test_packed_basics_are_read(tmp_path: Path) -> None:
    path = tmp_path / "title.basics.tsv.gz"
    path.write_bytes(gzip.compress((HEADER + row("tt0000001")).encode()))
    assert read_ids(str(path), SELECT) == ["tt0000001"]


def test_cut_off_pack_is_named(tmp_path: Path) -> None:
    path = tmp_path / "title.basics.tsv.gz"
    packed = gzip.compress((HEADER + "".join(row(f"tt{n:07d}") for n in range(5000))).encode())
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(IdsError, match=r"title.basics.tsv.gz: not readable"):
        read_ids(path, SELECT)


def test_malformed_id_in_basics_is_named_with_its_line(tmp_path: Path) -> None:
    path = basics(tmp_path, row("tt0000001"), row("tt12"))
    with pytest.raises(IdsError, match=r"title.basics.tsv line 3: expected a title id .* got 'tt12'"):
        read_ids(path, SELECT)


def test_wrong_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "title.basics.tsv"
    path.write_text("tconst\ttitle\ntt0000001\tT\n")
    with pytest.raises(IdsError, match="line 1: expected columns tconst, titleType.* got tconst, title"):
        read_ids(path, SELECT)


def test_short_line_is_named_with_its_row(tmp_path: Path) -> None:
    path = basics(tmp_path, row("tt0000001"), "tt0000002\tmovie\n")
    with pytest.raises(IdsError, match="Row #3: Expected 9 columns, got 2"):
        read_ids(path, SELECT)


def test_nothing_selected_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(IdsError, match="no title id in it passes: movie, startYear 1990 or later, 80 minutes"):
        read_ids(basics(tmp_path, row("tt0000001", year="1950")), SELECT)


@pytest.mark.parametrize("name", ["ids.txt", "ids.csv"])
def test_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(IdsError, match=rf"{name}: no such file"):
        read_ids(tmp_path / name, SELECT)
