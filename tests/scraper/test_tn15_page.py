"""Pages of the tn15 layout, hand-written."""

import pytest

from scraper.items import Summary
from scraper.pages.facts import PageFacts
from scraper.pages.layouts import parse_page

INFO = '<div class="info"><h5>{0}</h5><div class="info-content">{1}</div></div>'
MORE = '<a class="tn15more inline" href="/title/tt0000001/{0}">{1}</a>&nbsp;&raquo;'


def tn15_page(
    content: str, heading: str = 'The Lamp <span>(<a href="/year/1988/">1988</a>)</span>', kind: str = ""
) -> str:
    return f"""<html><head><title>The Lamp (1988)</title>
<link rel="canonical" href="http://www.imdb.com/title/tt0000001/{kind}" /></head><body>
<div id="tn15title"><h1>{heading}</h1></div><div id="tn15rating"><div class="starbar-meta"><b>9.3/10</b>
<a href="ratings" class="tn15more">923,629 votes</a></div></div><div id="tn15content">{content}</div></body></html>"""


def parse(html: str) -> PageFacts:
    layout, facts = parse_page(html)
    assert layout == "tn15"
    return facts


def test_main_page_facts() -> None:
    content = (
        INFO.format("Director:", '<a href="/name/nm1/">Bo Ek</a><br/>')
        + INFO.format("Writers (<a href='/wga'>WGA</a>):", '<a href="/name/nm2/">Cy Fox</a> (novel)<br/>')
        + INFO.format("Genre:", '<a href="/g/Crime/">Crime</a> | <a>Drama</a> ' + MORE.format("keywords", "See more"))
        + INFO.format("Runtime:", "142 min | USA:168 min (special edition)")
        + INFO.format("Country:", '<a href="/country/us"> USA</a>')
        + INFO.format("Language:", "<a> English</a> | <a> Spanish</a>")
        + INFO.format("<a href='/mpaa'>MPAA</a>:", "Rated R for language and prison violence")
        + INFO.format("Certification:", "<a>Iceland:16</a> | <a>USA:PG</a>")
        + INFO.format("Plot Keywords:", '<div id="tn15plotkeywords"><a>Prison</a> | <a>Old Map</a></div>')
        + '<table class="cast"><tr class="odd"><td class="nm"><a href="/name/nm3/">Ann Lee</a></td></tr></table>'
    )
    page = parse(tn15_page(content))
    assert (page.title_id, page.title, page.year, page.title_type) == ("tt0000001", "The Lamp", 1988, "movie")
    assert (page.directors, page.writers, page.actors) == (("Bo Ek",), ("Cy Fox",), ("Ann Lee",))
    assert (page.genres, page.run_time, page.mpaa) == (("Crime", "Drama"), 142, "R")
    assert (page.countries, page.languages, page.keywords) == (("USA",), ("English", "Spanish"), ("Prison", "Old Map"))
    assert (page.rating, page.ratings_count) == (9.3, 923629)


def test_american_certification_stands_for_a_missing_rating() -> None:
    content = INFO.format("Certification:", "<a>Iceland:16</a> | <a>USA:PG-13</a> <i>(video)</i>")
    assert parse(tn15_page(content)).mpaa == "PG-13"


@pytest.mark.parametrize(
    ("plot", "outline"),
    [
        ('Life of <a href="/name/nm1/">Bo</a>. ' + MORE.format("plotsummary", "full summary"), "Life of Bo."),
        ("A map. | " + MORE.format("synopsis", "Add synopsis"), "A map."),
        (MORE.format("plotsummary", "Add a Plot"), None),
    ],
)
def test_outline_has_no_links_to_more(plot: str, outline: str | None) -> None:
    assert parse(tn15_page(INFO.format("Plot:", plot))).outline == outline


@pytest.mark.parametrize(
    ("heading", "title", "kind"),
    [
        ('&#34;Lamps&#34; <span>(<a href="/year/1988/">1988</a>)</span>', "Lamps", "tvSeries"),
        ("The Lamp <span>(1988) (TV)</span>", "The Lamp", "tvMovie"),
        ("The Lamp <span>(1988) (V)</span>", "The Lamp", "video"),
    ],
)
def test_title_type_is_told_by_the_heading(heading: str, title: str, kind: str) -> None:
    page = parse(tn15_page("", heading))
    assert (page.title, page.title_type) == (title, kind)


PLOTS = """<p class="plotpar">He finds a map.<i>Written by <a href="/search/title?plot_author=Jo">Jo</a></i></p>
<p class="plotpar">She hides it.<i>Written by Anonymous</i></p>
<div class="info"><h5>Plot Synopsis:</h5><div class="info-content">He finds a map and...
<a class="tn15more">See more</a></div></div>"""
SUB_HEADING = (
    '<small>Plot Summary for<br></small><a class="main" href="/title/tt0000001/">The Lamp</a> <span>(1988)</span>'
)


def test_summaries_come_with_their_authors() -> None:
    page = parse(tn15_page(PLOTS, SUB_HEADING, "plotsummary"))
    assert (page.title, page.year) == ("The Lamp", 1988)
    assert page.summaries == (Summary("He finds a map.", "Jo"), Summary("She hides it.", "Anonymous"))


def test_teaser_of_the_synopsis_is_not_the_synopsis() -> None:
    assert parse(tn15_page(PLOTS, SUB_HEADING, "plotsummary")).synopsis is None


def test_synopsis_page_gives_it_whole() -> None:
    box = '<div id="swiki.2.1">Act one.<br /><br />Act &amp; two.</div>'
    assert parse(tn15_page(box, SUB_HEADING, "synopsis")).synopsis == "Act one.\n\nAct & two."
