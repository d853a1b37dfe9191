"""The spider against the local movie site: generated titles over HTTP, with faults, a kill and a challenge."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from conf.data import Collect
from scraper.launch import CrawlError, run_crawl
from scraper.raw import dropped_ids, read_raw, stored_ids
from scraper.site.generator import generate_titles
from scraper.site.server import Faults, running_site
from tasks.store import write_json

Build = Callable[..., Collect]
COUNT = 60
UNKNOWN = "tt0000001"
TEXTS = ("title", "year", "genres", "summary", "synopsis")


@pytest.fixture(scope="module")
def titles() -> pa.Table:
    return generate_titles(COUNT, random_seed=7)


def ids_of_table(titles: pa.Table) -> list[str]:
    return list(titles["title_id"].to_pylist())


def rows_by_id(raw: Path) -> dict[str, dict[str, Any]]:
    rows = [row for table in read_raw(raw) for row in table.to_pylist()]
    assert len(rows) == len({row["title_id"] for row in rows})
    return {row["title_id"]: row for row in rows}


def fetched(log: Path) -> list[str]:
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    return [entry["path"].split("/")[2] for entry in entries if entry["path"].startswith("/title/")]


def test_titles_come_back_as_the_site_serves_them(titles: pa.Table, collect: Build, folder: Path) -> None:
    with running_site(titles) as url:
        report = run_crawl(collect(base_url=url), [*ids_of_table(titles), UNKNOWN], folder, "f1")
    assert (report["items"], report["dropped"], report["pages"]) == (COUNT, {"not_found": 1}, COUNT + 1)
    assert dropped_ids(folder) == {UNKNOWN}
    stored = rows_by_id(folder.parent)
    for served in titles.to_pylist():
        assert {name: stored[served["title_id"]][name] for name in TEXTS} == {name: served[name] for name in TEXTS}


def test_faults_on_the_way_lose_no_title(titles: pa.Table, collect: Build, folder: Path) -> None:
    shares = {"503": 0.05, "429": 0.03, "hang": 0.02, "truncate": 0.05, "reset": 0.05}
    with running_site(titles, faults=Faults(shares), random_seed=3) as url:
        plan = collect(base_url=url, timeout=1.0, retries=6)
        report = run_crawl(plan, ids_of_table(titles), folder, "f1")
    assert (report["items"], report["failed"]) == (COUNT, {})
    assert report["retries"] > 0


def test_killed_crawl_fetches_no_stored_title_again(
    titles: pa.Table, collect: Build, folder: Path, tmp_path: Path
) -> None:
    log, ids = tmp_path / "access.log", ids_of_table(titles)
    with running_site(titles, latency_ms=100, access_log=log) as url:
        plan = collect(base_url=url, part_titles=10)
        spec = write_spec(plan, ids, folder)
        process = subprocess.Popen([sys.executable, "-m", "scraper.crawl", str(spec)], stdout=subprocess.DEVNULL)
        while not stored_ids(folder):
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        held, before = stored_ids(folder), len(fetched(log))
        report = run_crawl(plan, ids, folder, "f1")
    assert report["items"] == COUNT
    assert not held & set(fetched(log)[before:])
    assert sorted(rows_by_id(folder.parent)) == sorted(ids)


def write_spec(collect: Collect, ids: list[str], folder: Path) -> Path:
    folder.parent.mkdir(parents=True)
    ids_file = folder.parent / "ids.txt"
    ids_file.write_text("\n".join(ids))
    spec = {"folder": str(folder), "fingerprint": "f1", "ids_file": str(ids_file)}
    write_json(folder.parent / "spec.json", {**spec, "collect": collect.model_dump(mode="json")})
    return folder.parent / "spec.json"


def test_challenge_ends_the_crawl_at_once(titles: pa.Table, collect: Build, folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    blocked = pytest.raises(CrawlError, match="exit code 4: blocked: .* challenge")
    with running_site(titles, faults=Faults(challenge=True), access_log=log) as url, blocked:
        run_crawl(collect(base_url=url), ids_of_table(titles), folder, "f1")
    assert len(log.read_text().splitlines()) < 20
    assert stored_ids(folder) == set()
