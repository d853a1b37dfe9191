"""What is read of the answers of TMDB, OMDb, Wikidata and the MediaWiki API, one behaviour a test."""

from typing import Any

import pytest

from scraper.items import Title
from scraper.pages import mediawiki, omdb, tmdb, wikidata
from scraper.pages.page import PageError

ID = "tt0000007"


def found(**changes: Any) -> dict[str, Any]:
    movie = {
        "id": 603,
        "title": "The Road",
        "original_title": "Der Weg",
        "overview": " Two people walk. ",
        "genre_ids": [18, 878, 10770],
        "release_date": "1999-03-30",
        "vote_average": 8.2,
        "vote_count": 120,
        "media_type": "movie",
        **changes,
    }
    return {"movie_results": [movie], "tv_results": [], "person_results": []}


def test_tmdb_overview_and_genres_become_a_record() -> None:
    assert tmdb.read_found(found(), ID) == Title(
        title_id=ID,
        title="The Road",
        original_title="Der Weg",
        title_type="movie",
        year=1999,
        rating=8.2,
        ratings_count=120,
        genres=("Drama", "Science Fiction", "TV Movie"),
        summary="Two people walk.",
        summary_source="overview",
    )


def test_tmdb_series_is_read_with_its_own_names() -> None:
    series = {"name": "The Row", "original_name": "The Row", "first_air_date": "2004-09-22", "genre_ids": [10765]}
    title = tmdb.read_found({"movie_results": [], "tv_results": [series]}, ID)
    assert title is not None
    assert (title.title, title.title_type, title.year, title.genres) == (
        "The Row",
        "tvSeries",
        2004,
        ("Sci-Fi & Fantasy",),
    )


def test_tmdb_empty_overview_is_no_summary_and_no_votes_are_no_rating() -> None:
    title = tmdb.read_found(found(overview="", release_date="", genre_ids=[1234], vote_average=0.0, vote_count=0), ID)
    assert title is not None
    assert title.rating is None
    assert (title.summary, title.summary_source, title.year, title.genres) == (None, None, None, ("1234",))


def test_tmdb_without_results_has_no_such_title() -> None:
    assert tmdb.read_found({"movie_results": [], "tv_results": []}, ID) is None


@pytest.mark.parametrize("answer", [None, [], {}, {"success": False, "status_code": 34}])
def test_tmdb_answer_of_another_shape_is_named(answer: Any) -> None:
    with pytest.raises(PageError, match="expected movie_results and tv_results"):
        tmdb.read_found(answer, ID)


OMDB = {
    "Title": "The Road", "Year": "2004–2010", "Rated": "PG", "Released": "N/A", "Runtime": "136 min",
    "Genre": "Drama, Sci-Fi", "Director": "A. One, B. Two", "Writer": "N/A", "Actors": "C. Three",
    "Plot": "Two people walk.", "Language": "English", "Country": "United States, Canada", "imdbRating": "8.7",
    "imdbVotes": "2,010,000", "imdbID": ID, "Type": "series", "Response": "True",
}  # fmt: skip


def test_omdb_answer_becomes_a_record() -> None:
    assert omdb.read_title(OMDB, ID) == Title(
        title_id=ID,
        title="The Road",
        title_type="tvSeries",
        year=2004,
        mpaa="PG",
        run_time=136,
        rating=8.7,
        ratings_count=2_010_000,
        genres=("Drama", "Sci-Fi"),
        directors=("A. One", "B. Two"),
        actors=("C. Three",),
        countries=("United States", "Canada"),
        languages=("English",),
        summary="Two people walk.",
        summary_source="short plot",
    )


def test_omdb_values_that_are_not_available_are_none() -> None:
    title = omdb.read_title(dict.fromkeys(OMDB, "N/A") | {"imdbID": ID}, ID)
    assert title == Title(title_id=ID)


def test_omdb_answer_about_another_title_is_refused() -> None:
    with pytest.raises(PageError, match="asked for tt0000009, OMDb's answer is about tt0000007"):
        omdb.read_title(OMDB, "tt0000009")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"Response": "False", "Error": "Incorrect IMDb ID."}, "Incorrect IMDb ID."),
        ({}, "an answer without Response and Error"),
        (None, "an answer without Response and Error"),
        ({"Response": "True"}, None),
    ],
)
def test_omdb_errors(answer: Any, error: str | None) -> None:
    assert omdb.read_error(answer) == error


def binding(**values: str) -> dict[str, Any]:
    return {name: {"type": "literal", "value": value} for name, value in values.items()}


def test_wikidata_row_becomes_a_film() -> None:
    rows = [
        binding(
            imdb=ID, item="Q1", article="The Road (1999 film)", genres="drama film|war film", year="1999", label="R"
        ),
        binding(imdb="tt0000008", item="Q2", genres=""),
    ]
    assert wikidata.read_films({"results": {"bindings": rows}}) == {
        ID: wikidata.Film("R", 1999, ("drama film", "war film"), "The Road (1999 film)"),
        "tt0000008": wikidata.Film(None, None, (), None),
    }


def test_wikidata_item_with_an_article_counts_in_whatever_order() -> None:
    rows = [
        binding(imdb=ID, item="Q1"),
        binding(imdb=ID, item="Q2", article="A"),
        binding(imdb=ID, item="Q3", article="B"),
    ]
    for order in (rows, rows[::-1]):
        assert wikidata.read_films({"results": {"bindings": order}})[ID].article == "A"


def test_wikidata_query_names_every_id() -> None:
    query = wikidata.films_query([ID, "tt0000008"])
    assert f'VALUES ?imdb {{ "{ID}" "tt0000008" }}' in query
    assert "wdt:P345" in query and "\n" not in query


def test_wikidata_answer_of_another_shape_is_named() -> None:
    with pytest.raises(PageError, match=r"expected results.bindings"):
        wikidata.read_films({"boolean": True})


def test_wikidata_row_without_an_id_is_named() -> None:
    with pytest.raises(PageError, match=r"expected imdb.value"):
        wikidata.read_films({"results": {"bindings": [None, {"imdb": {"value": 7}}]}})


@pytest.mark.parametrize(
    "found", [None, 7, {"title": 7}, {"title": "A", "overview": 7}, {"title": "A", "genre_ids": ["18"]}]
)
def test_tmdb_result_of_another_shape_is_named(found: Any) -> None:
    with pytest.raises(PageError, match="expected .* TMDB"):
        tmdb.read_found({"movie_results": [found], "tv_results": []}, ID)


@pytest.mark.parametrize("votes", [10**400, float("inf"), "9" * 400])
def test_numbers_beyond_any_are_nothing(votes: Any) -> None:
    title = tmdb.read_found({"movie_results": [{"title": "A", "vote_count": votes}], "tv_results": []}, ID)
    assert title is not None and title.ratings_count is None


def page(title: str, content: str | None = "Text.") -> dict[str, Any]:
    if content is None:
        return {"pageid": 1, "ns": 0, "title": title}
    revision = {"revid": 99, "parentid": 98, "slots": {"main": {"contentmodel": "wikitext", "content": content}}}
    return {"pageid": 1, "ns": 0, "title": title, "revisions": [revision]}


def answer(*pages: dict[str, Any], **query: Any) -> dict[str, Any]:
    return {"batchcomplete": True, "query": {"pages": list(pages), **query}}


def test_articles_are_found_by_the_name_asked_for() -> None:
    told = mediawiki.read_articles(answer(page("The Road")), mediawiki.Articles())
    assert told.about("The Road") == mediawiki.Article("The Road", 99, "Text.")
    assert told.about("Another") is None


def test_normalised_and_redirected_names_are_followed() -> None:
    steps = {"normalized": [{"from": "the_Road", "to": "The Road"}], "redirects": [{"from": "The Road", "to": "Road"}]}
    found_article = mediawiki.read_articles(answer(page("Road"), **steps), mediawiki.Articles()).about("the_Road")
    assert found_article is not None and found_article.name == "Road"


def test_redirect_to_a_section_is_no_article_of_the_film() -> None:
    steps = {"redirects": [{"from": "The Road", "to": "List of roads", "tofragment": "The Road"}]}
    told = mediawiki.read_articles(answer(page("List of roads"), **steps), mediawiki.Articles())
    assert told.about("The Road") is None


def test_encoded_names_are_followed() -> None:
    steps = {"normalized": [{"fromencoded": True, "from": "Cafe%CC%81", "to": "Café"}]}
    told = mediawiki.read_articles(answer(page("Café"), **steps), mediawiki.Articles())
    assert told.about("Cafe\u0301") is not None


def test_answer_without_end_is_named() -> None:
    endless = answer(page("A")) | {"continue": {"rvcontinue": "1|1", "continue": "||"}}
    told = mediawiki.Articles()
    with pytest.raises(PageError, match="goes on after 50 parts"):
        for _ in range(60):
            told = mediawiki.read_articles(endless, told)


def test_circle_of_redirects_ends() -> None:
    steps = {"redirects": [{"from": "A", "to": "B"}, {"from": "B", "to": "A"}]}
    assert mediawiki.read_articles(answer(page("C"), **steps), mediawiki.Articles()).about("A") is None


def test_missing_article_is_none() -> None:
    told = mediawiki.read_articles(answer({"ns": 0, "title": "The Road", "missing": True}), mediawiki.Articles())
    assert told.about("The Road") is None


def test_continued_answers_add_up() -> None:
    first = answer(page("A"), page("B", None)) | {"continue": {"rvcontinue": "2|5", "continue": "||"}}
    told = mediawiki.read_articles(first, mediawiki.Articles())
    assert told.following == {"rvcontinue": "2|5", "continue": "||"}
    assert "rvcontinue=2%7C5" in mediawiki.articles_query(["A", "B"], told.following)
    whole = mediawiki.read_articles(answer(page("A", None), page("B")), told)
    assert (whole.following, whole.about("A") is None, whole.about("B") is None) == ({}, False, False)


def test_query_asks_for_redirects_and_names_the_lag() -> None:
    query = mediawiki.articles_query(["A", "B & C"], {})
    assert "titles=A%7CB+%26+C" in query and "redirects=1" in query and "maxlag=5" in query


def test_api_errors_are_named_and_passing_ones_told_apart() -> None:
    lag = {"error": {"code": "maxlag", "info": "Waiting: 6 seconds lagged"}}
    assert mediawiki.read_passing_error(lag) == "maxlag"
    assert mediawiki.read_passing_error({"error": {"code": "badvalue"}}) is None
    with pytest.raises(PageError, match="the API's error badvalue: Unrecognized value"):
        mediawiki.read_articles({"error": {"code": "badvalue", "info": "Unrecognized value"}}, mediawiki.Articles())


@pytest.mark.parametrize("damaged", [None, [], {"query": {}}, {"query": {"pages": {"1": {}}}}])
def test_api_answer_of_another_shape_is_named(damaged: Any) -> None:
    with pytest.raises(PageError, match=r"expected query.pages"):
        mediawiki.read_articles(damaged, mediawiki.Articles())


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"title": 7},
        {"title": "A", "revisions": [{"revid": 1, "slots": {"main": {"content": 7}}}]},
        {"title": "A", "revisions": [{"revid": "x", "slots": {"main": {"content": "Text."}}}]},
    ],
)
def test_article_of_another_shape_is_named(wrong: Any) -> None:
    with pytest.raises(PageError, match="expected"):
        mediawiki.read_articles(answer(wrong), mediawiki.Articles())


def test_hidden_article_is_none() -> None:
    hidden = {"title": "A", "revisions": [{"revid": 1, "slots": {"main": {"texthidden": True}}}]}
    assert mediawiki.read_articles(answer(hidden), mediawiki.Articles()).about("A") is None


def test_half_characters_in_what_follows_reach_no_address() -> None:
    told = mediawiki.read_articles(answer(page("A")) | {"continue": {"rvcontinue": "\ud83c"}}, mediawiki.Articles())
    assert "rvcontinue=%EF%BF%BD" in mediawiki.articles_query(["A"], told.following)


def test_query_names_no_more_articles_than_an_address_holds() -> None:
    assert mediawiki.fits_query([f"A film {number}" for number in range(50)])
    assert not mediawiki.fits_query([f"A film {number}" for number in range(51)])
    assert not mediawiki.fits_query([f"\u6771\u4eac {number}" * 10 for number in range(50)])
