"""The collect flow: what is held is not asked for, what is new or old is, and Prefect's page tells how it went."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from prefect.client.schemas.objects import Artifact

from flows.collect import collect
from scraper.launch import CrawlError
from scraper.raw import read_raw, stored_ids
from scraper.site.apis.tmdb import TOKEN
from scraper.site.generator import generate_titles
from scraper.site.server import Faults, running_site
from tasks.crawl import Collected

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def titles() -> pa.Table:
    return generate_titles(30, random_seed=3)


@pytest.fixture(scope="module")
def site(titles: pa.Table) -> Iterator[str]:
    with running_site(titles) as url:
        yield url


def run(home: Path, site: str, titles: pa.Table, count: int, *more: str) -> Collected:
    ids = home / "ids.txt"
    home.mkdir(exist_ok=True)
    ids.write_text("\n".join(titles["title_id"].to_pylist()[:count]))
    collected = collect("base", [f"collect.base_url={site}", f"collect.ids={ids}", *more], str(home))
    assert collected is not None
    return collected


def rows(home: Path) -> int:
    return sum(table.num_rows for table in read_raw(home / "raw"))


def test_only_new_titles_are_asked_for(tmp_path: Path, site: str, titles: pa.Table) -> None:
    first = run(tmp_path, site, titles, 10)
    assert (first.asked, first.held, first.stored, first.reused) == (10, 0, 10, False)
    second = run(tmp_path, site, titles, 10)
    assert (second.held, second.stored, second.reused) == (10, 0, True)
    third = run(tmp_path, site, titles, 15)
    assert (third.asked, third.held, third.stored, rows(tmp_path)) == (15, 10, 5, 15)


def test_refresh_asks_for_old_titles_again_and_keeps_what_was(tmp_path: Path, site: str, titles: pa.Table) -> None:
    first = run(tmp_path, site, titles, 5)
    again = run(tmp_path, site, titles, 5, "collect.refresh_days=0")
    assert (again.held, again.stored, rows(tmp_path)) == (0, 5, 10)
    assert stored_ids(first.folder) == stored_ids(again.folder)
    assert run(tmp_path, site, titles, 5, "collect.refresh_days=1").reused


def test_other_fields_are_another_crawl(tmp_path: Path, site: str, titles: pa.Table) -> None:
    run(tmp_path, site, titles, 5, "collect.fields=texts")
    assert run(tmp_path, site, titles, 5, "collect.fields=study").stored == 5


def test_genres_are_those_of_the_run_besides_imdbs_own(tmp_path: Path) -> None:
    titles = generate_titles(3, random_seed=3)
    told = pa.array([["Drama", "Parkour"]] * 3)
    with running_site(titles.set_column(titles.schema.get_field_index("genres"), "genres", told)) as site:
        run(tmp_path, site, titles, 3, "prepare.genres=[Parkour, War]")
    kept = [genres for table in read_raw(tmp_path / "raw") for genres in table["genres"].to_pylist()]
    assert kept == told.to_pylist()


def artifacts(key: str) -> list[Artifact]:
    from prefect import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
    from prefect.client.schemas.sorting import ArtifactSort

    with get_client(sync_client=True) as client:
        found = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        return list(client.read_artifacts(artifact_filter=found, sort=ArtifactSort.CREATED_DESC))


def test_report_and_progress_stand_on_the_page(tmp_path: Path, site: str, titles: pa.Table) -> None:
    run(tmp_path, site, titles, 7)
    report, progress = artifacts("crawl-report")[0], artifacts("crawl-progress")[0]
    assert '"status codes: 200", "value": "8"' in str(report.data)
    assert '"failed", "value": "0"' in str(report.data)
    assert progress.data == 100.0


def test_report_of_a_failed_crawl_stands_there_too(tmp_path: Path, titles: pa.Table) -> None:
    with running_site(titles, faults=Faults(challenge=True)) as url, pytest.raises(CrawlError, match="blocked"):
        run(tmp_path, url, titles, 7)
    assert '"finish reason", "value": "blocked"' in str(artifacts("crawl-report")[0].data)


def test_titles_that_a_site_made_up_are_nobodys_whatever_interface_tells_them(
    tmp_path: Path, titles: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMDB_READ_ACCESS_TOKEN", TOKEN)
    with running_site(titles, generated=True) as url:
        made_up = collect("tmdb", [f"collect.base_url={url}", "collect.ids=site"], str(tmp_path / "made-up"))
    with running_site(titles) as url:
        given = collect("tmdb", [f"collect.base_url={url}", "collect.ids=site"], str(tmp_path / "given"))
    assert made_up is not None and given is not None
    sources = [table["source"].unique().to_pylist() for home in ("made-up", "given")
               for table in read_raw(tmp_path / home / "raw")]  # fmt: skip
    assert (made_up.stored, given.stored, sources) == (30, 30, [["generated"], ["tmdb"]])
