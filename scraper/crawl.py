"""One crawl in a process of its own: `python -m scraper.crawl SPEC.json`.

Progress and the final report go to standard output as JSON lines, Scrapy's messages to a log file beside
the folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from scrapy.crawler import AsyncCrawlerProcess, Crawler

from conf.data import Collect
from conf.errors import GenreflowError
from scraper.launch import TOO_MANY_FAILED, crawl_lock
from scraper.pipelines import TOO_MANY_FAILED_REASON, count_pages
from scraper.raw import dropped_ids, stored_ids
from scraper.settings import crawl_settings, crawled_hosts
from scraper.spiders.known import ready_spider
from scraper.spiders.titles import TitleSpider
from scraper.writer import PartWriter, WriterError
from tasks.store import StoreError, write_json

EXIT_OK, EXIT_ERROR, EXIT_REFUSED, EXIT_FAILED, EXIT_BLOCKED, EXIT_CAP, EXIT_STOPPED = (
    0,
    1,
    2,
    TOO_MANY_FAILED,
    4,
    5,
    130,
)
_EXIT_BY_REASON = {
    "finished": EXIT_OK,
    "blocked": EXIT_BLOCKED,
    "daily_cap": EXIT_CAP,
    "refused": EXIT_REFUSED,
    TOO_MANY_FAILED_REASON: EXIT_FAILED,
    "shutdown": EXIT_STOPPED,
}
_PROGRESS_SECONDS = 0.5
_READ_BYTES = 4096
# Names of genres that the table does not know which a report lists, the most frequent ones.
_UNKNOWN_SHOWN = 20


class CrawlSpec(BaseModel, frozen=True, extra="forbid"):
    """Say what one crawl process does: ids_file holds one title id a line, genres are names besides IMDb's own.

    follow_starter: stop when standard input ends, which it does when the starting process dies.
    """

    folder: Path
    fingerprint: str
    ids_file: Path
    collect: Collect
    genres: tuple[str, ...] = ()
    follow_starter: bool = False


def log_file(folder: Path) -> Path:
    """Return where the messages of the crawl into a folder go."""
    return folder.with_name(f"{folder.name}.log")


def page_folder(folder: Path) -> Path:
    """Return where the good pages of crawls into raw/ are kept."""
    return folder.parent.with_name("pages")


def main(arguments: Sequence[str]) -> int:
    """Run the crawl that a spec file describes and return the exit code; see EXIT_* above."""
    # Whatever a library prints must not come between the JSON lines.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            if len(arguments) != 1:
                raise ValueError("expected one argument, the path of a crawl's spec file (JSON)")
            spec = CrawlSpec.model_validate_json(Path(arguments[0]).read_bytes())
            ids = list(dict.fromkeys(spec.ids_file.read_text(encoding="utf-8").split()))
            settings = crawl_settings(spec.collect, log_file(spec.folder), page_folder(spec.folder))
            spider = ready_spider(spec.collect)
        except (OSError, ValueError, GenreflowError) as error:
            return _fail(EXIT_REFUSED, error)
        if spec.follow_starter:
            _stop_with_starter()
        try:
            with crawl_lock(spec.folder.parent, spec.collect):
                return _Crawl(spec, spider, ids, settings).run()
        except (OSError, WriterError, StoreError) as error:
            return _fail(EXIT_ERROR, error)


def _stop_with_starter() -> None:
    """Stop in order once standard input ends: whoever started this crawl holds its other end, and is gone then."""

    def watch() -> None:
        while os.read(0, _READ_BYTES):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _fail(code: int, error: Exception) -> int:
    _tell({"error": str(error)})
    return code


def _tell(line: dict[str, Any]) -> None:
    # A starter that was killed listens no more; the watch on standard input ends the crawl then.
    if sys.__stdout__ is not None:
        with contextlib.suppress(BrokenPipeError):
            sys.__stdout__.write(json.dumps(line) + "\n")
            sys.__stdout__.flush()


@dataclasses.dataclass(frozen=True, slots=True)
class _End:
    """Hold how a crawl ended."""

    code: int
    reason: str
    message: str


class _Crawl:
    """Ask for what a folder does not hold yet, and mark it finished only when every title is counted."""

    def __init__(self, spec: CrawlSpec, spider: type[TitleSpider], ids: list[str], settings: dict[str, Any]) -> None:
        folder = spec.folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._spec, self._spider = spec, spider
        quota_file = folder.parent / f"requests-{crawled_hosts(spec.collect)[0]}.json"
        self._settings = settings | {"QUOTA_FILE": str(quota_file)}
        held = stored_ids(folder) | dropped_ids(folder)
        self._todo = [title_id for title_id in ids if title_id not in held]
        self._writer = PartWriter(
            folder,
            step="collect",
            fingerprint=spec.fingerprint,
            part_titles=spec.collect.part_titles,
            asked=len(held) + len(self._todo),
        )
        self._stored_before = self._writer.stored
        self._before = self._writer.stored + self._writer.dropped
        self._started = time.monotonic()
        self._told = 0.0

    def run(self) -> int:
        """Crawl, write what is left, report; return the exit code."""
        crawler = self._run_scrapy() if self._todo else None
        self._writer.flush()
        self._tell_progress(count_pages(crawler) if crawler else 0, last=True)
        end = self._judge(crawler)
        if end.code == EXIT_OK:
            self._writer.finish()
        report = self._report(crawler, end, time.monotonic() - self._started)
        write_json(self._spec.folder / "report.json", report)
        _tell({"report": report})
        return end.code

    def _run_scrapy(self) -> Crawler:
        process = AsyncCrawlerProcess(self._settings)
        crawler = process.create_crawler(self._spider)
        process.crawl(
            crawler,
            ids=self._todo,
            collect=self._spec.collect,
            writer=self._writer,
            tell=self._tell_progress,
            keep_folder=self._spec.folder / "unparsable",
            genres=self._spec.genres,
        )
        process.start()
        return crawler

    def _tell_progress(self, pages: int, last: bool = False) -> None:
        if time.monotonic() - self._told < _PROGRESS_SECONDS and not last:
            return
        self._told = time.monotonic()
        writer = self._writer
        _tell(
            {
                "done": writer.taken + writer.dropped + writer.failed - self._before,
                "asked": len(self._todo),
                "items": writer.taken,
                "failed": writer.failed,
                "pages": pages,
                "seconds": round(self._told - self._started, 1),
            }
        )

    def _judge(self, crawler: Crawler | None) -> _End:
        reason = "finished"
        if crawler is not None:
            stats = crawler.stats.get_stats() if crawler.stats else {}
            reason = str(stats.get("finish_reason", "start_error"))
        code = _EXIT_BY_REASON.get(reason, EXIT_ERROR)
        if code != EXIT_OK:
            told = getattr(getattr(crawler, "spider", None), "stop_message", None)
            return _End(code, reason, told or f"the crawl ended early ({reason}); {log_file(self._spec.folder)}")
        writer, asked = self._writer, self._writer.asked
        accounted = writer.stored + writer.dropped + writer.failed
        if accounted != asked:
            return _End(EXIT_ERROR, "uncounted", f"{asked} titles asked for, {accounted} accounted for")
        if writer.failed > self._spec.collect.max_failed_share * asked:
            summary = writer.summarize()
            kinds = ", ".join(f"{count} {kind}" for kind, count in summary["failed"].items())
            first = summary["failed_titles"][0]
            return _End(
                EXIT_FAILED,
                TOO_MANY_FAILED_REASON,
                f"{writer.failed} of {asked} titles failed ({kinds}), more than collect.max_failed_share "
                f"{self._spec.collect.max_failed_share:g}; the first: {first['title_id']} ({first['detail']}); "
                f"the same command asks for them again",
            )
        return _End(EXIT_OK, reason, "")

    def _report(self, crawler: Crawler | None, end: _End, seconds: float) -> dict[str, Any]:
        stats: dict[str, Any] = crawler.stats.get_stats() if crawler and crawler.stats else {}
        pages = count_pages(crawler) if crawler else 0
        summary = self._writer.summarize()
        return {
            "asked": self._writer.asked,
            "requested": len(self._todo),
            "items": self._writer.stored,
            "stored_now": self._writer.stored - self._stored_before,
            "dropped": summary["dropped"],
            "failed": summary["failed"],
            "pages": pages,
            "pages_from_cache": stats.get("httpcache/hit", 0),
            "status_codes": _below(stats, "downloader/response_status_count/"),
            "unknown_genres": _most(_below(stats, "genres/unknown/")),
            "retries": stats.get("retry/count", 0),
            "bytes": stats.get("downloader/response_bytes", 0),
            "seconds": round(seconds, 3),
            "pages_per_second": round(pages / seconds, 2) if seconds > 0 else 0.0,
            "finish_reason": end.reason,
            "message": end.message,
        }


def _most(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: -pair[1])[:_UNKNOWN_SHOWN])


def _below(stats: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key[len(prefix) :]: count for key, count in stats.items() if key.startswith(prefix)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
