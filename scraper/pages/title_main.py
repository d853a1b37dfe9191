"""The page /title/ttN/: everything but the long texts, which it lost in autumn 2022."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from scraper.pages.facts import PlotPage, drop_outline, gather, linked_facts, read_edges, read_genres
from scraper.pages.page import Page, PageError
from scraper.pages.texts import choose_whole, keep_text
from scraper.pages.trees import dig, each, integer_at, text_at, texts_at


@dataclasses.dataclass(frozen=True, slots=True)
class MainPage(PlotPage):
    """Hold what /title/ttN/ tells; money in whole units of its currency (ISO 4217)."""

    budget: int | None = None
    budget_currency: str | None = None
    world_gross: int | None = None
    world_gross_currency: str | None = None
    directors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


def parse_main(html: str) -> MainPage:
    """Parse a title's main page in the Next.js layouts of 2021 to today.

    Reads `aboveTheFoldData` and `mainColumnData`, or for pages of 2021-22 their counterparts inside
    `urqlState`; then JSON-LD, then the rendered HTML. Raises BlockedError for a challenge, PageError where
    none of it is there.
    """
    page = Page(html)
    top, column = _sections(page.props)
    facts = gather(page, top)
    if not facts.get("genres"):
        facts["genres"] = read_genres(column) or linked_facts(page).get("genres", ())
    summaries = read_edges(column, "summaries")
    synopses = read_edges(column, "synopses")
    outline = facts.pop("outline", None) or keep_text(text_at(column, "plot", "plotText", "plainText"))
    if outline:
        outline = choose_whole([outline, *(summary.text for summary in summaries)])
    parsed = MainPage(
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
    )
    if not parsed.known:
        raise PageError("a title page without aboveTheFoldData, JSON-LD, title, genres or texts")
    return parsed


def _sections(props: dict[str, Any]) -> tuple[Any, Any]:
    top, column = props.get("aboveTheFoldData"), props.get("mainColumnData")
    for entry in (props.get("urqlState") or {}).values() if not (top and column) else ():
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
    except ValueError:
        return None


def _crew(page: Page, top: Any, column: Any, role: str) -> tuple[str, ...]:
    """Collect names by role: crewV2 groupings, then directors/writers, then principal credits, then JSON-LD.

    Groupings are named "Director" for one and "Directors" for several.
    """
    groups = [*each(column, "crewV2"), *each(top, "crewV2"), *each(top, "principalCreditsV2")]
    grouped = [group for group in groups if _is_role(text_at(group, "grouping", "text"), role)]
    older = [*each(column, "principalCredits"), *each(top, "principalCredits")]
    categories = [group for group in older if _is_role(text_at(group, "category", "text"), role)]
    for found in (grouped[:1], each(column, f"{role}s"), categories[:1]):
        names = _credited(found)
        if names:
            return names
    linked = {"director": "director", "writer": "creator"}[role]
    people = [one for one in each(page.linked_data, linked) if dig(one, "@type") != "Organization"]
    return texts_at(people, "name")


def _is_role(name: str | None, role: str) -> bool:
    return (name or "").lower() in (role, f"{role}s")


def _credited(groups: list[Any]) -> tuple[str, ...]:
    return texts_at([one for group in groups for one in each(group, "credits")], "name", "nameText", "text")


def _cast(page: Page, top: Any, column: Any) -> tuple[str, ...]:
    return (
        _credited(each(column, "castV2")[:1])
        or texts_at(each(column, "cast", "edges"), "node", "name", "nameText", "text")
        or _credited(each(top, "castV2")[:1])
        or texts_at(each(top, "castPageTitle", "edges"), "node", "name", "nameText", "text")
        or texts_at(each(page.linked_data, "actor"), "name")
    )


def _keywords(page: Page, top: Any, column: Any) -> tuple[str, ...]:
    joined = text_at(page.linked_data, "keywords") or "" if not top else ""
    return (
        texts_at(each(column, "storylineKeywords", "edges"), "node", "text")
        or texts_at(each(top, "keywords", "edges"), "node", "text")
        or texts_at(joined.split(","))
    )
