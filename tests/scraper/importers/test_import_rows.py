"""What an import keeps, counts and refuses, row by row, and that it is whole or not there."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scraper.importers.files import import_file
from scraper.importers.tally import ImportFileError, ImportReport
from scraper.raw import read_raw
from tasks import store

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


def run(path: Path, max_bad_share: float = 0.5, **changes: Any) -> ImportReport:
    plan: dict[str, Any] = {"genres": GENRES, "part_titles": 3, **changes}
    return import_file(path, path.parent / "raw", max_bad_share=max_bad_share, **plan)


def run_table(folder: Path, columns: dict[str, Any], max_bad_share: float = 0.5) -> ImportReport:
    pq.write_table(pa.table(columns), folder / "my titles.parquet")
    return run(folder / "my titles.parquet", max_bad_share)


def run_text(folder: Path, content: str | bytes, name: str = "titles.csv", max_bad_share: float = 0.9) -> ImportReport:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return run(path, max_bad_share)


def stored(folder: Path) -> list[dict[str, Any]]:
    return [row for table in read_raw(folder / "raw") for row in table.to_pylist()]


def test_rows_land_in_parts_named_after_the_file(tmp_path: Path) -> None:
    report = run_table(tmp_path, titles())
    assert (report.rows, report.stored, report.already_imported) == (4, 4, False)
    assert report.folder.startswith("import-my-titles-")
    manifest = store.read_manifest(tmp_path / "raw" / report.folder)
    assert manifest is not None
    assert {name: entry.rows for name, entry in manifest.files.items()} == {
        "part-00000.parquet": 3,
        "part-00001.parquet": 1,
    }
    assert store.find_result(tmp_path / "raw" / report.folder, manifest.fingerprint) == manifest
    told = manifest.summary
    assert (manifest.step, told["asked"], told["stored"], told["dropped"], told["failed"]) == ("import", 4, 4, {}, {})


def test_same_file_is_imported_once(tmp_path: Path) -> None:
    first = run_table(tmp_path, titles())
    second = run_table(tmp_path, titles())
    assert (second.already_imported, second.folder, second.stored) == (True, first.folder, 4)
    assert len(stored(tmp_path)) == 4


def test_other_content_or_genres_is_another_import(tmp_path: Path) -> None:
    folders = [run_table(tmp_path, titles()).folder, run_table(tmp_path, titles(title=["U"] * 4)).folder]
    folders.append(run(tmp_path / "my titles.parquet", genres=("Drama",)).folder)
    assert len(set(folders)) == 3


def test_years_stored_as_decimals_with_gaps_are_read(tmp_path: Path) -> None:
    run_table(tmp_path, titles(year=[1999.0, float("nan"), None, 2001.0]))
    assert [row["year"] for row in stored(tmp_path)] == [1999, None, None, 2001]


def test_bad_rows_are_counted_by_reason_with_examples(tmp_path: Path) -> None:
    columns = titles(
        9,
        title_id=["tt0000001", "tt0000001", None, "x1", *(f"tt{n:07d}" for n in range(5, 10))],
        genres=[["Drama"]] * 4 + [[], ["Drama"], ["Drama"], ["Westren"], ["Westren"]],
        summary=["Short."] * 4 + ["  ", "Short.", "Short.", None, "Short."],
        year=[1999] * 6 + [99999, 1999, 1999],
        synopsis=[None] * 9,
    )
    report = run_table(tmp_path, columns, max_bad_share=0.7)
    assert report.tally.bad == {
        "duplicate_id": 1, "missing_id": 1, "malformed_id": 1, "no_text_and_no_genres": 1, "no_known_genre": 1,
    }  # fmt: skip
    assert (report.tally.unread, report.tally.unread_values) == ({"year": 1}, {"year": ["99999"]})
    assert report.tally.examples["malformed_id"] == ["row 4 ('x1')"]
    assert report.tally.examples["missing_id"] == ["row 3 (None)"]
    assert report.tally.unknown_genres == {"Westren": 2}
    years = {row["title_id"]: row["year"] for row in stored(tmp_path)}
    assert years == {"tt0000001": 1999, "tt0000006": 1999, "tt0000007": None, "tt0000009": 1999}


def test_first_usable_row_of_an_id_is_kept(tmp_path: Path) -> None:
    ids = ["tt0000001", "tt0000001", "tt0000001", "tt00000001"]
    run_table(tmp_path, titles(title_id=ids, year=[1998, 1999, 2000, 2001]))
    assert [(row["title_id"], row["year"]) for row in stored(tmp_path)] == [("tt0000001", 1998), ("tt00000001", 2001)]


def test_duplicates_are_seen_across_batches(tmp_path: Path) -> None:
    count = 20_000
    ids = [f"tt{number % 15_000:07d}" for number in range(count)]
    pq.write_table(pa.table(titles(count, title_id=ids)), tmp_path / "titles.parquet")
    report = run(tmp_path / "titles.parquet", part_titles=9_000)
    assert (report.stored, report.tally.bad) == (15_000, {"duplicate_id": 5_000})
    assert report.tally.examples["duplicate_id"][0] == "row 15001 ('tt0000000')"


def test_unknown_genres_are_taken_off_and_named_with_the_nearest(tmp_path: Path) -> None:
    genres = [["Drama", "Science Fiction"], ["sci-fi", "Comdey"], ["Comdey"], ["Comedy"]]
    report = run_table(tmp_path, titles(genres=genres))
    assert (report.tally.unknown_genres, report.tally.nearest_genres) == ({"Comdey": 2}, {"Comdey": "Comedy"})
    assert [row["genres"] for row in stored(tmp_path)] == [["Drama", "Sci-Fi"], ["Sci-Fi"], [], ["Comedy"]]


def test_too_many_bad_rows_import_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"2 of 4 rows are unusable \(2 malformed_id, such as row 3 \('a'\)"):
        run_table(tmp_path, titles(title_id=["tt0000001", "tt0000002", "a", "b"]), max_bad_share=0.2)
    assert list((tmp_path / "raw").iterdir()) == []


def test_no_usable_row_is_refused_whatever_the_share(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="no usable row among 4"):
        run_table(tmp_path, titles(title_id=["a", "b", "c", "d"]), max_bad_share=1.0)


def test_broken_csv_rows_are_named_and_do_not_shift_the_others(tmp_path: Path) -> None:
    content = (
        "title_id,year,summary\n"
        "tt0000001,1999,A lamp.\n"
        "tt0000002,1999,two,many\n"
        "tt0000003,never,Night.\n"
        'tt0000004,2001,"Two\nlines, "" quoted"\n'
    )
    report = run_text(tmp_path, content)
    assert report.rows == 4
    assert report.tally.examples == {"malformed_row": ["row 2 ('tt0000002')"]}
    assert report.tally.unread_values == {"year": ["'never'"]}
    assert [row["summary"] for row in stored(tmp_path)] == ["A lamp.", "Night.", 'Two\nlines, " quoted']


def test_quote_that_is_not_closed_counts_all_that_it_swallowed(tmp_path: Path) -> None:
    rows = [f"tt000000{n},1999,A lamp {n}.\n" for n in range(1, 10)]
    rows[3] = 'tt0000004,"1999,A lamp 4.\n'
    with pytest.raises(ImportFileError, match=r"6 of 9 rows .* row 4 .'tt0000004', 6 lines: a quote not closed\?"):
        run_text(tmp_path, "title_id,year,summary\n" + "".join(rows), max_bad_share=0.2)


def test_blank_lines_of_json_are_none(tmp_path: Path) -> None:
    lines = ['{"title_id": "tt0000001", "summary": "A lamp."}', "", "  ", ""]
    report = run_text(tmp_path, "\n".join(lines) + "\n", "titles.jsonl")
    assert (report.rows, report.stored, report.tally.bad) == (1, 1, {})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_every_make_are_read(tmp_path: Path, delimiter: str, end: str) -> None:
    rows = ["title_id|year|genres|summary", 'tt0000001|12.5.1999|Drama/Comedy|"A lamp, again; and again"',
            "tt0000002|2001–2003||Night."]  # fmt: skip
    content = end.join(row.replace("|", delimiter) for row in rows) + end
    report = run_text(tmp_path, content, "titles.csv")
    assert (report.rows, report.tally.bad) == (2, {})
    told = [(row["title_id"], row["year"], row["summary"]) for row in stored(tmp_path)]
    assert told == [("tt0000001", 1999, "A lamp, again; and again"), ("tt0000002", 2001, "Night.")]


def test_rows_that_are_no_utf8_are_named(tmp_path: Path) -> None:
    content = b"title_id,summary\ntt0000001,A lamp.\ntt0000002,caf\xe9\ntt0000003,caf\xc3\xa9\n"
    report = run_text(tmp_path, content)
    assert report.tally.examples == {"not_utf8": ["row 2 ('tt0000002')"]}
    assert [row["summary"] for row in stored(tmp_path)] == ["A lamp.", "café"]


def test_broken_json_lines_are_named(tmp_path: Path) -> None:
    content = (
        '{"title_id": "tt0000001", "year": "2001-08-24", "summary": "2001-08-24", "genres": "Drama|Comedy"}\n'
        '{"title_id": "tt0000002", \n'
        '{"title_id": "tt0000003", "year": 1999, "summary": "half \\ud800 pair and \\u0000 nul", "genres": null}\n'
    )
    report = run_text(tmp_path, content, "titles.jsonl")
    assert report.tally.bad == {"malformed_row": 1}
    assert report.tally.examples["malformed_row"][0].startswith("row 2 (")
    rows = [(row["title_id"], row["year"], row["summary"], row["genres"]) for row in stored(tmp_path)]
    assert rows == [
        ("tt0000001", 2001, "2001-08-24", ["Drama", "Comedy"]),
        ("tt0000003", 1999, "half  pair and  nul", []),
    ]


def test_nul_and_white_space_go(tmp_path: Path) -> None:
    run_text(tmp_path, "title_id,title,summary\ntt0000001,\u00a0The\0 Lamp\u3000,\t A lamp.\u2009\n")
    row = stored(tmp_path)[0]
    assert (row["title"], row["summary"]) == ("The Lamp", "A lamp.")


def test_figures_that_are_none_are_left_out_and_counted(tmp_path: Path) -> None:
    content = "title_id,summary,budget,rating,run_time\ntt0000001,A lamp.,unknown,11,N/A\ntt0000002,Night.,,8.5,90\n"
    report = run_text(tmp_path, content)
    assert (report.tally.unread, report.tally.bad) == ({"budget": 1, "rating": 1}, {})
    assert [(row["budget"], row["rating"], row["run_time"]) for row in stored(tmp_path)] == [
        (None, None, None),
        (None, 8.5, 90),
    ]


def test_text_column_that_holds_no_text_is_a_wrong_type(tmp_path: Path) -> None:
    report = run_table(tmp_path, titles(title=[1, None, None, None]))
    assert report.tally.bad == {"wrong_type": 1}


@pytest.mark.parametrize("content", ["", "title_id,summary\n"])
def test_file_without_rows_is_named(tmp_path: Path, content: str) -> None:
    with pytest.raises(ImportFileError, match=r"titles.csv: no rows; expected at least one title"):
        run_text(tmp_path, content)


def test_truncated_parquet_is_named(tmp_path: Path) -> None:
    run_table(tmp_path, titles())
    path = tmp_path / "half.parquet"
    path.write_bytes((tmp_path / "my titles.parquet").read_bytes()[:-40])
    with pytest.raises(ImportFileError, match=r"half.parquet: not a Parquet file"):
        run(path)


KILLED = """
import os, signal, sys
from pathlib import Path
from scraper.importers import files
from tasks import store
path = Path(sys.argv[1])
def kill(done, total):
    os.kill(os.getpid(), signal.SIGKILL)
with store.lock_home(path.parent, 0):
    files.import_file(path, path.parent / "raw", genres=("Drama",), max_bad_share=0.5, part_titles=3, on_progress=kill)
"""


def test_killed_import_leaves_a_draft_that_the_lock_sweeps(tmp_path: Path) -> None:
    pq.write_table(pa.table(titles()), tmp_path / "titles.parquet")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "titles.parquet")], check=False, timeout=60)
    assert done.returncode == -9
    assert [path.name.startswith(store.RUNNING_PREFIX) for path in (tmp_path / "raw").iterdir()] == [True]
    assert stored(tmp_path) == []
    with store.lock_home(tmp_path, 0):
        assert list((tmp_path / "raw").iterdir()) == []
        assert run(tmp_path / "titles.parquet").stored == 4
    assert len(stored(tmp_path)) == 4


# The peak that getrusage tells is the parent's, where that is higher.
PEAK = """
import re, sys
from pathlib import Path
from scraper.importers.files import import_file
path = Path(sys.argv[1])
report = import_file(path, path.parent / "raw", genres=("Drama", "War"), max_bad_share=0.0, part_titles=20_000)
print(report.stored, re.search("VmHWM:[^0-9]+([0-9]+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    rows, path = 200_000, tmp_path / "titles.csv"
    text = "A lamp goes out and somebody looks for it. " * 45
    with path.open("w") as stream:
        stream.write("title_id,year,genres,summary\n")
        stream.writelines(f'tt{number:07d},1999,Drama|War,"{number} {text}"\n' for number in range(rows))
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    stored_rows, peak_kb = map(int, done.stdout.split())
    assert stored_rows == rows
    assert peak_kb * 1024 < 1.5 * path.stat().st_size


@pytest.mark.skipif("GENREFLOW_TITLES" not in os.environ, reason="GENREFLOW_TITLES names no titles file")
def test_real_titles_file_is_imported_whole(tmp_path: Path) -> None:
    from conf.schema import load

    path = Path(os.environ["GENREFLOW_TITLES"])
    report = import_file(
        path, tmp_path / "raw", genres=load("base").prepare.genres, max_bad_share=0.2, part_titles=5000
    )
    assert report.stored == report.rows == pq.read_metadata(path).num_rows
