"""IMDb's title.basics: streamed, counted against its lines, joined by id to the titles below raw/."""

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scraper.basics import Counted, IdsError, read_basics
from scraper.importers.title_basics import SOURCE, TERMS, join_basics
from scraper.items import Title
from scraper.raw import read_raw
from scraper.writer import PartWriter

HEADER = "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"
ROWS = 200_000


def row(number: int, genres: str = "Drama,War,Sport", kind: str = "movie", year: str = "1999") -> str:
    return f"tt{number:07d}\t{kind}\tFilm {number}\tDer Film {number}\t0\t{year}\t\\N\t90\t{genres}\n"


def basics(folder: Path, *rows: str) -> Path:
    path = folder / "title.basics.tsv"
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


def hold(raw: Path, *ids: int, name: str = "first") -> None:
    writer = PartWriter(raw / name, step="import", fingerprint=name, part_titles=10, asked=len(ids))
    for number in ids:
        writer.add(Title(title_id=f"tt{number:07d}", genres=("Comedy",), summary="A text.", source="mine"))
    writer.finish()


def joined_rows(raw: Path) -> list[dict[str, Any]]:
    return [row for table in read_raw(raw) for row in table.to_pylist() if row["source"] == SOURCE]


def test_join_stores_what_the_file_says_of_titles_that_are_held(tmp_path: Path) -> None:
    hold(tmp_path / "raw", 1, 2, 9)
    told = join_basics(basics(tmp_path, row(1), row(2, genres="\\N", year="\\N"), row(3)), tmp_path / "raw")
    assert (told.rows, told.held, told.found, told.stored, told.full_lists) == (3, 3, 2, 2, 1)
    first, second = joined_rows(tmp_path / "raw")
    assert (first["title_id"], first["title"], first["original_title"]) == ("tt0000001", "Film 1", "Der Film 1")
    assert (first["title_type"], first["year"], first["run_time"]) == ("movie", 1999, 90)
    assert (first["genres"], first["summary"], first["terms"]) == (["Drama", "War", "Sport"], None, TERMS)
    assert first["source_url"] == "title.basics.tsv" and first["retrieved_at"] is not None
    assert (second["genres"], second["year"]) == (None, None)


def test_titles_joined_before_are_not_stored_again(tmp_path: Path) -> None:
    raw, path = tmp_path / "raw", basics(tmp_path, row(1), row(2))
    hold(raw, 1)
    assert join_basics(path, raw).stored == 1
    assert (join_basics(path, raw).stored, join_basics(path, raw).found) == (0, 1)
    hold(raw, 2, name="second")
    assert (join_basics(path, raw).stored, len(joined_rows(raw))) == (1, 2)


def test_joined_titles_alone_are_no_titles_to_join_with(tmp_path: Path) -> None:
    with pytest.raises(IdsError, match="holds no titles to join with; import or collect some first"):
        join_basics(basics(tmp_path, row(1)), tmp_path / "raw")


def test_blank_line_is_a_row_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(IdsError, match="3 lines below the header, 2 rows read of them"):
        list(read_basics(basics(tmp_path, row(1), "\n", row(2)), ("genres",)))


def test_rows_are_counted_also_without_a_last_line_break(tmp_path: Path) -> None:
    counted = Counted()
    list(read_basics(basics(tmp_path, row(1), row(2).rstrip("\n")), ("genres",), counted))
    assert counted.rows == 2


def test_progress_reaches_the_end_of_the_packed_file(tmp_path: Path) -> None:
    path, told = tmp_path / "title.basics.tsv.gz", []
    path.write_bytes(gzip.compress((HEADER + row(1)).encode()))
    list(read_basics(path, ("genres",), on_progress=lambda done, total: told.append((done, total))))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IdsError, match=r"none.tsv.gz: not readable"):
        list(read_basics(tmp_path / "none.tsv.gz", ("genres",)))


def test_memory_stays_flat_over_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "title.basics.tsv.gz"
    path.write_bytes(gzip.compress((HEADER + "".join(row(n) for n in range(1, ROWS + 1))).encode(), 1))
    hold(tmp_path / "raw", *range(1, 1000))
    program = (
        "import resource, sys; from pathlib import Path; from scraper.importers.title_basics import join_basics\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "told = join_basics(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "print(told.rows, told.stored, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    command = [sys.executable, "-c", program, str(path), str(tmp_path / "raw")]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    rows, stored, megabytes = map(int, run.stdout.split())
    assert (rows, stored) == (ROWS, 999)
    # The file unpacked has 11 MB for every 200,000 rows; reading it whole would take several times that.
    assert megabytes < 150
