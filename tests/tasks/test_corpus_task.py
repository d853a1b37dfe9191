"""The prepare task: errors where nothing is there or left, counts of every drop, a finished result found again."""

from pathlib import Path
from typing import Any

import harness
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.schema import Settings
from scraper.importers.files import import_file
from scraper.items import GENERATED, Title
from scraper.site.generator import TITLES_SCHEMA, generate_titles
from scraper.writer import PartWriter
from tasks.corpus import StoredCorpus, drop_table, prepare_corpus, read_titles
from tasks.records import NoTitlesError

TEXT = "A retired detective hunts a killer who stages murders as film scenes"


def import_rows(home: Path, settings: Settings, rows: list[dict[str, Any]]) -> None:
    whole = [{"title": "Film", "year": 2001, "genres": ["Comedy", "Drama"], "synopsis": None, **row} for row in rows]
    pq.write_table(pa.Table.from_pylist(whole, TITLES_SCHEMA), home / "titles.parquet")
    import_file(
        home / "titles.parquet", home / "raw", genres=settings.prepare.genres, max_bad_share=0.5, part_titles=100
    )


def prepare(home: Path, settings: Settings, **changes: Any) -> StoredCorpus:
    return harness.prepare(home, "summary", settings.prepare.model_copy(update=changes))


def test_empty_raw_says_how_to_fill_it(home: Path, settings: Settings, outside_flow: None) -> None:
    expected = rf"no titles in {home}/raw: name what to collect \(--set collect.ids=ids.txt\) or import a file"
    with pytest.raises(NoTitlesError, match=expected):
        prepare(home, settings)
    assert not (home / "corpora").exists()


def test_corpus_without_a_title_says_what_was_dropped(home: Path, settings: Settings, outside_flow: None) -> None:
    import_rows(home, settings, [{"title_id": f"tt000000{i}", "summary": "Too short."} for i in range(3)])
    expected = r"no title is left for the summary corpus of 3 records \(dropped: too_short 3\)"
    with pytest.raises(NoTitlesError, match=expected):
        prepare(home, settings)
    assert list((home / "corpora").iterdir()) == []


@pytest.mark.parametrize(("least", "found"), [(50, "no title is left for"), (1, "Drama is the one genre left for")])
def test_too_few_genres_say_how_many_titles_they_take(
    home: Path, settings: Settings, outside_flow: None, least: int, found: str
) -> None:
    rows = [{**row, "genres": ["Drama"]} for row in generate_titles(30, random_seed=3).to_pylist()]
    import_rows(home, settings, rows)
    told = rf"^{found} the summary corpus of 30 records .*; prepare.corpora=\[synopsis\] goes on without this corpus$"
    with pytest.raises(NoTitlesError, match=told):
        prepare(home, settings, min_genre_titles=least, corpora=("summary", "synopsis"))


def test_every_drop_is_counted_under_its_reason(home: Path, settings: Settings, outside_flow: None) -> None:
    rows: list[dict[str, Any]] = [
        {"title_id": f"tt{i:07d}", "summary": f"{TEXT} number {chr(97 + i % 26) * 3} {i}."} for i in range(60)
    ]
    rows += [
        {"title_id": "tt1000001", "summary": None, "synopsis": TEXT},
        {"title_id": "tt1000002", "summary": "Add a Plot"},
        {"title_id": "tt1000003", "summary": "A film."},
        {"title_id": "tt1000004", "summary": "word " * 300},
        {"title_id": "tt1000005", "summary": "what is it that they have been and which of these were there"},
    ]
    import_rows(home, settings, rows)
    stored = prepare(home, settings)
    assert {reason: count for reason, count in stored.drops.items() if count} == {
        "no_text": 1,
        "placeholder": 1,
        "too_short": 1,
        "too_long": 1,
        "only_stop_words": 1,
    }
    assert (stored.records, stored.titles) == (65, 60)
    assert drop_table(stored)[0] == {"titles": "records read", "count": 65}


def test_finished_corpus_is_found_in_state_cached(
    imported: Path, settings: Settings, summaries: StoredCorpus, outside_flow: None
) -> None:
    found: Any = prepare_corpus.fn(imported, "summary", settings.prepare, [])
    assert (found.name, found.data.reused) == ("Cached", True)
    assert found.data.fingerprint == summaries.fingerprint


def test_changed_filter_makes_another_corpus(
    imported: Path, settings: Settings, summaries: StoredCorpus, outside_flow: None
) -> None:
    other = prepare(imported, settings, first_year=1990, filter="recent")
    assert other.folder != summaries.folder
    assert read_titles(other)["year"].min() >= 1990 > read_titles(summaries)["year"].min()
    assert other.drops["outside_years"] > 0


def test_generated_titles_beside_others_are_refused(home: Path, settings: Settings, outside_flow: None) -> None:
    import_rows(home, settings, [{"title_id": "tt0000001", "summary": f"{TEXT}."}])
    made_up = Title("tt0000002", title="Film", genres=("Drama",), summary=f"{TEXT}, twice.", source=GENERATED)
    writer = PartWriter(home / "raw" / "imdb-demo", step="collect", fingerprint="f", part_titles=10, asked=1)
    writer.add(made_up)
    writer.flush()
    writer.finish()
    told = r"generated titles beside others \(file:titles\); keep your own .* move out of .* what came here: import-"
    with pytest.raises(NoTitlesError, match=told):
        prepare(home, settings)
