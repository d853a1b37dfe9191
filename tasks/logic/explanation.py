"""Which words of a text speak for a genre, as places in the text that a reader sees."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from tasks.logic.text import Texts, read_texts
from tasks.logic.words import clean_texts

Floats = npt.NDArray[np.float64]
# Words listed of those that speak for a genre, and of those against it.
WORDS_TOLD = 6


class Passage(NamedTuple):
    """Hold one text, what stands between its blanks (words), and the cleaned words in them (tokens).

    owners has the place in words of each token. A word may hold no token (a stop word, "science-fiction") or several
    ("ship—sea").
    """

    raw: str
    words: list[str]
    tokens: list[str]
    owners: npt.NDArray[np.intp]

    @property
    def texts(self) -> Texts:
        """Return the text as recipes read it."""
        return Texts([self.raw], [" ".join(self.tokens)])

    def by_word(self, of_tokens: Floats) -> Floats:
        """Sum what tokens have, (tokens, genres), over the words that they stand in: (words, genres)."""
        summed = np.zeros((len(self.words), of_tokens.shape[1]))
        np.add.at(summed, self.owners, of_tokens)
        return summed


class Span(TypedDict):
    """Hold a word of the text: where it starts and ends, itself, and how much it adds to the genre's logit."""

    start: int
    end: int
    word: str
    weight: float


class Word(TypedDict):
    """Hold what all places of a word add to the genre's logit, and its share of what all words add or take."""

    word: str
    weight: float
    share: float


class GenreWords(TypedDict):
    """Hold a genre's words, the one that speaks most for it first, and every word of the text in its place."""

    words: list[Word]
    spans: list[Span]


class Explanation(TypedDict):
    """Hold the text as it was read, and what its words say of each genre explained."""

    text: str
    genres: dict[str, GenreWords]


def read_passage(text: str, stop_words: frozenset[str]) -> Passage:
    """Read a text as recipes do, and keep which of its words each cleaned word comes from."""
    raw = read_texts([text], stop_words).raw[0]
    words = raw.split()
    lettered = [i for i, word in enumerate(words) if any(map(str.isalpha, word))]
    # The digits part nothing and are no words, but without them every word would be the text's first and last, where
    # NLTK reads marks otherwise.
    behind = [*("0" for _ in lettered[1:]), " ".join(words[lettered[-1] + 1 :]) if lettered else ""]
    alone = (f"0 {words[i]} {rest}" for i, rest in zip(lettered, behind, strict=False))
    tokens: list[str] = []
    owners: list[int] = []
    for i, joined in zip(lettered, clean_texts(alone, stop_words), strict=True):
        found = joined.split()
        tokens += found
        owners += [i] * len(found)
    return Passage(raw, words, tokens, np.array(owners, dtype=np.intp))


def explain(passage: Passage, contributions: Floats, genres: Sequence[str]) -> Explanation:
    """Return what each word of a passage says of genres; contributions is (words, genres)."""
    # What is shown must be printable; half of a surrogate pair is not. Places stay as they are.
    shown = passage.raw.encode("utf-8", "replace").decode("utf-8")
    places = _places(shown)
    told: dict[str, GenreWords] = {}
    for genre, weights in zip(genres, contributions.T.tolist(), strict=True):
        spans = [
            Span(start=start, end=end, word=shown[start:end], weight=weight)
            for (start, end), weight in zip(places, weights, strict=True)
        ]
        told[genre] = GenreWords(words=_summed(spans), spans=spans)
    return Explanation(text=shown, genres=told)


def kinds(words: Sequence[str]) -> list[str]:
    """Return what makes two words of a text the same one: without the marks around them, in lower case."""
    return [word[slice(*_trim(word))].casefold() for word in words]


def by_kind(words: Sequence[str], weights: npt.ArrayLike) -> dict[str, float]:
    """Sum weights (words,) over all places of a word, the highest first."""
    summed: dict[str, float] = {}
    for kind, weight in zip(kinds(words), np.asarray(weights, np.float64).tolist(), strict=True):
        summed[kind] = summed.get(kind, 0.0) + weight
    return dict(sorted(summed.items(), key=lambda pair: -pair[1]))


def explained_genres(probabilities: Mapping[str, float], predicted: Sequence[str]) -> list[str]:
    """Return the genres worth explaining: those predicted, or else the most probable one."""
    chosen = list(predicted) or [max(probabilities, key=lambda genre: probabilities[genre])]
    return sorted(chosen, key=lambda genre: -probabilities[genre])


def leading(words: Sequence[Word], sign: int, count: int = WORDS_TOLD) -> list[Word]:
    """Return the words that say most for a genre (sign 1) or against it (-1), the strongest first."""
    ordered = words if sign > 0 else list(reversed(words))
    return [word for word in ordered[:count] if word["weight"] * sign > 0]


def _summed(spans: Sequence[Span]) -> list[Word]:
    words = [span["word"] for span in spans]
    summed = by_kind(words, [span["weight"] for span in spans])
    shown = dict(zip(reversed(kinds(words)), reversed(words), strict=True))
    whole = sum(map(abs, summed.values()))
    return [
        Word(word=shown[kind], weight=weight, share=weight / whole if whole else 0.0) for kind, weight in summed.items()
    ]


def _places(text: str) -> list[tuple[int, int]]:
    places, end = [], 0
    for word in text.split():
        start = text.index(word, end)
        end = start + len(word)
        first, last = _trim(word)
        places.append((start + first, start + last))
    return places


def _trim(word: str) -> tuple[int, int]:
    """Return where a word starts and ends without the marks around it; all of it where it is marks only."""
    kept = [unicodedata.category(letter)[0] for letter in word]
    first = next((i for i, kind in enumerate(kept) if kind in "LN"), None)
    if first is None:
        return 0, len(word)
    # A combining mark (M) belongs to the letter before it.
    return first, max(i for i, kind in enumerate(kept) if kind in "LMN") + 1
