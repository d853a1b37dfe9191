"""IMDb's pages of one title, parsed and merged into one raw record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from scraper.items import Title
from scraper.pages.facts import PlotPage
from scraper.pages.page import BlockedError, PageError, is_challenge
from scraper.pages.plotsummary import parse_plotsummary
from scraper.pages.texts import choose_whole
from scraper.pages.title_main import MainPage, parse_main

__all__ = [
    "BlockedError",
    "MainPage",
    "PageError",
    "PlotPage",
    "is_challenge",
    "merge_pages",
    "parse_main",
    "parse_plotsummary",
]

_SHARED = ("title", "original_title", "title_type", "year", "mpaa", "run_time", "rating", "ratings_count")
_MAIN_ONLY = (
    "budget",
    "budget_currency",
    "world_gross",
    "world_gross_currency",
    "directors",
    "writers",
    "actors",
    "keywords",
)


def merge_pages(
    title_id: str,
    plot: PlotPage,
    main: MainPage | None = None,
    *,
    source: str = "imdb",
    source_url: str | None = None,
    retrieved_at: datetime | None = None,
    terms: str | None = None,
) -> Title:
    """Merge a title's plot summary page with its main page, where that was asked for, into one record.

    The main page wins for facts; the summary is the outline, or the first summary where there is no outline,
    and summary_source says which. Raises PageError when a page is about another title than the one asked for.
    """
    pages = [page for page in (main, plot) if page is not None]
    for page in pages:
        if page.title_id not in (None, title_id):
            raise PageError(f"asked for {title_id}, the page is about {page.title_id}")
    facts: dict[str, Any] = {name: _first(pages, name) for name in _SHARED}
    if main is not None:
        facts.update({name: getattr(main, name) for name in _MAIN_ONLY})
    outline = choose_whole(page.outline for page in (plot, main) if page is not None)
    summaries = [summary.text for page in (plot, main) if page is not None for summary in page.summaries]
    synopsis = plot.synopsis or (main.synopsis if main else None)
    return Title(
        title_id=title_id,
        **facts,
        genres=max((page.genres for page in pages), key=len),
        summary=outline or next(iter(summaries), None),
        synopsis=synopsis,
        summary_source="outline" if outline else "summary" if summaries else None,
        synopsis_source="synopsis" if synopsis else None,
        source=source,
        source_url=source_url,
        retrieved_at=retrieved_at,
        terms=terms,
    )


def _first(pages: list[PlotPage], name: str) -> Any:
    return next((getattr(page, name) for page in pages if getattr(page, name) is not None), None)
