"""Pages of the oldest stored layout, `<div id="tn15...">`: main and /combined to 2010, plot summary and synopsis on."""

from __future__ import annotations

import re

from parsel import Selector

from scraper.items import Summary
from scraper.pages.facts import PageFacts, drop_outline
from scraper.pages.page import Page
from scraper.pages.texts import keep_text, read_fragment, read_fragments
from scraper.pages.written import (
    flatten,
    names_in,
    read_count,
    read_minutes,
    read_money,
    read_rating,
    read_year,
    squeeze,
    text_without,
)

_RATED = re.compile(r"Rated (\S+)")
_CERTIFICATE = re.compile(r"USA:([^\s|(]+)")
# Marks behind the year; a series has its name in quotes instead.
_TYPES = {"(TV)": "tvMovie", "(V)": "video", "(VG)": "videoGame", "(mini)": "tvMiniSeries"}
_MORE = 'contains(@class, "tn15more") or contains(@href, "updates")'


def parse_tn15(page: Page) -> PageFacts:
    """Parse a tn15 page: `#tn15title`, `div.info` blocks by their h5, `p.plotpar`, `div#swiki.2.1`."""
    sel = page.selector
    heading = sel.css("#tn15title h1")
    title = _read_title(heading)
    genres = _linked(sel, "Genre")
    budget, currency = read_money(_told(sel, "Budget"))
    outline = keep_text((_told(sel, "Plot:", "Plot Outline:") or "").rstrip("»| "))
    return PageFacts(
        title_id=page.canonical_id,
        title=(title or "").strip('"') or None,
        original_title=_read_original(sel),
        title_type=_read_type(title, flatten(heading[0]) if heading else None, genres),
        year=read_year(flatten(heading[0]) if heading else None) or read_year(sel.css("title::text").get()),
        mpaa=_read_certificate(sel),
        run_time=read_minutes(_told(sel, "Runtime")),
        rating=read_rating(squeeze(sel.css("#tn15rating .starbar-meta b::text").get())),
        ratings_count=read_count(flatten(next(iter(sel.css('#tn15rating a[href^="ratings"]')), None))),
        genres=genres,
        outline=outline,
        summaries=drop_outline(_read_summaries(sel), outline),
        synopsis=_read_synopsis(sel),
        budget=budget,
        budget_currency=currency,
        directors=_linked(sel, "Director"),
        writers=_linked(sel, "Writer") or _linked(sel, "Creator"),
        actors=names_in(sel.css("table.cast td.nm a")),
        keywords=names_in(sel.css("#tn15plotkeywords a")),
        countries=_linked(sel, "Country"),
        languages=_linked(sel, "Language"),
    )


def _read_title(heading: list[Selector]) -> str | None:
    for element in heading:
        texts = element.xpath("./text() | ./a[contains(@class, 'main')]/text()").getall()
        found = next((text for text in map(squeeze, texts) if text), None)
        if found:
            return found
    return None


def _read_original(sel: Selector) -> str | None:
    """Return the title that is followed by "(original title)" among those beside the heading."""
    told = flatten(next(iter(sel.css("#tn15title .title-extra")), None)) or ""
    found = re.search(r'"?([^"]+?)"?\s*\(original title\)', told)
    return found[1].strip() if found else None


def _read_type(title: str | None, heading: str | None, genres: tuple[str, ...]) -> str | None:
    marked = next((kind for mark, kind in _TYPES.items() if mark in (heading or "")), None)
    if marked or not title:
        return marked
    if title.startswith('"'):
        return "tvSeries"
    return "short" if "Short" in genres else "movie"


def _read_certificate(sel: Selector) -> str | None:
    rated = _RATED.search(_told(sel, "MPAA") or "")
    american = _CERTIFICATE.search(_told(sel, "Certification") or "")
    found = rated or american
    return found[1] if found else None


def _content(sel: Selector, *labels: str) -> Selector | None:
    for label in labels:
        boxes = sel.xpath(
            '//div[contains(concat(" ", @class, " "), " info ")][h5[starts-with(normalize-space(.), $label)]]',
            label=label,
        )
        for box in boxes:
            if found := box.xpath('.//*[contains(@class, "info-content")]'):
                return found[0]
    return None


def _told(sel: Selector, *labels: str) -> str | None:
    return text_without(_content(sel, *labels), _MORE)


def _linked(sel: Selector, label: str) -> tuple[str, ...]:
    content = _content(sel, label)
    return names_in(content.xpath(f".//a[not({_MORE})]")) if content is not None else ()


def _read_summaries(sel: Selector) -> list[Summary]:
    paragraphs = sel.css("#tn15content p.plotpar, #tn15content p.plotSummary")
    return read_fragments([one.get() for one in paragraphs])


def _read_synopsis(sel: Selector) -> str | None:
    """Return the synopsis of its own page; the one below a plot summary page's "Plot Synopsis:" is cut off."""
    box = sel.xpath('//div[@id="swiki.2.1"]').get()
    synopsis = read_fragment(box) if box else None
    return synopsis.text if synopsis else None
