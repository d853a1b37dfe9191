"""The imdb spider: one title, one record, from as few pages as carry the fields wanted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar

import scrapy
from scrapy.http import HtmlResponse, Response

from scraper.items import Title
from scraper.page_cache import RETRIEVED_AT
from scraper.page_choice import choose_genre_page, choose_pages
from scraper.pages.facts import PageFacts
from scraper.pages.imdb import merge_pages
from scraper.pages.layouts import parse_page
from scraper.robots import is_robots
from scraper.settings import crawled_hosts, is_loopback
from scraper.spiders.failures import explain_merger
from scraper.spiders.titles import Outcome, TitleSpider
from scraper.text_answers import content_type
from scraper.verdicts import Verdict
from scraper.writer import Drop

# A whole page closes its html element within so many bytes of its end.
_TAIL_BYTES = 256
_HTML = ("text/html", "application/xhtml+xml")


class ImdbSpider(TitleSpider):
    """Ask for each title's pages one after the other and merge what they tell into one record."""

    name = "imdb"
    gone: ClassVar[frozenset[int]] = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
    advice: ClassVar[str] = (
        "IMDb's terms forbid automatic access without written consent, and genreflow has no way around a block; "
        "use titles or stored pages you already have (`genreflow import FILE`, `genreflow parse FOLDER`), a source "
        "that needs no such consent (docs/sources.md), IMDb's licensed data, or your own mirror"
    )

    def __init__(self, **plan: Any) -> None:
        super().__init__(**plan)
        self.pages = choose_pages(self.collect.fields)
        own = all(map(is_loopback, crawled_hosts(self.collect)))
        self.terms = None if own else self.collect.permission

    def ask(self, ids: tuple[str, ...]) -> scrapy.Request:
        """Ask for the first of a title's pages."""
        return self._ask(ids[0], self.pages[0])

    def _ask(self, title_id: str, page: str, asked: Sequence[str] = (), told: Sequence[PageFacts] = ()) -> Any:
        url = f"{self.base_url}/title/{title_id}/{page}"
        return self.send(url, (title_id,), step=len(asked), asked=(*asked, page), told=tuple(told))

    def read(  # type: ignore[override]
        self, response: Response, ids: tuple[str, ...], asked: tuple[str, ...], told: tuple[PageFacts, ...]
    ) -> Iterator[Outcome]:
        """Turn a title's page, and what its pages before told, into the record or the request for the next page."""
        (title_id,) = ids
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

    def judge(self, response: Response) -> Verdict | None:
        """Ask again for what is no page, and for a page that was cut off before its end."""
        verdict = super().judge(response)
        if verdict is not None or response.status != HTTPStatus.OK or is_robots(response):
            return verdict
        # Scrapy looks at the body, too: it takes an image for HTML that reads like HTML.
        kind = content_type(response)
        if not isinstance(response, HtmlResponse) or (kind and not kind.startswith(_HTML)):
            return Verdict("no_html", f"content type {kind or 'unknown'}, expected text/html")
        if b"</html>" in response.body[-_TAIL_BYTES:].lower():
            return None
        return Verdict("truncated", "cut off before </html>")

    def recover(self, drop: Drop, ids: tuple[str, ...], state: dict[str, Any]) -> Iterator[Title | Drop]:
        """Keep what a title's pages before told where only a further page does not exist."""
        if drop.permanent and state["told"]:
            yield self._merge(ids[0], state["told"])
        else:
            yield drop

    def page_name(self, response: Response) -> str:
        """Name a kept page by what follows the title's id in its address."""
        return response.cb_kwargs["state"]["asked"][-1].strip("/") or "main"

    def _choose_next(self, asked: tuple[str, ...], known: Sequence[PageFacts]) -> str | None:
        if len(asked) < len(self.pages):
            return self.pages[len(asked)]
        # One more page at most: some titles have no genres anywhere.
        looked = len(asked) > len(self.pages) or any(page.genres for page in known)
        return None if looked else choose_genre_page(asked)

    def _merge(self, title_id: str, known: Sequence[PageFacts], response: Response | None = None) -> Title:
        signed = self.sign(merge_pages(title_id, known), f"{self.base_url}/title/{title_id}/{self.pages[0]}")
        cached = response.meta.get(RETRIEVED_AT) if response else None
        return dataclasses.replace(signed, retrieved_at=cached or datetime.now(UTC))
