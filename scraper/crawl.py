"""One crawl in a process of its own: `python -m scraper.crawl SPEC.json`.

Progress and the final report go to standard output as JSON lines, Scrapy's messages to a log file beside
the folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from scrapy.crawler import AsyncCrawlerProcess, Crawler

from conf.schema import Collect
from scraper.items import GENERATED
from scraper.launch import TOO_MANY_FAILED
from scraper.pipelines import count_pages
from scraper.settings import MannersError, crawl_settings, crawled_host, is_loopback
from scraper.spiders.imdb import ImdbSpider
from scraper.writer import PartWriter, WriterError, dropped_ids, stored_ids
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
    "shutdown": EXIT_STOPPED,
}
_PROGRESS_SECONDS = 0.5


class CrawlSpec(BaseModel, frozen=True, extra="forbid"):
    """Say what one crawl process does: ids_file holds one title id a line."""

    folder: Path
    fingerprint: str
    ids_file: Path
    collect: Collect


def log_file(folder: Path) -> Path:
    """Return where the messages of the crawl into a folder go."""
    return folder.with_name(f"{folder.name}.log")


def main(arguments: Sequence[str]) -> int:
    """Run the crawl that a spec file describes and return the exit code; see EXIT_* above."""
    # Whatever a library prints must not come between the JSON lines.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            if len(arguments) != 1:
                raise ValueError("expected one argument, the path of a crawl's spec file (JSON)")
            spec = CrawlSpec.model_validate_json(Path(arguments[0]).read_bytes())
            ids = list(dict.fromkeys(spec.ids_file.read_text(encoding="utf-8").split()))
            settings = crawl_settings(spec.collect, log_file(spec.folder))
        except (OSError, ValueError, MannersError) as error:
            return _fail(EXIT_REFUSED, error)
        try:
            return _Crawl(spec, ids, settings).run()
        except (OSError, WriterError, StoreError) as error:
            return _fail(EXIT_ERROR, error)


def _fail(code: int, error: Exception) -> int:
    _tell({"error": str(error)})
    return code


def _tell(line: dict[str, Any]) -> None:
    if sys.__stdout__ is not None:
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

    def __init__(self, spec: CrawlSpec, ids: list[str], settings: dict[str, Any]) -> None:
        folder = spec.folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._spec = spec
        quota_file = folder.parent / f"requests-{crawled_host(spec.collect)}.json"
        self._settings = settings | {"QUOTA_FILE": str(quota_file)}
        held = stored_ids(folder) | dropped_ids(folder)
        self._todo = [title_id for title_id in ids if title_id not in held]
        self._writer = PartWriter(
            folder,
            step="collect",
            fingerprint=spec.fingerprint,
            part_titles=spec.collect.part_titles,
            asked=len(ids),
        )
        self._told = 0.0

    def run(self) -> int:
        """Crawl, write what is left, report; return the exit code."""
        started = time.monotonic()
        crawler = self._run_scrapy() if self._todo else None
        self._writer.flush()
        self._tell_progress(count_pages(crawler) if crawler else 0, last=True)
        end = self._judge(crawler)
        if end.code == EXIT_OK:
            self._writer.finish()
        report = self._report(crawler, end, time.monotonic() - started)
        write_json(self._spec.folder / "report.json", report)
        _tell({"report": report})
        return end.code

    def _run_scrapy(self) -> Crawler:
        process = AsyncCrawlerProcess(self._settings)
        crawler = process.create_crawler(ImdbSpider)
        collect = self._spec.collect
        process.crawl(
            crawler,
            ids=self._todo,
            base_url=collect.base_url,
            fields=collect.fields,
            writer=self._writer,
            tell=self._tell_progress,
            source=GENERATED if collect.ids == GENERATED else collect.spider,
            terms=None if is_loopback(crawled_host(collect)) else collect.permission,
        )
        process.start()
        return crawler

    def _tell_progress(self, pages: int, last: bool = False) -> None:
        if time.monotonic() - self._told < _PROGRESS_SECONDS and not last:
            return
        self._told = time.monotonic()
        writer = self._writer
        items = writer.taken
        done = items + writer.dropped + writer.failed
        _tell({"done": done, "asked": writer.asked, "items": items, "failed": writer.failed, "pages": pages})

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
            kinds = ", ".join(f"{count} {kind}" for kind, count in writer.summarize()["failed"].items())
            return _End(
                EXIT_FAILED,
                "too_many_failed",
                f"{writer.failed} of {asked} titles failed ({kinds}), more than collect.max_failed_share "
                f"{self._spec.collect.max_failed_share:g}; the same command asks for them again",
            )
        return _End(EXIT_OK, reason, "")

    def _report(self, crawler: Crawler | None, end: _End, seconds: float) -> dict[str, Any]:
        stats: dict[str, Any] = crawler.stats.get_stats() if crawler and crawler.stats else {}
        pages = count_pages(crawler) if crawler else 0
        prefix = "downloader/response_status_count/"
        summary = self._writer.summarize()
        return {
            "asked": self._writer.asked,
            "requested": len(self._todo),
            "items": self._writer.stored,
            "dropped": summary["dropped"],
            "failed": summary["failed"],
            "pages": pages,
            "status_codes": {key[len(prefix) :]: n for key, n in stats.items() if key.startswith(prefix)},
            "retries": stats.get("retry/count", 0),
            "bytes": stats.get("downloader/response_bytes", 0),
            "seconds": round(seconds, 3),
            "pages_per_second": round(pages / seconds, 2) if seconds > 0 else 0.0,
            "finish_reason": end.reason,
            "message": end.message,
        }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
