"""Wikidata's query service: the query for films by IMDb id, and its answer.

https://www.mediawiki.org/wiki/Wikidata_Query_Service/User_Manual, https://www.w3.org/TR/sparql11-results-json/
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from scraper.pages.page import PageError
from scraper.pages.trees import dig, integer_at, text_at

# P345 IMDb id, P136 genre, P577 publication date; the article is the English Wikipedia's.
_QUERY = """
SELECT ?imdb ?item ?label ?article ?genre ?year WHERE {{
  VALUES ?imdb {{ {ids} }}
  ?item wdt:P345 ?imdb .
  OPTIONAL {{ ?item rdfs:label ?label . FILTER(LANG(?label) = "en") }}
  OPTIONAL {{ ?page schema:about ?item ; schema:isPartOf <https://en.wikipedia.org/> ; schema:name ?article . }}
  OPTIONAL {{ ?item wdt:P136 / rdfs:label ?genre . FILTER(LANG(?genre) = "en") }}
  OPTIONAL {{ ?item wdt:P577 ?date . BIND(YEAR(?date) AS ?year) }}
}}
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Film:
    """Hold what Wikidata knows of a title: English label, first year, genres' labels, and its article's name."""

    label: str | None
    year: int | None
    genres: tuple[str, ...]
    article: str | None


def films_query(ids: Iterable[str]) -> str:
    """Return the SPARQL query for the films that carry these IMDb ids."""
    return " ".join(_QUERY.format(ids=" ".join(f'"{title_id}"' for title_id in ids)).split())


def read_films(answer: Any) -> dict[str, Film]:
    """Read the films of an answer by IMDb id: several items of one id count as one; raises PageError for no answer."""
    rows = dig(answer, "results", "bindings")
    if not isinstance(rows, list):
        raise PageError("expected results.bindings in the query service's answer")
    by_id: dict[str, list[Any]] = {}
    for row in rows:
        title_id = text_at(row, "imdb", "value")
        if title_id is not None:
            by_id.setdefault(title_id, []).append(row)
    return {title_id: _merge(found) for title_id, found in by_id.items()}


def _merge(rows: list[Any]) -> Film:
    told = {name: [text_at(row, name, "value") for row in rows] for name in ("label", "article", "genre")}
    years = [year for row in rows if (year := integer_at(row, "year", "value")) is not None]
    first = {name: next((value for value in values if value), None) for name, values in told.items()}
    return Film(
        label=first["label"],
        year=min(years, default=None),
        genres=tuple(dict.fromkeys(genre for genre in told["genre"] if genre)),
        article=first["article"],
    )
