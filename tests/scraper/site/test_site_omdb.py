from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_calls import ask_omdb, send, titles

from scraper.site.apis.omdb import KEY, tell_movie
from scraper.site.faults import parse_faults
from scraper.site.generator import generate_titles
from scraper.site.server import running_site
from scraper.site.titles import SiteTitle

TEXTS = ["Title", "Year", "Rated", "Released", "Runtime", "Genre", "Director", "Writer", "Actors", "Plot", "Language"]
TEXTS += ["Country", "Awards", "Poster", "Metascore", "imdbRating", "imdbVotes", "imdbID", "Type", "DVD", "BoxOffice"]
TEXTS += ["Production", "Website", "Response"]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with running_site(generate_titles(600, 11)) as base_url:
        yield base_url


def whole() -> SiteTitle:
    return next(title for title in titles() if title.summary and title.synopsis and title.year)


def test_a_title_is_told_in_texts(site: str) -> None:
    title = whole()
    answered = ask_omdb(site, title.title_id)
    assert (answered.status, answered.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    told = answered.json
    assert told == tell_movie(title)
    assert told.keys() == {*TEXTS, "Ratings"}
    assert all(isinstance(told[name], str) for name in TEXTS)
    assert (told["Title"], told["Year"], told["Genre"]) == (title.title, str(title.year), ", ".join(title.genres))
    assert (told["Plot"], told["imdbID"], told["Response"]) == (title.summary, title.title_id, "True")


def test_the_full_plot_is_the_synopsis_else_the_summary(site: str) -> None:
    title = whole()
    assert ask_omdb(site, title.title_id, plot="full").json["Plot"] == title.synopsis
    short = next(title for title in titles() if title.summary and not title.synopsis)
    assert ask_omdb(site, short.title_id, plot="full").json["Plot"] == short.summary


def test_what_is_not_known_is_na() -> None:
    told = tell_movie(SiteTitle("tt1000001", None, None, (), None, None), "full")
    assert {told[name] for name in ("Title", "Year", "Released", "Genre", "Plot")} == {"N/A"}


def test_figures_are_written_as_omdb_does() -> None:
    told = [tell_movie(title) for title in titles()]
    rated = [each for each in told if each["imdbRating"] != "N/A"]
    assert all(each["Ratings"][0]["Value"] == f"{each['imdbRating']}/10" for each in rated)
    assert all(each["Ratings"] == [] for each in told if each not in rated)
    assert any("," in each["imdbVotes"] for each in rated)
    assert any(each["Runtime"].endswith(" min") for each in told)


@pytest.mark.parametrize(
    ("title_id", "error"),
    [("tt7777777", "Error getting data."), ("tt1", "Incorrect IMDb ID."), ("", "Incorrect IMDb ID.")],
)
def test_an_id_that_leads_nowhere_is_an_error_with_200(site: str, title_id: str, error: str) -> None:
    answered = ask_omdb(site, title_id)
    assert (answered.status, answered.json) == (200, {"Response": "False", "Error": error})


@pytest.mark.parametrize(
    ("query", "error"),
    [({"i": "tt1000001"}, "No API key provided."), ({"i": "tt1000001", "apikey": "other"}, "Invalid API key!")],
)
def test_a_wrong_key_is_refused(site: str, query: dict[str, str], error: str) -> None:
    answered = send(site, "/", **query)
    assert (answered.status, answered.json) == (401, {"Response": "False", "Error": error})


def test_the_start_page_stays(site: str) -> None:
    assert "<h1>Local movie site</h1>" in send(site, "/").body


def test_a_quota_ends_after_so_many_answers() -> None:
    title_id = titles()[0].title_id
    with running_site(generate_titles(5, 11), faults=parse_faults("quota=2")) as site:
        refused = send(site, "/", i=title_id, apikey="other")
        answers = [ask_omdb(site, title_id), ask_omdb(site, "tt7777777"), ask_omdb(site, title_id)]
        page = send(site, f"/title/{title_id}/")
    assert refused.json["Error"] == "Invalid API key!"
    assert [each.status for each in answers] == [200, 200, 401]
    assert answers[2].json == {"Response": "False", "Error": "Request limit reached!"}
    assert page.status == 200
    assert KEY not in answers[2].body
