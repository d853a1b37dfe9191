"""The imdb spider: one title, one item, from one or two pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import scrapy
from scrapy import signals
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from scraper.items import Title
from scraper.pages.imdb import PageError, PlotPage, merge_pages, parse_main, parse_plotsummary
from scraper.spiders.failures import explain_failure
from scraper.writer import Drop, PartWriter


class ImdbSpider(scrapy.Spider):
    """Ask for each title's plot summary page, and for its main page where all fields are wanted."""

    name = "imdb"

    def __init__(
        self,
        *,
        ids: Sequence[str],
        base_url: str,
        fields: Literal["all", "texts"],
        writer: PartWriter,
        tell: Callable[[int], None],
        source: str = "imdb",
        terms: str | None = None,
    ) -> None:
        super().__init__()
        self.ids, self.fields, self.writer, self.tell, self.terms = ids, fields, writer, tell, terms
        self.source = source
        self.base_url = base_url.rstrip("/")
        self.host = urlsplit(base_url).netloc
        self.stop_message: str | None = None

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for every title, no sooner than there is room: memory stays flat over any number of ids."""
        for title_id in self.ids:
            if self.crawler.engine is not None and self.crawler.engine.needs_backout():
                await self.crawler.signals.wait_for(signals.scheduler_empty)
            yield self._ask(title_id, "plotsummary/", self.parse_plot)

    def _ask(self, title_id: str, page: str, callback: Any, **known: PlotPage) -> scrapy.Request:
        # Ids are unique, so Scrapy's own duplicate filter would only cost memory; second pages go first.
        return scrapy.Request(
            f"{self.base_url}/title/{title_id}/{page}",
            callback,
            errback=self.count_failure,
            cb_kwargs={"title_id": title_id, **known},
            dont_filter=True,
            priority=len(known),
        )

    def parse_plot(self, response: Response, title_id: str) -> Iterator[scrapy.Request | Title | Drop]:
        """Turn a plot summary page into the title, or into the request for its main page."""
        try:
            plot = parse_plotsummary(response.text)
            if self.fields == "all":
                yield self._ask(title_id, "", self.parse_title, plot=plot)
            else:
                yield merge_pages(title_id, plot, **self._origin(response))
        except PageError as error:
            yield Drop(title_id, "unparsable", f"{response.url}: {error}", permanent=False)

    def parse_title(self, response: Response, title_id: str, plot: PlotPage) -> Iterator[Title | Drop]:
        """Turn a main page, and what the plot summary page told, into the title."""
        try:
            yield merge_pages(title_id, plot, parse_main(response.text), **self._origin(response))
        except PageError as error:
            yield Drop(title_id, "unparsable", f"{response.url}: {error}", permanent=False)

    def count_failure(self, failure: Any) -> Iterator[Drop]:
        """Turn a request without a usable answer into a drop, or into nothing once the crawl is ending."""
        if self.stop_message is None or not failure.check(IgnoreRequest):
            yield explain_failure(failure.request.cb_kwargs["title_id"], failure.value)

    def _origin(self, response: Response) -> dict[str, Any]:
        return {
            "source": self.source,
            "source_url": response.url,
            "retrieved_at": datetime.now(UTC),
            "terms": self.terms,
        }
