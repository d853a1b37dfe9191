"""What the site renders is what the parser reads, text for text."""

from __future__ import annotations

from typing import Any

import pytest

from scraper.items import Title
from scraper.pages.imdb import merge_pages
from scraper.pages.layouts import parse_page
from scraper.site.facts import invent_facts
from scraper.site.generator import generate_titles
from scraper.site.pages import render_main, render_plots, render_reference
from scraper.site.titles import Catalogue, SiteTitle

PAGES = {"reference": (render_reference,), "plots and main": (render_plots, render_main)}


def crawl(title: SiteTitle, pages: str = "reference") -> Title:
    return merge_pages(title.title_id, [parse_page(render(title))[1] for render in PAGES[pages]])


@pytest.fixture(scope="module", params=PAGES)
def pairs(request: pytest.FixtureRequest) -> list[tuple[SiteTitle, Title]]:
    return [(title, crawl(title, request.param)) for title in Catalogue(generate_titles(150, 11))]


@pytest.mark.parametrize("field", ["title", "year", "genres", "summary", "synopsis"])
def test_field_of_the_titles_file_survives(pairs: list[tuple[SiteTitle, Title]], field: str) -> None:
    assert [getattr(read, field) for _, read in pairs] == [getattr(title, field) for title, _ in pairs]


@pytest.mark.parametrize(
    "field",
    ["mpaa", "run_time", "rating", "ratings_count", "budget", "budget_currency", "world_gross", "world_gross_currency"]
    + ["directors", "writers", "actors", "keywords", "countries", "languages"],
)
def test_invented_fact_survives(pairs: list[tuple[SiteTitle, Title]], field: str) -> None:
    expected: list[Any] = [getattr(invent_facts(title.title_id), field) for title, _ in pairs]
    assert [getattr(read, field) for _, read in pairs] == expected


def test_summary_of_a_user_comes_with_its_author(pairs: list[tuple[SiteTitle, Title]]) -> None:
    told = {read.title_id: read.summaries for _, read in pairs if read.summaries}
    authors = {title_id: {one.author for one in summaries} for title_id, summaries in told.items()}
    assert len(told) > 20
    assert authors == {title_id: {invent_facts(title_id).plot_author} for title_id in told}


def test_markup_quotes_entities_and_lines_survive() -> None:
    text = "It's <b>bold</b> & \"quoted\" &amp; Zoë's – naïve; 5 < 6.\n\nNext paragraph\nnext line."
    title = SiteTitle("tt1000001", "A & B's <i>", 2001, ("Drama",), text, text)
    for pages in PAGES:
        read = crawl(title, pages)
        assert (read.title, read.summary, read.synopsis) == ("A & B's <i>", text, text)


def test_a_title_without_a_name_stays_nameless() -> None:
    read = crawl(SiteTitle("tt1000001", None, 1972, ("Drama",), None, None))
    assert (read.title, read.year, read.genres) == (None, 1972, ("Drama",))
