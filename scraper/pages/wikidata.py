"""Wikidata's query service: the query for films by IMDb id, and its answer.

https://www.mediawiki.org/wiki/Wikidata_Query_Service/User_Manual, https://www.w3.org/TR/sparql11-results-json/
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from scraper.pages.errors import PageError
from scraper.pages.trees import INT32, dig, integer_at, text_at

# P345 IMDb id, P136 genre, P577 publication date; the article is the English Wikipedia's. One row an item: genres times
# dates would be hundreds. Names in English may stand under "mul", which means every language.
_QUERY = """
SELECT ?imdb ?item (SAMPLE(?name) AS ?label) (SAMPLE(?heading) AS ?article) (MIN(YEAR(?date)) AS ?year)
  (GROUP_CONCAT(DISTINCT ?kind; SEPARATOR = "|") AS ?genres) WHERE {{
  VALUES ?imdb {{ {ids} }}
  ?item wdt:P345 ?imdb .
  OPTIONAL {{ ?item rdfs:label ?name . FILTER(LANG(?name) IN ("en", "mul")) }}
  OPTIONAL {{ ?page schema:about ?item ; schema:isPartOf <https://en.wikipedia.org/> ; schema:name ?heading . }}
  OPTIONAL {{ ?item wdt:P136 / rdfs:label ?kind . FILTER(LANG(?kind) IN ("en", "mul")) }}
  OPTIONAL {{ ?item wdt:P577 ?date . }}
}} GROUP BY ?imdb ?item
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Film:
    """Hold what Wikidata knows of a title: its name, first year, genres' names, and its article's name."""

    label: str | None
    year: int | None
    genres: tuple[str, ...]
    article: str | None


def films_query(ids: Iterable[str]) -> str:
    """Return the SPARQL query for the films that carry these IMDb ids."""
    return " ".join(_QUERY.format(ids=" ".join(f'"{title_id}"' for title_id in ids)).split())


def read_films(answer: Any) -> dict[str, Film]:
    """Read the films of an answer by IMDb id; of several items with one id, the first that has an article counts.

    Raises PageError for an answer of another shape.
    """
    rows = dig(answer, "results", "bindings")
    if not isinstance(rows, list):
        raise PageError("expected results.bindings in the query service's answer")
    films: dict[str, Film] = {}
    for row in sorted(rows, key=lambda row: text_at(row, "item", "value") or ""):
        title_id, film = text_at(row, "imdb", "value"), _read(row)
        if title_id is None:
            raise PageError("expected imdb.value in each row of the query service's answer")
        if title_id not in films or (films[title_id].article is None and film.article):
            films[title_id] = film
    return films


def _read(row: Any) -> Film:
    genres = (text_at(row, "genres", "value") or "").split("|")
    return Film(
        label=text_at(row, "label", "value"),
        year=integer_at(row, "year", "value", limit=INT32),
        genres=tuple(dict.fromkeys(genre for genre in genres if genre)),
        article=text_at(row, "article", "value"),
    )
