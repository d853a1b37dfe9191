"""Names of people and places in texts, found by their capitals in train texts, and texts without them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE_ENDS = re.compile(r'[.!?:"“]')
# A name is a word that stands with a capital inside sentences so often, and in lower case so seldom.
_TIMES = 3
_NAME_SHARE = 0.9
# A word with a capital is no name when so many of its occurrences are in lower case.
_COMMON_SHARE = 0.3
SOMEONE = "someone"
_NAMES_IN_A_ROW = re.compile(rf"{SOMEONE}(?:[ .-]+{SOMEONE})+")


class Names(NamedTuple):
    """Hold, in lower case, words that are names however they are written, and words that a capital makes no name."""

    names: frozenset[str]
    common: frozenset[str]

    def mask(self, text: str) -> str:
        """Return the text with "someone" in place of each name, or of several in a row."""
        masked = _WORD.sub(lambda found: SOMEONE if self._is_name(found.group()) else found.group(), text)
        return _NAMES_IN_A_ROW.sub(SOMEONE, masked)

    def _is_name(self, word: str) -> bool:
        lower = word.lower()
        return lower in self.names or (word.istitle() and lower not in self.common)


def learn_names(texts: Sequence[str]) -> Names:
    """Learn from texts which words are names: those with a capital inside sentences, but for abbreviations (FBI).

    Texts all in capitals, or without any, say nothing and are passed over.
    """
    capital: Counter[str] = Counter()
    lower: Counter[str] = Counter()
    for text in texts:
        if text.isupper() or text.islower():
            continue
        end = 0
        for found in _WORD.finditer(text):
            word = found.group()
            starts_sentence = end == 0 or _SENTENCE_ENDS.search(text, end, found.start()) is not None
            end = found.end()
            if word.islower():
                lower[word] += 1
            elif word.istitle() and not starts_sentence:
                capital[word.lower()] += 1
    names = {
        word for word, times in capital.items() if times >= _TIMES and times >= _NAME_SHARE * (times + lower[word])
    }
    common = {word for word, times in lower.items() if times >= _COMMON_SHARE * (times + capital[word])}
    return Names(frozenset(names), frozenset(common))
