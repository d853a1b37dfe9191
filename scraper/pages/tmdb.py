"""TMDB's answers as records: https://developer.themoviedb.org/reference/find-by-id (version 3)."""

from __future__ import annotations

from typing import Any

from scraper.items import Title
from scraper.pages.errors import PageError
from scraper.pages.trees import INT32, dig, each, integer_at, number_at, text_at

# The ids of genres: https://developer.themoviedb.org/reference/genre-movie-list and genre-tv-list.
_GENRES = {
    12: "Adventure", 14: "Fantasy", 16: "Animation", 18: "Drama", 27: "Horror", 28: "Action", 35: "Comedy",
    36: "History", 37: "Western", 53: "Thriller", 80: "Crime", 99: "Documentary", 878: "Science Fiction",
    9648: "Mystery", 10402: "Music", 10749: "Romance", 10751: "Family", 10752: "War", 10770: "TV Movie",
    10759: "Action & Adventure", 10762: "Kids", 10763: "News", 10764: "Reality", 10765: "Sci-Fi & Fantasy",
    10766: "Soap", 10767: "Talk", 10768: "War & Politics",
}  # fmt: skip
# Where in the answer a title may stand, and what it is then.
_KINDS = {"movie_results": "movie", "tv_results": "tvSeries"}


def read_found(answer: Any, title_id: str) -> Title | None:
    """Read what TMDB found for an IMDb id: overview as summary, TMDB's genre names; None where it has no such title.

    Raises PageError for an answer of another shape.
    """
    if not all(isinstance(dig(answer, kind), list) for kind in _KINDS):
        raise PageError(f"expected {' and '.join(_KINDS)} in TMDB's answer")
    for place, kind in _KINDS.items():
        for found in each(answer, place):
            return _read(found, title_id, kind)
    return None


def _read(found: Any, title_id: str, kind: str) -> Title:
    if not any(isinstance(dig(found, name), str) for name in ("title", "name")):
        raise PageError("expected title or name as text in what TMDB found")
    if not isinstance(dig(found, "overview"), str | None):
        raise PageError("expected overview as text in what TMDB found")
    if not all(isinstance(number, int) for number in each(found, "genre_ids")):
        raise PageError("expected numbers in TMDB's genre_ids")
    overview = text_at(found, "overview")
    date = text_at(found, "release_date") or text_at(found, "first_air_date") or ""
    votes = integer_at(found, "vote_count")
    named = (integer_at([each_id], 0) for each_id in each(found, "genre_ids"))
    return Title(
        title_id=title_id,
        title=text_at(found, "title") or text_at(found, "name"),
        original_title=text_at(found, "original_title") or text_at(found, "original_name"),
        title_type=kind,
        year=integer_at([date[:4]], 0, limit=INT32),
        rating=number_at(found, "vote_average") if votes else None,
        ratings_count=votes,
        genres=tuple(_GENRES.get(number, str(number)) for number in named if number is not None),
        summary=overview,
        summary_source="overview" if overview else None,
    )
