"""Main pages of 2010 to 2021, hand-written in the shape of both layouts."""

import json

import pytest

from scraper.items import Summary
from scraper.pages.facts import PageFacts
from scraper.pages.layouts import parse_page

CANONICAL = '<link rel="canonical" href="http://www.imdb.com/title/tt0000001/" />'
STORYLINE = """
<div class="article" id="titleStoryLine">
  <div class="inline canwrap" itemprop="description"><p>A clerk finds a map &amp; a <a href="/name/nm1/">key</a>.<br/>
    Then he goes.<em class="nobr">Written by <a href="/search/title?plot_author=Jo+Doe">Jo Doe</a></em></p></div>
  <span class="see-more inline"><a href="/title/tt0000001/plotsummary">Plot Summary</a></span>
  <div class="see-more inline canwrap"><h4 class="inline">Plot Keywords:</h4>
    <a href="/keyword/lamp"><span class="itemprop">lamp</span></a> <span>|</span>
    <a href="/keyword/old-map"><span class="itemprop">old map</span></a>
    <nobr><a href="/title/tt0000001/keywords">See All (9)</a></nobr></div>
  <div class="see-more inline canwrap"><h4 class="inline">Genres:</h4>
    <a href="/genre/Drama"> Drama</a> <a href="/genre/War"> War</a> <a href="/genre/Crime"> Crime</a>
    <a> Mystery</a></div>
</div>
<div id="titleDetails">
  <div class="txt-block"><h4 class="inline">Country:</h4> <a>France</a> <a>Chad</a></div>
  <div class="txt-block"><h4 class="inline">Language:</h4> <a>French</a></div>
  <div class="txt-block"><h4 class="inline">Budget:</h4>&euro;2,500,000 <span class="attribute">(estimated)</span></div>
  <div class="txt-block"><h4 class="inline">Gross:</h4>$1,000 <span>(USA)</span></div>
  %s
</div>
<table class="cast_list"><tr><td class="castlist_label">Cast:</td></tr>
  <tr class="odd"><td class="primary_photo"><a href="/name/nm2/"><img alt="x"/></a></td>
  <td class="itemprop"><a href="/name/nm2/"><span>Ann Lee</span></a></td>
  <td class="character"><a href="/name/nm9/">Ed</a></td></tr>
</table>
"""
GROSS = '<div class="txt-block"><h4 class="inline">Cumulative Worldwide Gross:</h4> $9,876,543</div>'
CREDITS = """
<div class="credit_summary_item"><h4 class="inline">Director:</h4> <a href="/name/nm3/?ref_=tt_ov_dr">Bo Ek</a></div>
<div class="credit_summary_item"><h4 class="inline">Writers:</h4> <a href="/name/nm3/">Bo Ek</a> (screenplay),
  <a href="/name/nm4/">Cy Fox</a> (novel) | <a href="fullcredits#writers">1 more credit</a> &raquo;</div>
<div class="credit_summary_item"><h4 class="inline">Stars:</h4> <a href="/name/nm5/">Di Gray</a></div>
"""


def wrapper_page(
    subtext: str = '<meta itemprop="contentRating" content="PG">PG<time>1h 30min</time>',
    outline: str = 'A clerk finds a <a href="/name/nm1/">map</a>.',
    head: str = "",
    heading: str = "The Lamp (1999)",
    original: str = "",
    gross: str = GROSS,
) -> str:
    return f"""<html><head><title>{heading} - IMDb</title>{CANONICAL}
<meta property='og:type' content="video.movie" />{head}</head><body>
<div class="imdbRating"><div class="ratingValue"><strong><span itemprop="ratingValue">6.5</span></strong></div>
<a href="ratings"><span class="small" itemprop="ratingCount">1,234,567</span></a></div>
<div class="title_wrapper"><h1 itemprop="name" class="">The Lamp&nbsp;<span id="titleYear">(<a>1999</a>)</span></h1>
{original}<div class="subtext">{subtext}<a href="/genre/Drama"><span itemprop="genre">Drama</span></a></div></div>
<div class="plot_summary"><div class="summary_text" itemprop="description">{outline}</div>{CREDITS}</div>
{STORYLINE % gross}</body></html>"""


def overview_page(outline: str, infobar: str = '<time itemprop="duration">103 min</time>') -> str:
    return f"""<html><head><title>The Lamp (2004) - IMDb</title>{CANONICAL}
<meta property='og:type' content="video.movie" /></head><body><table><tr><td id="overview-top">
<h1 class="header"><span class="itemprop" itemprop="name">The Lamp</span> <span class="nobr">(<a>2004</a>)</span>
<br /><span class="title-extra" itemprop="name">"La lampe" <i>(original title)</i></span></h1>
<div class="infobar"><span itemprop="contentRating" content="R"></span>{infobar}
<a href="/genre/Horror"><span itemprop="genre">Horror</span></a></div>
<div class="star-box-giga-star">7.7</div><p></p><p itemprop="description">{outline}</p>
<div class="txt-block" itemprop="director"><h4 class="inline">Directors:</h4> <a href="/name/nm3/">Bo Ek</a></div>
</td></tr></table>{STORYLINE % ""}</body></html>"""


def parse(html: str) -> PageFacts:
    return parse_page(html)[1]


@pytest.mark.parametrize(
    ("html", "layout"), [(wrapper_page(), "title-wrapper"), (overview_page("Out."), "overview-top")]
)
def test_layout_is_told_by_its_marks(html: str, layout: str) -> None:
    assert parse_page(html)[0] == layout


def test_facts_come_typed() -> None:
    page = parse(wrapper_page())
    assert (page.title_id, page.title, page.year, page.title_type) == ("tt0000001", "The Lamp", 1999, "movie")
    assert (page.mpaa, page.run_time, page.rating, page.ratings_count) == ("PG", 90, 6.5, 1234567)
    assert (page.budget, page.budget_currency) == (2500000, "EUR")
    assert (page.world_gross, page.world_gross_currency) == (9876543, "USD")
    assert (page.countries, page.languages, page.keywords) == (("France", "Chad"), ("French",), ("lamp", "old map"))


def test_american_gross_is_not_the_worldwide_one() -> None:
    assert parse(wrapper_page(gross="")).world_gross is None


def test_genres_are_all_of_the_storyline_not_three_of_the_head() -> None:
    assert parse(wrapper_page()).genres == ("Drama", "War", "Crime", "Mystery")


def test_credits_are_names_without_notes_and_links_to_more() -> None:
    page = parse(wrapper_page())
    assert (page.directors, page.writers, page.actors) == (("Bo Ek",), ("Bo Ek", "Cy Fox"), ("Ann Lee",))


def test_outline_keeps_the_text_of_its_links() -> None:
    assert parse(wrapper_page()).outline == "A clerk finds a map."


def test_storyline_summary_loses_its_author_and_keeps_links_and_lines() -> None:
    (summary,) = parse(wrapper_page()).summaries
    assert summary == Summary("A clerk finds a map & a key.\nThen he goes.", "Jo Doe")


def test_cut_outline_is_completed_from_the_storyline() -> None:
    cut = 'A clerk finds a map &amp; a... <a href="/title/tt0000001/plotsummary">See full summary</a>&nbsp;&raquo;'
    page = parse(wrapper_page(outline=cut))
    assert (page.outline, page.summaries) == ("A clerk finds a map & a key.\nThen he goes.", ())


@pytest.mark.parametrize(
    "outline",
    [
        '<a href="https://contribute.imdb.com/updates?update=tt0000001:outlines.add">Add a Plot</a>&nbsp;&raquo;',
        '<a href="/updates?update=tt0000001%3Aoutlines.add.1">Add a Plot</a>',
        "Add a Plot »",
        "",
    ],
)
def test_placeholder_is_no_outline(outline: str) -> None:
    assert parse(wrapper_page(outline=outline)).outline is None
    assert parse(overview_page(outline)).outline is None


@pytest.mark.parametrize(
    ("heading", "subtext", "kind"),
    [
        ("Lamps (TV Series 2007–2015)", "", "tvSeries"),
        ("Lamps (TV Mini-Series 2007)", "", "tvMiniSeries"),
        ("The Lamp (TV Movie 1999)", "", "tvMovie"),
        ("The Lamp (Video 1999)", "", "video"),
        ("The Lamp (Video Game 1999)", "", "videoGame"),
        ("The Lamp (1999)", '<a href="releaseinfo">TV Series (2007– ) </a>', "tvSeries"),
        ("The Lamp (1999)", "", "movie"),
    ],
)
def test_title_type_is_that_of_the_json_pages(heading: str, subtext: str, kind: str) -> None:
    assert parse(wrapper_page(heading=heading, subtext=subtext)).title_type == kind


def test_original_title_stands_apart() -> None:
    own = '<div class="originalTitle">La lampe<span class="description"> (original title)</span></div>'
    assert parse(wrapper_page(original=own)).original_title == "La lampe"
    assert parse(overview_page("Out.")).original_title == "La lampe"


def linked(**changes: object) -> str:
    data = {"@type": "Movie", "name": "The Lamp &amp; Co", "datePublished": "2003-01-01", "genre": "Drama", **changes}
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def test_linked_data_fills_what_the_head_lacks() -> None:
    head = linked(contentRating="R", duration="PT1H31M", aggregateRating={"ratingValue": "8.7", "ratingCount": 12})
    page = parse(wrapper_page(subtext="", head=head))
    assert (page.mpaa, page.run_time, page.rating, page.ratings_count) == ("R", 91, 8.7, 12)


def test_release_date_of_the_linked_data_is_not_the_year() -> None:
    assert parse(wrapper_page(head=linked())).year == 1999


def test_single_genre_of_the_linked_data_does_not_hide_the_others() -> None:
    assert parse(wrapper_page(head=linked())).genres == ("Drama", "War", "Crime", "Mystery")


def test_cut_description_of_the_linked_data_is_not_the_outline() -> None:
    page = parse(wrapper_page(head=linked(description="The Lamp is a film. A clerk finds...")))
    assert page.outline == "A clerk finds a map."


def test_overview_facts() -> None:
    page = parse(overview_page("Out."))
    assert (page.title, page.year, page.mpaa, page.run_time, page.rating) == ("The Lamp", 2004, "R", 103, 7.7)
    assert (page.outline, page.directors, page.genres[0]) == ("Out.", ("Bo Ek",), "Drama")


def test_bare_page_tells_its_title_and_nothing_else() -> None:
    page = parse('<html><body><div class="title_wrapper"><h1>The Lamp</h1></div></body></html>')
    assert page == PageFacts(title="The Lamp")


@pytest.mark.parametrize("broken", ["\ud83d", "&#xD800;", "\x00"])
def test_broken_characters_never_reach_a_record(broken: str) -> None:
    page = parse(wrapper_page(outline=f"A clerk{broken} finds a map."))
    assert page.outline is not None
    assert page.outline.encode().startswith(b"A clerk")
    assert "\x00" not in page.outline
