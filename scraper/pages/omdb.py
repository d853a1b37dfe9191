"""OMDb's answers as records: https://www.omdbapi.com/ (by id, r=json)."""

from __future__ import annotations

import re
from typing import Any

from scraper.items import Title
from scraper.pages.errors import PageError
from scraper.pages.trees import dig, text_at
from scraper.pages.written import read_count, read_minutes, read_rating

_ABSENT = "N/A"
_YEAR = re.compile(r"\d{4}")
_TYPES = {"movie": "movie", "series": "tvSeries", "episode": "tvEpisode", "game": "videoGame"}


def read_error(answer: Any) -> str | None:
    """Return the error that an answer tells (`Response` is "False"), None where it is about a title."""
    if text_at(answer, "Response") == "True":
        return None
    return text_at(answer, "Error") or "an answer without Response and Error"


def read_title(answer: Any, title_id: str) -> Title:
    """Read an answer about a title, its Plot as summary; "N/A" is nothing. Raises PageError for another title's."""
    told = text_at(answer, "imdbID")
    if told != title_id:
        raise PageError(f"asked for {title_id}, OMDb's answer is about {told}")
    year = _YEAR.match(_value(answer, "Year") or "")
    plot = _value(answer, "Plot")
    return Title(
        title_id=title_id,
        title=_value(answer, "Title"),
        title_type=_TYPES.get(_value(answer, "Type") or ""),
        year=int(year[0]) if year else None,
        mpaa=_value(answer, "Rated"),
        run_time=read_minutes(_value(answer, "Runtime")),
        rating=read_rating(_value(answer, "imdbRating")),
        ratings_count=read_count(_value(answer, "imdbVotes")),
        genres=_names(answer, "Genre"),
        directors=_names(answer, "Director"),
        writers=_names(answer, "Writer"),
        actors=_names(answer, "Actors"),
        countries=_names(answer, "Country"),
        languages=_names(answer, "Language"),
        summary=plot,
        summary_source="short plot" if plot else None,
    )


def _value(answer: Any, name: str) -> str | None:
    value = text_at(dig(answer, name) if isinstance(answer, dict) else None)
    return None if value == _ABSENT else value


def _names(answer: Any, name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in (_value(answer, name) or "").split(",") if part.strip())
