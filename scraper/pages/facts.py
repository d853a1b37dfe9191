"""The facts of one title that a page may carry, whatever its layout."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from scraper.items import Summary
from scraper.pages.texts import flat


@dataclasses.dataclass(frozen=True, slots=True)
class PageFacts:
    """Hold what one page tells of its title, None or () where it is silent.

    run_time is in minutes, budget and world_gross are whole units of their currency (ISO 4217). outline is the
    short text, never one cut with "..." where the page has it whole; summaries do not repeat it.
    """

    title_id: str | None = None
    title: str | None = None
    original_title: str | None = None
    title_type: str | None = None
    year: int | None = None
    mpaa: str | None = None
    run_time: int | None = None
    rating: float | None = None
    ratings_count: int | None = None
    genres: tuple[str, ...] = ()
    outline: str | None = None
    summaries: tuple[Summary, ...] = ()
    synopsis: str | None = None
    budget: int | None = None
    budget_currency: str | None = None
    world_gross: int | None = None
    world_gross_currency: str | None = None
    directors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Say whether the page gave anything beside an id."""
        return bool(self.title or self.genres or self.outline or self.summaries or self.synopsis)


def present(**facts: Any) -> dict[str, Any]:
    """Return the facts that are there."""
    return {name: value for name, value in facts.items() if value is not None and value != ()}


def drop_outline(summaries: Iterable[Summary], outline: str | None) -> tuple[Summary, ...]:
    """Leave out the summary that only repeats the outline, and those that repeat one another."""
    seen = {flat(outline)} if outline else set[str]()
    kept: list[Summary] = []
    for one in summaries:
        text = flat(one.text)
        if text not in seen:
            seen.add(text)
            kept.append(one)
    return tuple(kept)
