"""One synthetic plot: its genres, and the title, summary and synopsis written from them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scraper.site.grammar import Cast, Template, draw_cast, templates, write_sentence
from scraper.site.vocabulary import Pool, Vocabulary, load_vocabulary

# Share of titles with one, two, three and four genres.
GENRE_COUNTS = {1: 0.18, 2: 0.36, 3: 0.34, 4: 0.12}
# A genre that is not named as a companion is so many times likelier than its weight says.
NO_COMPANION = 0.6
# Of about DRAWS equally likely sources of a word, how many are the shared words, a genre that often goes with the
# title's, and any genre at all; the rest are the title's own genres.
SHARED, NEAR, ANY, DRAWS = 8, 3, 2, 64
# Each of a title's genres gets a part of its own words between 1 and 1 + UNEVEN, so that some are hardly heard.
UNEVEN = 1.0
# Share of titles with a synopsis, and of summaries that tell nothing of the genre.
SYNOPSIS, VAGUE = 0.60, 0.03
# Characters that a text aims at: least, most, and the power that skews the draw towards the least.
SUMMARY_AIM, SYNOPSIS_AIM = (120, 365, 0.8), (520, 3800, 2.0)
# A sentence that would make the text longer than this is left out.
LONGEST_SUMMARY, LONGEST_SYNOPSIS = 600, 4000
# Share of a synopsis's sentences that end a paragraph.
PARAGRAPH = 0.2

Drawn = TypeVar("Drawn", int, str)


@dataclass(frozen=True, slots=True)
class Plot:
    """Hold one title as written: true_genres are those that its texts lean towards, free of label noise."""

    true_genres: tuple[str, ...]
    title: str
    summary: str
    synopsis: str | None


def seeded(index: int, random_seed: int, stream: str) -> random.Random:
    """Return the random numbers of one title for one purpose.

    Only Random.random is drawn from: its sequence is the one that Python promises to keep between versions.
    """
    return random.Random(f"{random_seed}/{index}/{stream}")


def write_plot(index: int, random_seed: int) -> Plot:
    """Write title `index`: its genres, its name, its summary and, for most, its synopsis."""
    rng = seeded(index, random_seed, "plot")
    vocabulary = load_vocabulary()
    genres = draw_genres(rng, vocabulary)
    cast = draw_cast(rng, vocabulary)
    writer = _Writer(rng, _mix(rng, genres, vocabulary), cast, vocabulary)
    title = writer.sentence("titles")
    summary = writer.sentence("vague") if rng.random() < VAGUE else writer.summary()
    synopsis = writer.synopsis() if rng.random() < SYNOPSIS else None
    return Plot(genres, title, summary, synopsis)


def draw_genres(rng: random.Random, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Draw one to four genres, the later ones as companions of the earlier ones; in alphabetical order."""
    weights = dict(vocabulary.weights)
    count = draw_weighted(rng, GENRE_COUNTS)
    chosen: list[str] = []
    while len(chosen) < count:
        genre = draw_weighted(rng, weights)
        chosen.append(genre)
        del weights[genre]
        companions = vocabulary.companions[genre]
        for other in weights:
            weights[other] *= companions.get(other, NO_COMPANION)
    return tuple(sorted(chosen))


def draw_weighted(rng: random.Random, weights: Mapping[Drawn, float]) -> Drawn:
    """Draw a key with a probability in proportion to its weight."""
    point = rng.random() * sum(weights.values())
    for key, weight in weights.items():
        point -= weight
        if point < 0:
            return key
    # Rounding left a hair over: it belongs to the last key.
    return next(reversed(list(weights)))


def _mix(rng: random.Random, genres: Sequence[str], vocabulary: Vocabulary) -> list[Pool]:
    pools = vocabulary.pools
    names = list(vocabulary.weights)
    sources = [""] * SHARED + [names[int(rng.random() * len(names))] for _ in range(ANY)]
    sources += [draw_weighted(rng, vocabulary.companions[genres[i % len(genres)]]) for i in range(NEAR)]
    parts = {genre: 1 + UNEVEN * rng.random() for genre in genres}
    share = (DRAWS - len(sources)) / sum(parts.values())
    for genre, part in parts.items():
        sources += [genre] * round(part * share)
    return [pools[source] for source in sources]


@dataclass(frozen=True, slots=True)
class _Writer:
    rng: random.Random
    mixture: Sequence[Pool]
    cast: Cast
    vocabulary: Vocabulary

    def sentence(self, kind: str) -> str:
        choices: tuple[Template, ...] = templates(kind)
        template = choices[int(self.rng.random() * len(choices))]
        return write_sentence(self.rng, template, self.mixture, self.cast, self.vocabulary)

    def summary(self) -> str:
        aim = self._aim(*SUMMARY_AIM)
        text = self.sentence("openings")
        while len(text) < aim:
            added = self.sentence("endings" if self.rng.random() < 0.35 else "middles")
            if len(text) + len(added) >= LONGEST_SUMMARY:
                break
            text += " " + added
        return text

    def synopsis(self) -> str:
        aim = self._aim(*SYNOPSIS_AIM)
        written = [self.sentence("openings")]
        length = len(written[0])
        while length < aim:
            gap = "\n\n" if self.rng.random() < PARAGRAPH else " "
            added = self.sentence("openings" if self.rng.random() < 0.15 else "middles")
            length += len(gap) + len(added)
            written += (gap, added)
        ending = self.sentence("endings")
        if length + len(ending) < LONGEST_SYNOPSIS:
            written += (" ", ending)
        return "".join(written)

    def _aim(self, least: int, most: int, power: float) -> float:
        return least + (most - least) * float(self.rng.random() ** power)
