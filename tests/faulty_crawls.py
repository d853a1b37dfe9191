"""Crawls of a site that makes faults: each in a process of its own that is measured, held against the site's log."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import pyarrow as pa

from conf.data import Collect
from conf.schema import load
from scraper.frontier import find_frontier
from scraper.raw import read_raw
from scraper.site.generator import generate_titles
from tasks.store import read_manifest, write_json

FINGERPRINT = "f" * 64
# A crawl that says at its end how much memory it took at most: its kernel knows, and counts from the program's start,
# where the figures of a parent that waits for it begin with the parent's own.
MEASURED = """
import sys
from pathlib import Path
from scraper.crawl import main
spec, measured = sys.argv[1:]
code = main([spec])
Path(measured).write_text(Path("/proc/self/status").read_text())
sys.exit(code)
"""
TEXTS = ("title", "year", "genres", "summary", "synopsis")
# Characters of one, two, three and four bytes: what is read in a wrong encoding cannot be right by chance.
FOREIGN = " Café, Łódź, 東京 \U0001f980"
# Why a title fails that met a fault with its last request; `stored` where the fault does no harm, `dropped` where the
# title is gone.
OUTCOMES = {
    None: "stored", "503": "failed:503", "429": "failed:429", "404": "dropped", "hang": "failed:DownloadTimeoutError",
    "truncate": "failed:ResponseDataLossError", "reset": "failed:DownloadFailedError",
    "close": "failed:DownloadFailedError", "trickle": "failed:DownloadTimeoutError", "empty": "failed:truncated",
    "length": "failed:(truncated|DownloadFailedError)", "headers": "failed:DownloadFailedError",
    "charset": "failed:encoding", "gzip": "failed:encoding", "bomb": "failed:too_large", "large": "failed:too_large",
    "mime": "failed:(no_text|no_html)", "loop": "failed:redirects", "offsite": "failed:(not_sent|302|ValueError)",
    "broken": "unparsable", "nested": "unparsable",
}  # fmt: skip
# Faults that another try may be spared; those of the rest are the title's.
RETRIED = (
    "503", "429", "hang", "truncate", "reset", "close", "trickle", "empty", "length", "headers", "charset", "gzip",
    "mime",
)  # fmt: skip
FINAL = tuple(kind for kind in OUTCOMES if kind and kind not in RETRIED)


class Crawled(NamedTuple):
    """What one crawl was asked, how it ended, what it told, and what it took."""

    todo: tuple[str, ...]
    folder: Path
    code: int
    report: dict[str, Any]
    peak_mb: float
    seconds: float
    requests: list[dict[str, Any]]

    @property
    def failed(self) -> dict[str, str]:
        manifest = read_manifest(self.folder)
        assert manifest is not None
        return {drop["title_id"]: drop["reason"] for drop in manifest.summary["failed_titles"]}


def foreign_titles(count: int, random_seed: int) -> pa.Table:
    table = generate_titles(count, random_seed)
    for name in ("title", "summary", "synopsis"):
        texts = [text and text + FOREIGN for text in table[name].to_pylist()]
        table = table.set_column(table.column_names.index(name), table.schema.field(name), pa.array(texts, pa.string()))
    return table


def plan(url: str, spider: str = "imdb", **changes: Any) -> Collect:
    section = load("base" if spider == "imdb" else spider).collect.model_dump()
    local = {
        "base_url": url, "wikidata_url": None, "fields": "texts", "connections": 8, "timeout": 4.0, "first_pause": 0.05,
        "max_answer_mb": 4,
    }  # fmt: skip
    return Collect.model_validate({**section, **local, **changes})


def crawl(collect: Collect, ids: Iterable[str], raw: Path, log: Path) -> Crawled:
    """Ask for what raw/ does not hold yet, as the collect task does."""
    frontier = find_frontier(raw, collect.source, FINGERPRINT, list(ids))
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "ids.txt").write_text("\n".join(frontier.todo))
    spec = {"folder": str(frontier.folder), "fingerprint": FINGERPRINT, "ids_file": str(raw / "ids.txt")}
    write_json(raw / "spec.json", {**spec, "collect": collect.model_dump(mode="json")})
    before, started = len(read_log(log)), time.monotonic()
    with (raw / "told.jsonl").open("w") as told:
        command = [sys.executable, "-P", "-c", MEASURED, str(raw / "spec.json"), str(raw / "status.txt")]
        code = subprocess.run(command, stdout=told, stderr=told, check=False).returncode
    seconds = time.monotonic() - started
    last = (raw / "told.jsonl").read_text().splitlines()[-1]
    assert last.startswith('{"report"'), (raw / "told.jsonl").read_text()[-3000:]
    (peak_kb,) = re.findall(r"VmHWM:\s+(\d+) kB", (raw / "status.txt").read_text())
    report, peak = json.loads(last)["report"], int(peak_kb) / 1024
    return Crawled(frontier.todo, frontier.folder, code, report, peak, seconds, read_log(log)[before:])


def crawl_to_the_end(
    collect: Collect, ids: list[str], raw: Path, log: Path, check: Callable[[Crawled], None], most: int = 30
) -> list[Crawled]:
    """Crawl again and again, each crawl checked, until every title is held."""
    crawls: list[Crawled] = []
    while not crawls or find_frontier(raw, collect.source, FINGERPRINT, ids).todo:
        assert len(crawls) < most, crawls[-1].report
        crawls.append(crawl(collect, ids, raw, log))
        check(crawls[-1])
    return crawls


def read_log(log: Path) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [entry for entry in entries if entry["path"] != "/robots.txt"]


def ids_in(entry: dict[str, Any]) -> list[str]:
    return re.findall(r"\btt\d{7,}\b", unquote_plus(entry["path"]))


def met(crawls: Iterable[Crawled]) -> Counter[str]:
    return Counter(entry["fault"] for each in crawls for entry in each.requests if entry["fault"])


def last_faults(crawled: Crawled) -> dict[str, str | None]:
    return {title_id: entry["fault"] for entry in crawled.requests for title_id in ids_in(entry)}


def check_report(crawled: Crawled) -> None:
    """Each title that was asked for is stored, dropped or failed, once, and the report and the manifest say so."""
    report, manifest = crawled.report, read_manifest(crawled.folder)
    assert (report["finish_reason"], crawled.code) == ("finished", 0), report
    assert report["asked"] == report["items"] + sum(report["dropped"].values()) + sum(report["failed"].values())
    assert report["asked"] == len(crawled.todo)
    assert manifest is not None and manifest.complete
    assert {title_id for title_id in crawled.failed} <= set(crawled.todo)


def check_outcomes(crawled: Crawled) -> None:
    """The site's log tells what became of each title: the fault that its last request met names the reason."""
    outcomes = dict.fromkeys(crawled.todo, "stored") | crawled.failed
    manifest = read_manifest(crawled.folder)
    assert manifest is not None
    outcomes |= {drop["title_id"]: "dropped" for drop in manifest.summary["dropped_titles"]}
    wrong = [
        (title_id, fault, outcomes[title_id])
        for title_id, fault in last_faults(crawled).items()
        if not re.fullmatch(OUTCOMES[fault], outcomes[title_id])
    ]
    assert wrong == []
    assert set(last_faults(crawled)) == set(crawled.todo)


def rows_by_id(raw: Path) -> dict[str, dict[str, Any]]:
    rows = [row for table in read_raw(raw) for row in table.to_pylist()]
    assert len(rows) == len({row["title_id"] for row in rows})
    return {row["title_id"]: row for row in rows}


def check_texts(raw: Path, titles: pa.Table) -> None:
    """Whatever is stored is what the site has."""
    stored = rows_by_id(raw)
    wrong = [
        (served["title_id"], name, stored[served["title_id"]][name])
        for served in titles.to_pylist()
        if served["title_id"] in stored
        for name in TEXTS
        if stored[served["title_id"]][name] != served[name]
    ]
    assert wrong == []


def check_fetched_once(crawls: Iterable[Crawled]) -> None:
    """No title's good page is fetched twice, neither by one crawl nor by the next."""
    good = Counter(
        title_id for each in crawls for entry in each.requests if entry["fault"] is None for title_id in ids_in(entry)
    )
    assert [title_id for title_id, times in good.items() if times > 1] == []
