from typing import Any

import pytest
from title_pages import wrap

from scraper.items import Summary
from scraper.pages.facts import PageFacts
from scraper.pages.layouts import parse_page
from scraper.pages.page import BlockedError, PageError


def parse(html: str) -> PageFacts:
    return parse_page(html)[1]


def content(**changes: Any) -> dict[str, Any]:
    entity = {
        "id": "tt0000001",
        "titleText": {"text": "The Lamp"},
        "originalTitleText": {"text": "La lampe"},
        "releaseYear": {"year": 1999},
        "titleType": {"id": "movie"},
        "titleGenres": {"genres": [{"genre": {"text": "Drama"}}, {"genre": {"text": "War"}}]},
        "plot": {"plotText": {"plainText": "A lamp goes out & stays out."}},
        "runtime": {"seconds": 5430},
        "ratingsSummary": {"aggregateRating": 6.5, "voteCount": 12},
        "certificate": {"rating": "PG"},
    }
    return {"entityMetadata": entity, "categories": [], **changes}


def categories(summaries: list[str], synopsis: list[str]) -> list[dict[str, Any]]:
    return [
        {"id": "summaries", "section": {"items": [{"htmlContent": text} for text in summaries]}},
        {"id": "synopsis", "section": {"items": [{"htmlContent": text} for text in synopsis]}},
    ]


def test_facts_come_typed() -> None:
    page = parse(wrap({"contentData": content()}))
    assert (page.title_id, page.title, page.original_title) == ("tt0000001", "The Lamp", "La lampe")
    assert (page.year, page.run_time, page.rating, page.ratings_count) == (1999, 90, 6.5, 12)
    assert (page.title_type, page.mpaa, page.genres) == ("movie", "PG", ("Drama", "War"))


def test_plain_text_of_the_outline_is_not_unescaped() -> None:
    entity = content()["entityMetadata"] | {"plot": {"plotText": {"plainText": "She types &amp; sends."}}}
    assert parse(wrap({"contentData": content(entityMetadata=entity)})).outline == "She types &amp; sends."


def test_outline_repeated_as_first_summary_is_dropped() -> None:
    data = content(categories=categories(["A lamp goes out &amp; stays out.", "Another view."], []))
    assert parse(wrap({"contentData": data})).summaries == (Summary("Another view."),)


def test_synopsis_keeps_its_paragraphs() -> None:
    data = content(categories=categories([], ["Act one.<br/><br/>Act two."]))
    assert parse(wrap({"contentData": data})).synopsis == "Act one.\n\nAct two."


def test_categories_are_told_apart_by_id_not_by_place() -> None:
    data = content(categories=categories(["Short."], ["Long."])[::-1])
    page = parse(wrap({"contentData": data}))
    assert (page.summaries, page.synopsis) == ((Summary("Short."),), "Long.")


def test_placeholder_in_a_category_is_no_synopsis() -> None:
    data = content(categories=categories([], ["It looks like we don&#39;t have any Synopsis for this title yet."]))
    assert parse(wrap({"contentData": data})).synopsis is None


def test_data_title_serves_where_categories_are_missing() -> None:
    edge = {"node": {"author": "joe", "plotText": {"plaidHtml": "Seen by joe."}}}
    data = content(categories=None, data={"title": {"plotSummaries": {"edges": [edge]}}})
    assert parse(wrap({"contentData": data})).summaries == (Summary("Seen by joe.", "joe"),)


def test_rendered_sections_serve_where_the_json_is_missing() -> None:
    html = """<html><head><title>The Lamp (1999) - Plot - IMDb</title>
      <link rel="canonical" href="https://www.imdb.com/title/tt0000001/plotsummary/"></head><body>
      <div data-testid="sub-section-summaries"><ul><li data-testid="list-item">
        <div class="ipc-html-content-inner-div"><div class="ipc-html-content-inner-div">Short.</div></div>
      </li></ul></div>
      <div data-testid="sub-section-synopsis"><ul><li data-testid="list-item">
        <div class="ipc-html-content-inner-div">Long.<br><br>Longer.</div></li></ul></div></body></html>"""
    page = parse(html)
    assert (page.title_id, page.title, page.year) == ("tt0000001", "The Lamp", 1999)
    assert (page.summaries, page.synopsis) == ((Summary("Short."),), "Long.\n\nLonger.")


def test_title_without_a_year_is_read_from_the_heading() -> None:
    assert parse("<html><title>The Lamp - Plot - IMDb</title></html>").title == "The Lamp"


@pytest.mark.parametrize("heading", ["404 Error - IMDb", "IMDb: Page not found", "Error 503 - IMDb"])
def test_error_pages_are_no_titles(heading: str) -> None:
    with pytest.raises(PageError):
        parse(f"<html><title>{heading}</title></html>")


@pytest.mark.parametrize("value", [None, {}, [], "text"])
def test_null_at_any_step_is_tolerated(value: Any) -> None:
    # An id of another kind is no page of a title: test_hostile_pages.py.
    entity = {name: value for name in content()["entityMetadata"]} | {"id": None, "titleText": {"text": "The Lamp"}}
    data = {"entityMetadata": entity, "categories": [{"id": "summaries", "section": value}]}
    page = parse(wrap({"contentData": data}))
    assert (page.title, page.year, page.genres, page.outline, page.summaries) == ("The Lamp", None, (), None, ())


def test_half_a_surrogate_pair_is_replaced() -> None:
    entity = content()["entityMetadata"] | {"plot": {"plotText": {"plainText": "Cut \ud83d"}}}
    assert parse(wrap({"contentData": content(entityMetadata=entity)})).outline == "Cut \ufffd"


def test_year_beyond_the_schema_is_left_out() -> None:
    entity = content()["entityMetadata"] | {"releaseYear": {"year": 2**40}}
    assert parse(wrap({"contentData": content(entityMetadata=entity)})).year is None


def test_page_without_known_data_is_a_named_error() -> None:
    with pytest.raises(PageError, match="no title, genre or text in"):
        parse("<html><body>hello</body></html>")


def test_page_cut_off_inside_its_json_is_a_named_error() -> None:
    with pytest.raises(PageError, match="ends inside __NEXT_DATA__"):
        parse(wrap({"contentData": content()}).partition("titleGenres")[0])


def test_challenge_is_told_apart() -> None:
    with pytest.raises(BlockedError):
        parse("<html><script>window.gokuProps = {}</script></html>")


def test_page_that_only_mentions_the_firewall_is_no_challenge() -> None:
    data = content(categories=categories(["A film about awswaf.com."], []))
    assert parse(wrap({"contentData": data})).title == "The Lamp"
