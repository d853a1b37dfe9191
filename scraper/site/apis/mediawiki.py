"""The Action API of MediaWiki at /w/api.php, for articles on the titles of the local movie site.

Shapes: https://www.mediawiki.org/wiki/API:Query (pages, normalized, redirects), API:Revisions, API:Continue,
API:Errors_and_warnings and Manual:Maxlag_parameter there. Answered are action=query with format=json and
formatversion=2, prop=revisions, rvprop=ids|timestamp|content, rvslots=main, titles, redirects, rvcontinue and maxlag.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from scraper.site.apis.articles import FORBIDDEN, Encyclopedia, Page, normalize_name, open_encyclopedia
from scraper.site.apis.reply import Reply, draw_point, reply_json
from scraper.site.apis.wikitext import write_article, write_list
from scraper.site.titles import Catalogue, SiteTitle

PATH = "/w/api.php"
# Titles a request may name, and pages whose content an answer carries at most.
MOST_TITLES, MOST_CONTENTS = 50, 20
# Seconds that the database lags behind when the site was told to make that fault.
LAG = 6.2
_SECONDS = re.compile(r"-?[0-9]{1,9}")
_CONTINUE = re.compile(r"([0-9]{1,18})\|[0-9]{1,18}")
_DOCREF = (
    "See https://www.mediawiki.org/w/api.php for API usage. Subscribe to the mediawiki-api-announce mailing list at "
    "&lt;https://lists.wikimedia.org/postorius/lists/mediawiki-api-announce.lists.wikimedia.org/&gt; for notice of "
    "API deprecations and breaking changes."
)


@dataclass(slots=True)
class _Resolved:
    """Hold what became of the names that were asked for; wanted are names of pages, each once."""

    normalized: list[dict[str, Any]] = field(default_factory=list)
    redirects: list[dict[str, Any]] = field(default_factory=list)
    invalid: list[dict[str, Any]] = field(default_factory=list)
    wanted: dict[str, None] = field(default_factory=dict)


def article_name(catalogue: Catalogue, title: SiteTitle) -> str | None:
    """Return the name of a title's own article, None where it has none."""
    return open_encyclopedia(catalogue).article_name(title.title_id)


def linked_name(catalogue: Catalogue, title: SiteTitle) -> str | None:
    """Return the name that Wikidata links a title to: its article's, or one that redirects; None where it has none."""
    return open_encyclopedia(catalogue).linked_name(title.title_id)


def answer(catalogue: Catalogue, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
    """Answer a request of the Action API."""
    for name, known in (("action", "query"), ("format", "json"), ("formatversion", "2")):
        if query.get(name, "") != known:
            return _refuse("badvalue", f'Unrecognized value for parameter "{name}": {query.get(name, "")}.')
    names = _split(query.get("titles", ""))
    if len(names) > MOST_TITLES:
        info = f'Too many values supplied for parameter "titles". The limit is {MOST_TITLES}.'
        limits = {"parameter": "titles", "limit": MOST_TITLES, "lowlimit": MOST_TITLES, "highlimit": 500}
        return _refuse("toomanyvalues", info, limits)
    begun = _CONTINUE.fullmatch(query.get("rvcontinue", "0|0"))
    if begun is None:
        info = "Invalid continue param. You should pass the original value returned by the previous query."
        return _refuse("badcontinue", info)
    encyclopedia = open_encyclopedia(catalogue)
    resolved = _resolve(encyclopedia, names, "redirects" in query)
    return reply_json(_list_pages(catalogue, encyclopedia, resolved, query, int(begun[1])))


def fail(status: int) -> Reply:
    """Return what Wikimedia's servers send instead of an answer: HTML for 503, an error of the API for 429."""
    if status == 429:
        info = "You've exceeded your rate limit. Please wait some time and try again."
        return _refuse("ratelimited", info, status=status)
    return Reply(
        f'<!DOCTYPE html><html lang="en"><title>Wikimedia Error</title><h1>Error</h1><p>{status}</p></html>',
        status,
        "text/html",
    )


def is_refused_for_lag(query: Mapping[str, str]) -> bool:
    """Say whether a request asks for no answer while the database lags by LAG seconds."""
    limit = _SECONDS.fullmatch(query.get("maxlag", ""))
    return limit is not None and int(limit[0]) < LAG


def fail_for_lag(retry_after: int) -> Reply:
    """Return the error of a database that lags, whose HTTP status is 200."""
    reply = _refuse(
        "maxlag",
        f"Waiting for a database server: {LAG} seconds lagged.",
        {"host": "local", "lag": LAG, "type": "db"},
    )
    lag = {"Retry-After": str(retry_after), "X-Database-Lag": str(int(LAG))}
    return Reply(reply.body, reply.status, reply.content_type, {**reply.headers, **lag})


def write_content(catalogue: Catalogue, page: Page) -> str:
    """Write the wikitext of a page."""
    if page.target is not None:
        fragment = f"#{page.fragment}" if page.fragment else ""
        return f"#REDIRECT [[{page.target}{fragment}]]\n"
    titles = [title for title in map(catalogue.find, page.title_ids) if title]
    return write_list(titles[0].year, titles) if page.is_list else write_article(titles[0])


def _refuse(code: str, info: str, more: Mapping[str, Any] | None = None, status: int = 200) -> Reply:
    error = {"code": code, "info": info, **(more or {}), "docref": _DOCREF}
    return reply_json({"error": error, "servedby": "local"}, status, {"MediaWiki-API-Error": code})


def _split(values: str) -> list[str]:
    """Split a list of values: at |, or where the list begins with U+001F, at that."""
    parts = values[1:].split("\x1f") if values.startswith("\x1f") else values.split("|")
    return parts if values else []


def _resolve(encyclopedia: Encyclopedia, names: Iterable[str], follow: bool) -> _Resolved:
    resolved = _Resolved()
    for given in dict.fromkeys(names):
        name = normalize_name(given.partition("#")[0])
        bad = FORBIDDEN.search(name)
        if bad or not name:
            reason = f'contains invalid characters: "{bad[0]}".' if bad else "is empty or contains only a namespace."
            invalid = {"title": given, "invalidreason": f"The requested page title {reason}", "invalid": True}
            resolved.invalid.append(invalid)
            continue
        if name != given:
            resolved.normalized.append({"fromencoded": False, "from": given, "to": name} | _encode(given))
        page = encyclopedia.find(name)
        if follow and page is not None and page.target is not None:
            fragment = {"tofragment": page.fragment} if page.fragment else {}
            if name not in (redirect["from"] for redirect in resolved.redirects):
                resolved.redirects.append({"from": name, "to": page.target, **fragment})
            name = page.target
        resolved.wanted[name] = None
    return resolved


def _encode(given: str) -> dict[str, Any]:
    """Return the fields of a name that is not in Unicode's normal form C, which MediaWiki tells percent-encoded."""
    if unicodedata.is_normalized("NFC", given):
        return {}
    return {"fromencoded": True, "from": quote(given, safe="")}


def _list_pages(
    catalogue: Catalogue, encyclopedia: Encyclopedia, resolved: _Resolved, query: Mapping[str, str], begun: int
) -> dict[str, Any]:
    pages = {name: encyclopedia.find(name) for name in resolved.wanted}
    missing = [{"ns": 0, "title": name, "missing": True} for name, page in pages.items() if page is None]
    found = sorted((page for page in pages.values() if page is not None), key=lambda page: page.page_id)
    told, later = _share_out(found, query, begun)
    listed = [
        {"pageid": page.page_id, "ns": 0, "title": page.name}
        | ({"revisions": [_revision(catalogue, page, query)]} if page in told else {})
        for page in found
    ]
    body: dict[str, Any] = {}
    if later is None:
        body["batchcomplete"] = True
    else:
        body["continue"] = {"rvcontinue": f"{later.page_id}|{_revision_id(later)}", "continue": "||"}
    parts = {
        "normalized": resolved.normalized,
        "redirects": resolved.redirects,
        "pages": [*resolved.invalid, *missing, *listed],
    }
    told_of = {key: value for key, value in parts.items() if value}
    return body | ({"query": told_of} if told_of else {})


def _share_out(found: Sequence[Page], query: Mapping[str, str], begun: int) -> tuple[Sequence[Page], Page | None]:
    """Return the pages whose revision this answer tells, and the first one for the next answer."""
    if "revisions" not in _split(query.get("prop", "")):
        return [], None
    due = [page for page in found if page.page_id >= begun]
    if "content" not in _split(query.get("rvprop", "")) or len(due) <= MOST_CONTENTS:
        return due, None
    return due[:MOST_CONTENTS], due[MOST_CONTENTS]


def _revision(catalogue: Catalogue, page: Page, query: Mapping[str, str]) -> dict[str, Any]:
    wanted = _split(query.get("rvprop", "ids|timestamp"))
    revision: dict[str, Any] = {}
    if "ids" in wanted:
        revision |= {"revid": _revision_id(page), "parentid": _revision_id(page) - 3}
    if "timestamp" in wanted:
        minute = int(draw_point(page.name, "revision") * 60 * 24 * 28)
        day, hour = 1 + minute // 1440, minute // 60 % 24
        revision["timestamp"] = f"2024-02-{day:02}T{hour:02}:{minute % 60:02}:00Z"
    if "content" in wanted:
        kind = {"contentmodel": "wikitext", "contentformat": "text/x-wiki"}
        main = kind | {"content": write_content(catalogue, page)}
        # Without rvslots the content stands in the revision itself, as before MediaWiki had slots.
        revision |= {"slots": {"main": main}} if "main" in _split(query.get("rvslots", "")) else main
    return revision


def _revision_id(page: Page) -> int:
    return 8 * page.page_id + 5
