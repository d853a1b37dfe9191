"""The words of the generated titles, drawn with Zipf-like use from lists that genres share and differ in."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

GRAMMAR = Path(__file__).with_name("grammar.yaml")

# Zipf-Mandelbrot: the word of rank r (from 0) weighs 1 / (r + shift); names are used more evenly than words.
ZIPF_SHIFT = 0.7
NAMES_SHIFT = 20.0
# Slots of an expanded list: one uniform draw picks a word by its weight.
EXPANDED = 1024
# Fixed shuffle of names and towns, so that the frequent ones do not all begin alike.
NAME_ORDER = 1894

Pool = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Hold word lists, each expanded so that a uniform draw follows Zipf's law.

    pools maps a genre (or "" for the words that all share) to lists by kind of word; weights and companions
    say how genres come together; templates are sentences by place in the text.
    """

    weights: Mapping[str, float]
    companions: Mapping[str, Mapping[str, float]]
    pools: Mapping[str, Pool]
    first_names: Sequence[str]
    surnames: Sequence[str]
    towns: Sequence[str]
    relations: Sequence[str]
    numbers: Sequence[str]
    templates: Mapping[str, Sequence[str]]


@functools.cache
def load_vocabulary() -> Vocabulary:
    """Read grammar.yaml once and expand its lists."""
    grammar: dict[str, Any] = yaml.safe_load(GRAMMAR.read_text(encoding="utf-8"))
    surnames = grammar["surnames"].split() + _combine(grammar["surname_stems"], grammar["surname_tails"])
    towns = _combine(grammar["town_stems"], grammar["town_tails"])
    return Vocabulary(
        weights=grammar["weights"],
        companions=grammar["companions"],
        pools={"": _expand_pool(grammar["shared"])}
        | {genre: _expand_pool(words) for genre, words in grammar["genres"].items()},
        first_names=_expand(_shuffle(grammar["first_names"].split()), shift=NAMES_SHIFT),
        surnames=_expand(_shuffle(surnames), 4 * EXPANDED, NAMES_SHIFT),
        towns=_expand(_shuffle(towns), 4 * EXPANDED, NAMES_SHIFT),
        relations=_expand(_words(grammar["relations"])),
        numbers=_expand(grammar["numbers"].split()),
        templates={kind: grammar[kind] for kind in ("openings", "middles", "endings", "vague", "titles")},
    )


def _expand_pool(lists: Mapping[str, str]) -> Pool:
    pool: dict[str, Sequence[str]] = {}
    for kind in ("role", "noun"):
        singles, plurals = zip(*(_both_numbers(word) for word in _words(lists[kind])), strict=True)
        pool[kind] = _expand(singles)
        pool[kind + "s"] = _expand(plurals)
    verbs = _words(lists["verb"])
    pool["verb"] = _expand([verb.replace("*", "") for verb in verbs])
    pool["verbs"] = _expand([_third_person(verb) for verb in verbs])
    pool["verbing"] = _expand([_participle(verb) for verb in verbs])
    pool["adj"] = _expand(_words(lists["adj"]))
    pool["setting"] = _expand(_words(lists["setting"]))
    return pool


def _words(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split()]


def _combine(stems: str, tails: str) -> list[str]:
    # A tail that repeats the stem's last letter would make a word no one writes ("Mill" + "ley").
    return [stem + tail for stem in stems.split() for tail in tails.split() if stem[-1] != tail[0]]


def _shuffle(words: Iterable[str]) -> list[str]:
    order = random.Random(NAME_ORDER)
    return sorted(words, key=lambda word: order.random())


def _expand(words: Sequence[str], size: int = EXPANDED, shift: float | None = None) -> tuple[str, ...]:
    weights = [1 / (rank + (ZIPF_SHIFT if shift is None else shift)) for rank in range(len(words))]
    share = size / sum(weights)
    return tuple(
        word for word, weight in zip(words, weights, strict=True) for _ in range(max(1, round(weight * share)))
    )


def _both_numbers(word: str) -> tuple[str, str]:
    single, slash, plural = word.partition("/")
    return single, plural if slash else single + "s"


def _third_person(verb: str) -> str:
    head, space, rest = verb.replace("*", "").partition(" ")
    if head.endswith(("s", "sh", "ch", "x", "z", "o")):
        head += "es"
    elif head.endswith("y") and head[-2] not in "aeou":
        head = head[:-1] + "ies"
    else:
        head += "s"
    return head + space + rest


def _participle(verb: str) -> str:
    head, space, rest = verb.partition(" ")
    if head.endswith("*"):
        head = head[:-1] + head[-2]
    elif head.endswith("e") and not head.endswith(("ee", "ye")):
        head = head[:-1]
    return head + "ing" + space + rest
