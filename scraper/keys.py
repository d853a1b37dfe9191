"""Keys of interfaces: from the environment only, added where a request leaves, and kept out of all that comes back."""

from __future__ import annotations

import logging
import os
import re
from typing import NamedTuple

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Response

from conf.errors import GenreflowError
from scraper.downloads import LimitedDownloadHandler

_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")
_HIDDEN = "***"


class KeyMissingError(GenreflowError):
    """Say which environment variable must hold a key, and where such a key is had."""

    exit_code = 2


class Key(NamedTuple):
    """Say where an interface's key is found and sent: as a bearer token, or as the query parameter named."""

    variable: str
    how_to_get: str
    parameter: str | None = None

    def read(self) -> str:
        """Read the key from the environment; raises KeyMissingError, which never shows what it found."""
        key = os.environ.get(self.variable, "").strip()
        if not key:
            raise KeyMissingError(f"the environment variable {self.variable} is not set; {self.how_to_get}")
        if not _PLAIN.fullmatch(key):
            raise KeyMissingError(f"{self.variable} holds characters that no key has; {self.how_to_get}")
        return key

    def add_to(self, request: Request, key: str) -> Request:
        """Return the request with the key in it."""
        if self.parameter is None:
            headers = request.headers.copy()
            headers["Authorization"] = f"Bearer {key}"
            return request.replace(headers=headers)
        return request.replace(url=f"{request.url}{'&' if '?' in request.url else '?'}{self.parameter}={key}")


class KeyedDownloadHandler(LimitedDownloadHandler):
    """Send requests with the spider's key; what comes back, and what is raised or logged, does not show it."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._key: Key | None = getattr(crawler.spidercls, "key", None)
        self._secret = self._key.read() if self._key else ""
        if self._secret:
            for handler in logging.getLogger().handlers:
                handler.addFilter(Redaction(self._secret))

    async def download_request(self, request: Request) -> Response:
        """Send a request and return its answer under the address without the key."""
        if self._key is None:
            return await super().download_request(request)
        try:
            response = await super().download_request(self._key.add_to(request, self._secret))
        except Exception as error:
            error.args = tuple(_hide(part, self._secret) if isinstance(part, str) else part for part in error.args)
            raise
        return response.replace(url=request.url)


class KeyScrubber:
    """Take the key out of answers that repeat it, once they are unpacked and before anybody reads them."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> KeyScrubber:
        """Build the scrubber for a crawler; a spider without a key needs none."""
        key: Key | None = getattr(crawler.spidercls, "key", None)
        if key is None:
            raise NotConfigured
        return cls(key.read())

    def process_response(self, request: Request, response: Response) -> Response:
        """Return the answer without the key."""
        if self._secret not in response.body:
            return response
        return response.replace(body=response.body.replace(self._secret, _HIDDEN.encode()))


class Redaction(logging.Filter):
    """Take a secret out of what libraries log."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without the secret."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = f"a message of {record.name} that does not fit its values"
        record.msg, record.args = _hide(message, self._secret), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = _hide(record.exc_text, self._secret)
        if record.stack_info:
            record.stack_info = _hide(record.stack_info, self._secret)
        return True


def _hide(text: str, secret: str) -> str:
    return text.replace(secret, _HIDDEN)
