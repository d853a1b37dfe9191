"""The imdb spider: one title, one record, from as few pages as carry the fields wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy import signals
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from scraper.items import Title
from scraper.page_cache import RETRIEVED_AT
from scraper.page_choice import choose_genre_page
from scraper.pages.facts import PageFacts
from scraper.pages.imdb import merge_pages
from scraper.pages.layouts import parse_page
from scraper.pages.page import PageError
from scraper.spiders.failures import explain_failure, explain_merger
from scraper.stored_pages import StoredPage, write_page
from scraper.writer import Drop, PartWriter


class ImdbSpider(scrapy.Spider):
    """Ask for each title's pages one after the other and merge what they tell into one record."""

    name = "imdb"

    def __init__(
        self,
        *,
        ids: Sequence[str],
        base_url: str,
        pages: Sequence[str],
        writer: PartWriter,
        tell: Callable[[int], None],
        keep_folder: Path,
        kept_pages: int,
        source: str = "imdb",
        terms: str | None = None,
    ) -> None:
        super().__init__()
        self.ids, self.pages, self.writer, self.tell = ids, tuple(pages), writer, tell
        self.keep_folder, self.kept_pages = keep_folder, kept_pages
        self.source, self.terms = source, terms
        self.base_url = base_url.rstrip("/")
        self.host = urlsplit(base_url).netloc
        self.stop_message: str | None = None

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for every title, no sooner than there is room: memory stays flat over any number of ids."""
        for title_id in self.ids:
            if self.crawler.engine is not None and self.crawler.engine.needs_backout():
                await self.crawler.signals.wait_for(signals.scheduler_empty)
            yield self._ask(title_id, self.pages[0])

    def _ask(self, title_id: str, page: str, asked: Sequence[str] = (), told: Sequence[PageFacts] = ()) -> Any:
        # Ids are unique, so Scrapy's own duplicate filter would only cost memory; further pages go first.
        return scrapy.Request(
            f"{self.base_url}/title/{title_id}/{page}",
            self.parse_title,
            errback=self.count_failure,
            cb_kwargs={"title_id": title_id, "asked": (*asked, page), "told": tuple(told)},
            dont_filter=True,
            priority=len(asked),
        )

    def parse_title(
        self, response: Response, title_id: str, asked: tuple[str, ...], told: tuple[PageFacts, ...]
    ) -> Iterator[scrapy.Request | Title | Drop]:
        """Turn a title's page, and what its pages before told, into the record or the request for the next page."""
        try:
            _, facts = parse_page(response.text)
            merged = explain_merger(title_id, facts.title_id, response.url)
            if merged is not None:
                yield merged
                return
            known = (*told, facts)
            following = self._choose_next(asked, known)
            if following is None:
                yield self._merge(title_id, known, response)
            else:
                yield self._ask(title_id, following, asked, known)
        except PageError as error:
            kept = self._keep(title_id, asked[-1], response)
            yield Drop(title_id, "unparsable", f"{response.url}: {error}{kept}", permanent=False)

    def _choose_next(self, asked: tuple[str, ...], known: Sequence[PageFacts]) -> str | None:
        if len(asked) < len(self.pages):
            return self.pages[len(asked)]
        # One more page at most: some titles have no genres anywhere.
        looked = len(asked) > len(self.pages) or any(page.genres for page in known)
        return None if looked else choose_genre_page(asked)

    def _merge(self, title_id: str, known: Sequence[PageFacts], response: Response | None = None) -> Title:
        return merge_pages(
            title_id,
            known,
            source=self.source,
            source_url=f"{self.base_url}/title/{title_id}/{self.pages[0]}",
            retrieved_at=(response.meta.get(RETRIEVED_AT) if response else None) or datetime.now(UTC),
            terms=self.terms,
        )

    def _keep(self, title_id: str, page: str, response: Response) -> str:
        if self.kept_pages <= 0:
            return ""
        self.kept_pages -= 1
        path = self.keep_folder / f"{title_id}-{page.strip('/') or 'main'}.html.gz"
        write_page(path, StoredPage(response.text, response.url, datetime.now(UTC)))
        return f"; the page is kept in {path.parent.name}/{path.name}"

    def count_failure(self, failure: Any) -> Iterator[Title | Drop]:
        """Turn a request without a usable answer into a drop, or into nothing once the crawl is ending.

        A further page that does not exist takes nothing from what the pages before told.
        """
        if self.stop_message is not None and failure.check(IgnoreRequest):
            return
        title_id, known = failure.request.cb_kwargs["title_id"], failure.request.cb_kwargs["told"]
        drop = explain_failure(title_id, failure.value)
        yield self._merge(title_id, known) if drop.permanent and known else drop
