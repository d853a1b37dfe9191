"""What every spider shares: titles asked for in batches, each accounted for, answers judged before they count."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

import scrapy
from scrapy import signals
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response, TextResponse
from scrapy.settings import BaseSettings

from conf.data import Collect
from conf.schema import load
from scraper.genres import GenreNames
from scraper.items import GENERATED, Title
from scraper.keys import Key
from scraper.pages.errors import PageError
from scraper.robots import is_robots
from scraper.settings import origin_of
from scraper.spiders.failures import explain_failure
from scraper.stored_pages import StoredPage, write_page
from scraper.text_answers import content_type, judge_packing, judge_text
from scraper.verdicts import Verdict
from scraper.writer import Drop, PartWriter

# Characters of an unknown genre's name that a report shows.
_LONGEST_NAME = 60
# What a read function yields: a record, a drop, or the request for what is still missing.
Outcome = Title | Drop | scrapy.Request
Read = Callable[..., Iterator[Outcome]]


class TitleSpider(scrapy.Spider):
    """Ask for titles, `batch` of them a request, and turn every answer into records, drops or further requests.

    A source says what to ask (`ask`), what an answer tells (`read`) and which answers are none (`judge`).
    """

    # Titles a request asks for.
    batch: ClassVar[int] = 1
    # So many titles that are not there, and none that is, are no titles that are gone: the site serves no such thing.
    none_of_so_many: ClassVar[int] = 20
    # Statuses by which a site says that a title does not exist.
    gone: ClassVar[frozenset[int]] = frozenset()
    # The licence, or the terms of use, that the source gives its texts under.
    terms: str | None = None
    key: ClassVar[Key | None] = None
    # What to do where the source refuses to answer.
    advice: ClassVar[str] = "see the source's terms, and collect.contact, collect.polite_delay and collect.daily_cap"

    def __init__(
        self,
        *,
        ids: Sequence[str],
        collect: Collect,
        writer: PartWriter,
        tell: Callable[[int], None],
        keep_folder: Path,
        genres: Sequence[str],
    ) -> None:
        super().__init__()
        self.ids, self.collect, self.writer, self.tell = ids, collect, writer, tell
        self.base_url = collect.base_url.rstrip("/")
        self.origins = {origin_of(url) for url in (collect.base_url, collect.wikidata_url) if url}
        self.source = GENERATED if collect.ids == GENERATED else self.name
        self.stop_message: str | None = None
        self._keep_folder, self._kept_pages = keep_folder, collect.kept_pages
        # A run that models fewer takes none from the titles: raw/ is read by later runs, too.
        self._genres = GenreNames({*load("base").prepare.genres, *genres})

    def ask(self, ids: tuple[str, ...]) -> scrapy.Request:
        """Return the first request for a batch of titles; see `send`."""
        raise NotImplementedError(f"{type(self).__name__}.ask")

    def read(self, response: Response, ids: tuple[str, ...]) -> Iterator[Outcome]:
        """Yield what an answer tells of each of its titles; raises PageError where it tells nothing."""
        raise NotImplementedError(f"{type(self).__name__}.read")

    def judge(self, response: Response) -> Verdict | None:
        """Say why an answer is none: one to be asked for again, or one that ends the crawl; None for a good one."""
        if response.status != HTTPStatus.OK:
            return None
        # Rules are read whatever type and letters they come in.
        return judge_packing(response) if is_robots(response) else judge_text(response)

    def recover(self, drop: Drop, ids: tuple[str, ...], state: dict[str, Any]) -> Iterator[Title | Drop]:
        """Yield what becomes of a request's titles when it got no answer: the same drop for each."""
        for title_id in ids:
            yield dataclasses.replace(drop, title_id=title_id)

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for every title, no sooner than there is room: memory stays flat over any number of ids."""
        for first in range(0, len(self.ids), self.batch):
            if self.crawler.engine is not None and self.crawler.engine.needs_backout():
                await self.crawler.signals.wait_for(signals.scheduler_empty)
            yield self.ask(tuple(self.ids[first : first + self.batch]))

    def send(
        self, url: str, ids: Sequence[str], read: Read | None = None, step: int = 0, **state: Any
    ) -> scrapy.Request:
        """Return a request whose answer goes to read(response, ids, **state); later steps of a title go first."""
        # Ids are unique, so Scrapy's own duplicate filter would only cost memory.
        return scrapy.Request(
            url,
            self._take,
            errback=self._count_failure,
            cb_kwargs={"ids": tuple(ids), "read": read or self.read, "state": state},
            dont_filter=True,
            priority=step,
        )

    def sign(self, title: Title, url: str) -> Title:
        """Add to what a page told whence, when and under which terms it came, its genres in IMDb's names."""
        stats = self.crawler.stats
        for name in title.genres:
            if stats is not None and self._genres.translate(name) is None:
                stats.inc_value(f"genres/unknown/{name[:_LONGEST_NAME]}")
        return dataclasses.replace(
            title,
            genres=self._genres.translate_all(title.genres),
            source=self.source,
            source_url=url,
            terms=self.terms,
            retrieved_at=datetime.now(UTC),
        )

    def _take(self, response: Response, ids: tuple[str, ...], read: Read, state: dict[str, Any]) -> Iterator[Outcome]:
        # Read to its end before anything counts: a title is stored or fails, never both.
        try:
            outcomes = list(read(response, ids, **state))
        except PageError as error:
            kept = self._keep(ids[0], response)
            outcomes = [Drop(each, "unparsable", f"{response.url}: {error}{kept}", permanent=False) for each in ids]
        yield from outcomes

    def _keep(self, title_id: str, response: Response) -> str:
        if self._kept_pages <= 0 or not isinstance(response, TextResponse):
            return ""
        self._kept_pages -= 1
        path = self._keep_folder / f"{title_id}-{self.page_name(response)}.html.gz"
        write_page(path, StoredPage(response.text, response.url, datetime.now(UTC)))
        return f"; the page is kept in {path.parent.name}/{path.name}"

    def page_name(self, response: Response) -> str:
        """Return a word for the file name of a page that is kept."""
        return self.name

    def _count_failure(self, failure: Any) -> Iterator[Title | Drop]:
        """Turn a request without a usable answer into drops, or into nothing once the crawl is ending."""
        if self.stop_message is not None and failure.check(IgnoreRequest):
            return
        asked = failure.request.cb_kwargs
        drop = explain_failure(asked["ids"][0], failure.value, self.gone, failure.request.url)
        yield from self.recover(drop, asked["ids"], asked["state"])


class ApiSpider(TitleSpider):
    """Ask an interface that is made for programs: its own terms hold, not robots.txt, which speaks to page crawlers."""

    # What an interface says of a title is believed sooner than a page that is missing, but not for ever.
    none_of_so_many: ClassVar[int] = 500

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Ask for JSON, send the key, and leave robots.txt alone."""
        super().update_settings(settings)
        handler = "scraper.keys.KeyedDownloadHandler"
        own: dict[str, Any] = {
            "ROBOTSTXT_OBEY": False,
            "DEFAULT_REQUEST_HEADERS": {"Accept": "application/json"},
            "DOWNLOAD_HANDLERS": {"http": handler, "https": handler},
            # A key is for the host that it was made for.
            "REDIRECT_ENABLED": cls.key is None,
            "METAREFRESH_ENABLED": cls.key is None,
        }
        settings.setdict(own, priority="spider")

    def judge(self, response: Response) -> Verdict | None:
        """Ask again for JSON that was cut off, and for what is no JSON."""
        verdict = super().judge(response)
        if verdict is not None or response.status != HTTPStatus.OK:
            return verdict
        if read_json(response) is not None or response.body.strip() == b"null":
            return None
        kind = content_type(response)
        if "json" in kind:
            return Verdict("truncated", "the JSON is cut off or damaged")
        return Verdict("no_json", f"content type {kind or 'unknown'}, expected JSON")


def read_json(response: Response) -> Any:
    """Return an answer's JSON, None for an answer of another kind."""
    try:
        return response.json() if isinstance(response, TextResponse) else None
    except (ValueError, RecursionError):
        return None
