"""Pages made to be slow, to run out of stack or to mix titles: a record or a named error, each within a second.

GENREFLOW_LONG=1 makes them as large as pages and articles are read, and larger.
"""

import contextlib
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from harness import in_time
from shaped_pages import ID, shapes
from title_pages import wrap

from scraper.items import to_table
from scraper.pages import mediawiki
from scraper.pages.facts import PageFacts
from scraper.pages.imdb import merge_pages
from scraper.pages.layouts import parse_page
from scraper.pages.markup import MOST_MARKS
from scraper.pages.page import LONGEST, PageError
from scraper.pages.wikitext import read_article
from scraper.pages.written import read_minutes, read_money, read_year

LONG = "GENREFLOW_LONG" in os.environ
NO_PLOT = "it looks like we don't have a "
OLD = '<title>The Lamp (1999)</title><div id="overview-top">'


def many(unit: str, before: str = "") -> str:
    """Repeat a unit as often as a page may have marks and characters, in the short version half as often."""
    size = LONGEST - len(before) - 100
    times = min(size // len(unit), (MOST_MARKS - 200) // max(unit.count("<"), 1))
    return before + unit * (times if LONG else times // 2)


def fragments(*texts: str) -> str:
    items = [{"htmlContent": text} for text in texts]
    return wrap({"contentData": {"categories": [{"id": "summaries", "section": {"items": items}}]}})


def main(**parts: Any) -> str:
    return wrap(
        {"aboveTheFoldData": {"id": ID, "titleText": {"text": "The Lamp"}, **parts}, "mainColumnData": {"id": ID}}
    )


def cut_outline() -> str:
    edges = [{"node": {"plotText": {"plaidHtml": f"Another {number}."}}} for number in range(999)]
    top = {"id": ID, "plot": {"plotText": {"plainText": "a" + " " * 4_000_000 + "b..."}}}
    return json.dumps(
        {"props": {"pageProps": {"aboveTheFoldData": top, "mainColumnData": {"summaries": {"edges": edges}}}}}
    )


SLOW: dict[str, Callable[[], str]] = {
    "tags opened a hundred thousand times": lambda: "<b>" * 100_000,
    "elements nested as deep as is read": lambda: OLD + ("<div>" * 100 + "x" + "</div>" * 100) * 200,
    "10 MB of <": lambda: "<" * 10_000_000,
    "10 MB of &": lambda: "&" * 10_000_000,
    "10 MB of one word": lambda: "a" * 10_000_000,
    "as many & as are read": lambda: many("&", OLD),
    "one word as long as is read": lambda: many("a", OLD),
    "comments that nobody closes": lambda: many("<!--", OLD),
    "scripts that nobody closes": lambda: many("<script", OLD),
    "linked data that nobody closes": lambda: many('<script type="application/ld+json">', OLD),
    "canonical links that nobody closes": lambda: many('<link rel="canonical" href="', OLD),
    "canonical links in one mark": lambda: many('rel="canonical" href="', OLD + "<link "),
    "embedded JSON that nobody closes": lambda: many('<script id="__NEXT_DATA__"', OLD),
    "headings among links": lambda: many("<h4>Genre</h4><a>x</a>", OLD),
    "headings by themselves": lambda: many('<p><h4>Director</h4><a href="/name/">x</a></p>', OLD),
    "boxes of the oldest layout": lambda: many('<div class="info"><h5>Genre</h5></div>', '<div id="tn15title">'),
    "tables of credits": lambda: many('<header><h4 id="cast"></h4></header><table></table>', "titlereference-"),
    "cells of the cast": lambda: many('<td><a href="/name/">x</a>', OLD + '<table class="cast_list"><tr>'),
    "blanks in a length": lambda: many("1 ", OLD + '<div class="infobar"><time>'),
    "codes in an amount": lambda: many("AAA ", OLD + '<div class="txt-block"><h4>Budget</h4>'),
    "brackets in a heading": lambda: '<meta property="og:title" content="' + "(1234 " * 900_000 + '">',
    "years in a heading": lambda: "<title>(" + "1234 " * 500_000 + '</title><div id="overview-top">',
    "blanks in a summary": lambda: fragments("a" + " " * 5_000_000 + "b"),
    "blanks between marks": lambda: fragments("a" + "<b> </b>" * 20_000 + "b"),
    "summaries in thousands": lambda: fragments(*map(str, range(50_000))),
    "as many summaries as are read": lambda: fragments(*(f"<b>{number}</b>" for number in range(1_000))),
    "a cut outline and many summaries": cut_outline,
    "a placeholder that goes on": lambda: main(plot={"plotText": {"plainText": NO_PLOT + "for this " * 500_000}}),
    "a signature in a hundred marks": lambda: fragments("x" + "<i>" * 100 + '<a href="plot_author">J</a>'),
    "a fragment nested too deep": lambda: fragments("x" + "<i>" * 2_000),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW)
def test_page_made_to_be_slow_ends_within_a_second(name: str) -> None:
    page = SLOW[name]()
    in_time(lambda: read_or_refuse(parse_page, page))


WIKITEXT = (
    "[[", "{{", "<!--", "'''", "{|\n", "<ref>", "[http://a ", "{{a|b}}", "''a'' ", "=a=\n", "=plot=\n", "\n", "( ", " ",
    "* ", "a", "<", "&", "{{lang|x|", "<b>a</b>", "----\n", "&amp;", "[[a|", "{{{", "|", "<nowiki>",
)  # fmt: skip


@pytest.mark.parametrize("mark", WIKITEXT)
@pytest.mark.parametrize("size", [49_000, 2_000_000, 10_000_000] if LONG else [20_000])
def test_article_made_to_be_slow_ends_within_a_second(mark: str, size: int) -> None:
    text = "Lead.\n== Plot ==\n" + mark * (size // len(mark))
    in_time(lambda: read_or_refuse(read_article, text))


def read_or_refuse(read: Callable[[str], Any], text: str) -> None:
    with contextlib.suppress(PageError):
        read(text)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<b>" * 100_000, "HTML with 100,000 marks; expected at most 40,000"),
        ("<title>x</title>" + "<b>" * 200, "HTML nested more than 120 levels deep"),
        ("a" * 6_000_001, "a page of 6,000,001 characters; expected at most 6,000,000"),
        (fragments(*map(str, range(1_001))), "a page with 1,001 summaries; expected at most 1,000"),
        (main(id="../../x"), r"expected a title id .*, the page has '../../x'"),
        (main(id="tt١٢٣٤٥٦٧"), "expected a title id"),
        (main(id="tt" + "1" * 400), "expected a title id"),
    ],
)
def test_page_beyond_all_measure_is_named(page: str, told: str) -> None:
    with pytest.raises(PageError, match=told):
        parse_page(page)


OTHER = "tt0000002"
ADDRESS = f'<link rel="canonical" href="https://www.imdb.com/title/{OTHER}/"/>'
SHARED = f'<meta property="og:url" content="https://www.imdb.com/title/{OTHER}/"/>'
LINKED = json.dumps({"name": "The Lamp", "url": f"/title/{OTHER}/"})


@pytest.mark.parametrize(
    "page",
    [
        main().replace("<head>", f"<head>{ADDRESS}"),
        main().replace("<head>", f"<head>{SHARED}"),
        main().replace("<head>", f'<head><script type="application/ld+json">{LINKED}</script>'),
        wrap({"aboveTheFoldData": {"id": ID, "titleText": {"text": "x"}}, "mainColumnData": {"id": OTHER}}),
        wrap({"contentData": {"entityMetadata": {"id": ID}, "data": {"title": {"id": OTHER}}}}),
        shapes()["title-wrapper"].pages[0].replace("<body>", f"<body>{SHARED}"),
    ],
)  # fmt: skip
def test_page_about_two_titles_is_no_record(page: str) -> None:
    with pytest.raises(PageError, match="a page about several titles: tt0000001, tt0000002"):
        parse_page(page)


@pytest.mark.parametrize("unit", ["releaseYear", "runtime"])
@pytest.mark.parametrize("number", [2**31, -(2**40), 10**400, float("inf"), float("nan"), "9e18", "1e99"])
def test_figure_that_no_column_holds_is_left_out(unit: str, number: Any) -> None:
    page = main(**{unit: {"year": number, "seconds": number}, "ratingsSummary": {"aggregateRating": number}})
    record = merge_pages(ID, [parse_page(page)[1]], source="a")
    to_table([record])
    assert record.year is None and (record.run_time is None or abs(record.run_time) < 2**31)


def test_year_of_linked_data_fits_its_column() -> None:
    linked = '<script type="application/ld+json">{"name": "The Lamp", "datePublished": "9e17"}</script>'
    assert parse_page(f"<html>{linked}</html>")[1].year is None


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "\udfffab"])
def test_text_loses_what_cannot_be_stored(text: str) -> None:
    facts = parse_page(main(titleText={"text": text}))[1]
    assert facts.title is not None and facts.title.replace("\ufffd", "") == "ab"


@pytest.mark.parametrize("state", [[1], "x", 5, {"a": {"data": "[" * 100_000}}, {"a": 1}])
def test_state_of_another_kind_tells_nothing(state: Any) -> None:
    with pytest.raises(PageError, match="no title, genre or text"):
        parse_page(wrap({"urqlState": state}))


def test_attribute_names_of_any_kind_are_survived() -> None:
    page = '<ul id="plot-summaries-content"><li {}="1" id="summary-po1">He goes.</li></ul>'
    assert parse_page(page)[1] == PageFacts(outline="He goes.")


def test_continuation_holds_texts_only() -> None:
    answer = {
        "query": {"pages": []},
        "continue": {"rvcontinue": "2|\ud800", "continue": ["||"], "a&b": "c", "x": 10**400},
    }
    told = mediawiki.read_articles(answer, mediawiki.Articles())
    assert told.following == {"rvcontinue": "2|\ufffd"}
    assert mediawiki.articles_query(["A"], told.following)


def test_values_are_looked_for_where_they_stand() -> None:
    assert (read_year("(I) (2004) " + "x" * 5000), read_minutes("1h 5min"), read_money("$1,000")) == (
        2004,
        65,
        (1000, "USD"),
    )
    assert read_year("(19995)") == 1999
    assert read_year("(12345 6789 2001)") == 1234
    assert read_year("(1999") is None
