"""The cache of good pages: what was fetched once is read from disk, blocks and errors are never kept.

Scrapy's own storage pickles and its policy keeps every status, also the 202 of a challenge.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.http import HtmlResponse, Response, TextResponse
from scrapy.settings import BaseSettings

from scraper.pages.page import is_challenge
from scraper.stored_pages import StoredPage, StoredPageError, age_in_days, read_page, write_page

logger = logging.getLogger(__name__)

# Where a request's meta says when its cached page came.
RETRIEVED_AT = "retrieved_at"


class PagePolicy:
    """Cache title pages that came whole with status 200 and are no challenge; they stay fresh until they expire."""

    def __init__(self, settings: BaseSettings) -> None:
        pass

    def should_cache_request(self, request: Request) -> bool:
        """Say whether a request is for a title's page."""
        return urlsplit(request.url).path.startswith("/title/")

    def should_cache_response(self, response: Response, request: Request) -> bool:
        """Say whether an answer is a good page."""
        good = response.status == HTTPStatus.OK and isinstance(response, TextResponse)
        return good and not response.headers.get("x-amzn-waf-action") and not is_challenge(response.text)

    def is_cached_response_fresh(self, cachedresponse: Response, request: Request) -> bool:
        """Say yes: the storage gives no page that has expired."""
        return True

    def is_cached_response_valid(self, cachedresponse: Response, response: Response, request: Request) -> bool:
        """Say yes: the storage gives no page that has expired."""
        return True


class PageStorage:
    """Keep pages below HTTPCACHE_DIR, named by a hash of address and language, for CACHE_DAYS (None: for ever)."""

    def __init__(self, settings: BaseSettings) -> None:
        self._folder = Path(settings["HTTPCACHE_DIR"])
        self._days: float | None = settings["CACHE_DAYS"]

    def open_spider(self, spider: Spider) -> None:
        """Do nothing: the folder is made with the first page."""

    def close_spider(self, spider: Spider) -> None:
        """Do nothing: every page is written whole at once."""

    def retrieve_response(self, spider: Spider, request: Request) -> Response | None:
        """Return the cached page, None where there is none, or an expired or damaged one."""
        path = self._path(request)
        if not path.exists():
            return None
        try:
            page = read_page(path)
        except StoredPageError as error:
            logger.warning("%s; it is fetched again", error)
            return None
        age = age_in_days(page)
        if self._days is not None and (age is None or age >= self._days):
            return None
        request.meta[RETRIEVED_AT] = page.retrieved_at
        return HtmlResponse(request.url, body=page.text.encode("utf-8", "replace"), encoding="utf-8", request=request)

    def store_response(self, spider: Spider, request: Request, response: TextResponse) -> None:
        """Keep a page."""
        write_page(self._path(request), StoredPage(response.text, response.url, datetime.now(UTC)))

    def _path(self, request: Request) -> Path:
        language = request.headers.get("Accept-Language") or b""
        name = hashlib.sha256(request.url.encode() + b"\n" + language).hexdigest()
        return self._folder / name[:2] / f"{name}.html.gz"
