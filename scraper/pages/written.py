"""Values as IMDb's pages before 2021 write them out: money, minutes, counts, years, names in links."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from parsel import Selector

from scraper.pages.trees import integer_at, number_at

_SPACES = re.compile(r"\s+")
_YEAR = re.compile(r"(?<!\d)\d{4}")
_LENGTH = re.compile(r"(?:\b(\d{1,3})\s*h\w*\s*)?\b(\d{1,5})\s*min|\b(\d{1,3})\s*h")
# Where a value is looked for: a page's text may be of any length.
_VALUE = 1_000
_NUMBER = re.compile(r"\d[\d,]*")
# A code such as INR or FRF, or one of the signs that stand for one, then the amount.
_MONEY = re.compile(r"(?:\b([A-Z]{3})|(US\$|A\$|CA?\$|[$£€¥₹]))\s*(\d[\d,]*)")
_TYPES = {
    "tv series": "tvSeries",
    "tv mini series": "tvMiniSeries",
    "tv episode": "tvEpisode",
    "tv movie": "tvMovie",
    "tv special": "tvSpecial",
    "tv short": "tvShort",
    "video game": "videoGame",
    "video": "video",
    "short": "short",
    "movie": "movie",
}
_TYPE = re.compile(rf"({'|'.join(name.replace(' ', '[ -]') for name in _TYPES)})\b", re.IGNORECASE)
_BRACKET = re.compile(r"\(([^()]*)\)")
_SIGNS = {
    "$": "USD",
    "US$": "USD",
    "A$": "AUD",
    "C$": "CAD",
    "CA$": "CAD",
    "£": "GBP",
    "€": "EUR",
    "¥": "JPY",
    "₹": "INR",
}


def flatten(element: Selector | None) -> str | None:
    """Return an element's whole text with white space (no-break spaces, too) collapsed, None where blank."""
    if element is None:
        return None
    return squeeze(element.root.xpath("string()"))


def squeeze(text: str | None) -> str | None:
    """Collapse white space; None for a blank text."""
    return _SPACES.sub(" ", text).strip() or None if text else None


def text_without(element: Selector | None, unwanted: str) -> str | None:
    """Return an element's text with those descendants left out that an XPath test names, such as `self::a`."""
    if element is None:
        return None
    return squeeze("".join(element.xpath(f".//text()[not(ancestor::*[{unwanted}])]").getall()))


def names_in(elements: Iterable[Selector]) -> tuple[str, ...]:
    """Return the elements' texts, blanks and repetitions left out, order kept."""
    return tuple(dict.fromkeys(text for text in map(flatten, elements) if text))


def read_year(text: str | None) -> int | None:
    """Return the first year in round brackets: "(1999)", "(I) (2004)", "(TV Series 2010-2022)"."""
    found = (_YEAR.search(bracket) for bracket in _BRACKET.findall((text or "")[:_VALUE]))
    return next((int(year[0]) for year in found if year), None)


def read_minutes(text: str | None) -> int | None:
    """Return the first length in minutes: "136 min", "2h 16min", "USA:177 min (director's cut)"."""
    found = _LENGTH.search((text or "")[:_VALUE])
    return int(found[1] or found[3] or 0) * 60 + int(found[2] or 0) if found else None


def read_count(text: str | None) -> int | None:
    """Return the first whole number, thousands parted by commas: "1,234,567"."""
    found = _NUMBER.search((text or "")[:_VALUE])
    return integer_at([found[0].replace(",", "")], 0) if found else None


def read_rating(text: Any) -> float | None:
    """Return a rating from 1 to 10 written as "8.7", "8.7/10" or "8,7", None for anything else."""
    value = number_at([str(text or "").partition("/")[0].strip().replace(",", ".")], 0)
    return value if value is not None and 1 <= value <= 10 else None


def read_money(text: str | None) -> tuple[int | None, str | None]:
    """Return amount and currency (ISO 4217): "$63,000,000 (estimated)", "INR 120,000"; (None, None) for none."""
    found = _MONEY.search((text or "")[:_VALUE])
    if found is None:
        return None, None
    amount = integer_at([found[3].replace(",", "")], 0)
    return (amount, found[1] or _SIGNS[found[2]]) if amount is not None else (None, None)


def read_title_type(text: str | None) -> str | None:
    """Return the Next.js pages' id of a title type that a text begins with: "TV Series 2010-2022", "Video 2009"."""
    found = _TYPE.match(text or "")
    return _TYPES[found[1].lower().replace("-", " ")] if found else None


def read_bracketed_type(text: str | None) -> str | None:
    """Return the title type told in round brackets in front of the year: "Mad Men (TV Series 2007-2015)"."""
    found = (read_title_type(bracket) for bracket in _BRACKET.findall((text or "")[:_VALUE]))
    return next((kind for kind in found if kind), None)
