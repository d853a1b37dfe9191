"""Main pages from October 2010 to 2021: overview-top, then title_wrapper, over the same storyline and details.

Facts stand in microdata until spring 2018 and in JSON-LD since summer 2018.
"""

from __future__ import annotations

from typing import Any

from parsel import Selector

from scraper.items import Summary
from scraper.pages.facts import PageFacts, drop_outline, present
from scraper.pages.layers import linked_facts
from scraper.pages.page import Page
from scraper.pages.texts import complete, keep_text, read_fragments
from scraper.pages.trees import dig, each, texts_at
from scraper.pages.written import (
    flatten,
    names_in,
    read_bracketed_type,
    read_count,
    read_minutes,
    read_money,
    read_rating,
    read_title_type,
    read_year,
    squeeze,
    text_without,
)

# Links inside an outline that are no part of it: "See full summary »", "Add a Plot »".
_NOT_OUTLINE = 'self::a[contains(@href, "plotsummary") or contains(@href, "updates") or contains(@href, "synopsis")]'
_CERTIFICATE = (
    ".subtext meta[itemprop=contentRating]::attr(content), .infobar [itemprop=contentRating]::attr(content), "
    ".infobar img::attr(title)"
)
_BY_OPEN_GRAPH = {"tv_show": "tvSeries", "episode": "tvEpisode"}


def parse_title_classic(page: Page) -> PageFacts:
    """Parse a main page of 2010 to 2021 in either of its two layouts."""
    sel = page.selector
    linked = linked_facts(page)
    written = _written_facts(sel)
    summaries = _read_summaries(sel)
    # Later JSON-LD begins its description with an advertisement: it only completes an outline that is cut.
    outline = complete(_read_outline(sel), [linked.pop("outline", ""), *(summary.text for summary in summaries)])
    # Its date is that of a release, which may lie years after the title's own.
    facts = {**written, **linked, **present(title=written.get("title"), year=written.get("year"))}
    facts["genres"] = max(written.get("genres", ()), linked.get("genres", ()), key=len)
    facts.setdefault("title_type", _read_type(sel, facts["genres"]))
    return PageFacts(
        title_id=page.canonical_id,
        outline=outline,
        summaries=drop_outline(summaries, outline),
        **facts,
        **_credits(page),
    )


def _written_facts(sel: Selector) -> dict[str, Any]:
    budget, budget_currency = read_money(_labelled(sel, "Budget"))
    gross, gross_currency = read_money(_labelled(sel, "Cumulative Worldwide Gross"))
    heading = sel.css("title::text").get()
    return present(
        title=_read_title(sel),
        original_title=_read_original(sel),
        year=read_year(flatten(_first(sel, "#titleYear", "h1.header"))) or read_year(heading),
        mpaa=_read_certificate(sel),
        run_time=read_minutes(flatten(_first(sel, ".subtext time", ".infobar time"))) or _read_infobar_minutes(sel),
        rating=read_rating(
            flatten(_first(sel, "span[itemprop=ratingValue]", ".ratingValue strong span", ".star-box-giga-star"))
        ),
        ratings_count=read_count(flatten(_first(sel, "span[itemprop=ratingCount]", ".imdbRating a .small"))),
        genres=_linked(sel, "Genre") or names_in(sel.css('.subtext a[href*="/genre"], .infobar a[href*="/genre"]')),
        keywords=_linked(sel, "Plot Keywords"),
        countries=_linked(sel, "Country"),
        languages=_linked(sel, "Language"),
        budget=budget,
        budget_currency=budget_currency,
        world_gross=gross,
        world_gross_currency=gross_currency,
    )


def _first(sel: Selector, *queries: str) -> Selector | None:
    return next((found[0] for found in map(sel.css, queries) if found), None)


def _read_title(sel: Selector) -> str | None:
    named = sel.css("h1.header span[itemprop=name]::text, .title_wrapper h1::text").getall()
    return next((text for text in map(squeeze, named) if text), None)


def _read_original(sel: Selector) -> str | None:
    """Return the title in its own language: `div.originalTitle`, before 2015 `span.title-extra` in quotes."""
    element = _first(sel, ".originalTitle", ".title-extra")
    if element is None or "original title" not in (flatten(element) or ""):
        return None
    own = text_without(element, "self::i or contains(@class, 'description')")
    return (own or "").strip('" ') or None


def _read_certificate(sel: Selector) -> str | None:
    told = squeeze(sel.css(_CERTIFICATE).get())
    if told:
        return told
    # From summer 2018 the certificate is the bare text in front of the length.
    return squeeze(sel.css(".subtext").xpath("./text()[1]").get())


def _read_infobar_minutes(sel: Selector) -> int | None:
    return read_minutes(_labelled(sel, "Runtime")) or read_minutes(flatten(_first(sel, ".infobar")))


def _read_outline(sel: Selector) -> str | None:
    element = _first(sel, ".summary_text", "#overview-top p[itemprop=description]")
    if element is None:
        # The first months of the layout had no mark on it: then it is the first paragraph with a text.
        paragraphs = (one for one in sel.css("#overview-top > p") if text_without(one, _NOT_OUTLINE))
        element = next(paragraphs, None)
    return keep_text((text_without(element, _NOT_OUTLINE) or "").rstrip("»| "))


def _read_summaries(sel: Selector) -> list[Summary]:
    """Return the storyline's summary; `div.see-more.inline.canwrap` beside it holds keywords and genres."""
    boxes = sel.css("#titleStoryLine > div.inline.canwrap:not(.see-more) > p")
    return read_fragments([box.get() for box in boxes[:1]])


def _read_type(sel: Selector, genres: tuple[str, ...]) -> str | None:
    shown = sel.css(".subtext a::text, .infobar::text").getall()
    told = (read_title_type(squeeze(text)) for text in shown)
    kind = next((kind for kind in told if kind), None) or read_bracketed_type(sel.css("title::text").get())
    graph = (sel.css('meta[property="og:type"]::attr(content)').get() or "").rpartition(".")[2]
    if kind or graph in _BY_OPEN_GRAPH:
        return kind or _BY_OPEN_GRAPH[graph]
    if graph != "movie":
        return None
    return "short" if "Short" in genres else "movie"


def _linked(sel: Selector, label: str) -> tuple[str, ...]:
    """Return the names of the links that follow a heading, the last of which may be "See more"."""
    links = sel.xpath("(//h4[starts-with(normalize-space(.), $label)])[1]/following-sibling::a", label=label)
    return tuple(name for name in names_in(links) if not name.startswith("See "))


def _labelled(sel: Selector, label: str) -> str | None:
    blocks = sel.xpath('//div[contains(@class, "txt-block")][h4[starts-with(normalize-space(.), $label)]]', label=label)
    return text_without(blocks[0], "self::h4") if blocks else None


def _credits(page: Page) -> dict[str, Any]:
    sel = page.selector
    people = 'a[contains(@href, "/name/")]'
    cast = '//table[contains(@class, "cast_list")]//td[not(contains(@class, "primary_photo") or @class="character")]'
    found = {"directors": "Director", "writers": "Writer", "creators": "Creator", "actors": "Star"}
    named = {
        field: names_in(sel.xpath(f"(//h4[starts-with(normalize-space(.), $label)])[1]/..//{people}", label=label))
        for field, label in found.items()
    }
    linked = [one for one in each(page.linked_data, "creator") if dig(one, "@type") != "Organization"]
    return {
        "directors": named["directors"] or texts_at(each(page.linked_data, "director"), "name"),
        "writers": named["writers"] or named["creators"] or texts_at(linked, "name"),
        "actors": names_in(sel.xpath(cast).xpath(f".//{people}")) or named["actors"],
    }
