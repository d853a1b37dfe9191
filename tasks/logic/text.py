"""What a text means to every model: placeholders off, then words. Training and serving share these functions."""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable, Sequence
from itertools import filterfalse
from typing import NamedTuple

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
# A classic storyline names its author behind its last sentence; a name has few words and no full stop at its end.
_AUTHOR_TAIL = re.compile(r"(?:^|(?<=[.!?…\"'”’»)\]])) ?Written by(?: [^\s]{1,60}){1,6}(?<![.!?])$")
# Both tails are shorter than this many characters.
_TAIL = 400

# Straight, typographic right and left, and the modifier letter. A left one opens a quotation or stands for a
# dropped letter; either way the word it touches is the same word without it.
_APOSTROPHES = "'’‘ʼ"
_NO_APOSTROPHES = {ord(mark): None for mark in _APOSTROPHES}

# Characters that NLTKWordTokenizer always sets apart; none is alphabetic, so a blank does the same.
_ASCII_APART = '"`;@#$%&?!*()[]{}<>'
_OTHER_APART = "«»“”„\u2012\u2013\u2014\u2015"
# One pass over UTF-8 bytes: those apart, ASCII in lower case, every digit as 0 (no digit ends in a word), colons
# as commas (both are parted from what follows in one way).
_TABLE = bytes.maketrans(
    (_ASCII_APART + ":" + string.ascii_uppercase + string.digits).encode(),
    (" " * len(_ASCII_APART) + "," + string.ascii_lowercase + "0" * len(string.digits)).encode(),
)
_STOP = re.compile(r"\.(?:\.+|(?!\S))")
_CONTRACTIONS = ("cannot", "gimme", "gonna", "gotta", "lemme", "wanna")
_CONTRACTED = re.compile(r"\b(can(?=not)|gim(?=me)|gon(?=na)|got(?=ta)|lem(?=me))(not|me|na|ta)\b|\b(wan)(na)(?=\s|$)")
# What is left to the reference: letters whose lower case depends on their neighbours, is more than one character
# or matches another letter; what may be a digit in a newer Unicode than Python's behind a comma; and "wanna." that
# NLTK parts only where it takes the full stop for the text's last.
_RARE = re.compile(r"[İıΣ]|,(?![\x00-\x7f\s])[\W\d_]")
_RARE_STOP = "wanna."


class Texts(NamedTuple):
    """Hold texts as recipes read them: raw (placeholders off, runs of blanks as one) and as space-joined words."""

    raw: Sequence[str]
    words: Sequence[str]


def read_texts(texts: Sequence[str], stop_words: frozenset[str]) -> Texts:
    """Return what recipes read of texts as sites give them, the same in training and in serving."""
    raw = [strip_placeholders(text) or "" for text in texts]
    return Texts(raw, [" ".join(clean(text, stop_words)) for text in raw])


def strip_placeholders(text: str | None) -> str | None:
    """Return the text without what the site added to it, runs of blanks as one; None where nothing is left.

    Whole-text placeholders ("Add a Plot") give None; tails ("... See full summary »", "Written by NAME") go.
    """
    text = " ".join((text or "").split())
    if len(text) <= 2 * _TAIL and _PLACEHOLDER.fullmatch(text):
        return None
    head, tail = text[:-_TAIL], text[-_TAIL:]
    for pattern in (_AUTHOR_TAIL, _CUT_TAIL):
        tail = pattern.sub("", tail)
    return (head + tail).strip() or None


@functools.cache
def stop_words() -> frozenset[str]:
    """Return the English stop words of the package stop-words, lower case, apostrophes removed as in any text."""
    from stop_words import get_stop_words

    return frozenset(word.lower().translate(_NO_APOSTROPHES) for word in get_stop_words("english"))


def clean(text: str, stop_words: frozenset[str]) -> list[str]:
    """Return the words of a text: exactly those of clean_reference, in a small part of its time."""
    parted = _set_apart(text)
    if parted is None or _RARE_STOP in parted:
        return clean_reference(text, stop_words)
    parted = parted.replace("--", " ")
    for contraction in _CONTRACTIONS:
        if contraction in parted:
            parted = _CONTRACTED.sub(r" \1\3 \2\4 ", parted)
            break
    words = _STOP.sub(" ", parted).split()
    return list(filter(str.isalpha, filterfalse(stop_words.__contains__, words)))


def clean_reference(text: str, stop_words: frozenset[str]) -> list[str]:
    """Return the words of a text, the slow way that defines them.

    Apostrophes out; NLTKWordTokenizer; the full stop at a token's end split off; lower case; tokens that are not
    alphabetic (str.isalpha) and stop words out.
    """
    tokens = _tokenizer()(text.translate(_NO_APOSTROPHES))
    words = (token.removesuffix(".").lower() for token in tokens)
    return [word for word in words if word.isalpha() and word not in stop_words]


def _set_apart(text: str) -> str | None:
    """Return the text in lower case, digits as 0, with blanks for marks that stand apart; None where rare."""
    parted = text.encode("utf-8", "surrogatepass").translate(_TABLE, b"'").decode("utf-8", "surrogatepass")
    if not parted.isascii():
        for mark in _APOSTROPHES:
            parted = parted.replace(mark, "")
        for mark in _OTHER_APART:
            parted = parted.replace(mark, " ")
        if _RARE.search(parted):
            return None
        parted = parted.lower()
    return _part_commas(parted)


def _part_commas(text: str) -> str:
    """Part commas from what follows as NLTK does, which consumes one character behind each and spares digits.

    So the second of a pair stays on the word that follows. A bar in its place keeps that word from being
    alphabetic, as the comma would.
    """
    return text.replace(",,", " |").replace(",0", "|0").replace(",", " ")


@functools.cache
def _tokenizer() -> Callable[[str], list[str]]:
    # NLTK takes two seconds to import, which a text without rare patterns never needs.
    from nltk import redos
    from nltk.tokenize import NLTKWordTokenizer

    # NLTK stops any expression after 5 s; the tokenizer's own are linear, and a huge text is no attack.
    redos.DEFAULT_TIMEOUT = None
    tokenize: Callable[[str], list[str]] = NLTKWordTokenizer().tokenize
    return tokenize
