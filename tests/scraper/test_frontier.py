from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scraper.frontier import Frontier, find_frontier
from scraper.items import Title
from scraper.writer import Drop, PartWriter
from tasks.store import read_manifest, write_manifest

SOURCE = "a" * 64
FIRST, SECOND = f"imdb-{SOURCE[:12]}-0001", f"imdb-{SOURCE[:12]}-0002"
NOW = datetime.now(UTC)


def ids(*numbers: int) -> list[str]:
    return [f"tt{number:07d}" for number in numbers]


def crawl(folder: Path, *numbers: int, age_days: float = 0, gone: int | None = None, finish: bool = True) -> None:
    writer = PartWriter(folder, step="collect", fingerprint=SOURCE, part_titles=1, asked=9)
    for title_id in ids(*numbers):
        writer.add(Title(title_id, source="imdb", retrieved_at=NOW - timedelta(days=age_days)))
    if gone is not None:
        writer.drop(Drop(ids(gone)[0], "not_found"))
    if finish:
        writer.finish()
    else:
        writer.flush()


def find(raw: Path, *numbers: int, refresh_days: float | None = None) -> Frontier:
    return find_frontier(raw, "imdb", SOURCE, ids(*numbers), refresh_days)


def test_nothing_is_held_at_first(tmp_path: Path) -> None:
    assert find(tmp_path, 1, 2) == Frontier(tmp_path / FIRST, ("tt0000001", "tt0000002"), 0, 0)


def test_titles_of_a_finished_crawl_are_held_and_new_ones_get_a_folder_of_their_own(tmp_path: Path) -> None:
    crawl(tmp_path / FIRST, 1, 2, gone=3)
    assert find(tmp_path, 1, 2, 3, 4) == Frontier(tmp_path / SECOND, ("tt0000004",), 2, 1)


def test_unfinished_crawl_is_gone_on_with(tmp_path: Path) -> None:
    crawl(tmp_path / FIRST, 1, finish=False)
    assert find(tmp_path, 1, 2) == Frontier(tmp_path / FIRST, ("tt0000002",), 1, 0, unfinished=True)


def test_crawl_that_was_killed_before_its_first_manifest_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / FIRST).mkdir()
    assert find(tmp_path, 1) == Frontier(tmp_path / FIRST, ("tt0000001",), 0, 0, unfinished=True)


def test_other_sources_hold_nothing(tmp_path: Path) -> None:
    crawl(tmp_path / "imdb-bbbbbbbbbbbb-0001", 1)
    assert find(tmp_path, 1).todo == ("tt0000001",)


def test_titles_older_than_the_refresh_are_asked_for_again(tmp_path: Path) -> None:
    crawl(tmp_path / FIRST, 1, age_days=10)
    crawl(tmp_path / SECOND, 2, age_days=1)
    assert find(tmp_path, 1, 2, 3, refresh_days=5).todo == ("tt0000001", "tt0000003")


def test_what_an_unfinished_crawl_refreshed_is_not_asked_for_again(tmp_path: Path) -> None:
    crawl(tmp_path / FIRST, 1, 2, age_days=1)
    crawl(tmp_path / SECOND, 1, finish=False)
    assert find(tmp_path, 1, 2, refresh_days=0) == Frontier(tmp_path / SECOND, ("tt0000002",), 1, 0, unfinished=True)


@pytest.mark.parametrize(("refresh_days", "todo"), [(None, ()), (5.0, ("tt0000001",))])
def test_missing_title_is_asked_for_again_when_its_drop_is_old(
    tmp_path: Path, refresh_days: float | None, todo: tuple[str, ...]
) -> None:
    crawl(tmp_path / FIRST, gone=1)
    manifest = read_manifest(tmp_path / FIRST)
    assert manifest is not None
    created = (NOW - timedelta(days=6)).isoformat(timespec="seconds")
    write_manifest(tmp_path / FIRST, manifest.model_copy(update={"created": created}))
    assert find(tmp_path, 1, refresh_days=refresh_days).todo == todo


@pytest.mark.parametrize("finish", [True, False])
def test_titles_of_a_damaged_part_are_asked_for_again_in_a_new_folder(tmp_path: Path, finish: bool) -> None:
    crawl(tmp_path / FIRST, 1, 2, finish=finish)
    part = tmp_path / FIRST / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    assert find(tmp_path, 1, 2) == Frontier(tmp_path / SECOND, ("tt0000002",), 1, 0, damaged=(part,))


def test_repeated_ids_count_once(tmp_path: Path) -> None:
    crawl(tmp_path / FIRST, 1)
    assert find(tmp_path, 1, 1, 2, 2) == Frontier(tmp_path / SECOND, ("tt0000002",), 1, 0)
