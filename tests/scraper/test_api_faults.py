"""Every fault of the local interfaces in the crawls of their spiders: the crawl ends, tells the truth, stays small.

Short by default; GENREFLOW_LONG=1 lets each fault hit at least twenty requests alone.
"""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from api_texts import expected_texts
from faulty_crawls import (
    OUTCOMES,
    Crawled,
    check_report,
    crawl,
    crawl_to_the_end,
    foreign_titles,
    last_faults,
    met,
    plan,
    rows_by_id,
)

from scraper.raw import dropped_ids
from scraper.site.apis import omdb, tmdb
from scraper.site.faults import Faults
from scraper.site.server import running_site
from scraper.site.titles import Catalogue

logger = logging.getLogger(__name__)

LONG = bool(os.environ.get("GENREFLOW_LONG"))
pytestmark = pytest.mark.timeout(7200 if LONG else 600)
KEYS = {"TMDB_READ_ACCESS_TOKEN": tmdb.TOKEN, "OMDB_API_KEY": omdb.KEY}
UNKNOWN = "tt0000001"
MORE_MB, LEAST_HITS = 64, 20
# JSON is told from its bytes, whatever its header calls it; a key is never sent along with a redirect.
NAMED: dict[str | None, str] = OUTCOMES | {
    "charset": "stored|dropped|failed:encoding",
    "mime": "stored|dropped",
    "broken": "failed:truncated",
    "nested": "failed:truncated",
    "shape": "stored|unparsable|failed:answer",
    "empty": "failed:(truncated|no_json)",
    "length": "failed:(truncated|DownloadFailedError)",
    "loop": "failed:(302|redirects)",
    "offsite": "failed:(302|not_sent|ValueError)",
}
KINDS = tuple(kind for kind in NAMED if kind and kind != "404")
BATCHES = {"wikipedia": 50, "tmdb": 1, "omdb": 1}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, pa.Table], Crawled]:
    """Return a function that crawls a table's titles without faults, once for each spider and number of titles."""
    done: dict[tuple[str, int], Crawled] = {}

    def crawl_once(spider: str, table: pa.Table) -> Crawled:
        key, home = (spider, table.num_rows), tmp_path_factory.mktemp("plain")
        if key not in done:
            with running_site(table, access_log=home / "log") as url:
                done[key] = crawl(plan(url, spider), table["title_id"].to_pylist(), home / "raw", home / "log")
        return done[key]

    return crawl_once


def crawl_to_all(spider: str, shares: dict[str, float], table: pa.Table, home: Path) -> list[Crawled]:
    """Crawl through faults, in the long version again and again until all is held."""
    ids, raw, log = [*table["title_id"].to_pylist(), UNKNOWN], home / "raw", home / "log"

    def check_each(crawled: Crawled) -> None:
        check(spider, crawled)

    with running_site(table, faults=Faults(shares), random_seed=5, access_log=log) as url:
        collect = plan(url, spider, max_failed_share=1.0, judged_titles=10_000)
        if LONG:
            crawls = crawl_to_the_end(collect, ids, raw, log, check_each)
        else:
            crawls = [crawl(collect, ids, raw, log)]
            check_each(crawls[0])
    check_end(spider, raw, Catalogue(table))
    return crawls


def check_memory(crawls: list[Crawled], undisturbed: Crawled) -> None:
    peaks, seconds = [round(each.peak_mb) for each in crawls], [round(each.seconds) for each in crawls]
    told = "met %s, peaks %s MB (undisturbed %.0f), %s s"
    logger.info(told, dict(met(crawls)), peaks, undisturbed.peak_mb, seconds)
    assert max(peaks) <= undisturbed.peak_mb + MORE_MB


def check(spider: str, crawled: Crawled) -> None:
    check_report(crawled)
    known = "|".join(f"({outcome})" for outcome in NAMED.values())
    assert [reason for reason in crawled.failed.values() if not re.fullmatch(known, reason)] == []
    if BATCHES[spider] == 1:
        outcomes = dict.fromkeys(crawled.todo, "stored") | dict.fromkeys(dropped_ids(crawled.folder), "dropped")
        outcomes |= crawled.failed
        faults = last_faults(crawled)
        told = {title_id: (fault, outcomes[title_id]) for title_id, fault in faults.items() if title_id != UNKNOWN}
        assert {each for each in told.values() if not re.fullmatch(NAMED[each[0]], each[1])} == set()


def check_end(spider: str, raw: Path, catalogue: Catalogue) -> None:
    """What is stored is what the source has, what is dropped is what it does not have."""
    texts = {title.title_id: expected_texts(spider, catalogue, title) for title in catalogue}
    stored = rows_by_id(raw)
    gone = {title_id for path in raw.iterdir() if path.is_dir() for title_id in dropped_ids(path)}
    there = {title_id for title_id, known in texts.items() if known is not None}
    assert set(stored) <= there and gone <= {*texts} - there | {UNKNOWN}
    if LONG:
        assert set(stored) | gone == {*texts, UNKNOWN}
    wrong = [
        title_id
        for title_id, row in stored.items()
        if [_plain(row["summary"]), _plain(row["synopsis"])] != [_plain(text) for text in texts[title_id] or ()]
    ]
    assert wrong == []


def _plain(text: str | None) -> str | None:
    return " ".join(text.split()) if text else None


@pytest.mark.parametrize("spider", BATCHES)
def test_mixed_faults(spider: str, tmp_path: Path, undisturbed: Callable[[str, pa.Table], Crawled]) -> None:
    count = (2_000 if spider == "wikipedia" else 500) if LONG else 40
    table = foreign_titles(count, random_seed=21)
    # Few requests are enough for Wikipedia, so more of them have to meet a fault.
    share = 0.03 if LONG else 0.04 if BATCHES[spider] > 1 else 0.02
    kinds = KINDS if LONG else [kind for kind in KINDS if kind not in ("hang", "trickle")]
    crawls = crawl_to_all(spider, dict.fromkeys(kinds, share), table, tmp_path)
    assert len(met(crawls)) >= (len(kinds) if LONG else 1)
    if LONG:
        check_memory(crawls, undisturbed(spider, table))


@pytest.mark.skipif(not LONG, reason="long: set GENREFLOW_LONG=1")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spider", BATCHES)
def test_each_fault_alone(
    spider: str, kind: str, tmp_path: Path, undisturbed: Callable[[str, pa.Table], Crawled]
) -> None:
    table = foreign_titles(1_500 if spider == "wikipedia" else 80, random_seed=21)
    crawls = crawl_to_all(spider, {kind: 0.3}, table, tmp_path)
    check_memory(crawls, undisturbed(spider, table))
    assert met(crawls)[kind] >= LEAST_HITS
