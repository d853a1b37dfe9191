"""Downloads over HTTP within limits that Scrapy and Twisted leave open: the size of an answer's head."""

from __future__ import annotations

from typing import Any

from scrapy.core.downloader.handlers import http11
from scrapy.crawler import Crawler
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS, HTTP11ClientProtocol, ParseError

# Bytes of a status line and headers, those of interim answers (1xx) included; servers commonly send a few thousand.
_MOST_HEAD_BYTES = 2**18


class LimitedDownloadHandler(http11.HTTP11DownloadHandler):
    """Give up an answer whose head goes on and on: Twisted would keep it all until the time-out."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = _LimitedFactory


class _LimitedProtocol(http11._LenientHTTP11ClientProtocol):
    _head_bytes = 0

    def request(self, request: Any) -> Any:
        self._head_bytes = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        if self._parser is not None and self._parser.state in (STATUS, HEADER):
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEAD_BYTES:
                told = ParseError(f"more than {_MOST_HEAD_BYTES} bytes of headers", b"")
                self._giveUp(Failure(told))
                return
        super().dataReceived(data)


class _LimitedFactory(http11._LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: IAddress | None) -> HTTP11ClientProtocol:  # noqa: N802 - Twisted's name
        return _LimitedProtocol(self._quiescentCallback)
