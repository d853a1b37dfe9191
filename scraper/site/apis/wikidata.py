"""Wikidata's query service at /sparql, for the titles of the local movie site.

Shapes: https://www.mediawiki.org/wiki/Wikidata_Query_Service/User_Manual#SPARQL_endpoint and
https://www.w3.org/TR/sparql11-results-json/. There is no SPARQL engine behind it: the IMDb ids in the query's VALUES
clauses are looked up, and each is told of in the same variables, whatever the query selects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scraper.items import TITLE_ID
from scraper.site.apis.articles import open_encyclopedia
from scraper.site.apis.labels import label_genres
from scraper.site.apis.reply import Reply, draw_point, number, reply_json
from scraper.site.titles import Catalogue, SiteTitle

PATH = "/sparql"
VARIABLES = ("imdb", "item", "label", "article", "year", "genres")
# Share of titles that Wikidata has never heard of.
UNKNOWN = 1 / 40
# Items are numbered beyond the titles' own numbers, so that an id is never taken for an item.
FIRST_ITEM = 100_000_000
RESULTS_JSON = "application/sparql-results+json"
_VALUES = re.compile(r"\bVALUES\b[^{}]*\{([^{}]*)\}", re.IGNORECASE)
_INTEGER = "http://www.w3.org/2001/XMLSchema#integer"
_MALFORMED = (
    "SPARQL-QUERY: queryStr={query}\njava.util.concurrent.ExecutionException: "
    "org.openrdf.query.MalformedQueryException: no VALUES clause with IMDb ids, which is all that this site looks for"
)


def is_known(title: SiteTitle) -> bool:
    """Say whether Wikidata has an item of a title."""
    return draw_point(title.title_id, "wikidata") >= UNKNOWN


def bindings(catalogue: Catalogue, title: SiteTitle) -> list[dict[str, Any]]:
    """Return the row that tells of a title, its genres joined as GROUP_CONCAT does; none where unknown."""
    if not is_known(title):
        return []
    row: dict[str, Any] = {
        "imdb": {"type": "literal", "value": title.title_id},
        "item": {"type": "uri", "value": f"http://www.wikidata.org/entity/Q{FIRST_ITEM + number(title.title_id)}"},
    }
    article = open_encyclopedia(catalogue).linked_name(title.title_id)
    if article is not None:
        row["article"] = _english(article)
    if title.year is not None:
        row["year"] = {"type": "literal", "datatype": _INTEGER, "value": str(title.year)}
    if title.title:
        row["label"] = _english(title.title)
    # Aggregates lose the language; of no values they make an empty text.
    return [row | {"genres": {"type": "literal", "value": "|".join(label_genres(title.genres))}}]


def answer(catalogue: Catalogue, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
    """Answer a query with what is known of the titles in its VALUES clauses, in their order."""
    clauses = _VALUES.findall(query.get("query", ""))
    if not clauses:
        return Reply(_MALFORMED.format(query=query.get("query", "")), 400, "text/plain")
    accepted = next((value for name, value in headers.items() if name.lower() == "accept"), "")
    if query.get("format") != "json" and "json" not in accepted:
        # The real service answers XML then; here it is better to say what is missing.
        return Reply("Only JSON is answered here: send format=json.", 406, "text/plain")
    ids = dict.fromkeys(title_id for clause in clauses for title_id in TITLE_ID.findall(clause))
    titles = filter(None, map(catalogue.find, ids))
    rows = [row for title in titles for row in bindings(catalogue, title)]
    reply = reply_json({"head": {"vars": list(VARIABLES)}, "results": {"bindings": rows}})
    return Reply(reply.body, content_type=RESULTS_JSON)


def fail(status: int) -> Reply:
    """Return an error, which the service sends as plain text."""
    reason = "Too Many Requests" if status == 429 else "Service Unavailable"
    return Reply(f"{status} {reason}\n", status, "text/plain")


def _english(text: str) -> dict[str, str]:
    return {"type": "literal", "xml:lang": "en", "value": text}
