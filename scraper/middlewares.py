"""Patience and restraint: retries that wait as told, and a guard that ends the crawl where it is refused."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import CannotResolveHostError, DownloadConnectionRefusedError, IgnoreRequest
from scrapy.http import HtmlResponse, Response

from scraper.pages.page import is_challenge
from scraper.quota import DailyQuota
from scraper.settings import origin_of
from scraper.verdicts import Verdict

logger = logging.getLogger(__name__)

# Seconds between looks at whether the crawl is being stopped while a retry waits.
_PAUSE_SLICE = 0.25
_REFUSALS_IN_A_ROW = 3
# So many attempts in a row that nobody listens to end the crawl: the site is not there.
_UNREACHABLE_IN_A_ROW = 10
_NOBODY_THERE = (DownloadConnectionRefusedError, CannotResolveHostError)
# The reason of answers that were given up on the way.
TOO_LARGE = "too_large"
_REFUSED = (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED)


class NoAnswerError(IgnoreRequest):
    """Say that a request got no answer that counts each time it was made, and what was wrong with the last."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def stop_crawl(crawler: Crawler, reason: str, message: str) -> None:
    """End the crawl in order, the first reason and message counting; requests under way are finished."""
    spider: Any = crawler.spider
    if spider.stop_message is not None or crawler.engine is None:
        return
    spider.stop_message = message
    logger.error("%s: %s", reason, message)
    # Not awaited: closing waits for the very request that this is called from. Kept, or it might be lost.
    spider.stop_task = asyncio.ensure_future(crawler.engine.close_spider_async(reason=reason))


def stop_unreachable(crawler: Crawler, request: Request) -> None:
    """End the crawl because nobody listens where the request was sent."""
    host = urlsplit(request.url)
    message = f"nothing answers at {host.scheme}://{host.netloc} (collect.base_url); is the site running?"
    stop_crawl(crawler, "unreachable", message)


def stop_asked_to_wait(crawler: Crawler, request: Request, reason: str | Exception, seconds: float) -> None:
    """End the crawl because the host asks for a longer pause than collect.longest_pause allows."""
    message = (
        f"{urlsplit(request.url).netloc} asks for a pause of {seconds:.0f} s ({reason}, Retry-After), longer "
        f"than collect.longest_pause; the same command goes on later where this one stopped"
    )
    stop_crawl(crawler, "daily_cap", message)


def is_unreachable(error: BaseException) -> bool:
    """Say whether an attempt failed because nobody listens at its address."""
    return isinstance(error, _NOBODY_THERE)


def is_stopping(crawler: Crawler) -> bool:
    """Say whether the crawl was told to end, by a signal or by stop_crawl."""
    spider: Any = crawler.spider
    return not crawler.crawling or spider.stop_message is not None


def read_retry_after(response: Response) -> float:
    """Return the seconds that a Retry-After header asks for (number or HTTP date), 0 without one."""
    told = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    # isdigit() alone takes a superscript two, which is no number.
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


class PatientRetryMiddleware(RetryMiddleware):
    """Retry passing failures and cut-off pages after rising pauses, never sooner than Retry-After asks."""

    async def process_response(  # type: ignore[override]
        self, request: Request, response: Response
    ) -> Request | Response:
        """Return the request again after a pause, or the answer where it is whole or retries are spent."""
        if response.status in self.retry_http_codes:
            told = read_retry_after(response)
            too_many = response.status == HTTPStatus.TOO_MANY_REQUESTS
            again = await self._wait_and_retry(request, f"status {response.status}", told, is_asked=too_many)
            return again or response
        spider: Any = self.crawler.spider
        verdict: Verdict | None = spider.judge(response)
        if verdict is None:
            return response
        told = read_retry_after(response)
        again = await self._wait_and_retry(request, verdict.reason, told, is_asked=True)
        if again is None:
            raise NoAnswerError(f"{request.url}: {verdict.message}", verdict.reason)
        return again

    async def process_exception(  # type: ignore[override]
        self, request: Request, exception: Exception
    ) -> Request | None:
        """Return the request again after a pause for time-outs and broken connections."""
        if not isinstance(exception, self.exceptions_to_retry):
            return None
        return await self._wait_and_retry(request, exception, 0.0)

    async def _wait_and_retry(
        self, request: Request, reason: str | Exception, told: float, is_asked: bool = False
    ) -> Request | None:
        """Return the request after a pause, None once its retries are spent.

        A host that asks for a longer pause than allowed (is_asked: by 429 or in words) ends the crawl.
        """
        longest = self.crawler.settings.getfloat("LONGEST_PAUSE")
        if told > longest:
            logger.warning("%s: asked to wait %.0f s, longer than longest_pause %.0f s", request, told, longest)
            if is_asked:
                stop_asked_to_wait(self.crawler, request, reason, told)
            return None
        again = self._retry(request, reason)
        if again is not None:
            rising = self.crawler.settings.getfloat("FIRST_PAUSE") * 2 ** request.meta.get("retry_times", 0)
            await self._pause(max(told, min(rising, longest)))
        return again

    async def _pause(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0 and not is_stopping(self.crawler):
            await asyncio.sleep(min(left, _PAUSE_SLICE))


class BlockGuard:
    """End the crawl at the first challenge, at three refusals in a row, at the daily cap, or as the spider judges."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._refusals = 0
        self._unreachable = 0
        self._cap: int | None = crawler.settings["DAILY_CAP"]
        self._quota = DailyQuota(Path(crawler.settings["QUOTA_FILE"])) if self._cap else None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BlockGuard:
        """Build the guard for a crawler."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Hold back requests to other hosts, above the daily cap, and all once the crawl is ending."""
        spider: Any = self._crawler.spider
        if spider.stop_message is not None:
            raise IgnoreRequest("the crawl is ending")
        origin = origin_of(request.url)
        if origin not in spider.origins:
            raise IgnoreRequest(f"led to {origin}, which is not {' or '.join(sorted(spider.origins))}")
        if self._quota is not None and self._cap is not None:
            if self._quota.used >= self._cap:
                stop_crawl(
                    self._crawler,
                    "daily_cap",
                    f"{self._cap} requests sent to {origin} today (collect.daily_cap); go on tomorrow",
                )
                raise IgnoreRequest("daily cap reached")
            self._quota.count()

    def process_response(self, request: Request, response: Response) -> Response:
        """Look for a block in each answer."""
        self._unreachable = 0
        spider: Any = self._crawler.spider
        verdict: Verdict | None = spider.judge(response)
        if verdict is not None and verdict.stops:
            stop_crawl(self._crawler, verdict.reason, verdict.message)
            raise IgnoreRequest(verdict.message)
        action = (response.headers.get("x-amzn-waf-action") or b"").decode("latin-1")
        if response.status in _REFUSED:
            self._refusals += 1
        else:
            self._refusals = 0
        if action:
            self._block(request, response, f"header x-amzn-waf-action: {action}")
        elif response.status == HTTPStatus.ACCEPTED:
            self._block(request, response, "status 202 is a challenge, not a page")
        elif isinstance(response, HtmlResponse) and is_challenge(response.text):
            self._block(request, response, "the body is a bot challenge")
        elif self._refusals >= _REFUSALS_IN_A_ROW:
            self._block(request, response, f"{self._refusals} refusals in a row")
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Count attempts that found nobody listening."""
        if not is_unreachable(exception):
            return
        self._unreachable += 1
        if self._unreachable >= _UNREACHABLE_IN_A_ROW:
            stop_unreachable(self._crawler, request)

    def _block(self, request: Request, response: Response, sign: str) -> None:
        spider: Any = self._crawler.spider
        message = f"blocked: {request.url} answered {response.status} ({sign}). {spider.advice}"
        stop_crawl(self._crawler, "blocked", message)
        raise IgnoreRequest(message)
