"""The JSON-LD of a title page of the local movie site."""

from __future__ import annotations

import html
from typing import Any

from scraper.site.facts import Facts
from scraper.site.titles import SiteTitle

# IMDb cuts the description of its JSON-LD at about so many characters, and names three genres at most in it.
LD_DESCRIPTION, LD_GENRES = 240, 3
# Actors that it names.
LD_ACTORS = 3


def linked_data(title: SiteTitle, facts: Facts) -> dict[str, Any]:
    """Build the JSON-LD of /title/ttN/; texts are HTML-escaped and absent keys left out, as on IMDb."""
    described = title.summary
    if described and len(described) > LD_DESCRIPTION:
        described = described[: LD_DESCRIPTION - 3] + "..."
    rated = {
        "@type": "AggregateRating",
        "ratingCount": facts.ratings_count,
        "bestRating": 10,
        "worstRating": 1,
        "ratingValue": facts.rating,
    }
    data = {
        "@context": "https://schema.org",
        "@type": "Movie",
        "url": f"/title/{title.title_id}/",
        "name": _escape_ld(title.title),
        "description": _escape_ld(described),
        "aggregateRating": rated if facts.ratings_count else None,
        "contentRating": facts.mpaa,
        "genre": list(title.genres[:LD_GENRES]),
        "datePublished": f"{title.year}-01-01" if title.year else None,
        "keywords": ",".join(facts.keywords),
        "actor": [_person(name) for name in facts.actors[:LD_ACTORS]],
        "director": [_person(name) for name in facts.directors],
        "duration": _duration(facts.run_time),
    }
    return {key: value for key, value in data.items() if value}


def _person(name: str) -> dict[str, Any]:
    return {"@type": "Person", "name": _escape_ld(name)}


def _escape_ld(text: str | None) -> str | None:
    return None if text is None else html.escape(text, quote=True).replace("&#x27;", "&apos;")


def _duration(minutes: int | None) -> str | None:
    return None if minutes is None else f"PT{minutes // 60}H{minutes % 60}M"
