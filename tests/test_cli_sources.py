"""The command line with several sources: ids from title.basics, its join, and one title out of overlapping sources."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Answer

from tasks.corpus import StoredCorpus, read_titles

Run = Callable[..., Answer]
HEADER = "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"
SUMMARY = "A clerk finds a map in the archive and leaves the town before the soldiers come for him."
SYNOPSIS = " ".join(f"In chapter {number} the clerk walks on and meets a stranger." for number in range(20))
# Both this title and tt0000002 are in the train split.
BOTH = "tt0000004"


@pytest.fixture
def basics(tmp_path: Path) -> Path:
    rows = [
        f"{BOTH}\tmovie\tThe Map\tDie Karte\t0\t1999\t\\N\t95\tDrama,War,History\n",
        "tt0000002\tmovie\tOther\tOther\t0\t1980\t\\N\t95\tComedy\n",
        "tt0000003\ttvSeries\tSeries\tSeries\t0\t2001\t\\N\t95\tComedy\n",
    ]
    path = tmp_path / "title.basics.tsv"
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path, genreflow: Run) -> Path:
    """Return a home that holds one title twice: its summary from a CSV, its synopsis from JSON lines."""
    first, second = tmp_path / "summaries.csv", tmp_path / "synopses.jsonl"
    first.write_text(
        f'title_id,title,year,genres,summary,terms\n{BOTH},The Map,1999,"Drama|Romance","{SUMMARY}",CC0\n'
        f'tt0000002,Other,,Comedy,"{SUMMARY} Again.",CC0\n',
        encoding="utf-8",
    )
    row = {"title_id": BOTH, "genres": ["Adventure", "Drama"], "synopsis": SYNOPSIS, "terms": "CC BY-SA 4.0"}
    second.write_text(json.dumps(row) + "\n", encoding="utf-8")
    for file in (first, second):
        assert genreflow("import", file, "--home", tmp_path / "home").code == 0
    return tmp_path / "home"


def shown(genreflow: Run, home: Path, title_id: str = BOTH) -> dict[str, Any]:
    answer = genreflow("show", title_id, "--home", home, "--json")
    assert answer.code == 0, answer.err
    told: dict[str, Any] = json.loads(answer.out)
    return told


def prepared(genreflow: Run, home: Path) -> dict[str, StoredCorpus]:
    least = "--set", "prepare.min_genre_titles=1"
    answer = genreflow("prepare", "--home", home, *least, "--json")
    assert answer.code == 0, answer.err
    corpora = json.loads(answer.out)
    return {name: StoredCorpus.model_validate(corpus) for name, corpus in corpora.items()}


def test_ids_selected_go_to_standard_output(genreflow: Run, basics: Path) -> None:
    answer = genreflow("titles", basics)
    assert (answer.code, answer.out) == (0, f"{BOTH}\n")
    assert "1 of 3 titles taken (collect.select)" in answer.err


def test_ids_selected_go_to_a_file(genreflow: Run, basics: Path, tmp_path: Path) -> None:
    setting = "collect.select.first_year=1970"
    answer = genreflow("titles", basics, "--output", tmp_path / "ids.txt", "--set", setting)
    assert answer.code == 0
    assert (tmp_path / "ids.txt").read_text() == f"{BOTH}\ntt0000002\n"
    assert "2 of 3 titles taken" in answer.out


def test_join_without_titles_says_what_to_do_first(genreflow: Run, basics: Path, tmp_path: Path) -> None:
    answer = genreflow("titles", basics, "--join", "--home", tmp_path / "home")
    assert answer.code == 1
    assert "holds no titles to join with; import or collect some first" in answer.err


def test_join_completes_and_drops_no_genre(genreflow: Run, home: Path, basics: Path) -> None:
    answer = genreflow("titles", basics, "--join", "--home", home)
    assert (answer.code, "2 of 2 titles held are among its 3, 2 of them into raw/basics-" in answer.out) == (0, True)
    assert "1 have three genres, where the file stops" in answer.out
    told = shown(genreflow, home)
    assert set(told["genres"]) == {"Drama", "Romance", "Adventure", "War", "History"}
    assert told["title_type"] == "movie"
    assert shown(genreflow, home, "tt0000002")["year"] == 1980
    assert "none of them new" in genreflow("titles", basics, "--join", "--home", home).out


def test_title_of_two_sources_has_both_texts_joined_genres_and_both_sources(genreflow: Run, home: Path) -> None:
    told = shown(genreflow, home)
    assert (told["summary"]["text"], told["summary"]["source"], told["summary"]["terms"]) == (
        SUMMARY,
        "file:summaries",
        "CC0",
    )
    assert (told["synopsis"]["text"], told["synopsis"]["source"], told["synopsis"]["terms"]) == (
        SYNOPSIS,
        "file:synopses",
        "CC BY-SA 4.0",
    )
    assert set(told["genres"]) == {"Drama", "Romance", "Adventure"}
    assert set(told["genre_sources"]) == {"file:summaries", "file:synopses"}
    assert {record["source"] for record in told["records"]} == {"file:summaries", "file:synopses"}


def test_corpora_carry_the_joined_title_and_all_sources(genreflow: Run, home: Path, prefect_server: None) -> None:
    corpora = prepared(genreflow, home)
    summary, synopsis = (read_titles(corpora[name]).set_index("title_id") for name in ("summary", "synopsis"))
    assert (summary.loc[BOTH, "source"], synopsis.loc[BOTH, "source"]) == ("file:summaries", "file:synopses")
    assert set(summary.loc[BOTH, "genres"]) == set(synopsis.loc[BOTH, "genres"])
    assert set(summary.loc[BOTH, "genre_sources"]) == {"file:summaries", "file:synopses"}
    assert corpora["summary"].sources == {"file:summaries": 2}
    assert corpora["summary"].genre_sources == {"file:summaries": 2, "file:synopses": 1}
    assert corpora["summary"].terms == ["CC BY-SA 4.0", "CC0"]
    assert corpora["summary"].retrieved is not None
    assert corpora["summary"].drops["joined"] == 1


def test_title_that_nobody_has_is_named(genreflow: Run, home: Path) -> None:
    answer = genreflow("show", "tt0000009", "--home", home)
    assert (answer.code, "no record of tt0000009 in" in answer.err) == (1, True)


def test_title_is_shown_for_people(genreflow: Run, home: Path) -> None:
    told = genreflow("show", BOTH, "--home", home).out
    assert told.startswith(f"{BOTH}: The Map, 1999\n")
    assert "terms: CC BY-SA 4.0" in told and SUMMARY in told


def test_what_is_no_title_id_is_told(genreflow: Run, home: Path) -> None:
    answer = genreflow("show", "133093", "--home", home)
    assert (answer.code, "'133093' is no title id; expected tt and seven digits" in answer.err) == (1, True)


def test_selection_that_takes_nothing_is_an_error(genreflow: Run, basics: Path, tmp_path: Path) -> None:
    answer = genreflow("titles", basics, "--output", tmp_path / "ids.txt", "--set", "collect.select.first_year=2050")
    assert (answer.code, (tmp_path / "ids.txt").exists()) == (1, False)
    assert "no title id in it passes: movie, startYear 2050 or later, 80 minutes or longer" in answer.err


def test_json_of_a_title_has_null_for_what_a_record_does_not_tell(genreflow: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(f"title_id,genres\n{BOTH},War\n")
    assert genreflow("import", tmp_path / "more.csv", "--home", home).code == 0
    terms = {record["source"]: record["terms"] for record in shown(genreflow, home)["records"]}
    assert terms == {"file:summaries": "CC0", "file:synopses": "CC BY-SA 4.0", "file:more": None}


def test_missing_key_is_told_before_anything_starts(
    genreflow: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMDB_API_KEY", raising=False)
    (tmp_path / "ids.txt").write_text(BOTH)
    ids, contact = f"collect.ids={tmp_path / 'ids.txt'}", "collect.contact=me@example.org"
    answer = genreflow("collect", "--conf", "omdb", "--set", ids, "--set", contact, "--home", tmp_path / "home")
    assert answer.err.splitlines() == [
        "error: the environment variable OMDB_API_KEY is not set; a free one is had at omdbapi.com/apikey.aspx"
    ]
    assert not (tmp_path / "home").exists()
