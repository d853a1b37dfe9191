"""Where a crawl's titles and drops go: into the part writer, with progress told on the way."""

from __future__ import annotations

from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler

from scraper.items import Title
from scraper.middlewares import stop_crawl
from scraper.writer import Drop


class PartPipeline:
    """Hand titles and drops to the spider's PartWriter; any error in it or in the spider ends the crawl.

    Scrapy only logs such errors and calls the crawl finished.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
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
            else:
                spider.writer.drop(item)
            spider.tell(self._pages())
        except Exception as error:
            stop_crawl(self._crawler, "error", f"{item.title_id} could not be stored: {error}")
            raise
        return item

    def _pages(self) -> int:
        return count_pages(self._crawler)

    def _on_spider_error(self, failure: Any, response: Any) -> None:
        where = getattr(response, "url", "a request")
        stop_crawl(self._crawler, "error", f"the spider failed on {where}: {failure.value!r}")


def count_pages(crawler: Crawler) -> int:
    """Count the answers received, robots.txt left out."""
    stats = crawler.stats.get_stats() if crawler.stats else {}
    return int(stats.get("response_received_count", 0)) - int(stats.get("robotstxt/response_count", 0))
