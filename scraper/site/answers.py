"""What the local movie site answers to a request: pages, redirects, errors and the faults it was told to make."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from aiohttp import web

from scraper.site.faults import CHALLENGE, Faults
from scraper.site.pages import render_main, render_plots, render_reference
from scraper.site.plain_pages import ROBOTS, render_error, render_index
from scraper.site.titles import Catalogue, SiteError

_TITLE_PATH = re.compile(r"/title/(tt\d+)(/plotsummary|/reference)?(/?)")
_RENDERERS = {"": render_main, "/plotsummary": render_plots, "/reference": render_reference}
# Titles that the start page links to.
INDEX_TITLES = 100
# SO_LINGER on with a time of 0: closing resets the connection instead of ending it in order.
_RESET = struct.pack("ii", 1, 0)


class Site:
    """Answer requests for one catalogue of titles; latency in seconds before every answer."""

    def __init__(
        self, catalogue: Catalogue, *, latency: float, faults: Faults, random_seed: int, access_log: Path | None
    ) -> None:
        self._catalogue = catalogue
        self._latency = latency
        self._faults = faults
        self._random_seed = random_seed
        self._access_log = access_log
        self._log: TextIO | None = None
        self._attempts: Counter[str] = Counter()

    @contextlib.contextmanager
    def logging(self) -> Iterator[None]:
        """Keep the access log open; raises SiteError naming the file when it cannot be written."""
        if self._access_log is None:
            yield
            return
        try:
            log = self._access_log.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise SiteError(f"{self._access_log}: access log cannot be written: {error.strerror}") from None
        with log:
            self._log = log
            try:
                yield
            finally:
                self._log = None

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, after the latency, with a page or a fault."""
        if self._latency:
            await asyncio.sleep(self._latency)
        fault = self._draw_fault(request.path)
        if fault in ("hang", "reset"):
            self._note(request, None, fault)
            return await self._drop(request, fault)
        response = self._fail(fault) if fault not in (None, "truncate") else self._page(request)
        self._note(request, response.status, fault)
        return await _truncate(request, response) if fault == "truncate" else response

    def _draw_fault(self, path: str) -> str | None:
        if not self._faults.challenge and not (self._faults.shares and path.startswith("/title/")):
            return None
        self._attempts[path] += 1
        return self._faults.draw(self._random_seed, path, self._attempts[path])

    def _page(self, request: web.BaseRequest) -> web.Response:
        path = request.path
        if request.method not in ("GET", "HEAD"):
            return _html(render_error(405, "Only GET is answered."), 405, {"Allow": "GET, HEAD"})
        if path == "/robots.txt":
            return web.Response(text=ROBOTS, content_type="text/plain")
        if path == "/ids.txt":
            return web.Response(text="\n".join(title.title_id for title in self._catalogue), content_type="text/plain")
        if path == "/":
            return _html(render_index(itertools.islice(self._catalogue, INDEX_TITLES), len(self._catalogue)))
        found = _TITLE_PATH.fullmatch(path)
        title = self._catalogue.find(found[1]) if found else None
        if found is None or title is None:
            return _html(render_error(404, "The requested URL was not found on our server."), 404)
        if not found[3]:
            query = f"?{request.query_string}" if request.query_string else ""
            return web.Response(status=308, headers={"Location": f"{path}/{query}"})
        return _html(_RENDERERS[found[2] or ""](title))

    def _fail(self, fault: str | None) -> web.Response:
        if fault == CHALLENGE:
            return web.Response(status=202, headers={"x-amzn-waf-action": "challenge", "Server": "CloudFront"})
        status = int(fault or 0)
        headers = {"Retry-After": str(self._faults.retry_after)} if status == 429 else {}
        return _html(render_error(status, "A fault that this site was told to make."), status, headers)

    async def _drop(self, request: web.BaseRequest, fault: str) -> web.Response:
        if fault == "hang":
            await asyncio.sleep(self._faults.hang_seconds)
        transport = request.transport
        if transport is not None:
            plug: socket.socket | None = transport.get_extra_info("socket")
            if plug is not None and fault == "reset":
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
        return web.Response()

    def _note(self, request: web.BaseRequest, status: int | None, fault: str | None) -> None:
        if self._log is None:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {"time": time, "path": request.path_qs, "status": status, "fault": fault}
        self._log.write(json.dumps(entry) + "\n")


def _html(text: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=text, status=status, headers=headers, content_type="text/html")


async def _truncate(request: web.BaseRequest, whole: web.Response) -> web.StreamResponse:
    """Announce the whole page's length, send half of it and close."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    cut = web.StreamResponse(status=whole.status, headers=whole.headers)
    cut.content_length = len(body)
    cut.force_close()
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    return cut
