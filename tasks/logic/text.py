"""What a text means to every model: placeholders off, then words. Training and serving share these functions."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from tasks.logic.words import NO_APOSTROPHES, clean_texts

# Whole texts that sites show where a plot is missing. A text the user wrote ("Plot unknown.") is none of them.
_PLACEHOLDER = re.compile(
    r"""(?ix)
    (?: add\ (?:an?\ |full\ )?(?:plot|synopsis|summary)(?:\ in\ your\ language)? (?:\ ?»)?
      | it\ looks\ like\ we\ don.?t\ have\ an?y?\ [^.]{1,60}\ for\ this\ title\ yet\b.{0,300}
      | note:\ because\ this\ project\ is\ categorized\ as\ [^,]{1,60},\ the\ data\ is\ only\ available\ on\ imdbpro
        \ and\ is\ subject\ to\ change\.?
      | (?:see\ full\ (?:summary|synopsis)|read\ all|plot\ summary|plot\ synopsis) (?:\ ?»)?
    )"""
)
# Links that follow a text cut short, together with the dots that mark the cut.
_CUT_TAIL = re.compile(
    r"(?i)(?: ?(?:\.\.\.|…) ?see full (?:summary|synopsis)(?: ?»)?"
    r"| ?see full (?:summary|synopsis) ?»| ?(?:\.\.\.|…) ?read all)$"
)
_CUT_WORDS = re.compile("(?i)see full |read all")
# A classic storyline names its author behind its last sentence; a name has few words and no full stop at its end.
_AUTHOR_TAIL = re.compile(r"(?:^|(?<=[.!?…\"'”’»)\]])) ?Written by(?: [^\s]{1,60}){1,6}(?<![.!?])$")
# Both tails are shorter than this many characters, and no site adds as many of them.
_TAIL, _MOST_TAILS = 400, 100


class Texts(NamedTuple):
    """Hold texts as recipes read them: raw (placeholders off, runs of blanks as one) and as space-joined words."""

    raw: Sequence[str]
    words: Sequence[str]


def read_texts(texts: Sequence[str], stop_words: frozenset[str]) -> Texts:
    """Return what recipes read of texts as sites give them, the same in training and in serving."""
    raw = [strip_placeholders(text) or "" for text in texts]
    return Texts(raw, list(clean_texts(raw, stop_words)))


def strip_placeholders(text: str | None) -> str | None:
    """Return the text without what the site added to it, runs of blanks as one; None where nothing is left.

    Whole-text placeholders ("Add a Plot") give None; tails ("... See full summary »", "Written by NAME") go.
    """
    text = " ".join((text or "").split())
    end = len(text)
    # One tail may stand behind another, or behind a whole placeholder.
    for _ in range(_MOST_TAILS):
        if end <= 2 * _TAIL and _PLACEHOLDER.fullmatch(text, 0, end):
            return None
        before, end = end, _strip_tail(text, end)
        if end == before:
            break
    return text[:end].strip() or None


def _strip_tail(text: str, end: int) -> int:
    """Return where a text that ends at `end` ends without its tail."""
    tail = text[max(end - _TAIL, 0) : end]
    length = len(tail)
    # Searches for a tail start at every character; few texts have what makes one.
    if "Written by" in tail:
        tail = _AUTHOR_TAIL.sub("", tail)
    if _CUT_WORDS.search(tail, max(len(tail) - 20, 0)):
        tail = _CUT_TAIL.sub("", tail)
    return end - length + len(tail.rstrip())


@functools.cache
def stop_words() -> frozenset[str]:
    """Return the English stop words of the package stop-words, lower case, apostrophes removed as in any text."""
    from stop_words import get_stop_words

    return frozenset(word.lower().translate(NO_APOSTROPHES) for word in get_stop_words("english"))
