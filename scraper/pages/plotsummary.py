"""The Next.js page /title/ttN/plotsummary/: title, genres, outline, summaries and synopsis in one request."""

from __future__ import annotations

from typing import Any

from scraper.items import Summary
from scraper.pages.facts import PageFacts, drop_outline
from scraper.pages.layers import gather, read_edges
from scraper.pages.page import Page
from scraper.pages.texts import complete, read_fragments
from scraper.pages.trees import dig, each, text_at


def parse_plotsummary(page: Page) -> PageFacts:
    """Parse a plot summary page in today's Next.js layout.

    Reads `contentData.entityMetadata` and `contentData.categories`, then `contentData.data.title`, then the
    rendered sub-sections.
    """
    content = dig(page.props, "contentData")
    page.check_title(text_at(content, "entityMetadata", "id"), text_at(content, "data", "title", "id"))
    facts = gather(page, dig(content, "entityMetadata"))
    summaries = _read_section(page, content, "summaries", "plotSummaries")
    synopsis = _read_section(page, content, "synopsis", "plotSynopsis")
    outline = complete(facts.pop("outline", None), [summary.text for summary in summaries])
    return PageFacts(
        **facts,
        outline=outline,
        summaries=drop_outline(summaries, outline),
        synopsis=synopsis[0].text if synopsis else None,
    )


def _read_section(page: Page, content: Any, section: str, connection: str) -> list[Summary]:
    items = _category_items(content, section)
    if items is not None:
        fragments = [text_at(item, "htmlContent") for item in items]
    elif isinstance(dig(content, "data", "title", connection), dict):
        return read_edges(content, "data", "title", connection)
    else:
        fragments = _rendered_items(page, section)
    return read_fragments(fragments)


def _category_items(content: Any, section: str) -> list[Any] | None:
    """Return a category's items, [] where the page says there are none, None without such a category."""
    for category in each(content, "categories"):
        if text_at(category, "id") == section:
            return each(category, "section", "items")
    return None


def _rendered_items(page: Page, section: str) -> list[str | None]:
    # The inner div is nested twice in each item: the outer one alone holds the text once.
    items = page.selector.css(f"div[data-testid=sub-section-{section}] li[data-testid=list-item]")
    return [item.css(".ipc-html-content-inner-div").get() for item in items]
