"""The prepare flow as raw/ grows: what is cleaned again, what not, and what a damaged part or a lost process says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import edges_of, states_of
from prefect import flow
from prefect.logging import disable_run_logger
from prefect.runtime import flow_run

from conf.schema import load
from scraper.items import GENERATED, Title
from scraper.site.generator import generate_titles
from scraper.writer import PartWriter
from tasks.blocks import plan_blocks
from tasks.cleaning import Cleaners, CleaningError, clean_block
from tasks.corpus import StoredCorpus, prepare_corpus
from tasks.store import StoreError

PART = 100
NAME = "imdb-night"


def crawl(home: Path, parts: int, finished: bool = False) -> None:
    """Let a crawl go on until it has stored so many parts of generated titles."""
    writer = PartWriter(home / "raw" / NAME, step="collect", fingerprint="f", part_titles=PART, asked=10 * PART)
    stored = len(list((home / "raw" / NAME).glob("part-*")))
    for row in generate_titles(parts * PART, random_seed=5).slice(stored * PART).to_pylist():
        writer.add(Title(**{**row, "genres": tuple(row["genres"])}, source=GENERATED))
    writer.flush()
    if finished:
        writer.finish()


def run(home: Path, *overrides: str) -> tuple[dict[str, StoredCorpus], str]:
    """Run the prepare flow inside another; returns the corpora and the other's id."""
    from flows.prepare import prepare

    @flow
    def parent() -> tuple[dict[str, StoredCorpus], str]:
        return prepare("quick", list(overrides), str(home)), str(flow_run.id)

    return parent()


def table(corpora: dict[str, StoredCorpus]) -> bytes:
    return (corpora["summary"].folder / "titles.parquet").read_bytes()


def test_one_new_part_is_cleaned_alone(tmp_path: Path, prefect_server: None) -> None:
    crawl(tmp_path / "growing", 3)
    _, first_run = run(tmp_path / "growing")
    states = states_of(first_run)
    first = {f"clean {corpus} {NAME}/part-00000.parquet to part-00002.parquet" for corpus in ("summary", "synopsis")}
    assert {name for name in states if name.startswith("clean")} == first

    crawl(tmp_path / "growing", 4, finished=True)
    grown, second_run = run(tmp_path / "growing")
    states = states_of(second_run)
    done = {name for name, state in states.items() if name.startswith("clean") and state != "Cached"}
    assert done == {f"clean {corpus} {NAME}/part-00003.parquet" for corpus in ("summary", "synopsis")}
    assert {states[name] for name in first} == {"Cached"}

    crawl(tmp_path / "whole", 4, finished=True)
    whole, _ = run(tmp_path / "whole")
    assert grown["summary"].records == 4 * PART
    assert table(grown) == table(whole)


def test_the_graph_shows_what_each_corpus_is_made_of(tmp_path: Path, prefect_server: None) -> None:
    crawl(tmp_path, 3)
    _, run_id = run(tmp_path, "run.block_titles=200")
    edges = edges_of(run_id)
    for corpus in ("summary", "synopsis"):
        blocks = {
            f"clean {corpus} {NAME}/{parts}"
            for parts in ("part-00000.parquet to part-00001.parquet", "part-00002.parquet")
        }
        assert edges[f"prepare {corpus}"] == blocks
        assert not any(edges[block] for block in blocks)


def test_another_filter_cleans_nothing(tmp_path: Path, prefect_server: None) -> None:
    crawl(tmp_path, 3)
    run(tmp_path)
    corpora, second_run = run(tmp_path, "prepare.summary.min_chars=100")
    states = states_of(second_run)
    assert {state for name, state in states.items() if name.startswith("clean summary")} == {"Cached"}
    assert states["prepare summary"] == "Completed"
    assert corpora["summary"].drops["too_short"] > 0


def test_neighbouring_parts_make_a_block_until_it_has_the_titles_asked_for(tmp_path: Path) -> None:
    crawl(tmp_path, 5)
    settings = load("quick").prepare
    planned = plan_blocks(tmp_path, "summary", settings, 2 * PART)
    assert [(len(block.parts), block.titles) for block in planned] == [(2, 200), (2, 200), (1, 100)]
    assert planned[0].name == f"{NAME}/part-00000.parquet to part-00001.parquet"


def test_parts_of_two_folders_share_no_block(tmp_path: Path) -> None:
    crawl(tmp_path, 1)
    (tmp_path / "raw" / NAME).rename(tmp_path / "raw" / "another")
    crawl(tmp_path, 1)
    assert len(plan_blocks(tmp_path, "summary", load("quick").prepare, 10 * PART)) == 2


def test_a_damaged_part_is_named_and_nothing_is_stored(tmp_path: Path) -> None:
    crawl(tmp_path, 1)
    settings = load("quick").prepare
    (block,) = plan_blocks(tmp_path, "summary", settings, PART)
    part = tmp_path / "raw" / NAME / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-10])
    with disable_run_logger(), pytest.raises(StoreError, match=f"{part}: missing, or not what its manifest says"):
        clean_block.fn(tmp_path, block, settings, None)
    assert list((tmp_path / "cleaned").iterdir()) == []


def test_a_damaged_block_is_cleaned_again(tmp_path: Path) -> None:
    crawl(tmp_path, 1)
    settings = load("quick").prepare
    (block,) = plan_blocks(tmp_path, "summary", settings, PART)
    with disable_run_logger():
        clean_block.fn(tmp_path, block, settings, None)
        records = block.folder / "records.parquet"
        whole = records.read_bytes()
        records.write_bytes(whole[:-10])
        (again,) = plan_blocks(tmp_path, "summary", settings, PART)
        clean_block.fn(tmp_path, again, settings, None)
    assert records.read_bytes() == whole


@pytest.fixture
def cleaners() -> Iterator[Cleaners]:
    with contextlib.closing(Cleaners(2)) as started:
        yield started


def test_a_cleaner_names_a_damaged_part_and_goes_on(tmp_path: Path, cleaners: Cleaners) -> None:
    crawl(tmp_path, 2)
    settings = load("quick").prepare
    first, second = plan_blocks(tmp_path, "summary", settings, PART)
    part = tmp_path / "raw" / NAME / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-10])
    with disable_run_logger():
        with pytest.raises(StoreError, match=f"{part}: missing, or not what its manifest says"):
            clean_block.fn(tmp_path, first, settings, cleaners)
        assert clean_block.fn(tmp_path, second, settings, cleaners).records == PART


def test_a_killed_cleaner_is_told_with_what_to_do(tmp_path: Path, cleaners: Cleaners) -> None:
    crawl(tmp_path, 1)
    settings = load("quick").prepare
    (block,) = plan_blocks(tmp_path, "summary", settings, PART)
    for process in cleaners.processes:
        process.kill()
        process.wait()
    expected = rf"{NAME}/part-00000.parquet: .* exit code -9, .* run\.processes=1 needs less"
    with pytest.raises(CleaningError, match=expected):
        clean_block.fn(tmp_path, block, settings, cleaners)
    assert list((tmp_path / "cleaned").iterdir()) == []
    with disable_run_logger():
        for _ in range(3):
            # The lost ones are replaced, each when it is found out.
            with contextlib.suppress(CleaningError):
                stored = clean_block.fn(tmp_path, block, settings, cleaners)
                break
    assert stored.records == PART


def test_parts_that_came_while_others_were_cleaned_are_not_left_out_in_silence(tmp_path: Path) -> None:
    crawl(tmp_path, 1)
    settings = load("quick").prepare
    (block,) = plan_blocks(tmp_path, "summary", settings, PART)
    with disable_run_logger():
        cleaned = clean_block.fn(tmp_path, block, settings, None)
        crawl(tmp_path, 2)
        with pytest.raises(StoreError, match="parts came or went while the others were cleaned"):
            prepare_corpus.fn(tmp_path, "summary", settings, [cleaned])


def test_hidden_raw_folders_are_no_parts(tmp_path: Path) -> None:
    crawl(tmp_path, 1)
    (tmp_path / "raw" / NAME).rename(tmp_path / "raw" / f".{NAME}")
    assert plan_blocks(tmp_path, "summary", load("quick").prepare, PART) == []


def test_cleaners_read_their_own_code_whatever_the_path_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a model does that MLflow has loaded: it brings the code that it was made with.
    (tmp_path / "older" / "tasks").mkdir(parents=True)
    (tmp_path / "older" / "tasks" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "older")
    crawl(tmp_path, 1)
    settings = load("quick").prepare
    (block,) = plan_blocks(tmp_path, "summary", settings, PART)
    with contextlib.closing(Cleaners(1)) as started, disable_run_logger():
        assert clean_block.fn(tmp_path, block, settings, started).records == PART
