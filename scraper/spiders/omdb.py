"""The omdb spider: the short plot, then the full one, two requests a title."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from http import HTTPStatus
from typing import ClassVar

import scrapy
from scrapy.http import Response

from scraper.items import Title
from scraper.keys import Key
from scraper.pages.omdb import read_error, read_title
from scraper.pages.texts import same_text
from scraper.spiders.titles import ApiSpider, Outcome, read_json
from scraper.verdicts import Verdict
from scraper.writer import Drop

_NO_SUCH_TITLE = ("Incorrect IMDb ID.", "Error getting data.", "not found!")


class OmdbSpider(ApiSpider):
    """Ask OMDb for each IMDb id with plot=short and plot=full: https://www.omdbapi.com/#parameters."""

    name = "omdb"
    terms = "CC BY-NC 4.0 (omdbapi.com)"
    key: ClassVar[Key | None] = Key("OMDB_API_KEY", "a free one is had at omdbapi.com/apikey.aspx", "apikey")

    def ask(self, ids: tuple[str, ...]) -> scrapy.Request:
        """Ask for a title with its short plot."""
        return self.send(f"{self.base_url}/?i={ids[0]}&plot=short&r=json", ids)

    def read(self, response: Response, ids: tuple[str, ...]) -> Iterator[Outcome]:
        """Turn the short plot's answer into the request for the full one."""
        error = read_error(read_json(response))
        if error is None:
            title = self.sign(read_title(read_json(response), ids[0]), response.url)
            yield self.send(f"{self.base_url}/?i={ids[0]}&plot=full&r=json", ids, self._read_full, step=1, title=title)
        else:
            gone = error.endswith(_NO_SUCH_TITLE)
            yield Drop(ids[0], "not_found" if gone else "failed:answer", f"{response.url}: {error}", permanent=gone)

    def _read_full(self, response: Response, ids: tuple[str, ...], title: Title) -> Iterator[Outcome]:
        error = read_error(read_json(response))
        if error is not None:
            yield Drop(ids[0], "failed:answer", f"{response.url}: {error}", permanent=False)
            return
        full = read_title(read_json(response), ids[0]).summary
        if full is None or (title.summary and same_text(full, title.summary)):
            yield title
        else:
            yield dataclasses.replace(title, synopsis=full, synopsis_source="full plot")

    def judge(self, response: Response) -> Verdict | None:
        """End the crawl where the key is refused, or its requests of the day are used up (both come as 401)."""
        if response.status != HTTPStatus.UNAUTHORIZED:
            return super().judge(response)
        error = read_error(read_json(response)) or "no reason given"
        if "limit" in error.lower():
            message = f"OMDb: {error} The same command goes on tomorrow where this one stopped"
            return Verdict("daily_cap", message, stops=True)
        return Verdict(
            "refused", f"OMDb refuses the key in {self.key.variable if self.key else ''}: {error}", stops=True
        )
