"""The page /title/ttN/reference from December 2017 to mid-2025: rows of labels and values, and one summary."""

from __future__ import annotations

from parsel import Selector

from scraper.items import Summary
from scraper.pages.facts import PageFacts, drop_outline
from scraper.pages.page import Page
from scraper.pages.texts import complete, keep_text, read_fragments
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

_PEOPLE = './/a[contains(@href, "/name/")]'


def parse_reference_classic(page: Page) -> PageFacts:
    """Parse a classic reference page; it links to the synopsis and does not hold it."""
    sel = page.selector
    heading = sel.css("title::text").get()
    items = sel.xpath('(//*[@class="titlereference-header"]//ul)[1]/li')
    shown = [(item, flatten(item) or "") for item in items]
    budget, budget_currency = read_money(_told(sel, "Budget"))
    gross, gross_currency = read_money(_told(sel, "Cumulative Worldwide Gross"))
    summaries = _read_summaries(sel)
    outline = complete(_read_outline(sel), [summary.text for summary in summaries])
    return PageFacts(
        title_id=page.canonical_id,
        title=_read_title(sel),
        original_title=_read_original(sel),
        title_type=next(filter(None, (read_title_type(text) for _, text in shown)), None)
        or read_bracketed_type(heading),
        year=read_year(heading),
        mpaa=_read_certificate(shown),
        run_time=next(filter(None, (read_minutes(text) for item, text in shown if not item.xpath(".//a"))), None)
        or read_minutes(_told(sel, "Runtime")),
        rating=read_rating(squeeze(sel.css(".ipl-rating-star__rating::text").get())),
        ratings_count=read_count(squeeze(sel.css(".ipl-rating-star__total-votes::text").get())),
        genres=_linked(sel, "Genres") or names_in(sel.css('.titlereference-header a[href*="/genre/"]')),
        outline=outline,
        summaries=drop_outline(summaries, outline),
        budget=budget,
        budget_currency=budget_currency,
        world_gross=gross,
        world_gross_currency=gross_currency,
        directors=_credited(sel, "directors", "Director"),
        writers=_credited(sel, "writers", "Writer", "Creator"),
        actors=_read_actors(sel),
        keywords=_linked(sel, "Plot Keywords"),
        countries=_linked(sel, "Country", "Countries"),
        languages=_linked(sel, "Language", "Languages"),
    )


def _read_title(sel: Selector) -> str | None:
    texts = sel.xpath('(//h3[@itemprop="name"])[1]/text() | (//h3[@itemprop="name"])[1]/a/text()').getall()
    return next((text for text in map(squeeze, texts) if text), None)


def _read_original(sel: Selector) -> str | None:
    """Return the text in front of `<span>(original title)</span>` in the header."""
    mark = sel.xpath('(//*[contains(@class, "titlereference-header")])[1]//*[contains(text(), "original title")]')
    if not mark:
        return None
    own = mark[0].xpath("preceding-sibling::text()[1]").get() or mark[0].xpath("./text()").get() or ""
    return (own.replace("(original title)", "").strip('" \n\t\xa0')) or None


def _read_certificate(shown: list[tuple[Selector, str]]) -> str | None:
    """Return the list's first entry where it is neither a link, a length nor a title type."""
    item, text = shown[0] if shown else (None, "")
    if item is None or item.xpath(".//a") or read_minutes(text) or read_title_type(text):
        return None
    return text or None


def _read_outline(sel: Selector) -> str | None:
    """Return the unmarked block above the credits; where it is missing those of seasons and reviews hold lists."""
    blocks = sel.xpath(
        '//*[contains(@class, "titlereference-overview-section") or @class="titlereference-header"]/../div'
        '[not(@class)][not(.//ul)][not(.//a[contains(@href, "/episodes")])]'
    )
    unwanted = 'self::a[contains(@href, "plotsummary") or contains(@href, "updates")]'
    found = (keep_text((text_without(block, unwanted) or "").rstrip("»| ")) for block in blocks)
    return next((text for text in found if text), None)


def _row(sel: Selector, label: str) -> Selector | None:
    found = sel.xpath('//td[@class="ipl-zebra-list__label"][normalize-space(.)=$label]/../td[2]', label=label)
    return found[0] if found else None


def _told(sel: Selector, label: str) -> str | None:
    return flatten(_row(sel, label))


def _linked(sel: Selector, *labels: str) -> tuple[str, ...]:
    for label in labels:
        row = _row(sel, label)
        if row is not None:
            return tuple(name for name in names_in(row.css("a")) if not name.startswith("See "))
    return ()


def _read_summaries(sel: Selector) -> list[Summary]:
    row = _row(sel, "Plot Summary")
    paragraphs = row.xpath("./p") if row is not None else []
    return read_fragments([one.get() for one in paragraphs])


def _credited(sel: Selector, heading: str, *labels: str) -> tuple[str, ...]:
    """Return everyone in the credits table below a heading, else those of the overview, which names three."""
    table = sel.xpath(f'(//h4[@id="{heading}"])[1]/ancestor::header[1]/following-sibling::table[1]')
    names = names_in(table.xpath(_PEOPLE))
    for label in labels:
        if names:
            break
        section = sel.xpath(
            '//div[contains(@class, "titlereference-overview-section")][starts-with(normalize-space(.), $label)]',
            label=label,
        )
        names = names_in(section.xpath(_PEOPLE))
    return names


def _read_actors(sel: Selector) -> tuple[str, ...]:
    cells = '//table[contains(@class, "cast_list")]//td[not(@class="primary_photo" or @class="character")]'
    cast = names_in(sel.xpath(cells).xpath(_PEOPLE))
    return cast or _credited(sel, "cast", "Star")
