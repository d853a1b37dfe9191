"""What the spider costs: CPU a page against a bare Scrapy spider, titles a second against the study's serial loop.

Both sides run in turns against the same local site, which runs in a process of its own; only ratios count.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from benchmarks.ratios import Comparison, show
from conf.schema import load
from scraper.launch import run_crawl
from scraper.pages.imdb import merge_pages
from scraper.pages.layouts import parse_page
from scraper.site.generator import site_ids
from tasks.store import write_json

LATENCY_MS = 100
# The study's loop answers a few titles a second: its rate needs no more of them.
SERIAL_TITLES = 40
# Start-up is measured on a crawl of so many titles and taken off.
FEW = 10


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median of their ratios counts.")] = 5,
    titles: Annotated[int, typer.Option(min=100, help="Generated titles a crawl asks for.")] = 1500,
) -> None:
    """Compare genreflow's spider with a bare Scrapy spider, and with the study's serial two-request loop."""
    site = load("base").site
    ids = site_ids(titles, site.random_seed)
    with serving(titles) as url:
        show(
            Comparison("CPU milliseconds a page", "genreflow (texts, one page)", "bare Scrapy spider", at_most=2.0),
            [(cpu_per_page(spider_command, url, ids), cpu_per_page(bare_command, url, ids)) for _ in range(rounds)],
        )
    with serving(titles, LATENCY_MS) as url:
        rates = [
            (serial_rate(url, ids), crawl_rate(url, ids, "study"), crawl_rate(url, ids, "all")) for _ in range(rounds)
        ]
    title = f"titles a second at {LATENCY_MS} ms latency"
    show(
        Comparison(title, "genreflow (study, one page)", "serial loop of two requests", at_least=10.0),
        [(study, serial) for serial, study, _ in rates],
    )
    show(
        Comparison(title, "genreflow (all, two pages)", "serial loop of two requests", at_least=10.0),
        [(both, serial) for serial, _, both in rates],
    )


@contextmanager
def serving(titles: int, latency_ms: int = 0) -> Iterator[str]:
    """Serve generated titles from a process of its own and yield the base URL."""
    command = ["flows.cli", "site", "--port", "0", "--set", f"site.titles={titles}", "--latency-ms", str(latency_ms)]
    with subprocess.Popen([sys.executable, "-P", "-m", *command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split(" at ")[1].split("/title/")[0]
        finally:
            process.terminate()


def cpu_per_page(command: Callable[[Path, str, Sequence[str]], list[str]], url: str, ids: Sequence[str]) -> float:
    """Return the CPU milliseconds a page of a crawl in a process of its own, its start-up taken off."""
    many, few = (cpu_seconds(command, url, some) for some in (ids, ids[:FEW]))
    return 1000 * (many - few) / (len(ids) - FEW)


def cpu_seconds(command: Callable[[Path, str, Sequence[str]], list[str]], url: str, ids: Sequence[str]) -> float:
    """Return the CPU seconds, user and system, that a crawl's process takes."""
    with tempfile.TemporaryDirectory() as name:
        process = subprocess.Popen(command(Path(name), url, ids), stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{process.args!r} ended with exit code {process.returncode}")
    return used.ru_utime + used.ru_stime


def spider_command(room: Path, url: str, ids: Sequence[str]) -> list[str]:
    """Write what genreflow's crawl process reads and return its command line."""
    (room / "ids.txt").write_text("\n".join(ids))
    collect = load("base", [f"collect.base_url={url}", "collect.fields=texts"]).collect
    spec = {"folder": str(room / "raw" / "crawl"), "fingerprint": "f", "ids_file": str(room / "ids.txt")}
    write_json(room / "spec.json", {**spec, "collect": collect.model_dump(mode="json")})
    return [sys.executable, "-P", "-m", "scraper.crawl", str(room / "spec.json")]


def bare_command(room: Path, url: str, ids: Sequence[str]) -> list[str]:
    """Return the command line of the bare spider for the same pages."""
    (room / "ids.txt").write_text("\n".join(ids))
    return [sys.executable, "-m", "benchmarks.bare_spider", url, str(room / "ids.txt")]


def crawl_rate(url: str, ids: Sequence[str], fields: str) -> float:
    """Return the titles a second of a whole crawl under own-server manners, as its report tells."""
    collect = load("base", [f"collect.base_url={url}", f"collect.fields={fields}"]).collect
    with tempfile.TemporaryDirectory() as name:
        report = run_crawl(collect, ids, Path(name) / "raw" / "crawl", "f")
    return float(report["items"] / report["seconds"])


def serial_rate(url: str, ids: Sequence[str]) -> float:
    """Return the titles a second of the study's loop: main page, plot page, parse, next title, no pause, no retry.

    It keeps its connection open and uses genreflow's parser, which is faster than the study's own was.
    """
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    started = time.perf_counter()
    rows = []
    for title_id in ids[:SERIAL_TITLES]:
        pages = []
        for page in ("", "plotsummary/"):
            connection.request("GET", f"/title/{title_id}/{page}")
            pages.append(parse_page(connection.getresponse().read().decode())[1])
        rows.append(merge_pages(title_id, pages))
    seconds = time.perf_counter() - started
    connection.close()
    return len(rows) / seconds


if __name__ == "__main__":
    typer.run(main)
