"""Sentences of the generated titles: templates filled from a mixture of the genres' word lists."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scraper.site.vocabulary import Pool, Vocabulary, load_vocabulary

_SLOT = re.compile(r"\{([^}]+)\}|\b(LEAD|HERO|OTHER|THIRD|HOME|AWAY)\b")
_VOWELS = frozenset("aeiouAEIOU")
# "a university", "a European": written with a vowel, spoken with a consonant; "an heir" the other way round.
_SPOKEN_CONSONANT = ("uni", "eu", "one", "use", "ut")
_SPOKEN_VOWEL = ("heir", "honest", "hour")

# A part is (literal text, article or "", slot): the article stands before the word that fills the slot. The last
# part has no slot.
Part = tuple[str, str, str]
Template = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """Hold the persons and places that one title's sentences name, by slot."""

    names: Mapping[str, str]


@functools.cache
def templates(kind: str) -> tuple[Template, ...]:
    """Return the compiled templates for one place in a text: openings, middles, endings, vague or titles."""
    return tuple(_compile(text) for text in load_vocabulary().templates[kind])


def _compile(text: str) -> Template:
    parts: list[Part] = []
    end = 0
    for found in _SLOT.finditer(text):
        slot = found[1] or found[2]
        article, dot, word = slot.partition(".")
        parts.append((text[end : found.start()], article if dot else "", word if dot else slot))
        end = found.end()
    parts.append((text[end:], "", ""))
    return tuple(parts)


def draw_cast(rng: random.Random, vocabulary: Vocabulary) -> Cast:
    """Draw the three persons and two towns of a title."""
    draw = rng.random
    first, last, towns = vocabulary.first_names, vocabulary.surnames, vocabulary.towns
    hero = other = first[int(draw() * len(first))]
    while other == hero:
        other = first[int(draw() * len(first))]
    return Cast(
        {
            "HERO": hero,
            "LEAD": f"{hero} {last[int(draw() * len(last))]}",
            "OTHER": other,
            "THIRD": last[int(draw() * len(last))],
            "HOME": towns[int(draw() * len(towns))],
            "AWAY": towns[int(draw() * len(towns))],
        }
    )


def write_sentence(
    rng: random.Random, template: Template, mixture: Sequence[Pool], cast: Cast, vocabulary: Vocabulary
) -> str:
    """Fill a template and begin it with a capital; every pool of the mixture is equally likely for each word."""
    draw = rng.random
    pools = len(mixture)
    names = cast.names
    written: list[str] = []
    for literal, article, slot in template:
        written.append(literal)
        if not slot:
            break
        # One number draws both: its whole part the pool, what is left of it the word.
        point = draw() * pools
        pool = int(point)
        words = mixture[pool].get(slot)
        if words:
            word = words[int((point - pool) * len(words))]
        else:
            word = names.get(slot) or _draw_special(rng, slot, vocabulary)
        if article:
            word = f"an {word}" if _needs_n(word) else f"a {word}"
        written.append(word)
    text = "".join(written)
    return text[0].upper() + text[1:]


def _draw_special(rng: random.Random, slot: str, vocabulary: Vocabulary) -> str:
    if slot == "year":
        return str(1890 + int(rng.random() * 130))
    if slot == "age":
        return str(8 + int(rng.random() * 80))
    words = {"relation": vocabulary.relations, "number": vocabulary.numbers}[slot]
    return words[int(rng.random() * len(words))]


def _needs_n(word: str) -> bool:
    if word[0] in _VOWELS:
        return not word.lower().startswith(_SPOKEN_CONSONANT)
    return word.startswith(_SPOKEN_VOWEL) or word[0] == "8" or word in ("11", "18")
