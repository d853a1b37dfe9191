"""robots.txt that cannot be had, or changes while a crawl runs: see RFC 9309.

Short by default; GENREFLOW_LONG=1 tries every fault that robots.txt can meet twice, and the change twenty times.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scrapy.http import Response

from conf.data import Collect
from scraper.launch import CrawlError, run_crawl
from scraper.raw import stored_ids
from scraper.robots import is_robots
from scraper.site.faults import Faults, parse_faults
from scraper.site.generator import generate_titles
from scraper.site.server import running_site

Build = Callable[..., Collect]
LONG = bool(os.environ.get("GENREFLOW_LONG"))
CONNECTIONS = 8
# What leaves a crawl without rules. Without a body, or under another type, they are rules all the same.
LOST = ("503", "429", "hang", "truncate", "reset", "close", "trickle", "headers", "gzip", "bomb", "large", "loop",
        "offsite")  # fmt: skip


def read_log(path: Path) -> list[str]:
    return [json.loads(line)["path"] for line in path.read_text().splitlines()]


def is_title(path: str) -> bool:
    return path.startswith("/title/")


@pytest.mark.parametrize("fault", LOST if LONG else ("bomb",))
@pytest.mark.parametrize("connections", (1, CONNECTIONS) if LONG else (CONNECTIONS,))
def test_nothing_is_asked_for_without_robots(
    connections: int, fault: str, collect: Build, folder: Path, tmp_path: Path
) -> None:
    table, log = generate_titles(20, random_seed=7), tmp_path / "log"
    with running_site(table, faults=parse_faults(f"robots={fault}"), access_log=log) as url:
        limits: dict[str, Any] = {"timeout": 1.0, "retries": 1, "first_pause": 0.05, "max_answer_mb": 2}
        plan = collect(base_url=url, connections=connections, **limits)
        with pytest.raises(CrawlError, match=r"robots.txt cannot be had \(.+\), so nothing else may be asked") as ended:
            run_crawl(plan, table["title_id"].to_pylist(), folder, "f1")
    assert ended.value.report["finish_reason"] == "robots"
    assert not any(map(is_title, read_log(log)))


@pytest.mark.parametrize("seed", range(20 if LONG else 1))
def test_rules_that_change_are_obeyed_by_the_crawl_and_by_the_next(
    seed: int, collect: Build, folder: Path, tmp_path: Path
) -> None:
    table, log = generate_titles(200, random_seed=seed), tmp_path / "log"
    changes: dict[str, Any] = {"connections": CONNECTIONS, "part_titles": 5, "judged_titles": 10}
    with running_site(table, faults=Faults(robots="disallow"), access_log=log, latency_ms=60) as url:
        plan = collect(base_url=url, robots_hours=0.5 / 3600, **changes)
        with pytest.raises(CrawlError, match=r"titles failed.*robots .*Forbidden by robots.txt"):
            run_crawl(plan, table["title_id"].to_pylist(), folder, "f1")
        asked, held = read_log(log), stored_ids(folder)
        with pytest.raises(CrawlError, match=r"titles failed.*Forbidden by robots.txt"):
            run_crawl(plan, table["title_id"].to_pylist(), folder, "f1")
        later = read_log(log)[len(asked) :]
    changed = [place for place, path in enumerate(asked) if path == "/robots.txt"][1]
    # Those under way had been allowed.
    assert sum(map(is_title, asked[changed:])) <= CONNECTIONS
    assert 0 < len(held) < 200
    assert set(later) == {"/robots.txt"}


def test_robots_is_known_by_its_path() -> None:
    assert is_robots(Response("http://127.0.0.1:8700/robots.txt"))
    assert not is_robots(Response("http://127.0.0.1:8700/title/tt0000001/?next=/robots.txt"))
