"""Each shipped mapping on a small file of the shape as published: whole records, written out by hand."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.mapping import load_mapping
from conf.schema import load
from scraper.importers.files import import_file
from scraper.importers.tally import ImportReport
from scraper.items import RAW_SCHEMA
from scraper.raw import read_raw

GENRES = load("base").prepare.genres
NOTHING: dict[str, Any] = {
    field.name: [] if pa.types.is_list(field.type) else None for field in RAW_SCHEMA if field.name != "retrieved_at"
}


def run(path: Path, home: Path, **changes: Any) -> ImportReport:
    plan: dict[str, Any] = {"genres": GENRES, "max_bad_share": 0.5, "part_titles": 100, **changes}
    return import_file(path, home / "raw", **plan)


def stored(home: Path) -> list[dict[str, Any]]:
    """Return the records without the time of the import, which must be now."""
    rows = [row for table in read_raw(home / "raw") for row in table.to_pylist()]
    for row in rows:
        assert abs((datetime.now(UTC) - row.pop("retrieved_at")).total_seconds()) < 60
    return rows


def write_csv(path: Path, rows: list[list[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return path


def test_titles_file(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "my titles.csv",
        [
            ["title_id", "title", "year", "genres", "summary", "synopsis", "terms"],
            ["tt0000001", " The Lamp ", "1999", '["Drama", "science fiction"]', "A lamp goes out.", "", "CC0"],
            ["tt0000002", "Night", "", "Comedy|War", "\\N", 'It is dark.\n\nThen, "light".', ""],
        ],
    )
    report = run(file, tmp_path)
    assert (report.source, report.terms, report.rows, report.stored) == ("file:my titles", None, 2, 2)
    common = {**NOTHING, "source": "file:my titles", "source_url": "my titles.csv"}
    assert stored(tmp_path) == [
        {
            **common, "title_id": "tt0000001", "title": "The Lamp", "year": 1999, "genres": ["Drama", "Sci-Fi"],
            "summary": "A lamp goes out.", "terms": "CC0",
        },
        {
            **common, "title_id": "tt0000002", "title": "Night", "genres": ["Comedy", "War"],
            "synopsis": 'It is dark.\n\nThen, "light".',
        },
    ]  # fmt: skip


def test_kaggle_imdb(tmp_path: Path) -> None:
    header = ["", "title", "year", "mpaa", "run_time", "rating", "ratings_count", "budget", "world_gross", "genre",
              "director", "writer", "actor", "keywords", "summary", "synopsis"]  # fmt: skip
    file = write_csv(
        tmp_path / "imdb_data_update.csv",
        [
            header,
            ["0", "The Lamp", "1999.0", "R", "136 min", "8.7", "1,234", "$63,000,000", "INR 120,000",
             "['Drama', 'Sci-Fi']", "['A. One']", "['B. Two', \"C. O'Three\"]", "[]", "['lamp', 'night']",
             "Add a Plot »", "All goes dark in the end."],
            ["1", "Night", "(2001)", "", "90", "", "", "63000000", "", "['Comedy']", "", "", "", "",
             "Somebody laughs... See full summary »",
             "It looks like we don't have a Synopsis for this title yet. Be the first to contribute!"],
        ],
    )  # fmt: skip
    report = run(file, tmp_path)
    assert (report.source, report.rows, report.stored) == ("kaggle-imdb", 2, 2)
    terms = load_mapping("kaggle-imdb").terms
    common = {**NOTHING, "source": "kaggle-imdb", "source_url": "imdb_data_update.csv", "terms": terms}
    assert stored(tmp_path) == [
        {
            **common, "title_id": "tt9048085811", "title": "The Lamp", "year": 1999, "mpaa": "R", "run_time": 136,
            "rating": 8.7, "ratings_count": 1234, "budget": 63000000, "budget_currency": "USD", "world_gross": 120000,
            "world_gross_currency": "INR", "genres": ["Drama", "Sci-Fi"], "directors": ["A. One"],
            "writers": ["B. Two", "C. O'Three"], "keywords": ["lamp", "night"],
            "synopsis": "All goes dark in the end.",
        },
        {
            **common, "title_id": "tt9508270132", "title": "Night", "year": 2001, "run_time": 90, "budget": 63000000,
            "genres": ["Comedy"], "summary": "Somebody laughs... See full summary »",
        },
    ]  # fmt: skip


def test_kaggle_imdb_with_ids(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "with-ids.csv",
        [
            ["imdb_id", "title", "year", "genre", "director", "summary", "synopsis"],
            ["tt0000007", "The Lamp", "1999", "['Drama']", "", "A lamp goes out.", ""],
        ],
    )
    assert run(file, tmp_path).source == "kaggle-imdb"
    assert [row["title_id"] for row in stored(tmp_path)] == ["tt0000007"]


@pytest.mark.parametrize("name", ["", "plot_summaries.txt"])
def test_cmu(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "MovieSummaries"
    folder.mkdir()
    (folder / "plot_summaries.txt").write_text(
        '23890098\tShlykov, a "hard" driver, meets a man.\n330\tA plot without metadata.\n',
        encoding="utf-8",
    )
    (folder / "movie.metadata.tsv").write_text(
        '23890098\t/m/076w2lb\tThe Lamp\t2001-08-24\t14010832\t98.0\t{"/m/02h40lc": "English Language", '
        '"/m/06b_j": "Russian Language"}\t{"/m/09c7w0": "United States of America"}\t{"/m/07s9rl0": "Drama", '
        '"/m/03q4nz": "World cinema", "/m/06n90": "Science Fiction"}\n'
        "1\t/m/1\tNobody asks\t2001\t\t\t{}\t{}\t{}\n",
        encoding="utf-8",
    )
    report = run(folder / name, tmp_path)
    assert (report.source, report.rows, report.stored) == ("cmu", 2, 2)
    common = {
        **NOTHING, "source": "cmu", "source_url": "plot_summaries.txt", "terms": load_mapping("cmu").terms,
        "synopsis_source": "plot section",
    }  # fmt: skip
    assert stored(tmp_path) == [
        {
            **common, "title_id": "tt9023890098", "title": "The Lamp", "year": 2001, "run_time": 98,
            "world_gross": 14010832, "languages": ["English", "Russian"], "countries": ["United States of America"],
            "genres": ["Drama", "Sci-Fi"], "synopsis": 'Shlykov, a "hard" driver, meets a man.',
        },
        {**common, "title_id": "tt9000000330", "synopsis": "A plot without metadata."},
    ]  # fmt: skip


@pytest.mark.parametrize("inner", ["", "dataset"])
def test_mm_imdb(tmp_path: Path, inner: str) -> None:
    folder = tmp_path / "mmimdb"
    (folder / inner).mkdir(parents=True)
    (folder / inner / "0012345.json").write_text(
        json.dumps(
            {
                "title": "The Lamp", "year": 1999, "genres": ["Drama", "Sci-Fi"], "plot outline": "A lamp goes out.",
                "plot": ["A lamp goes out.", "It is dark.::A. Writer", "Then light.::B <b@example.org>"],
                "synopsis": ["All goes dark."], "rating": 7.5, "votes": 120, "runtimes": ["136"], "mpaa": "Rated R",
                "director": [{"name": "One, A."}], "writer": ["Two, B."], "cast": [{"name": "Three, C."}],
                "languages": ["English"], "countries": ["UK"], "kind": "movie", "cover": {"url": "x"},
            }
        )
    )  # fmt: skip
    (folder / inner / "345.json").write_text(json.dumps({"title": "Night \ud800", "plot": ["It is dark.::A"]}))
    (folder / inner / "0012345.jpeg").write_bytes(b"\xff\xd8")
    report = run(folder, tmp_path)
    assert (report.source, report.rows, report.stored) == ("mm-imdb", 2, 2)
    common = {**NOTHING, "source": "mm-imdb", "terms": load_mapping("mm-imdb").terms}
    assert stored(tmp_path) == [
        {
            **common, "title_id": "tt0012345", "title": "The Lamp", "year": 1999, "genres": ["Drama", "Sci-Fi"],
            "summary": "A lamp goes out.", "summary_source": "outline", "synopsis": "All goes dark.",
            "synopsis_source": "synopsis", "rating": 7.5, "ratings_count": 120, "run_time": 136, "mpaa": "Rated R",
            "directors": ["One, A."], "writers": ["Two, B."], "actors": ["Three, C."], "languages": ["English"],
            "countries": ["UK"], "title_type": "movie", "source_url": "0012345.json",
            "summaries": [
                {"text": "It is dark.", "author": "A. Writer"}, {"text": "Then light.", "author": "B <b@example.org>"},
            ],
        },
        {
            **common, "title_id": "tt0000345", "title": "Night", "summary": "It is dark.", "summary_source": "summary",
            "source_url": "345.json", "summaries": [{"text": "It is dark.", "author": "A"}],
        },
    ]  # fmt: skip


def test_mpst(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "mpst_full_data.csv",
        [
            ["imdb_id", "title", "plot_synopsis", "tags", "split", "synopsis_source"],
            ["tt0057603", "The Lamp", "It is dark.\nThen light.", "murder, romantic", "train", "imdb"],
            ["tt1733125", "Night", "Nobody sleeps.", "violence", "test", "wikipedia"],
        ],
    )
    assert run(file, tmp_path).source == "mpst"
    mapping = load_mapping("mpst")
    assert mapping.terms_by is not None
    common = {**NOTHING, "source": "mpst", "source_url": "mpst_full_data.csv"}
    assert stored(tmp_path) == [
        {
            **common, "title_id": "tt0057603", "title": "The Lamp", "synopsis": "It is dark.\nThen light.",
            "keywords": ["murder", "romantic"], "synopsis_source": "imdb", "terms": mapping.terms_by.values["imdb"],
        },
        {
            **common, "title_id": "tt1733125", "title": "Night", "synopsis": "Nobody sleeps.",
            "keywords": ["violence"], "synopsis_source": "wikipedia", "terms": mapping.terms_by.values["wikipedia"],
        },
    ]  # fmt: skip


@pytest.mark.parametrize("ending", ["tsv", "jsonl", "parquet"])
def test_titles_in_every_format(tmp_path: Path, ending: str) -> None:
    rows: list[dict[str, Any]] = [
        {"title_id": "tt0000001", "year": 1999, "genres": ["Drama", None], "summary": " A lamp. "},
        {"title_id": "tt0000002", "year": None, "genres": [], "summary": "Night, again."},
    ]
    path = tmp_path / f"titles.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif ending == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text(
            "title_id\tyear\tgenres\tsummary\ntt0000001\t1999\tDrama\t A lamp. \ntt0000002\t\t\tNight, again.\n"
        )
    run(path, tmp_path)
    common = {**NOTHING, "source": "file:titles", "source_url": path.name}
    assert stored(tmp_path) == [
        {**common, "title_id": "tt0000001", "year": 1999, "genres": ["Drama"], "summary": "A lamp."},
        {**common, "title_id": "tt0000002", "summary": "Night, again."},
    ]


def test_source_and_time_of_a_row_are_its_own(tmp_path: Path) -> None:
    table = pa.table(
        {
            "title_id": ["tt0000001", "tt0000002"],
            "summary": ["A.", "B."],
            "source": ["mine", None],
            "retrieved_at": ["2020-08-01T12:00:00+02:00", "2020-08-02"],
        }
    )
    pq.write_table(table, tmp_path / "titles.parquet")
    run(tmp_path / "titles.parquet", tmp_path)
    rows = [row for part in read_raw(tmp_path / "raw") for row in part.to_pylist()]
    assert [row["source"] for row in rows] == ["mine", "file:titles"]
    times = [datetime(2020, 8, 1, 10, tzinfo=UTC), datetime(2020, 8, 2, tzinfo=UTC)]
    assert [row["retrieved_at"] for row in rows] == times
