"""The API spiders against the local site's interfaces: 200 titles, faults, a kill, quotas, keys.

Short by default; GENREFLOW_LONG=1 asks for 500 titles.
The interfaces answer in the documented shape of the real ones; see scraper/site/apis.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import pytest
from api_texts import expected_texts

from conf.data import Collect
from conf.schema import load
from scraper.genres import GenreNames
from scraper.launch import CrawlError, run_crawl
from scraper.raw import dropped_ids, read_raw, stored_ids
from scraper.site.apis import articles, omdb, tmdb, wikitext
from scraper.site.faults import Faults, parse_faults
from scraper.site.generator import generate_titles
from scraper.site.server import running_site
from scraper.site.titles import Catalogue, SiteTitle
from tasks.store import write_json

COUNT, PART, CONNECTIONS = 500 if "GENREFLOW_LONG" in os.environ else 120, 30, 4
FAULTS = "503=0.04,429=0.03,hang=0.01,truncate=0.03,reset=0.02,maxlag=0.2"
UNKNOWN = "tt0000001"
KEYS = {"TMDB_READ_ACCESS_TOKEN": tmdb.TOKEN, "OMDB_API_KEY": omdb.KEY}
SPIDERS = ("wikipedia", "tmdb", "omdb")
Rows = dict[str, dict[str, Any]]


class Crawled(NamedTuple):
    """What a crawl that was killed once left: raw/, the site's titles and log, what the kill left, the report."""

    spider: str
    raw: Path
    titles: list[SiteTitle]
    catalogue: Catalogue
    asked: list[str]
    asked_before: int
    held: set[str]
    report: dict[str, Any]


def plan(spider: str, url: str, **changes: Any) -> Collect:
    section = load(spider).collect.model_dump()
    local = {"base_url": url, "wikidata_url": None, "part_titles": PART, "connections": CONNECTIONS}
    return Collect.model_validate({**section, **local, "timeout": 2.0, "retries": 8, "first_pause": 0.1, **changes})


def asked_titles(log: Path) -> list[str]:
    """List the ids that requests asked for, in order; Wikidata is asked for many at once."""
    paths = [unquote_plus(json.loads(line)["path"]) for line in log.read_text().splitlines()]
    return [title_id for path in paths for title_id in re.findall(r"\btt\d{7,}\b", path)]


def rows_of(raw: Path) -> Rows:
    rows = [row for table in read_raw(raw) for row in table.to_pylist()]
    assert len(rows) == len({row["title_id"] for row in rows})
    return {row["title_id"]: row for row in rows}


@pytest.fixture(scope="module", params=SPIDERS)
def crawled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    spider, home = request.param, tmp_path_factory.mktemp("api")
    table = generate_titles(COUNT, random_seed=9)
    catalogue = Catalogue(table)
    ids = [*table["title_id"].to_pylist(), UNKNOWN]
    folder, log = home / "raw" / "first", home / "access.log"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        with running_site(table, faults=parse_faults(FAULTS), access_log=log, random_seed=4, latency_ms=20) as url:
            collect = plan(spider, url)
            held = kill_after_the_first_part(collect, ids, folder)
            before = len(asked_titles(log))
            report = run_crawl(collect, ids, folder, "f1")
            asked = asked_titles(log)
    return Crawled(spider, home / "raw", list(catalogue), catalogue, asked, before, held, report)


def kill_after_the_first_part(collect: Collect, ids: list[str], folder: Path) -> set[str]:
    folder.parent.mkdir(parents=True)
    (folder.parent / "ids.txt").write_text("\n".join(ids))
    spec = {"folder": str(folder), "fingerprint": "f1", "ids_file": str(folder.parent / "ids.txt")}
    write_json(folder.parent / "spec.json", {**spec, "collect": collect.model_dump(mode="json")})
    command = [sys.executable, "-m", "scraper.crawl", str(folder.parent / "spec.json")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not stored_ids(folder) and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return stored_ids(folder) | dropped_ids(folder)


def test_crawl_was_killed_midway(crawled: Crawled) -> None:
    assert 0 < len(crawled.held) < COUNT
    assert crawled.report["requested"] == COUNT + 1 - len(crawled.held)


def test_each_title_is_there_once_or_a_drop(crawled: Crawled) -> None:
    rows, gone = rows_of(crawled.raw), dropped_ids(crawled.raw / "first")
    there = {
        title.title_id
        for title in crawled.titles
        if expected_texts(crawled.spider, crawled.catalogue, title) is not None
    }
    assert (set(rows), gone) == (there, {title.title_id for title in crawled.titles} - there | {UNKNOWN})
    assert crawled.report["failed"] == {}


def test_nothing_that_was_held_is_asked_for_again(crawled: Crawled) -> None:
    assert not crawled.held & set(crawled.asked[crawled.asked_before :])


def test_texts_are_those_of_the_source(crawled: Crawled) -> None:
    rows = rows_of(crawled.raw)
    wrong = []
    for title in crawled.titles:
        if (texts := expected_texts(crawled.spider, crawled.catalogue, title)) is not None:
            row = rows[title.title_id]
            found = row["summary"], row["synopsis"]
            if [text and " ".join(text.split()) for text in found] != [
                text and " ".join(text.split()) for text in texts
            ]:
                wrong.append((title.title_id, found, texts))
    assert wrong == []


def test_lead_is_kept_apart(crawled: Crawled) -> None:
    rows = rows_of(crawled.raw)
    leads = {title.title_id: wikitext.lead_text(title) for title in crawled.titles if title.title_id in rows}
    wanted = leads if crawled.spider == "wikipedia" else dict.fromkeys(leads)
    assert {title_id: row["lead"] for title_id, row in rows.items()} == wanted
    assert not any(row["summary"] for row in rows.values() if row["lead"])


def test_genres_are_imdbs_names(crawled: Crawled) -> None:
    names, rows = GenreNames(load("base").prepare.genres), rows_of(crawled.raw)
    told = {title.title_id: set(title.genres) for title in crawled.titles if title.title_id in rows}
    if crawled.spider == "tmdb":
        numbers = {title.title_id: tmdb.genre_ids(title) for title in crawled.titles}
        table = {**tmdb.MOVIE_GENRES, **tmdb.TV_GENRES}
        told = {key: set(names.translate_all(table[number] for number in numbers[key])) for key in told}
    assert {title_id: set(row["genres"]) for title_id, row in rows.items()} == told
    assert crawled.report["unknown_genres"] == {}


def test_source_terms_and_moment_are_told(crawled: Crawled) -> None:
    rows = list(rows_of(crawled.raw).values())
    assert {row["source"] for row in rows} == {crawled.spider}
    assert all(
        row["terms"] and row["retrieved_at"] and row["source_url"].startswith("http://127.0.0.1") for row in rows
    )
    if crawled.spider == "wikipedia":
        assert all(re.search(r"/w/index.php\?title=[^ ]+&oldid=\d+$", row["source_url"]) for row in rows)


def test_faults_were_met(crawled: Crawled) -> None:
    assert crawled.report["retries"] > 0


def test_no_key_is_in_any_file(crawled: Crawled) -> None:
    files = [path for path in crawled.raw.parent.rglob("*") if path.is_file()]
    assert len(files) > 5
    told = [path.name for path in files for key in KEYS.values() if key.encode() in path.read_bytes()]
    assert told == []
    rows = json.dumps(list(rows_of(crawled.raw).values()), default=str)
    assert not any(key in rows for key in KEYS.values())


def test_titles_come_in_batches_from_wikipedia(crawled: Crawled) -> None:
    if crawled.spider == "wikipedia":
        counts = Counter(crawled.report["status_codes"])
        assert counts["200"] < len(crawled.titles) / 5


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(**changes: str) -> None:
        for name, value in {**KEYS, **changes}.items():
            monkeypatch.setenv(name, value)

    use()
    return use


@pytest.mark.parametrize(
    ("spider", "told"),
    [
        ("tmdb", "TMDB refuses the token in TMDB_READ_ACCESS_TOKEN: Invalid API key: You must be granted a valid key"),
        ("omdb", "OMDb refuses the key in OMDB_API_KEY: Invalid API key!"),
    ],
)
def test_refused_key_ends_the_crawl_at_once(
    spider: str, told: str, keys: Callable[..., None], folder: Path, tmp_path: Path
) -> None:
    keys(TMDB_READ_ACCESS_TOKEN="a-wrong-secret", OMDB_API_KEY="a-wrong-secret")
    table, log = generate_titles(60, random_seed=9), tmp_path / "access.log"
    with running_site(table, access_log=log) as url, pytest.raises(CrawlError, match="exit code 2") as refused:
        run_crawl(plan(spider, url), table["title_id"].to_pylist(), folder, "f1")
    assert told in str(refused.value) and "a-wrong-secret" not in str(refused.value)
    assert (refused.value.exit_code, stored_ids(folder), dropped_ids(folder)) == (2, set(), set())
    assert len(log.read_text().splitlines()) < 20


def test_used_up_quota_ends_the_day_and_the_next_day_goes_on(keys: Callable[..., None], folder: Path) -> None:
    table = generate_titles(60, random_seed=9)
    ids = table["title_id"].to_pylist()
    with (
        running_site(table, faults=Faults(quota=50)) as url,
        pytest.raises(CrawlError, match=r"OMDb: Request limit reached! The same command goes on tomorrow") as ended,
    ):
        run_crawl(plan("omdb", url, part_titles=5), ids, folder, "f1")
    held = stored_ids(folder)
    assert (ended.value.exit_code, 0 < len(held) < len(ids)) == (5, True)
    with running_site(table) as url:
        report = run_crawl(plan("omdb", url, part_titles=5), ids, folder, "f1")
    assert (report["requested"], report["items"]) == (len(ids) - len(held), len(ids))
    assert sorted(rows_of(folder.parent)) == sorted(ids)


def test_longer_pause_than_allowed_ends_the_crawl(keys: Callable[..., None], folder: Path) -> None:
    table = generate_titles(20, random_seed=9)
    with (
        running_site(table, faults=Faults({"429": 1.0}, retry_after=3600)) as url,
        pytest.raises(CrawlError, match=r"asks for a pause of 3600 s \(status 429, Retry-After\)") as ended,
    ):
        run_crawl(plan("tmdb", url), table["title_id"].to_pylist(), folder, "f1")
    assert ended.value.exit_code == 5


def test_own_daily_cap_counts_requests(keys: Callable[..., None], folder: Path) -> None:
    table = generate_titles(20, random_seed=9)
    polite = {"manners": "polite", "daily_cap": 12, "polite_delay": 0.01, "part_titles": 2, "contact": "me@example.org"}
    with running_site(table) as url, pytest.raises(CrawlError, match="12 requests sent .* go on tomorrow") as ended:
        run_crawl(plan("omdb", url, **polite), table["title_id"].to_pylist(), folder, "f1")
    assert ended.value.exit_code == 5
    assert json.loads((folder.parent / "requests-127.0.0.1.json").read_text())["requests"] == 12


def test_first_titles_that_a_source_does_not_have_are_believed(keys: Callable[..., None], folder: Path) -> None:
    table = generate_titles(10, random_seed=9)
    ids = [f"tt{number:07d}" for number in range(1, 41)] + table["title_id"].to_pylist()
    with running_site(table) as url:
        report = run_crawl(plan("tmdb", url), ids, folder, "f1")
    assert (report["dropped"], report["items"]) == ({"not_found": 40}, 10)


def test_redirects_to_a_section_of_another_article_give_no_plot(folder: Path) -> None:
    table = generate_titles(COUNT, random_seed=9)
    listed = [t.title_id for t in Catalogue(table) if articles.standing(t.title_id, t.title) == "listed"]
    assert listed
    with running_site(table) as url:
        report = run_crawl(plan("wikipedia", url), listed, folder, "f1")
    assert (report["items"], report["failed"]) == (0, {})
    assert sum(report["dropped"].values()) == len(listed)
