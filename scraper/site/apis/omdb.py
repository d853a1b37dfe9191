"""The OMDb API at /, for the titles of the local movie site: https://www.omdbapi.com/ (parameters and an example).

Errors are told by Response and Error; the page does not list them, so their texts are those that its clients know:
https://github.com/omdbapi/OMDb-API/issues.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scraper.items import TITLE_ID
from scraper.site.apis.reply import Reply, release_date, reply_json
from scraper.site.facts import invent_facts
from scraper.site.titles import Catalogue, SiteTitle

PATH = "/"
# The one key that is accepted.
KEY = "local-key"
ABSENT = "N/A"
# Actors that it names.
MOST_ACTORS = 4
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def is_asked(query: Mapping[str, str]) -> bool:
    """Say whether a request for / means this interface, not the site's start page."""
    return "i" in query or "apikey" in query


def tell_movie(title: SiteTitle, plot: str = "short") -> dict[str, Any]:
    """Return what is told of a title; plot is short (the summary) or full (the synopsis, else the summary)."""
    facts = invent_facts(title.title_id)
    day = release_date(title)
    rating = ABSENT if facts.rating is None else f"{facts.rating:.1f}"
    text = (title.synopsis or title.summary) if plot == "full" else title.summary
    return {
        "Title": title.title or ABSENT,
        "Year": ABSENT if title.year is None else str(title.year),
        "Rated": facts.mpaa or ABSENT,
        "Released": f"{day.day:02} {_MONTHS[day.month - 1]} {day.year}" if day else ABSENT,
        "Runtime": ABSENT if facts.run_time is None else f"{facts.run_time} min",
        "Genre": _join(title.genres),
        "Director": _join(facts.directors),
        "Writer": _join(facts.writers),
        "Actors": _join(facts.actors[:MOST_ACTORS]),
        "Plot": text or ABSENT,
        "Language": _join(facts.languages),
        "Country": _join(facts.countries),
        "Awards": ABSENT,
        "Poster": ABSENT,
        "Ratings": [] if facts.rating is None else [{"Source": "Internet Movie Database", "Value": f"{rating}/10"}],
        "Metascore": ABSENT,
        "imdbRating": rating,
        "imdbVotes": f"{facts.ratings_count:,}" if facts.ratings_count else ABSENT,
        "imdbID": title.title_id,
        "Type": "movie",
        "DVD": ABSENT,
        "BoxOffice": ABSENT,
        "Production": ABSENT,
        "Website": ABSENT,
        "Response": "True",
    }


def answer(catalogue: Catalogue, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
    """Answer a request for one title by its id."""
    key = query.get("apikey", "")
    if key != KEY:
        return _refuse("Invalid API key!" if key else "No API key provided.", 401)
    title_id = query.get("i", "")
    if not TITLE_ID.fullmatch(title_id):
        return _refuse("Incorrect IMDb ID.")
    title = catalogue.find(title_id)
    return (
        _refuse("Error getting data.") if title is None else reply_json(tell_movie(title, query.get("plot", "short")))
    )


def fail(status: int) -> Reply:
    """Return an error of the servers before the interface, in the interface's shape."""
    return _refuse("Too many requests." if status == 429 else "Service unavailable.", status)


def fail_for_quota() -> Reply:
    """Return the error of a key whose requests are used up."""
    return _refuse("Request limit reached!", 401)


def _refuse(reason: str, status: int = 200) -> Reply:
    return reply_json({"Response": "False", "Error": reason}, status)


def _join(names: Iterable[str]) -> str:
    return ", ".join(names) or ABSENT
