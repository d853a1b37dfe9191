"""The tmdb spider: The Movie Database's overview and genres, one request a title."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import ClassVar

import scrapy
from scrapy.http import Response

from scraper.keys import Key
from scraper.pages.tmdb import read_found
from scraper.pages.trees import text_at
from scraper.spiders.titles import ApiSpider, Outcome, read_json
from scraper.verdicts import Verdict
from scraper.writer import Drop


class TmdbSpider(ApiSpider):
    """Ask TMDB for each IMDb id: https://developer.themoviedb.org/reference/find-by-id."""

    name = "tmdb"
    terms = "TMDB API terms of use (attribution; commercial use only by agreement)"
    key: ClassVar[Key | None] = Key(
        "TMDB_READ_ACCESS_TOKEN",
        "a free account has one: themoviedb.org, Settings, API, 'API Read Access Token'",
    )

    def ask(self, ids: tuple[str, ...]) -> scrapy.Request:
        """Ask for one title by its IMDb id."""
        return self.send(f"{self.base_url}/3/find/{ids[0]}?external_source=imdb_id&language=en-US", ids)

    def read(self, response: Response, ids: tuple[str, ...]) -> Iterator[Outcome]:
        """Yield the title found, or the drop of one that TMDB does not have."""
        found = read_found(read_json(response), ids[0])
        yield self.sign(found, response.url) if found else Drop(ids[0], "not_found", f"{response.url}: no result")

    def judge(self, response: Response) -> Verdict | None:
        """End the crawl where the token is refused: https://developer.themoviedb.org/docs/errors."""
        if response.status == HTTPStatus.UNAUTHORIZED:
            told = text_at(read_json(response), "status_message") or "no reason given"
            message = f"TMDB refuses the token in {self.key.variable if self.key else ''}: {told}"
            return Verdict("refused", message, stops=True)
        return super().judge(response)
