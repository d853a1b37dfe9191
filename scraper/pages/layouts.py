"""Which layout a page of IMDb has, told by its own marks, and its facts by that layout's parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from scraper.pages.facts import PageFacts
from scraper.pages.page import Page, PageError
from scraper.pages.plot_lists import parse_plot_lists
from scraper.pages.plotsummary import parse_plotsummary
from scraper.pages.reference_classic import parse_reference_classic
from scraper.pages.title_classic import parse_title_classic
from scraper.pages.title_main import parse_main
from scraper.pages.tn15 import parse_tn15


class Layout(NamedTuple):
    """Name a layout, how its pages are told, and what parses them."""

    name: str
    marks: Callable[[Page], bool]
    parse: Callable[[Page], PageFacts]


# In this order, new to old: an embedded JSON wins over any mark in the HTML around it.
LAYOUTS = (
    Layout("next-plotsummary", lambda page: "contentData" in page.props, parse_plotsummary),
    Layout("next-title", lambda page: bool(page.props), parse_main),
    Layout("next-plotsummary", lambda page: " - Plot - IMDb</title>" in page.html, parse_plotsummary),
    Layout("reference-classic", lambda page: "titlereference-" in page.html, parse_reference_classic),
    Layout("plot-lists", lambda page: "plot-summaries-content" in page.html, parse_plot_lists),
    Layout("title-wrapper", lambda page: "title_wrapper" in page.html, parse_title_classic),
    Layout("overview-top", lambda page: 'id="overview-top"' in page.html, parse_title_classic),
    Layout("tn15", lambda page: 'id="tn15' in page.html, parse_tn15),
    Layout("plot-lists", lambda page: "plotSummary" in page.html or "plotpar" in page.html, parse_plot_lists),
    Layout("next-title", lambda page: True, parse_main),
)


def layout_age(name: str) -> int:
    """Return a layout's place from new to old, as a key to sort pages of the same title by."""
    return [layout.name for layout in LAYOUTS].index(name)


def parse_page(text: str) -> tuple[str, PageFacts]:
    """Parse a page of any known layout (HTML, or the bare JSON of a Next.js page); return layout name and facts.

    Raises BlockedError for a bot challenge, PageError for a page that is cut off, tells nothing of a title or is about
    several of them.
    """
    if not text.strip():
        raise PageError("an empty page, which is how a bot challenge (HTTP 202) looks once it is stored")
    page = Page(text)
    layout = next(layout for layout in LAYOUTS if layout.marks(page))
    facts = layout.parse(page)
    page.check_title(facts.title_id)
    if not facts.known:
        raise PageError(f"no title, genre or text in {len(text):,} characters that begin with {text[:40]!r}")
    return layout.name, facts
