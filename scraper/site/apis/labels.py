"""Wikidata's English labels of genres, for the names of IMDb's list."""

from __future__ import annotations

from collections.abc import Sequence

# Labels of what https://www.wikidata.org/wiki/Property:P136 points to. A name that is not here gets " film" behind it.
LABELS = {
    "Adult": "pornographic film",
    "Animation": "animated film",
    "Biography": "biographical film",
    "Film-Noir": "film noir",
    "Game-Show": "game show",
    "History": "historical film",
    "News": "news",
    "Reality-TV": "reality television",
    "Sci-Fi": "science fiction film",
    "Sport": "sports film",
    "Talk-Show": "talk show",
    "Western": "Western film",
}
# Genres that Wikidata likes to name in one.
ROMANTIC_COMEDY = frozenset(("Comedy", "Romance"))


def label_genres(genres: Sequence[str]) -> tuple[str, ...]:
    """Return the labels of genres; comedy and romance together are one, at the place of the first of them."""
    both = set(genres) >= ROMANTIC_COMEDY
    labels = (
        "romantic comedy" if both and genre in ROMANTIC_COMEDY else LABELS.get(genre, f"{genre.lower()} film")
        for genre in genres
    )
    return tuple(dict.fromkeys(labels))
