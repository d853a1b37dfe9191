from __future__ import annotations

import json
from typing import Any

import pytest
from parsel import Selector
from site_rows import title_row

from scraper.site.facts import invent_facts
from scraper.site.pages import render_reference
from scraper.site.titles import SiteTitle

# An even id: this title carries a user's summary beside the outline.
ROW = title_row("tt1000002")
TITLE = SiteTitle(**{**ROW, "genres": tuple(ROW["genres"])})
FACTS = invent_facts("tt1000002")


def sections(title: SiteTitle) -> tuple[Any, Any]:
    text = Selector(text=render_reference(title)).css("script#__NEXT_DATA__::text").get() or ""
    props = json.loads(text)["props"]["pageProps"]
    return props["aboveTheFoldData"], props["mainColumnData"]


@pytest.fixture(scope="module")
def column() -> Any:
    return sections(TITLE)[1]


def plaid(column: Any, kind: str) -> list[str]:
    return [edge["node"]["plotText"]["plaidHtml"] for edge in column[kind]["edges"]]


def test_outline_stands_plain_and_as_html(column: Any) -> None:
    assert column["plot"]["plotText"]["plainText"] == ROW["summary"]
    assert plaid(column, "outlines") == [
        "A baker&#x27;s &lt;b&gt;dozen&lt;/b&gt; &amp; a &quot;ghost&quot; &lt;/script&gt;."
    ]


def test_synopsis_is_whole_with_its_line_breaks(column: Any) -> None:
    first, blank, second, last = plaid(column, "synopses")[0].split("<br/>")
    assert first == "First act: it&#x27;s &lt;i&gt;dark&lt;/i&gt;. Zoë&#x27;s &amp;amp; stays."
    assert (blank, second, last) == ("", "Second act &amp; end.", "A last line.")


def test_the_one_summary_names_its_author(column: Any) -> None:
    assert [edge["node"]["author"] for edge in column["summaries"]["edges"]] == [FACTS.plot_author]


@pytest.mark.parametrize("kind", ["outlines", "summaries", "synopses"])
def test_a_title_without_texts_has_no_edges(kind: str) -> None:
    assert sections(SiteTitle("tt1000002", "Bare", None, (), None, None))[1][kind] == {"edges": []}


def test_credits_stand_in_categories_of_rows(column: Any) -> None:
    rows = [[item["rowTitle"] for item in category["section"]["items"]] for category in column["categories"]]
    assert rows == [list(names) for names in (FACTS.directors, FACTS.writers, FACTS.actors) if names]
    assert [category["section"]["total"] for category in column["categories"]] == list(map(len, rows))


def test_certificates_come_by_country() -> None:
    rated = SiteTitle("tt1000003", "Rated", 2001, (), None, None)
    edges = sections(rated)[1]["certificates"]["edges"]
    assert [(edge["node"]["country"]["id"], edge["node"]["rating"]) for edge in edges] == [
        ("DE", "16"),
        ("US", invent_facts("tt1000003").mpaa),
    ]


def test_places_stand_in_the_main_column(column: Any) -> None:
    assert [each["text"] for each in column["countriesDetails"]["countries"]] == list(FACTS.countries)
    assert [each["text"] for each in column["spokenLanguages"]["spokenLanguages"]] == list(FACTS.languages)


def test_groupings_above_carry_ids_only() -> None:
    above = sections(TITLE)[0]
    assert above["titleText"] == {"text": ROW["title"]}
    assert [set(group["grouping"]) for group in above["crewV2"]] == [{"groupingId"}]
