"""Where a crawl's titles and drops go: into the part writer, with progress told on the way."""

from __future__ import annotations

from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler

from scraper.items import Title
from scraper.middlewares import stop_crawl
from scraper.writer import Drop

TOO_MANY_FAILED_REASON = "too_many_failed"


class PartPipeline:
    """Hand titles and drops to the spider's PartWriter; any error in it or in the spider ends the crawl.

    Scrapy by itself only logs such errors and calls the crawl finished. A share of failed titles beyond
    MAX_FAILED_SHARE ends it, too, once JUDGED_TITLES are through: what fails so often is a site or a layout that has
    changed.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._through = 0
        self._failed = 0
        self._missing: list[Drop] = []
        crawler.signals.connect(self._on_spider_error, signal=signals.spider_error)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PartPipeline:
        """Build the pipeline for a crawler."""
        return cls(crawler)

    def process_item(self, item: Title | Drop) -> Title | Drop:
        """Store or count one title."""
        spider: Any = self._crawler.spider
        try:
            if isinstance(item, Title):
                spider.writer.add(item)
            elif item.permanent and not spider.writer.taken:
                self._missing.append(item)
            else:
                spider.writer.drop(item)
            self._judge(item)
            spider.tell(self._pages())
        except Exception as error:
            stop_crawl(self._crawler, "error", f"{item.title_id} could not be stored: {error}")
            raise
        return item

    def close_spider(self) -> None:
        """Believe what was missing before any title was found, unless that was everything."""
        self._believe_missing()

    def _believe_missing(self) -> None:
        spider: Any = self._crawler.spider
        while self._missing and len(self._missing) < spider.none_of_so_many:
            spider.writer.drop(self._missing.pop())

    def _judge(self, item: Title | Drop) -> None:
        spider: Any = self._crawler.spider
        if isinstance(item, Title):
            self._believe_missing()
        elif len(self._missing) >= spider.none_of_so_many:
            self._stop_without_pages()
        settings = self._crawler.settings
        self._through += 1
        self._failed += isinstance(item, Drop) and not item.permanent
        share, judged = settings.getfloat("MAX_FAILED_SHARE"), settings.getint("JUDGED_TITLES")
        if self._failed > share * max(self._through, judged):
            last = f"the last: {item.title_id} {item.reason} ({item.detail})" if isinstance(item, Drop) else ""
            message = (
                f"{self._failed} of {self._through} titles failed, more than collect.max_failed_share {share:g} of "
                f"them (of {judged} at least); {last}; the same command asks for them again"
            )
            stop_crawl(self._crawler, TOO_MANY_FAILED_REASON, message)

    def _stop_without_pages(self) -> None:
        last = self._missing[-1]
        message = (
            f"none of the first {len(self._missing)} titles is there ({last.detail}); does the site serve such pages? "
            f"See collect.base_url and collect.fields. None of them is noted as missing"
        )
        stop_crawl(self._crawler, "nothing_found", message)

    def _pages(self) -> int:
        return count_pages(self._crawler)

    def _on_spider_error(self, failure: Any, response: Any) -> None:
        where = getattr(response, "url", "a request")
        stop_crawl(self._crawler, "error", f"the spider failed on {where}: {failure.value!r}")


def count_pages(crawler: Crawler) -> int:
    """Count the answers received, robots.txt left out."""
    stats = crawler.stats.get_stats() if crawler.stats else {}
    return int(stats.get("response_received_count", 0)) - int(stats.get("robotstxt/response_count", 0))
