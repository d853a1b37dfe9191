"""Pages of the local movie site that carry no title's data: robots.txt, errors and the start page."""

from __future__ import annotations

import html
from collections.abc import Iterable

from scraper.site.next_data import LANGUAGE
from scraper.site.titles import SiteTitle

ROBOTS = """\
User-agent: *
Allow: /title/
Disallow: /find
Disallow: /ap/
Disallow: /registration/
Disallow: /search/name-text
Disallow: /search/title-text
Disallow: /updates
Disallow: /user/
"""
ROBOTS_WITHOUT_TITLES = ROBOTS.replace("Allow: /title/", "Disallow: /title/")


def render_error(status: int, reason: str) -> str:
    """Render an error page; a 404 has the title that IMDb gives it."""
    name = "404 Error - IMDb" if status == 404 else f"Error {status} - IMDb"
    return (
        f'<!DOCTYPE html><html lang="{LANGUAGE}"><head><meta charset="utf-8"/><title>{name}</title></head>'
        f"<body><h1>{status}</h1><p>{html.escape(reason)}</p></body></html>"
    )


def render_index(titles: Iterable[SiteTitle], count: int) -> str:
    """Render the start page: what this site is, how many titles it has, links to some of them."""
    items = "".join(
        f'<li><a href="/title/{title.title_id}/">{html.escape(name_title(title) or title.title_id)}</a> '
        f'(<a href="/title/{title.title_id}/plotsummary/">plot</a>)</li>'
        for title in titles
    )
    return (
        f'<!DOCTYPE html><html lang="{LANGUAGE}"><head><meta charset="utf-8"/><title>Local movie site</title></head>'
        f"<body><h1>Local movie site</h1><p>{count} titles, served on this machine only. The first of them:</p>"
        f"<ul>{items}</ul></body></html>"
    )


def name_title(title: SiteTitle) -> str:
    """Return a title with its year, nothing where it has no name: an id must never be taken for one."""
    year = f" ({title.year})" if title.year is not None else ""
    return f"{title.title}{year}" if title.title else ""
