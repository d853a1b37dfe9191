"""Generated titles, and requests sent to the interfaces of a running site."""

from __future__ import annotations

import functools
import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from scraper.site.apis.omdb import KEY
from scraper.site.apis.tmdb import TOKEN
from scraper.site.generator import generate_titles
from scraper.site.titles import Catalogue, SiteTitle

BEARER = {"Authorization": f"Bearer {TOKEN}"}
REVISIONS = {"prop": "revisions", "rvprop": "ids|timestamp|content", "rvslots": "main", "redirects": "1"}


class Answered(NamedTuple):
    """Hold one answer."""

    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@functools.cache
def generated() -> Catalogue:
    return Catalogue(generate_titles(600, 11))


def titles() -> list[SiteTitle]:
    return list(generated())


def send(base_url: str, path: str, headers: Mapping[str, str] | None = None, **query: str) -> Answered:
    """Send one GET request; raises IncompleteRead where the body is shorter than announced."""
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", f"{path}?{urlencode(query)}" if query else path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return Answered(answer.status, answer.headers, answer.read().decode())
    finally:
        connection.close()


def ask_wiki(base_url: str, names: list[str], **query: str) -> Answered:
    basic = {"action": "query", "format": "json", "formatversion": "2", "titles": "|".join(names)}
    return send(base_url, "/w/api.php", **basic | query)


def ask_wikidata(base_url: str, ids: list[str], **query: str) -> Answered:
    values = " ".join(f'"{title_id}"' for title_id in ids)
    sparql = f"SELECT * WHERE {{ VALUES ?imdb {{ {values} }} ?item wdt:P345 ?imdb . }}"
    return send(base_url, "/sparql", **{"query": sparql, "format": "json"} | query)


def ask_tmdb(base_url: str, title_id: str, headers: Mapping[str, str] = BEARER, **query: str) -> Answered:
    return send(base_url, f"/3/find/{title_id}", headers, **{"external_source": "imdb_id"} | query)


def ask_omdb(base_url: str, title_id: str, **query: str) -> Answered:
    return send(base_url, "/", **{"apikey": KEY, "i": title_id} | query)
