"""The page /title/ttN/plotsummary from October 2013 to 2022: lists of summaries, and since 2017 the synopsis."""

from __future__ import annotations

from parsel import Selector

from scraper.items import Summary
from scraper.pages.facts import PageFacts, drop_outline
from scraper.pages.page import Page
from scraper.pages.texts import check_count, read_fragment, read_fragments
from scraper.pages.written import read_bracketed_type, read_year, squeeze

# Until 2017 the author stands beside the paragraph; the item holds both.
_OLD_ITEMS = "li.odd, li.even"
_OLD_TEXT = "p.plotSummary, p.plotpar"
_OUTLINE_ID = "summary-po"


def parse_plot_lists(page: Page) -> PageFacts:
    """Parse zebra lists (`ul#plot-summaries-content`, 2017 on) or `li p.plotSummary` (before).

    An item with an id of `summary-po...` is the outline, not a user's summary.
    """
    sel = page.selector
    heading = sel.css("title::text").get()
    items = _zebra_items(sel) or [("", summary) for summary in _old_items(sel)]
    outline = next((summary.text for name, summary in items if name.startswith(_OUTLINE_ID)), None)
    return PageFacts(
        title_id=page.canonical_id,
        title=_read_title(sel),
        title_type=read_bracketed_type(heading),
        year=read_year(squeeze("".join(sel.css("h3[itemprop=name] ::text").getall()))) or read_year(heading),
        outline=outline,
        summaries=drop_outline([one for name, one in items if not name.startswith(_OUTLINE_ID)], outline),
        synopsis=_read_synopsis(sel),
    )


def _read_title(sel: Selector) -> str | None:
    texts = sel.xpath('(//h3[@itemprop="name"])[1]/a/text() | (//h3[@itemprop="name"])[1]/text()').getall()
    return next((text for text in map(squeeze, texts) if text), None)


def _zebra_items(sel: Selector) -> list[tuple[str, Summary]]:
    items = sel.css("ul#plot-summaries-content > li:not(#no-summary-content)")
    check_count(items)
    # Not by item.attrib: lxml refuses them all where one has a name such as "{}".
    read = ((item.xpath("@id").get() or "", read_fragment(item.get())) for item in items)
    return [(name, summary) for name, summary in read if summary]


def _old_items(sel: Selector) -> list[Summary]:
    boxes = [item for item in sel.css(_OLD_ITEMS) if item.css(_OLD_TEXT)] or sel.css(_OLD_TEXT)
    return read_fragments([box.get() for box in boxes])


def _read_synopsis(sel: Selector) -> str | None:
    found = sel.css("ul#plot-synopsis-content > li:not(#no-synopsis-content)").getall()
    synopses = read_fragments(found)
    return synopses[0].text if synopses else None
