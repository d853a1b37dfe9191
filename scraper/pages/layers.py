"""The layers that Next.js pages carry the same facts in: embedded JSON, JSON-LD, rendered HTML."""

from __future__ import annotations

import html
import re
from typing import Any

from scraper.items import Summary
from scraper.pages.facts import present
from scraper.pages.page import Page
from scraper.pages.texts import check_count, choose_whole, keep_text, read_fragment
from scraper.pages.trees import INT32, each, integer_at, number_at, text_at, texts_at

# A heading names a title; the searches in it take time that grows with the square of its length.
_HEADING = 500
_DURATION = re.compile(r"PT?(?:(\d{1,4})H)?(?:(\d{1,6})M)?")
_YEAR_IN_BRACKETS = re.compile(r"\((?:[^()]*\s)?(\d{4})[^()]*\)")
_TITLE_IN_HEADING = re.compile(r"^(.*?)\s*(?:\((?:[^()]*\s)?\d{4}[^()]*\).*| - Plot - IMDb)$", re.DOTALL)


def entity_facts(entity: Any, locale: str | None) -> dict[str, Any]:
    """Read the facts of a Next.js title object (aboveTheFoldData or entityMetadata), those that are there."""
    seconds = integer_at(entity, "runtime", "seconds", limit=INT32)
    return present(
        title_id=text_at(entity, "id"),
        title=text_at(entity, "titleText", "text"),
        original_title=text_at(entity, "originalTitleText", "text"),
        title_type=text_at(entity, "titleType", "id"),
        year=integer_at(entity, "releaseYear", "year", limit=INT32),
        mpaa=text_at(entity, "certificate", "rating"),
        run_time=seconds // 60 if seconds else None,
        rating=number_at(entity, "ratingsSummary", "aggregateRating"),
        ratings_count=integer_at(entity, "ratingsSummary", "voteCount"),
        genres=read_genres(entity),
        outline=read_outline(entity, locale),
    )


def read_outline(entity: Any, locale: str | None) -> str | None:
    """Return a Next.js title object's outline, None for one in another language than the page was asked for in.

    IMDb shows such a one where it has none in that language.
    """
    language = text_at(entity, "plot", "language", "id")
    if language and locale and language.partition("-")[0] != locale.partition("-")[0]:
        return None
    return keep_text(text_at(entity, "plot", "plotText", "plainText"))


def read_genres(entity: Any) -> tuple[str, ...]:
    """Return all genres of a Next.js title object: `titleGenres` may be cut at three, `genres` is not."""
    short = texts_at(each(entity, "genres", "genres"), "text")
    long = texts_at(each(entity, "titleGenres", "genres"), "genre", "text")
    return long if len(long) > len(short) else short


def linked_facts(page: Page) -> dict[str, Any]:
    """Read the facts of the JSON-LD: names and description HTML-escaped, lists sometimes single texts."""
    data = page.linked_data
    duration = _DURATION.fullmatch(text_at(data, "duration") or "")
    minutes = int(duration[1] or 0) * 60 + int(duration[2] or 0) if duration else 0
    return present(
        title=_unescape(text_at(data, "name")),
        year=integer_at([(text_at(data, "datePublished") or "")[:4]], 0, limit=INT32),
        mpaa=_unescape(text_at(data, "contentRating")),
        run_time=minutes or None,
        rating=number_at(data, "aggregateRating", "ratingValue"),
        ratings_count=integer_at(data, "aggregateRating", "ratingCount"),
        genres=texts_at(each(data, "genre")),
        outline=keep_text(_unescape(text_at(data, "description"))),
    )


def rendered_facts(page: Page) -> dict[str, Any]:
    """Read the facts of the rendered HTML (data-testid marks, og:title), the uncut outline plot-xl first."""
    heading = page.selector.css('meta[property="og:title"]::attr(content)').get() or page.first_text("title") or ""
    heading = heading if len(heading) <= _HEADING else ""
    in_front = _TITLE_IN_HEADING.match(heading)
    year = _YEAR_IN_BRACKETS.search(heading)
    _, bar, listed = heading.partition(" | ")
    genres = page.all_texts("[data-testid=genres] .ipc-chip__text, li[data-testid=storyline-genres] a.ipc-link")
    return present(
        title=page.first_text("[data-testid=hero__primary-text]", "[data-testid=hero-title-block__title]")
        or (in_front[1].strip() or None if in_front else None),
        year=int(year[1]) if year else None,
        genres=genres or (tuple(listed.split(", ")) if bar and listed else ()),
        outline=keep_text(
            page.first_text(
                "p[data-testid=plot] [data-testid=plot-xl]",
                "p[data-testid=plot] [data-testid=plot-l]",
                "p[data-testid=plot] [data-testid=plot-xs_to_m]",
            )
        ),
    )


def gather(page: Page, entity: Any) -> dict[str, Any]:
    """Lay the layers over one another: JSON first, then JSON-LD, then rendered HTML for what is missing.

    JSON is believed where it is silent (no genres, no plot); the others are read only where it is missing
    altogether or its outline is cut.
    """
    facts = entity_facts(entity, page.locale)
    outlines = [facts.get("outline")]
    if "title" not in facts or (facts.get("outline") or "").endswith(("...", "…")):
        for below in (linked_facts(page), rendered_facts(page)):
            outlines.append(below.get("outline"))
            facts = {**below, **facts}
    facts.update(present(title_id=facts.get("title_id") or page.canonical_id, outline=choose_whole(outlines)))
    return facts


def read_edges(tree: Any, *path: str | int) -> list[Summary]:
    """Read `edges[*].node.plotText.plaidHtml` with its author, blanks and placeholders left out."""
    found = []
    edges = each(tree, *path, "edges")
    check_count(edges)
    for edge in edges:
        summary = read_fragment(text_at(edge, "node", "plotText", "plaidHtml") or "")
        if summary:
            author = text_at(edge, "node", "author") or summary.author
            found.append(Summary(summary.text, author))
    return found


def _unescape(text: str | None) -> str | None:
    return html.unescape(text) if text else None
