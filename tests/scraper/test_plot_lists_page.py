"""Plot summary pages of 2013 to 2022, hand-written."""

import pytest

from scraper.items import Summary
from scraper.pages.facts import PageFacts
from scraper.pages.layouts import parse_page

HEAD = """<html><head><title>The Lamp (TV Movie 1988) - Plot Summary - IMDb</title>
<link rel="canonical" href="https://www.imdb.com/title/tt0000001/plotsummary" /></head><body>
<h3 itemprop="name"><a href="/title/tt0000001/">The Lamp</a> <span class="nobr">(1988)</span></h3>"""
AUTHOR = '<div class="author-container"><em>&mdash;<a href="/search/title?plot_author={0}">{0}</a></em></div>'
NO_SYNOPSIS = """<li class="ipl-zebra-list__item" id="no-synopsis-content"><p>It looks like we don't have a Synopsis for
this title yet.<br>Be the first to contribute!</p></li>"""
NO_SUMMARY = """<li class="ipl-zebra-list__item" id="no-summary-content">It looks like we don't have any Plot Summaries
for this title yet. Be the first to contribute!</li>"""


def zebra_page(summaries: str, synopsis: str = NO_SYNOPSIS) -> str:
    return f"""{HEAD}<ul class="ipl-zebra-list" id="plot-summaries-content">{summaries}</ul>
<ul class="ipl-zebra-list" id="plot-synopsis-content">{synopsis}</ul></body></html>"""


def item(name: str, text: str, author: str | None = None) -> str:
    signed = AUTHOR.format(author) if author else ""
    return f'<li class="ipl-zebra-list__item" id="{name}"><p>{text}</p>{signed}</li>'


def parse(html: str) -> PageFacts:
    layout, facts = parse_page(html)
    assert layout == "plot-lists"
    return facts


def test_title_facts() -> None:
    page = parse(zebra_page(NO_SUMMARY))
    assert (page.title_id, page.title, page.year, page.title_type) == ("tt0000001", "The Lamp", 1988, "tvMovie")


def test_summaries_come_with_their_authors() -> None:
    page = parse(
        zebra_page(item("summary-ps1", 'He <a href="/name/nm1/">goes</a>.', "Jo") + item("summary-ps2", "She."))
    )
    assert page.summaries == (Summary("He goes.", "Jo"), Summary("She."))


def test_item_of_the_outline_is_no_summary() -> None:
    page = parse(zebra_page(item("summary-ps1", "He goes.") + item("summary-po9", "A clerk goes.", "Jo")))
    assert (page.outline, page.summaries) == ("A clerk goes.", (Summary("He goes."),))


def test_summary_that_repeats_the_outline_is_dropped() -> None:
    page = parse(zebra_page(item("summary-ps1", "A clerk  goes.") + item("summary-po9", "A clerk goes.")))
    assert (page.outline, page.summaries) == ("A clerk goes.", ())


def test_synopsis_keeps_its_paragraphs_and_link_texts() -> None:
    text = 'Act one (<a href="/name/nm1/">Ann Lee</a>).<br/><br/>Act &amp;amp; two.'
    page = parse(zebra_page(NO_SUMMARY, f'<li class="ipl-zebra-list__item" id="synopsis-py1">{text}</li>'))
    assert page.synopsis == "Act one (Ann Lee).\n\nAct &amp; two."


@pytest.mark.parametrize("summaries", [NO_SUMMARY, ""])
def test_placeholders_are_no_texts(summaries: str) -> None:
    page = parse(zebra_page(summaries))
    assert (page.outline, page.summaries, page.synopsis) == (None, (), None)


def test_placeholders_without_their_ids_are_no_texts_either() -> None:
    page = parse(zebra_page(NO_SUMMARY.replace("no-summary-content", "x"), NO_SYNOPSIS.replace("no-synopsis-", "x-")))
    assert (page.summaries, page.synopsis) == ((), None)


def test_list_of_2013_has_its_authors_beside_the_texts() -> None:
    html = f"""{HEAD}<ul class="zebraList"><li class="odd"><p class="plotSummary">He goes.</p><span class="nobr">-
<em>Written by <a href="/search/title?plot_author=Jo">Jo Doe</a></em></span></li>
<li class="even"><p class="plotSummary">She stays.</p></li></ul></body></html>"""
    assert parse(html).summaries == (Summary("He goes.", "Jo Doe"), Summary("She stays."))
