from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_calls import BEARER, ask_tmdb, send, titles

from scraper.site.apis.tmdb import MOVIE_GENRES, TV, TV_GENRES, find_result, genre_ids, is_tv
from scraper.site.generator import generate_titles
from scraper.site.server import running_site
from scraper.site.titles import SiteTitle

LISTS = {"movie_results", "person_results", "tv_results", "tv_episode_results", "tv_season_results"}
SHARED_KEYS = {"adult", "backdrop_path", "id", "original_language", "overview", "poster_path", "media_type"}
SHARED_KEYS |= {"genre_ids", "popularity", "vote_average", "vote_count"}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with running_site(generate_titles(600, 11)) as base_url:
        yield base_url


def titled(*genres: str, tv: bool) -> SiteTitle:
    title_id = next(title.title_id for title in titles() if is_tv(title) == tv)
    return SiteTitle(title_id, "Kings", 1999, genres, "They rule.", None)


def test_a_title_is_found_as_a_movie(site: str) -> None:
    title = next(title for title in titles() if not is_tv(title) and title.summary and title.year)
    answered = ask_tmdb(site, title.title_id, language="en-US")
    assert answered.headers["Content-Type"] == "application/json; charset=utf-8"
    body = answered.json
    assert body.keys() == LISTS
    assert [body[name] for name in sorted(LISTS - {"movie_results"})] == [[]] * 4
    (movie,) = body["movie_results"]
    assert movie == find_result(title)
    assert movie.keys() == SHARED_KEYS | {"title", "original_title", "release_date", "video"}
    assert (movie["title"], movie["overview"], movie["media_type"]) == (title.title, title.summary, "movie")
    assert movie["release_date"].startswith(f"{title.year}-")


def test_a_few_titles_are_found_as_series(site: str) -> None:
    series = [title for title in titles() if is_tv(title)]
    assert len(series) / len(titles()) == pytest.approx(TV, abs=0.025)
    body = ask_tmdb(site, series[0].title_id).json
    assert body["movie_results"] == []
    assert body["tv_results"] == [find_result(series[0])]
    assert find_result(series[0]).keys() == SHARED_KEYS | {"name", "original_name", "first_air_date", "origin_country"}


def test_what_is_not_known_is_empty() -> None:
    bare = SiteTitle(titled(tv=False).title_id, "Bare", None, (), None, None)
    result = find_result(bare)
    assert (result["overview"], result["release_date"], result["genre_ids"]) == ("", "", [])


def test_genres_are_numbers_of_their_own_list() -> None:
    given = ("Sci-Fi", "Fantasy", "Drama", "Film-Noir", "Biography", "War")
    assert [MOVIE_GENRES[each] for each in genre_ids(titled(*given, tv=False))] == [
        "Science Fiction",
        "Fantasy",
        "Drama",
        "War",
    ]
    assert [TV_GENRES[each] for each in genre_ids(titled(*given, tv=True))] == [
        "Sci-Fi & Fantasy",
        "Drama",
        "War & Politics",
    ]


@pytest.mark.parametrize("external", ["tt7777777", "abc"])
def test_an_unknown_id_gives_empty_lists(site: str, external: str) -> None:
    answered = ask_tmdb(site, external)
    assert (answered.status, answered.json) == (200, {name: [] for name in LISTS})


def test_an_id_of_another_source_is_unknown(site: str) -> None:
    assert ask_tmdb(site, titles()[0].title_id, external_source="tvdb_id").json == {name: [] for name in LISTS}


@pytest.mark.parametrize(("kind", "genres"), [("movie", MOVIE_GENRES), ("tv", TV_GENRES)])
def test_genres_are_listed(site: str, kind: str, genres: dict[int, str]) -> None:
    listed = send(site, f"/3/genre/{kind}/list", BEARER, language="en").json
    assert listed["genres"][0].keys() == {"id", "name"}
    assert {each["id"]: each["name"] for each in listed["genres"]} == genres


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "local-token"}])
def test_a_wrong_token_is_refused(site: str, headers: dict[str, str]) -> None:
    answered = ask_tmdb(site, titles()[0].title_id, headers)
    assert answered.status == 401
    assert answered.json == {
        "status_code": 7,
        "status_message": "Invalid API key: You must be granted a valid key.",
        "success": False,
    }


def test_a_wrong_source_is_refused(site: str) -> None:
    answered = ask_tmdb(site, titles()[0].title_id, external_source="imdb")
    assert (answered.status, answered.json["status_code"]) == (422, 5)


@pytest.mark.parametrize("path", ["/3/movie/550", "/3/find/", "/3/find/tt1/x"])
def test_an_unknown_path_is_not_found(site: str, path: str) -> None:
    answered = send(site, path, BEARER)
    assert (answered.status, answered.json["status_code"]) == (404, 34)
