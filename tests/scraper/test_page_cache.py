"""Crawls with the cache of good pages switched on."""

import contextlib
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from title_pages import TitleServer, ids_of, plot_page

from conf.data import Collect
from scraper.launch import CrawlError, run_crawl
from scraper.raw import read_part

Build = Callable[..., Collect]


def plot(number: int) -> str:
    return f"/title/tt{number:07d}/plotsummary/"


def test_cached_pages_are_not_fetched_again(server: TitleServer, collect: Build, folder: Path) -> None:
    plan = collect(cache=True)
    run_crawl(plan, ids_of(3), folder, "f1")
    server.asked.clear()
    report = run_crawl(plan, ids_of(3), folder.with_name("second"), "f2")
    assert (report["items"], report["pages_from_cache"], server.asked) == (3, 3, ["/robots.txt"])
    fetched, cached = (read_part(at / "part-00000.parquet") for at in (folder, folder.with_name("second")))
    assert set(cached["synopsis"].to_pylist()) == {"All of it happens."}
    assert max(cached["retrieved_at"].to_pylist()) <= max(fetched["retrieved_at"].to_pylist())


def test_expired_pages_are_fetched_again(server: TitleServer, collect: Build, folder: Path) -> None:
    run_crawl(collect(cache=True), ids_of(3), folder, "f1")
    report = run_crawl(collect(cache=True, refresh_days=0.0), ids_of(3), folder.with_name("second"), "f2")
    assert report["pages_from_cache"] == 0


@pytest.mark.parametrize("statuses", [(404, 500), (403, 405), (202, 202)])
def test_errors_and_blocks_are_never_cached(
    server: TitleServer, collect: Build, folder: Path, statuses: tuple[int, int]
) -> None:
    for number, status in enumerate(statuses, 1):
        server.faults[plot(number)] = [(status, {}, b"<html>no</html>")]
    with contextlib.suppress(CrawlError):
        run_crawl(collect(cache=True, retries=0), ids_of(2), folder, "f1")
    assert {plot(1), plot(2)} <= set(server.counts())
    assert list(folder.parent.parent.glob("pages/*/*")) == []


def test_cached_page_holds_no_request_context(server: TitleServer, collect: Build, folder: Path) -> None:
    page = plot_page("tt0000001").replace('"pageProps":', '"requestContext": {"ip": "203.0.113.9"}, "pageProps":')
    server.faults[plot(1)] = [(200, {}, page.encode())]
    run_crawl(collect(cache=True), ids_of(1), folder, "f1")
    (path,) = folder.parent.parent.glob("pages/*/*")
    assert "203.0.113.9" not in gzip.decompress(path.read_bytes()).decode()
