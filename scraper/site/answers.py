"""What the local movie site answers to a request: pages, interfaces, redirects, errors and faults."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from aiohttp import web

from scraper.items import GENERATED
from scraper.site.access_log import AccessLog, leave_out_keys
from scraper.site.answer_faults import LOOP, SILENT, SPOILS
from scraper.site.apis import mediawiki, omdb, tmdb, wikidata
from scraper.site.apis.reply import Api, Reply
from scraper.site.faults import CHALLENGE, DISALLOW, Faults
from scraper.site.pages import render_main, render_plots, render_reference
from scraper.site.plain_pages import ROBOTS, ROBOTS_WITHOUT_TITLES, render_error, render_index
from scraper.site.titles import Catalogue

_TITLE_PATH = re.compile(r"/title/(tt[0-9]+)(/plotsummary|/reference)?(/?)")
_RENDERERS = {"": render_main, "/plotsummary": render_plots, "/reference": render_reference}
# Titles that the start page links to.
INDEX_TITLES = 100


class Site:
    """Answer requests for one catalogue of titles; latency in seconds before every answer."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        latency: float,
        faults: Faults,
        random_seed: int,
        access_log: Path | None,
        generated: bool = False,
    ) -> None:
        self._catalogue = catalogue
        self._latency = latency
        self._generated = generated
        self._faults = faults
        self._random_seed = random_seed
        self._log = AccessLog(access_log)
        self._attempts: Counter[str] = Counter()
        self._omdb_answers = 0
        self._robots_answers = 0

    def logging(self) -> AbstractContextManager[None]:
        """Keep the access log open; raises SiteError naming the file when it cannot be written."""
        return self._log.opened()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, after the latency, with a page, what an interface says, or a fault."""
        if self._latency:
            await asyncio.sleep(self._latency)
        api = _find_api(request.path, request.query)
        fault = self._draw_fault(request, api)
        spoil = SPOILS.get(fault or "")
        response = self._respond(request, api) if fault is None or spoil else self._fail(fault, api)
        self._log.note(request.path_qs, None if fault in SILENT else response.status, fault)
        try:
            return await spoil(request, response, self._faults) if spoil else response
        except ConnectionError:
            # The client has had enough of it.
            return web.Response()

    def _draw_fault(self, request: web.BaseRequest, api: Api | None) -> str | None:
        """Draw what a request meets: title pages by their path, interfaces by their path and query without the key."""
        if self._faults.challenge:
            return CHALLENGE
        if request.path == "/robots.txt" and self._faults.robots != DISALLOW:
            return self._faults.robots
        if LOOP in request.query:
            return LOOP
        if not self._faults.shares or (api is None and not request.path.startswith("/title/")):
            return None
        asked = request.path if api is None else leave_out_keys(request.path_qs)
        self._attempts[asked] += 1
        fault = self._faults.draw(self._random_seed, asked, self._attempts[asked])
        if fault == "maxlag":
            return fault if api is mediawiki and mediawiki.is_refused_for_lag(request.query) else None
        return None if fault == "404" and api is not None else fault

    def _respond(self, request: web.BaseRequest, api: Api | None) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return _html(render_error(405, "Only GET is answered."), 405, {"Allow": "GET, HEAD"})
        return self._page(request) if api is None else _send(self._ask(api, request))

    def _ask(self, api: Api, request: web.BaseRequest) -> Reply:
        reply = api.answer(self._catalogue, request.path, request.query, request.headers)
        if api is omdb and reply.status == 200 and self._faults.quota is not None:
            if self._omdb_answers >= self._faults.quota:
                return omdb.fail_for_quota()
            self._omdb_answers += 1
        return reply

    def _page(self, request: web.BaseRequest) -> web.Response:
        path = request.path
        if path == "/robots.txt":
            return web.Response(text=self._robots(), content_type="text/plain")
        if path == "/ids.txt":
            ids = [title.title_id for title in self._catalogue]
            return web.Response(
                text="\n".join([GENERATED, *ids] if self._generated else ids), content_type="text/plain"
            )
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

    def _robots(self) -> str:
        self._robots_answers += 1
        forbids = self._faults.robots == DISALLOW and self._robots_answers > 1
        return ROBOTS_WITHOUT_TITLES if forbids else ROBOTS

    def _fail(self, fault: str, api: Api | None) -> web.Response:
        if fault == CHALLENGE:
            return web.Response(status=202, headers={"x-amzn-waf-action": "challenge", "Server": "CloudFront"})
        if fault == "maxlag":
            return _send(mediawiki.fail_for_lag(self._faults.retry_after))
        status = int(fault)
        headers = {"Retry-After": str(self._faults.retry_after)} if status == 429 else {}
        if api is not None:
            return _send(api.fail(status), headers)
        return _html(render_error(status, "A fault that this site was told to make."), status, headers)


def _find_api(path: str, query: Mapping[str, str]) -> Api | None:
    """Return the interface that a request is for, None for a page."""
    if path == mediawiki.PATH:
        return mediawiki
    if path == wikidata.PATH:
        return wikidata
    if path.startswith(tmdb.PATH):
        return tmdb
    return omdb if path == omdb.PATH and omdb.is_asked(query) else None


def _send(reply: Reply, headers: Mapping[str, str] | None = None) -> web.Response:
    sent = {**reply.headers, **(headers or {})}
    return web.Response(text=reply.body, status=reply.status, headers=sent, content_type=reply.content_type)


def _html(text: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=text, status=status, headers=headers, content_type="text/html")
