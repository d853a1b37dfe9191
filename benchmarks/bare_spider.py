"""The least that Scrapy can do: ask for the same pages and yield their addresses."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response

# What the own-server manners set for genreflow's spider, too; everything else is Scrapy's default.
SETTINGS = {
    "CONCURRENT_REQUESTS": 16,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
    "ROBOTSTXT_OBEY": True,
    "COOKIES_ENABLED": False,
    "LOG_LEVEL": "WARNING",
}


class BareSpider(scrapy.Spider):
    """Yield the address of each plot summary page."""

    name = "bare"

    def __init__(self, base_url: str, ids: list[str]) -> None:
        super().__init__()
        self.base_url, self.ids = base_url, ids

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for every title's page."""
        for title_id in self.ids:
            yield scrapy.Request(f"{self.base_url}/title/{title_id}/plotsummary/")

    def parse(self, response: Response) -> Iterator[dict[str, Any]]:
        """Yield the page's address."""
        yield {"url": response.url}


if __name__ == "__main__":
    process = AsyncCrawlerProcess(SETTINGS)
    process.crawl(BareSpider, base_url=sys.argv[1], ids=Path(sys.argv[2]).read_text().split())
    process.start()
