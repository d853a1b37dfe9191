"""The facts that a titles file does not have: invented for each title from its id, the same at every call."""

from __future__ import annotations

import random
from dataclasses import dataclass

from scraper.site.vocabulary import load_vocabulary

CERTIFICATES = ("R", "PG-13", "PG", "Not Rated", "G", "TV-MA", "Approved", "NC-17")
COUNTRIES = ("United States", "United Kingdom", "France", "India", "Canada", "Germany", "Japan")
LANGUAGES = ("English", "French", "Hindi", "Spanish", "German", "Japanese")
CURRENCIES = ("USD", "USD", "USD", "USD", "GBP", "EUR", "INR")
# Share of titles without each fact.
NO_CERTIFICATE, NO_RUN_TIME, NO_RATING, NO_BUDGET, NO_GROSS = 0.15, 0.03, 0.05, 0.55, 0.45
SHORTEST, LONGEST = 80, 190
MOST_DIRECTORS, MOST_WRITERS, MOST_ACTORS, MOST_KEYWORDS = 2, 3, 18, 5


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold the invented facts of one title, named as in the raw record; run_time in minutes, money in whole units."""

    mpaa: str | None
    run_time: int | None
    rating: float | None
    ratings_count: int
    budget: int | None
    budget_currency: str | None
    world_gross: int | None
    world_gross_currency: str | None
    directors: tuple[str, ...]
    writers: tuple[str, ...]
    actors: tuple[str, ...]
    keywords: tuple[str, ...]
    plot_author: str
    countries: tuple[str, ...]
    languages: tuple[str, ...]


def invent_facts(title_id: str) -> Facts:
    """Invent the facts of a title; they depend on its id alone."""
    rng = random.Random(title_id)
    draw = rng.random
    rated = draw() >= NO_RATING
    currency = CURRENCIES[int(draw() * len(CURRENCIES))]
    budget = int(10 ** (5 + 3.3 * draw())) if draw() >= NO_BUDGET else None
    gross = int(10 ** (4 + 5 * draw())) if draw() >= NO_GROSS else None
    return Facts(
        mpaa=CERTIFICATES[int(draw() ** 2 * len(CERTIFICATES))] if draw() >= NO_CERTIFICATE else None,
        run_time=SHORTEST + int(draw() ** 2 * (LONGEST - SHORTEST)) if draw() >= NO_RUN_TIME else None,
        rating=round(2 + 7 * (draw() + draw()) / 2, 1) if rated else None,
        ratings_count=int(10 ** (1 + 5 * draw())) if rated else 0,
        budget=budget,
        budget_currency=None if budget is None else currency,
        world_gross=gross,
        world_gross_currency=None if gross is None else "USD",
        directors=_invent_persons(rng, 1 + int(draw() ** 3 * MOST_DIRECTORS)),
        writers=_invent_persons(rng, int(draw() * (MOST_WRITERS + 1))),
        actors=_invent_persons(rng, int(draw() * (MOST_ACTORS + 1))),
        keywords=_invent_keywords(rng, int(draw() * (MOST_KEYWORDS + 1))),
        plot_author=_invent_persons(rng, 1)[0].lower().replace(" ", "-"),
        countries=_draw_some(rng, COUNTRIES),
        languages=_draw_some(rng, LANGUAGES),
    )


def _draw_some(rng: random.Random, names: tuple[str, ...]) -> tuple[str, ...]:
    """Draw one or two names, the first ones most often."""
    draw = rng.random
    return tuple(dict.fromkeys(names[int(draw() ** 2 * len(names))] for _ in range(1 + int(draw() * 1.5))))


def _invent_persons(rng: random.Random, count: int) -> tuple[str, ...]:
    words = load_vocabulary()
    first, last = words.first_names, words.surnames
    draw = rng.random
    persons = (f"{first[int(draw() * len(first))]} {last[int(draw() * len(last))]}" for _ in range(count))
    return tuple(dict.fromkeys(persons))


def _invent_keywords(rng: random.Random, count: int) -> tuple[str, ...]:
    shared = load_vocabulary().pools[""]
    adjectives, nouns = shared["adj"], shared["noun"]
    draw = rng.random
    keywords = (f"{adjectives[int(draw() * len(adjectives))]} {nouns[int(draw() * len(nouns))]}" for _ in range(count))
    return tuple(dict.fromkeys(keywords))
