"""Which pages of a title are asked for, so that one request carries the fields wanted wherever one can."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

from conf.names import TitleField

# Paths below /title/ttN/.
PLOTSUMMARY, REFERENCE, MAIN = "plotsummary/", "reference/", ""

_ALL = frozenset(get_args(TitleField))
# IMDb's pages since 2025: credits, money, keywords and places stand on /reference/ only, which has one summary of all.
_CARRIED = {
    PLOTSUMMARY: _ALL
    - {"budget", "world_gross", "directors", "writers", "actors", "keywords", "countries", "languages"},
    REFERENCE: _ALL - {"summaries"},
}
_NAMED = {"study": _CARRIED[REFERENCE], "texts": _CARRIED[PLOTSUMMARY], "all": _ALL}
# Where genres are looked for when the pages asked for carry none.
_WITH_GENRES = (REFERENCE, MAIN)


def choose_pages(fields: str | Collection[str]) -> tuple[str, ...]:
    """Return the pages that carry the fields (a named set or field names): one where one has them all, else two."""
    wanted = _NAMED[fields] if isinstance(fields, str) else frozenset(fields)
    for page, carried in _CARRIED.items():
        if wanted <= carried:
            return (page,)
    return (REFERENCE, PLOTSUMMARY)


def choose_genre_page(asked: Collection[str]) -> str | None:
    """Return a page that may carry the genres when those already asked for did not; None when all were."""
    return next((page for page in _WITH_GENRES if page not in asked), None)
