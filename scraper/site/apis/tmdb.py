"""Version 3 of The Movie Database's API below /3/, for the titles of the local movie site.

Shapes: https://developer.themoviedb.org/reference/find-by-id, /reference/genre-movie-list, /reference/genre-tv-list,
/docs/errors, /docs/rate-limiting and, for the bearer token, /docs/authentication-application there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scraper.site.apis.reply import Reply, draw_point, number, release_date, reply_json
from scraper.site.facts import Facts, invent_facts
from scraper.site.titles import Catalogue, SiteTitle

PATH = "/3/"
# The one token that is accepted.
TOKEN = "local-token"  # noqa: S105 - asked for by the local site alone
# Share of titles that are a series there.
TV = 1 / 20
# What find-by-id takes as external_source; ids of other sources than IMDb are known to no one here.
SOURCES = ("imdb_id", "facebook_id", "instagram_id", "tvdb_id", "tiktok_id", "twitter_id", "wikidata_id", "youtube_id")
MOVIE_GENRES = {
    28: "Action", 12: "Adventure", 16: "Animation", 35: "Comedy", 80: "Crime", 99: "Documentary", 18: "Drama",
    10751: "Family", 14: "Fantasy", 36: "History", 27: "Horror", 10402: "Music", 9648: "Mystery", 10749: "Romance",
    878: "Science Fiction", 10770: "TV Movie", 53: "Thriller", 10752: "War", 37: "Western",
}  # fmt: skip
TV_GENRES = {
    10759: "Action & Adventure", 16: "Animation", 35: "Comedy", 80: "Crime", 99: "Documentary", 18: "Drama",
    10751: "Family", 10762: "Kids", 9648: "Mystery", 10763: "News", 10764: "Reality", 10765: "Sci-Fi & Fantasy",
    10766: "Soap", 10767: "Talk", 10768: "War & Politics", 37: "Western",
}  # fmt: skip
# IMDb's names that TMDB spells in another way; a name that is in neither table has no number there.
MOVIE_NAMES = {"Sci-Fi": "Science Fiction"}
TV_NAMES = {
    "Action": "Action & Adventure",
    "Adventure": "Action & Adventure",
    "Fantasy": "Sci-Fi & Fantasy",
    "Reality-TV": "Reality",
    "Sci-Fi": "Sci-Fi & Fantasy",
    "Talk-Show": "Talk",
    "War": "War & Politics",
}
LANGUAGE_CODES = {"English": "en", "French": "fr", "Hindi": "hi", "Spanish": "es", "German": "de", "Japanese": "ja"}
# Status codes of the errors and what is said with them: https://developer.themoviedb.org/docs/errors
MESSAGES = {
    5: "Invalid parameters: Your request parameters are incorrect.",
    7: "Invalid API key: You must be granted a valid key.",
    9: "Service offline: This service is temporarily offline, try again later.",
    25: "Your request count (#) is over the allowed limit of (40).",
    34: "The resource you requested could not be found.",
}


def is_tv(title: SiteTitle) -> bool:
    """Say whether a title is a series there, and so among tv_results."""
    return draw_point(title.title_id, "tv") < TV


def find_result(title: SiteTitle) -> dict[str, Any]:
    """Return what find-by-id tells of a title, as one of movie_results or tv_results (see is_tv)."""
    facts = invent_facts(title.title_id)
    return _tell_series(title, facts) if is_tv(title) else _tell_movie(title, facts)


def genre_ids(title: SiteTitle) -> list[int]:
    """Return the numbers of a title's genres, each once; genres that TMDB has no name for are left out."""
    numbers, names = (TV_GENRES, TV_NAMES) if is_tv(title) else (MOVIE_GENRES, MOVIE_NAMES)
    by_name = {name: number for number, name in numbers.items()}
    found = (by_name.get(names.get(genre, genre)) for genre in title.genres)
    return list(dict.fromkeys(number for number in found if number is not None))


def answer(catalogue: Catalogue, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
    """Answer a request for a title or for the list of genres."""
    given = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    if given != f"Bearer {TOKEN}":
        return _refuse(7, 401)
    if path in ("/3/genre/movie/list", "/3/genre/tv/list"):
        genres = TV_GENRES if "/tv/" in path else MOVIE_GENRES
        return reply_json({"genres": [{"id": number, "name": name} for number, name in genres.items()]})
    external_id = path.removeprefix("/3/find/")
    if external_id in ("", path) or "/" in external_id:
        return _refuse(34, 404)
    if query.get("external_source") not in SOURCES:
        return _refuse(5, 422)
    title = catalogue.find(external_id) if query["external_source"] == "imdb_id" else None
    results: dict[str, list[Any]] = {"movie_results": [], "person_results": [], "tv_results": []}
    results |= {"tv_episode_results": [], "tv_season_results": []}
    if title is not None:
        results["tv_results" if is_tv(title) else "movie_results"].append(find_result(title))
    return reply_json(results)


def fail(status: int) -> Reply:
    """Return the error of too many requests, or of a service that is offline."""
    return _refuse(25 if status == 429 else 9, status)


def _refuse(code: int, status: int) -> Reply:
    return reply_json({"status_code": code, "status_message": MESSAGES[code], "success": False}, status)


def _tell_movie(title: SiteTitle, facts: Facts) -> dict[str, Any]:
    name = title.title or ""
    return {
        "adult": "Adult" in title.genres,
        "backdrop_path": None,
        "id": number(title.title_id),
        "title": name,
        "original_language": LANGUAGE_CODES[facts.languages[0]],
        "original_title": name,
        "overview": title.summary or "",
        "poster_path": None,
        "media_type": "movie",
        "genre_ids": genre_ids(title),
        "popularity": round(100 * draw_point(title.title_id, "popularity"), 3),
        "release_date": str(release_date(title) or ""),
        "video": False,
        "vote_average": facts.rating or 0.0,
        "vote_count": facts.ratings_count,
    }


def _tell_series(title: SiteTitle, facts: Facts) -> dict[str, Any]:
    movie = _tell_movie(title, facts) | {"media_type": "tv"}
    renamed = {"title": "name", "original_title": "original_name", "release_date": "first_air_date"}
    series = {renamed.get(key, key): value for key, value in movie.items() if key != "video"}
    return series | {"origin_country": ["US"]}
