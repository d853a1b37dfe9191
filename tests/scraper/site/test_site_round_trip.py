"""What the site renders is what the parser reads, text for text."""

from __future__ import annotations

from typing import Any

import pytest

from scraper.items import Title
from scraper.pages.imdb import merge_pages, parse_main, parse_plotsummary
from scraper.site.facts import invent_facts
from scraper.site.generator import generate_titles
from scraper.site.pages import render_main, render_plots
from scraper.site.titles import Catalogue, SiteTitle


@pytest.fixture(scope="module")
def pairs() -> list[tuple[SiteTitle, Title]]:
    return [(title, crawl(title)) for title in Catalogue(generate_titles(150, 11))]


def crawl(title: SiteTitle) -> Title:
    plots = parse_plotsummary(render_plots(title))
    return merge_pages(title.title_id, plots, parse_main(render_main(title)))


@pytest.mark.parametrize("field", ["title", "year", "genres", "summary", "synopsis"])
def test_field_of_the_titles_file_survives(pairs: list[tuple[SiteTitle, Title]], field: str) -> None:
    assert [getattr(read, field) for _, read in pairs] == [getattr(title, field) for title, _ in pairs]


@pytest.mark.parametrize(
    "field",
    ["mpaa", "run_time", "rating", "ratings_count", "budget", "budget_currency", "world_gross"]
    + ["directors", "writers", "actors", "keywords"],
)
def test_invented_fact_survives(pairs: list[tuple[SiteTitle, Title]], field: str) -> None:
    expected: list[Any] = [getattr(invent_facts(title.title_id), field) for title, _ in pairs]
    assert [getattr(read, field) for _, read in pairs] == expected


def test_markup_quotes_entities_and_lines_survive() -> None:
    text = "It's <b>bold</b> & \"quoted\" &amp; Zoë's – naïve; 5 < 6.\n\nNext paragraph\nnext line."
    read = crawl(SiteTitle("tt1000001", "A & B's <i>", 2001, ("Drama",), text, text))
    assert (read.title, read.summary, read.synopsis) == ("A & B's <i>", text, text)


def test_a_title_without_a_name_stays_nameless() -> None:
    read = crawl(SiteTitle("tt1000001", None, 1972, ("Drama",), None, None))
    assert (read.title, read.year, read.genres) == (None, 1972, ("Drama",))
