"""Classic reference pages, hand-written in both of their shapes (December 2017, and 2018 on)."""

import pytest

from scraper.items import Summary
from scraper.pages.facts import PageFacts
from scraper.pages.layouts import parse_page

ROW = '<tr class="ipl-zebra-list__item"><td class="ipl-zebra-list__label">{0}</td><td>{1}</td></tr>'
LINKS = '<ul class="ipl-inline-list"><li><a href="/x/1">{0}</a></li><li><a href="/x/2">{1}</a></li></ul>'
SEE_ALL = '<li><a href="/title/tt0000001/keywords">See All (66) »</a></li>'
OUTLINE = "<div>A clerk finds a map.</div><hr>"
SEASONS = '<div>Seasons: <a href="/title/tt0000001/episodes?season=7">7</a></div><hr>'
REVIEWS = '<div>Reviews: <ul class="ipl-inline-list"><li><a href="reviews">245 User</a></li></ul></div>'


def reference_page(
    above: str = OUTLINE, shown: tuple[str, ...] = ("PG-13", "2h 32min", '<a href="/genre/action">Action</a>', "Movie")
) -> str:
    items = "".join(f'<li class="ipl-inline-list__item">{item}</li>' for item in shown)
    rows = (
        ROW.format("Plot Summary", "<p>He goes &amp; looks.<em>Written by <a href='?plot_author=J'>J</a></em></p>")
        + ROW.format("Plot Keywords", LINKS.format("old-map", "lamp").replace("</ul>", SEE_ALL + "</ul>"))
        + ROW.format("Genres", LINKS.format("Action", "Drama"))
        + ROW.format("Country", LINKS.format("France", "Chad"))
        + ROW.format("Language", LINKS.format("French", "Arabic"))
        + ROW.format("Budget", "$200,000 (estimated)")
        + ROW.format("Cumulative Worldwide Gross", "$5,000,000")
    )  # fmt: skip
    return f"""<html><head><title>The Lamp (2008) - Reference View - IMDb</title>
<link rel="canonical" href="https://www.imdb.com/title/tt0000001/reference" /></head><body><section>
<div class="titlereference-header"><h3 itemprop="name">The Lamp
<span class="titlereference-title-year">(<a>2008</a>)</span></h3><ul class="ipl-inline-list">{items}</ul>
<span class="ipl-rating-star__rating">9</span><span class="ipl-rating-star__total-votes">(1,864,503)</span></div>
{above}<div class="titlereference-overview-section">Director: <ul><li><a href="/name/nm1">Bo Ek</a></li></ul></div>
<div class="titlereference-overview-section">Writers: <ul><li><a href="/name/nm2">Cy Fox</a></li>
<li><a href="/title/tt0000001/fullcredits">See more »</a></li></ul></div>{REVIEWS}</section>
<section><header><div><h4 name="writers" id="writers">Written by</h4></div></header>
<table class="simpleTable"><tr><td><a href="/name/nm2">Cy Fox</a></td></tr>
<tr><td><a href="/name/nm4">Di Gray</a></td></tr></table></section>
<table class="cast_list"><tr><td class="primary_photo"><a href="/name/nm5"></a></td>
<td itemprop="actor"><a href="/name/nm5">Ann Lee</a></td>
<td class="character"><a href="/name/nm9">Ed</a></td></tr></table>
<table class="titlereference-list">{rows}</table></body></html>"""


def parse(html: str) -> PageFacts:
    layout, facts = parse_page(html)
    assert layout == "reference-classic"
    return facts


def test_facts_come_typed() -> None:
    page = parse(reference_page())
    assert (page.title_id, page.title, page.year, page.title_type) == ("tt0000001", "The Lamp", 2008, "movie")
    assert (page.mpaa, page.run_time, page.rating, page.ratings_count) == ("PG-13", 152, 9.0, 1864503)
    assert (page.genres, page.keywords) == (("Action", "Drama"), ("old-map", "lamp"))
    assert (page.countries, page.languages) == (("France", "Chad"), ("French", "Arabic"))
    assert (page.budget, page.world_gross, page.world_gross_currency) == (200000, 5000000, "USD")


def test_summary_loses_its_author() -> None:
    assert parse(reference_page()).summaries == (Summary("He goes & looks.", "J"),)


@pytest.mark.parametrize(
    ("above", "outline"),
    [(OUTLINE, "A clerk finds a map."), (SEASONS + OUTLINE, "A clerk finds a map."), (SEASONS, None), ("", None)],
)
def test_outline_is_the_block_that_is_neither_seasons_nor_reviews(above: str, outline: str | None) -> None:
    assert parse(reference_page(above)).outline == outline


def test_credits_table_names_more_than_the_overview() -> None:
    page = parse(reference_page())
    assert (page.directors, page.writers, page.actors) == (("Bo Ek",), ("Cy Fox", "Di Gray"), ("Ann Lee",))


def test_missing_certificate_is_not_the_length() -> None:
    page = parse(reference_page(shown=("47min", "TV Series")))
    assert (page.mpaa, page.run_time, page.title_type) == (None, 47, "tvSeries")


def test_title_may_stand_in_a_link() -> None:
    html = reference_page().replace(
        '<h3 itemprop="name">The Lamp', '<h3 itemprop="name"> <a href="/title/tt0000001/">The Old Lamp</a>'
    )
    assert parse(html).title == "The Old Lamp"
