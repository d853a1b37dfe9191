"""The pages of one title merged into one raw record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from scraper.items import Title
from scraper.pages.errors import PageError
from scraper.pages.facts import PageFacts, drop_outline
from scraper.pages.texts import choose_whole

_MERGED_APART = frozenset({"title_id", "outline", "summaries", "synopsis", "genres"})
_FACTS = tuple(name for name in PageFacts.__dataclass_fields__ if name not in _MERGED_APART)
# An amount without its own currency says nothing.
_MONEY = ("budget", "world_gross")
_SILENT = (None, ())


def merge_pages(
    title_id: str,
    pages: Sequence[PageFacts],
    *,
    source: str = "imdb",
    source_url: str | None = None,
    retrieved_at: datetime | None = None,
) -> Title:
    """Merge what a title's pages tell, the first page that knows a fact counting, into one record.

    The genres are the longest list; the summary is the outline, or the first summary where there is no outline,
    and summary_source says which. Raises PageError when a page is about another title than the one asked for.
    """
    for page in pages:
        if page.title_id not in (None, title_id):
            raise PageError(f"asked for {title_id}, the page is about {page.title_id}")
    outline = choose_whole(page.outline for page in pages)
    summaries = drop_outline((summary for page in pages for summary in page.summaries), outline)
    synopsis = next((page.synopsis for page in pages if page.synopsis), None)
    return Title(
        title_id=title_id,
        **_merge_facts(pages),
        genres=max((page.genres for page in pages), key=len),
        summary=outline or (summaries[0].text if summaries else None),
        summaries=summaries,
        synopsis=synopsis,
        summary_source="outline" if outline else "summary" if summaries else None,
        synopsis_source="synopsis" if synopsis else None,
        source=source,
        source_url=source_url,
        retrieved_at=retrieved_at,
    )


def _merge_facts(pages: Sequence[PageFacts]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for page in pages:
        told = {name: getattr(page, name) for name in _FACTS}
        for amount in _MONEY:
            if facts.get(amount) is not None:
                told[f"{amount}_currency"] = None
        facts.update(
            {name: value for name, value in told.items() if facts.get(name) in _SILENT and value not in _SILENT}
        )
    return facts
