"""A crawl of a faulty site that is killed again and again: each title once, none fetched again, failures listed.

Short by default; GENREFLOW_LONG=1 crawls 10,000 titles through twenty kills (about a quarter of an hour on two cores).
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pyarrow.parquet as pq
import pytest

from scraper.raw import read_part, read_raw
from scraper.site.generator import generate_titles
from tasks.store import read_manifest

TITLES, KILLS = (10_000, 20) if os.environ.get("GENREFLOW_LONG") else (600, 3)
FAULTS = "503=0.03,429=0.02,hang=0.01,truncate=0.01"
PART_TITLES, CONNECTIONS = 100, 16
# What the collect task does, without Prefect: what is held, and a crawl of the rest.
COLLECT = """
import sys
from pathlib import Path
from conf.schema import load
from scraper.frontier import find_frontier
from scraper.launch import crawl_lock, run_crawl
raw, ids, *overrides = sys.argv[1:]
collect = load("base", overrides).collect
with crawl_lock(Path(raw), collect):
    frontier = find_frontier(Path(raw), "imdb", "f" * 64, Path(ids).read_text().split())
run_crawl(collect, frontier.todo, frontier.folder, "f" * 64)
"""


class Crawled(NamedTuple):
    """What a crawl through all kills left: raw/, the ids asked for, the site's log."""

    raw: Path
    ids: list[str]
    requests: list[dict[str, Any]]
    kills: int


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    home = tmp_path_factory.mktemp("faulty")
    titles = generate_titles(TITLES, random_seed=5)
    pq.write_table(titles, home / "titles.parquet")
    ids = titles["title_id"].to_pylist()
    (home / "ids.txt").write_text("\n".join(ids))
    command = [sys.executable, "-P", "-m", "flows.cli", "site", "--titles", str(home / "titles.parquet"), "--port", "0",
               "--faults", FAULTS, "--latency-ms", "60", "--access-log", str(home / "access.log")]  # fmt: skip
    site = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert site.stdout is not None
        base_url = site.stdout.readline().split(" at ")[1].split("/title/")[0]
        kills = crawl_through_kills(home, base_url)
        yield Crawled(home / "raw", ids, read_log(home / "access.log"), kills)
    finally:
        site.terminate()
        site.wait()


def crawl_through_kills(home: Path, base_url: str) -> int:
    """Start the same crawl until it ends by itself; kill it at KILLS random moments, return how often that was."""
    plan = {
        "base_url": base_url,
        "timeout": 2.0,
        "fields": "texts",
        "part_titles": PART_TITLES,
        "connections": CONNECTIONS,
    }
    overrides = [f"collect.{key}={value}" for key, value in plan.items()]
    draw, kills = random.Random(1), 0
    for attempt in range(KILLS + 1):
        command = [sys.executable, "-P", "-c", COLLECT, str(home / "raw"), str(home / "ids.txt"), *overrides]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        if attempt == KILLS:
            assert process.wait(900) == 0, process.stderr.read() if process.stderr else ""
            break
        before = pages_answered(home)
        goal = before + draw.randrange(20, max(40, 2 * TITLES // (KILLS + 1)))
        while pages_answered(home) < goal and process.poll() is None:
            time.sleep(0.02)
        time.sleep(draw.random() / 2)
        kills += kill(process, draw)
    return kills


def kill(process: subprocess.Popen[str], draw: random.Random) -> bool:
    """Kill the starter, the crawl that it started, or both, with SIGKILL; return whether anything was running."""
    starter = psutil.Process(process.pid)
    running = process.poll() is None
    crawls = starter.children(recursive=True) if running else []
    victims = {"starter": [starter], "crawl": crawls, "both": [starter, *crawls]}[
        draw.choice(["starter", "crawl", "both"])
    ]
    for victim in victims if running else ():
        victim.send_signal(signal.SIGKILL)
    process.communicate()
    return running


def pages_answered(home: Path) -> int:
    log = home / "access.log"
    return log.read_bytes().count(b"/plotsummary/") if log.exists() else 0


def read_log(path: Path) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [entry for entry in entries if entry["path"].startswith("/title/")]


def stored_moments(raw: Path) -> dict[str, float]:
    """Return when the part that holds a title was written, by title id."""
    moments = {}
    for path in raw.glob("*/part-*.parquet"):
        for title_id in read_part(path, ["title_id"])["title_id"].to_pylist():
            moments[title_id] = path.stat().st_mtime
    return moments


def fetched(requests: list[dict[str, Any]]) -> list[tuple[str, float]]:
    return [
        (entry["path"].split("/")[2], datetime.fromisoformat(entry["time"]).timestamp())
        for entry in requests
        if entry["status"] == 200 and entry["fault"] is None
    ]


def failed_ids(raw: Path) -> set[str]:
    manifests = [read_manifest(path.parent) for path in raw.glob("*/manifest.json")]
    return {drop["title_id"] for manifest in manifests if manifest for drop in manifest.summary["failed_titles"]}


def test_crawl_was_killed_as_often_as_planned(crawled: Crawled) -> None:
    assert crawled.kills == KILLS


def test_raw_holds_each_title_exactly_once_or_lists_its_failure(crawled: Crawled) -> None:
    rows = [title_id for table in read_raw(crawled.raw, ["title_id"]) for title_id in table["title_id"].to_pylist()]
    assert Counter(rows) == Counter(set(crawled.ids) - failed_ids(crawled.raw))
    assert len(failed_ids(crawled.raw)) <= TITLES * 0.001 + 1


def test_faults_were_met(crawled: Crawled) -> None:
    met = Counter(entry["fault"] for entry in crawled.requests)
    assert all(met[kind] > 0 for kind in ("503", "429", "hang", "truncate"))


def test_no_title_is_fetched_again_after_it_was_stored(crawled: Crawled) -> None:
    moments = stored_moments(crawled.raw)
    assert [title_id for title_id, moment in fetched(crawled.requests) if moment > moments.get(title_id, moment)] == []


def test_a_kill_costs_at_most_one_part_and_what_was_under_way(crawled: Crawled) -> None:
    counts = Counter(title_id for title_id, _ in fetched(crawled.requests))
    assert sum(counts.values()) - len(counts) <= KILLS * (PART_TITLES + CONNECTIONS)


def test_no_half_part_is_left(crawled: Crawled) -> None:
    (folder,) = (path for path in crawled.raw.iterdir() if path.is_dir())
    manifest = read_manifest(folder)
    assert manifest is not None and manifest.complete
    assert sorted(path.name for path in folder.iterdir() if "part-" in path.name) == sorted(manifest.files)
