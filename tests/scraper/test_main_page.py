import json
from typing import Any

import pytest
from title_pages import wrap

from scraper.items import Summary
from scraper.pages.facts import PageFacts
from scraper.pages.imdb import merge_pages
from scraper.pages.layouts import parse_page
from scraper.pages.page import PageError


def parse(html: str) -> PageFacts:
    return parse_page(html)[1]


def person(name: str) -> dict[str, Any]:
    return {"name": {"nameText": {"text": name}}}


def top(**changes: Any) -> dict[str, Any]:
    return {
        "id": "tt0000001",
        "titleText": {"text": "The Lamp"},
        "genres": {"genres": [{"text": "Drama"}]},
        "plot": {"plotText": {"plainText": "A lamp goes out."}},
        "keywords": {"edges": [{"node": {"text": "lamp"}}]},
        **changes,
    }


COLUMN_B = {
    "directors": [{"category": {"text": "Directors"}, "credits": [person("Ann Lee"), person("Bo Ek")]}],
    "writers": [{"category": {"text": "Writer"}, "credits": [person("Cy Fox")]}],
    "cast": {"edges": [{"node": person("Di Gray")}]},
    "productionBudget": {"budget": {"amount": 63000000, "currency": "USD"}},
    "worldwideGross": {"total": {"amount": 467222728, "currency": "EUR"}},
}
COLUMN_C = {
    "crewV2": [
        {"grouping": {"text": "Director"}, "credits": [person("Ann Lee")]},
        {"grouping": {"text": "Writers"}, "credits": [person("Cy Fox"), person("Ed Hall")]},
    ],
    "castV2": [{"grouping": {"text": "Top Cast"}, "credits": [person("Di Gray"), person("Flo Ide")]}],
}


def test_layout_b_gives_the_credits() -> None:
    page = parse(wrap({"aboveTheFoldData": top(), "mainColumnData": COLUMN_B}))
    assert (page.directors, page.writers, page.actors) == (("Ann Lee", "Bo Ek"), ("Cy Fox",), ("Di Gray",))


def test_layout_c_gives_the_credits() -> None:
    page = parse(wrap({"aboveTheFoldData": top(), "mainColumnData": COLUMN_C}))
    assert (page.directors, page.writers) == (("Ann Lee",), ("Cy Fox", "Ed Hall"))
    assert page.actors == ("Di Gray", "Flo Ide")


def test_principal_credits_serve_where_the_column_has_none() -> None:
    credits = [{"category": {"text": "Directors"}, "credits": [person("Ann Lee")]}]
    page = parse(wrap({"aboveTheFoldData": top(principalCredits=credits), "mainColumnData": None}))
    assert page.directors == ("Ann Lee",)


def test_money_keeps_its_currency() -> None:
    page = parse(wrap({"aboveTheFoldData": top(), "mainColumnData": COLUMN_B}))
    assert (page.budget, page.budget_currency) == (63000000, "USD")
    assert (page.world_gross, page.world_gross_currency) == (467222728, "EUR")


def test_the_longer_genre_list_wins_and_interests_are_no_genres() -> None:
    data = top(
        genres={"genres": [{"text": name} for name in ("Action", "Crime", "Drama", "War")]},
        titleGenres={"genres": [{"genre": {"text": name}} for name in ("Action", "Crime", "Drama")]},
        interests={"edges": [{"node": {"primaryText": {"text": "Heist"}}}]},
    )
    assert parse(wrap({"aboveTheFoldData": data})).genres == ("Action", "Crime", "Drama", "War")


def test_pages_of_2021_are_read_from_their_queries() -> None:
    hero = {"title": top(plotContributionLink={})}
    column = {"title": {"moreLikeThisTitles": {}, **COLUMN_B}}
    state = {"1": {"data": json.dumps(hero)}, "2": {"data": column}, "3": {"data": "not json"}, "4": None}
    page = parse(wrap({"urqlState": state}))
    assert (page.title, page.genres, page.directors) == ("The Lamp", ("Drama",), ("Ann Lee", "Bo Ek"))


def test_json_ld_serves_next_and_is_unescaped_once() -> None:
    data = {
        "@type": "Movie",
        "name": "Tom &amp; Ann",
        "genre": "Drama",
        "description": "It&apos;s late.",
        "duration": "PT1H30M",
        "datePublished": "1999-03-31",
        "aggregateRating": {"ratingValue": "8.7", "ratingCount": 5},
        "keywords": "lamp,oil",
        "director": {"@type": "Person", "name": "Ann Lee"},
        "review": {"reviewBody": "Never the plot."},
    }
    page = parse(f'<html><script type="application/ld+json">{json.dumps(data)}</script></html>')
    assert (page.title, page.genres, page.outline) == ("Tom & Ann", ("Drama",), "It's late.")
    assert (page.run_time, page.year, page.rating, page.ratings_count) == (90, 1999, 8.7, 5)
    assert (page.keywords, page.directors) == (("lamp", "oil"), ("Ann Lee",))


def test_rendered_outline_is_the_uncut_one() -> None:
    html = """<html><head><meta property="og:title" content="The Lamp (1999) ⭐ 8.7 | Drama, Sci-Fi"></head><body>
      <h1 data-testid="hero__pageTitle"><span data-testid="hero__primary-text">The Lamp</span></h1>
      <p data-testid="plot"><span data-testid="plot-xs_to_m">A lamp...</span><span data-testid="plot-xl">A lamp
      goes out.</span></p></body></html>"""
    page = parse(html)
    assert (page.title, page.year, page.outline) == ("The Lamp", 1999, "A lamp goes out.")
    assert page.genres == ("Drama", "Sci-Fi")


def test_cut_json_ld_outline_gives_way_to_the_rendered_one() -> None:
    data = json.dumps({"@type": "Movie", "name": "The Lamp", "description": "A lamp goes..."})
    html = f"""<html><script type="application/ld+json">{data}</script>
      <p data-testid="plot"><span data-testid="plot-xl">A lamp goes out.</span></p></html>"""
    assert parse(html).outline == "A lamp goes out."


def test_in_development_note_is_no_outline() -> None:
    note = "Note: Because this project is categorized as in development, the data is only available on IMDbPro."
    page = parse(wrap({"aboveTheFoldData": top(plot={"plotText": {"plainText": note}})}))
    assert page.outline is None


def test_title_in_development_has_neither_year_nor_plot() -> None:
    data = top(releaseYear=None, plot=None, genres={"genres": []}, productionStatus={"restriction": {}})
    page = parse(wrap({"aboveTheFoldData": data}))
    assert (page.title, page.year, page.outline, page.genres) == ("The Lamp", None, None, ())


@pytest.mark.parametrize(("language", "outline"), [("en-US", "A lamp."), ("it-IT", None), (None, "A lamp.")])
def test_outline_in_another_language_than_asked_is_none(language: str | None, outline: str | None) -> None:
    plot = {"plotText": {"plainText": "A lamp."}, "language": {"id": language}}
    html = wrap({"aboveTheFoldData": top(plot=plot)}).replace('{"props"', '{"locale": "en-US", "props"')
    assert parse(html).outline == outline


def test_halfway_page_has_its_column_in_a_query() -> None:
    column = {"title": {"moreLikeThisTitles": {}, **COLUMN_B}}
    page = parse(wrap({"aboveTheFoldData": top(), "urqlState": {"1": {"data": json.dumps(column)}}}))
    assert (page.title, page.directors, page.world_gross) == ("The Lamp", ("Ann Lee", "Bo Ek"), 467222728)


def test_review_in_the_json_ld_is_not_the_description() -> None:
    data = {"@type": "Movie", "name": "The Lamp", "review": {"description": "Bad.", "reviewBody": "Very bad."}}
    assert parse(f'<html><script type="application/ld+json">{json.dumps(data)}</script></html>').outline is None


REFERENCE = {
    "plot": {"plotText": {"plainText": "A lamp goes out."}},
    "summaries": {"edges": [{"node": {"plotText": {"plaidHtml": "He &amp; she<br/>go."}, "author": "jo"}}]},
    "synopses": {"edges": [{"node": {"plotText": {"plaidHtml": "Act one.<br/><br/>Act two."}}}]},
    "countriesOfOrigin": {"countries": [{"id": "FR"}]},
    "countriesDetails": {"countries": [{"text": "France"}]},
    "spokenLanguages": {"spokenLanguages": [{"text": "French"}]},
    "certificates": {
        "edges": [
            {"node": {"rating": "16", "country": {"id": "DE"}}},
            {"node": {"rating": "TV-14", "country": {"id": "US"}, "ratingsBody": None}},
            {"node": {"rating": "R", "country": {"id": "US"}, "ratingsBody": {"id": "MPAA"}}},
        ]
    },
    "categories": [
        {
            "id": "amzn1.imdb.concept.name_credit_category.ace5cb4c-8708-4238-9542-04641e7c8171",
            "name": "Regia",
            "section": {"items": [{"rowTitle": "Ann Lee"}]},
        },
        {"id": "cast", "name": "Cast", "section": {"items": [{"rowTitle": "Di Gray", "isCast": True}]}},
    ],
}


def test_reference_page_tells_all_in_one() -> None:
    page = parse(wrap({"aboveTheFoldData": top(certificate={"rating": "VM14"}), "mainColumnData": REFERENCE}))
    assert (page.summaries, page.synopsis) == ((Summary("He & she\ngo.", "jo"),), "Act one.\n\nAct two.")
    assert (page.countries, page.languages) == (("France",), ("French",))
    assert (page.directors, page.actors) == (("Ann Lee",), ("Di Gray",))


def test_certificate_is_the_american_one_where_all_are_listed() -> None:
    data = {"aboveTheFoldData": top(certificate={"rating": "VM14"}), "mainColumnData": REFERENCE}
    assert parse(wrap(data)).mpaa == "R"
    assert parse(wrap({**data, "mainColumnData": {}})).mpaa == "VM14"


def test_bare_json_of_a_page_is_read_like_the_page() -> None:
    assert parse(json.dumps({"props": {"pageProps": {"aboveTheFoldData": top()}}})).title == "The Lamp"


def test_empty_page_is_a_named_error() -> None:
    with pytest.raises(PageError, match="no title, genre or text in"):
        parse("<html></html>")


def test_merge_takes_each_fact_from_the_first_page_that_knows_it() -> None:
    plot = PageFacts(
        "tt0000001", "Lamp", genres=("Drama",), outline="Out.", summaries=(Summary("Other."),), synopsis="All."
    )
    main = parse(wrap({"aboveTheFoldData": top(), "mainColumnData": COLUMN_B}))
    title = merge_pages("tt0000001", [main, plot], source_url="http://x/")
    assert (title.title, title.summary, title.summary_source) == ("The Lamp", "A lamp goes out.", "outline")
    assert (title.synopsis, title.directors, title.budget) == ("All.", ("Ann Lee", "Bo Ek"), 63000000)
    assert title.summaries == (Summary("Other."),)


def test_merge_without_outline_takes_the_first_summary() -> None:
    title = merge_pages("tt0000001", [PageFacts("tt0000001", "Lamp", summaries=(Summary("One."), Summary("Two.")))])
    assert (title.summary, title.summary_source, title.synopsis_source) == ("One.", "summary", None)


def test_merge_refuses_a_page_about_another_title() -> None:
    with pytest.raises(PageError, match="asked for tt0000001, the page is about tt0000002"):
        merge_pages("tt0000001", [PageFacts("tt0000002", "Lamp")])
