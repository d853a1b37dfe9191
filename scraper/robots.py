"""Obedience to robots.txt as RFC 9309 wants it: asked for again in time, and nothing asked for without it."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.http import Response
from scrapy.robotstxt import RobotParser

from scraper.middlewares import is_unreachable, stop_crawl, stop_unreachable
from scraper.settings import origin_of

PATH = "/robots.txt"
# Bytes that are read of it: a crawler must read 500 KiB (RFC 9309, 2.5), and rules cost time with every request.
_MOST_BYTES = 500 * 2**10
_HOUR = 3600.0


def is_robots(response: Response) -> bool:
    """Say whether an answer is a site's robots.txt."""
    return urlsplit(response.url).path == PATH


class RobotsGuard(RobotsTxtMiddleware):
    """Ask for robots.txt again every ROBOTS_HOURS, and end the crawl where it cannot be had (RFC 9309, 2.3.1.4).

    Scrapy asks once a crawl, and takes everything as allowed where it gets no answer.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._fresh_seconds = crawler.settings.getfloat("ROBOTS_HOURS") * _HOUR
        self._asked: dict[str, float] = {}
        self._turn = asyncio.Lock()

    async def process_request(self, request: Request, spider: Spider | None = None) -> None:
        """Hold back what the rules of its host forbid; other hosts are not even asked for rules."""
        crawled: Any = self.crawler.spider
        if origin_of(request.url) in crawled.origins:
            await super().process_request(request)

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """Return the rules of a request's host, None where they cannot be had."""
        netloc = urlsplit(request.url).netloc
        # One after the other: of those who wait for the rules together Scrapy gives them to the first, and to the rest
        # None, which allows everything.
        async with self._turn:
            now = time.monotonic()
            is_known = isinstance(self._parsers.get(netloc), RobotParser)
            if is_known and now - self._asked[netloc] > self._fresh_seconds:
                del self._parsers[netloc]
            if netloc not in self._parsers:
                self._asked[netloc] = now
            return await super().robot_parser(request)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._stop(netloc, f"status {response.status}")
        await super()._parse_robots(response.replace(body=response.body[:_MOST_BYTES]), netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        if is_unreachable(exc):
            stop_unreachable(self.crawler, Request(f"http://{netloc}{PATH}"))
        else:
            self._stop(netloc, str(exc) or type(exc).__name__)
        super()._robots_error(exc, netloc)

    def _stop(self, netloc: str, trouble: str) -> None:
        message = f"{netloc}{PATH} cannot be had ({trouble}), so nothing else may be asked for; try again later"
        stop_crawl(self.crawler, "robots", message)
