"""The Next.js pages /title/ttN/ and /title/ttN/reference/, which share one JSON.

The main page lost its summary and synopsis in autumn 2022; the reference page has them, and all other facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from scraper.pages.facts import PageFacts, drop_outline
from scraper.pages.layers import gather, linked_facts, read_edges, read_genres, read_outline
from scraper.pages.page import Page
from scraper.pages.texts import complete
from scraper.pages.trees import dig, each, integer_at, text_at, texts_at

_CATEGORY = "amzn1.imdb.concept.name_credit_category."
_ROLE_IDS = {
    "director": f"{_CATEGORY}ace5cb4c-8708-4238-9542-04641e7c8171",
    "writer": f"{_CATEGORY}c84ecaff-add5-4f2e-81db-102a41881fe3",
}


def parse_main(page: Page) -> PageFacts:
    """Parse a title's main or reference page in the Next.js layouts of 2021 to today.

    Reads `aboveTheFoldData` and `mainColumnData`, or for pages of 2021-22 their counterparts inside
    `urqlState`; then JSON-LD, then the rendered HTML.
    """
    top, column = _sections(page.props)
    page.check_title(text_at(top, "id"), text_at(column, "id"))
    facts = gather(page, top)
    if not facts.get("genres"):
        facts["genres"] = read_genres(column) or linked_facts(page).get("genres", ())
    summaries = read_edges(column, "summaries")
    synopses = read_edges(column, "synopses")
    outline = facts.pop("outline", None) or read_outline(column, page.locale)
    outline = complete(outline, [summary.text for summary in summaries])
    facts["mpaa"] = _certificate(column) or facts.get("mpaa")
    return PageFacts(
        **facts,
        outline=outline,
        summaries=drop_outline(summaries, outline),
        synopsis=synopses[0].text if synopses else None,
        budget=integer_at(column, "productionBudget", "budget", "amount"),
        budget_currency=text_at(column, "productionBudget", "budget", "currency"),
        world_gross=integer_at(column, "worldwideGross", "total", "amount"),
        world_gross_currency=text_at(column, "worldwideGross", "total", "currency"),
        directors=_crew(page, top, column, "director"),
        writers=_crew(page, top, column, "writer"),
        actors=_cast(page, top, column),
        keywords=_keywords(page, top, column),
        countries=_countries(column),
        languages=texts_at(each(column, "spokenLanguages", "spokenLanguages"), "text"),
    )


def _sections(props: dict[str, Any]) -> tuple[Any, Any]:
    top, column = props.get("aboveTheFoldData"), props.get("mainColumnData")
    state = props.get("urqlState")
    for entry in state.values() if isinstance(state, dict) and not (top and column) else ():
        title = dig(_decode(dig(entry, "data")), "title")
        if not isinstance(title, dict):
            continue
        if not top and "plotContributionLink" in title:
            top = title
        elif not column and ("moreLikeThisTitles" in title or "productionBudget" in title):
            column = title
    return top, column


def _decode(data: Any) -> Any:
    try:
        return json.loads(data) if isinstance(data, str) else data
    except (ValueError, RecursionError):
        return None


def _crew(page: Page, top: Any, column: Any, role: str) -> tuple[str, ...]:
    """Collect names by role: the reference page's categories, crewV2, directors/writers, principal credits, JSON-LD.

    Groupings are told by their id where they have one: their names are in the visitor's language, "Director" for
    one and "Directors" for several.
    """
    listed = _listed(column, lambda category: text_at(category, "id") == _ROLE_IDS[role])
    groups = [*each(column, "crewV2"), *each(top, "crewV2"), *each(top, "principalCreditsV2")]
    groups += each(column, "principalCreditsV2")
    grouped = [group for group in groups if _is_role(dig(group, "grouping"), role)]
    older = [*each(column, "principalCredits"), *each(top, "principalCredits")]
    categories = [group for group in older if _is_role(dig(group, "category"), role)]
    # A series has creators where a film has writers.
    created = each(top, "creatorsPageTitle") if role == "writer" else []
    for found in (grouped[:1], each(column, f"{role}s"), categories[:1], created):
        if listed:
            break
        listed = _credited(found)
    linked = {"director": "director", "writer": "creator"}[role]
    people = [one for one in each(page.linked_data, linked) if dig(one, "@type") != "Organization"]
    return listed or texts_at(people, "name")


def _is_role(group: Any, role: str) -> bool:
    if text_at(group, "groupingId"):
        return text_at(group, "groupingId") == _ROLE_IDS[role]
    return (text_at(group, "text") or "").lower() in (role, f"{role}s")


def _credited(groups: list[Any]) -> tuple[str, ...]:
    return texts_at([one for group in groups for one in each(group, "credits")], "name", "nameText", "text")


def _listed(column: Any, wanted: Callable[[Any], bool]) -> tuple[str, ...]:
    """Return the names of the reference page's first credits category of a kind, its first page of them."""
    category = next((category for category in each(column, "categories") if wanted(category)), None)
    return texts_at(each(category, "section", "items"), "rowTitle")


def _cast(page: Page, top: Any, column: Any) -> tuple[str, ...]:
    return (
        _listed(column, lambda category: dig(category, "section", "items", 0, "isCast") is True)
        or _credited(each(column, "castV2")[:1])
        or texts_at(each(column, "cast", "edges"), "node", "name", "nameText", "text")
        or _credited(each(top, "castV2")[:1])
        or texts_at(each(top, "castPageTitle", "edges"), "node", "name", "nameText", "text")
        or texts_at(each(page.linked_data, "actor"), "name")
    )


def _certificate(column: Any) -> str | None:
    """Return the American certificate where all are listed: the one alone is that of the visitor's country."""
    listed = [edge for edge in each(column, "certificates", "edges") if text_at(edge, "node", "country", "id") == "US"]
    by_mpaa = [edge for edge in listed if text_at(edge, "node", "ratingsBody", "id") == "MPAA"]
    ratings = texts_at([*by_mpaa, *listed], "node", "rating")
    return ratings[0] if ratings else None


def _keywords(page: Page, top: Any, column: Any) -> tuple[str, ...]:
    joined = text_at(page.linked_data, "keywords") or "" if not top else ""
    return (
        texts_at(each(column, "storylineKeywords", "edges"), "node", "text")
        or texts_at(each(top, "keywords", "edges"), "node", "text")
        or texts_at(joined.split(","))
    )


def _countries(column: Any) -> tuple[str, ...]:
    newer = texts_at(each(column, "countriesDetails", "countries"), "text")
    return newer or texts_at(each(column, "countriesOfOrigin", "countries"), "text")
