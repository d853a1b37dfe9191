"""The MediaWiki Action API's answer to a query for articles, continued over several answers.

https://www.mediawiki.org/wiki/API:Query, API:Revisions, API:Continue, API:Errors_and_warnings (formatversion 2)
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus, unquote, urlencode

from scraper.pages.errors import PageError
from scraper.pages.trees import dig, each, integer_at, text_at

# Articles that one query may name.
TITLES_A_QUERY = 50
# Characters that the names take in a query's address; servers commonly refuse one of more than 8,000.
LONGEST_NAMES = 6_000
# Seconds by which the databases may lag before the API sends us away: https://www.mediawiki.org/wiki/Manual:Maxlag_parameter
MAX_LAG = 5
_PARAMETER = re.compile(r"[a-z]+")
# Errors that pass.
_PASSING = (
    "maxlag",
    "ratelimited",
    "readonly",
    "internal_api_error_DBQueryError",
    "internal_api_error_DBConnectionError",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Article:
    """Hold an article's name, its revision's number and its wikitext."""

    name: str
    revision: int
    wikitext: str


@dataclasses.dataclass(frozen=True, slots=True)
class Articles:
    """Hold what the answers to one query have told so far; following is what the next request adds, {} at the end.

    named maps each name that was asked for to that of its article; a name that leads to a part of an article
    (a redirect to a section) is mapped to None: that article is about something else. answers counts them.
    """

    named: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    found: Mapping[str, Article] = dataclasses.field(default_factory=dict)
    following: Mapping[str, str] = dataclasses.field(default_factory=dict)
    answers: int = 0

    def about(self, asked: str) -> Article | None:
        """Return the article that a name which was asked for leads to, None where it leads to none."""
        name: str | None = asked
        # Normalised first, then redirected, perhaps twice.
        for _ in range(4):
            if name is None or name not in self.named:
                break
            name = self.named[name]
        return self.found.get(name) if name is not None else None


def articles_query(names: Sequence[str], following: Mapping[str, str]) -> str:
    """Return the query string that asks for the wikitext of up to TITLES_A_QUERY articles, redirects resolved."""
    asked = {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "prop": "revisions",
        "rvprop": "ids|content",
        "rvslots": "main",
        "redirects": "1",
        "maxlag": str(MAX_LAG),
        "titles": "|".join(names),
    }
    # What the answer before asks to be added replaces nothing of ours.
    return urlencode(dict(following) | asked)


def fits_query(names: Sequence[str]) -> bool:
    """Say whether articles_query may name so many articles in one address."""
    return len(names) <= TITLES_A_QUERY and len(quote_plus("|".join(names))) <= LONGEST_NAMES


def read_passing_error(answer: Any) -> str | None:
    """Return the code of an error that passes by itself (maxlag, for one), None for any other answer."""
    code = text_at(answer, "error", "code")
    return code if code in _PASSING else None


def read_articles(answer: Any, before: Articles) -> Articles:
    """Add an answer to what those before it told; raises PageError for an error or an answer of another shape."""
    if text_at(answer, "error", "code"):
        raise PageError(f"the API's error {text_at(answer, 'error', 'code')}: {text_at(answer, 'error', 'info')}")
    pages = dig(answer, "query", "pages")
    if not isinstance(pages, list):
        raise PageError("expected query.pages in the API's answer")
    named = dict(before.named)
    for step in (*each(answer, "query", "normalized"), *each(answer, "query", "redirects")):
        start = text_at(step, "from")
        if start is not None:
            # A name that is not in normal form comes back encoded.
            start = unquote(start) if dig(step, "fromencoded") else start
            named[start] = None if dig(step, "tofragment") else text_at(step, "to")
    found = dict(before.found)
    for page in pages:
        article = _read_article(page)
        if article is not None:
            found[article.name] = article
    if before.answers >= TITLES_A_QUERY:
        raise PageError(f"the API's answer goes on after {before.answers} parts, more than there are articles in it")
    return Articles(named, found, _read_continue(answer), before.answers + 1)


def _read_article(page: Any) -> Article | None:
    """Read one page, None for one that is missing, hidden, or told by another part of the answer."""
    name, revision = text_at(page, "title"), dig(page, "revisions", 0)
    if name is None:
        raise PageError("expected a title in each of query.pages")
    content = dig(revision, "slots", "main", "content")
    if not isinstance(content, str):
        if dig(page, "revisions") is not None and not dig(revision, "slots", "main", "texthidden"):
            raise PageError(f"expected revisions with their content of {name}")
        return None
    number, wikitext = integer_at(revision, "revid"), text_at(revision, "slots", "main", "content")
    if number is None:
        raise PageError(f"expected the number of the revision of {name}")
    return None if wikitext is None else Article(name, number, wikitext)


def _read_continue(answer: Any) -> dict[str, str]:
    told = dig(answer, "continue")
    pairs = told.items() if isinstance(told, dict) else ()
    texts = ((name, text_at([value], 0)) for name, value in pairs)
    return {name: text for name, text in texts if text is not None and _PARAMETER.fullmatch(name)}
