"""The words of texts: defined by NLTK's tokenizer, found by passes over the bytes of many texts at a time."""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# Characters that are cleaned at a time: enough that passes cost more than starting them, few enough for the cache.
BATCH = 1_000_000

# Straight, typographic right and left, and the modifier letter. A left one opens a quotation or stands for a
# dropped letter; either way the word it touches is the same word without it.
_APOSTROPHES = "'’‘ʼ"
NO_APOSTROPHES = {ord(mark): None for mark in _APOSTROPHES}

# Characters that NLTKWordTokenizer always sets apart; none is alphabetic, so a blank does the same.
_ASCII_APART = '"`;@#$%&?!*()[]{}<>'
_OTHER_APART = "«»“”„\u2012\u2013\u2014\u2015"
_ASCII_BLANKS = "\t\r\v\f\x1c\x1d\x1e\x1f"
_OTHER_BLANKS = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
# One pass over bytes: those apart, ASCII in lower case, every digit as 0 (no digit ends in a word), colons as commas
# (both are parted from what follows in one way).
_TABLE = bytes.maketrans(
    (_ASCII_APART + _ASCII_BLANKS + ":" + string.ascii_uppercase + string.digits).encode(),
    (" " * len(_ASCII_APART + _ASCII_BLANKS) + "," + string.ascii_lowercase + "0" * len(string.digits)).encode(),
)
# What NLTK parts of one word; of "wanna." it does so only where it takes the full stop for the text's last.
_CONTRACTIONS = {
    "cannot": ("can", "not"),
    "gimme": ("gim", "me"),
    "gonna": ("gon", "na"),
    "gotta": ("got", "ta"),
    "lemme": ("lem", "me"),
    "wanna": ("wan", "na"),
}
_RARE_STOP = "wanna."
_ENDS = np.isin(np.arange(256), [ord(" "), ord("\n"), ord(".")])
# What is left to the reference: letters whose lower case depends on their neighbours, is more than one character or
# matches another letter; and behind a comma what may be a digit in a newer Unicode than Python's.
_RARE = "İıΣ"
# No letter, no blank and no punctuation to anybody, like the sign that stands for it in UTF-8, which has no such thing.
_HALF_A_PAIR = re.compile("[\ud800-\udfff]+")
_RARE_BEHIND_COMMA = re.compile(r"[\W\d_]")


def clean_texts(texts: Iterable[str], stop_words: frozenset[str]) -> Iterator[str]:
    """Yield the words of each text joined by blanks, exactly those of clean_reference, in a small part of its time."""
    values = pa.array([*_CONTRACTIONS, *sorted(stop_words - _CONTRACTIONS.keys())], pa.string())
    batch: list[str] = []
    held = 0
    for text in texts:
        batch.append(text)
        held += len(text)
        if held >= BATCH:
            yield from _clean_batch(batch, stop_words, values)
            batch, held = [], 0
    yield from _clean_batch(batch, stop_words, values)


def clean_reference(text: str, stop_words: frozenset[str]) -> list[str]:
    """Return the words of a text, the slow way that defines them.

    Apostrophes out; NLTKWordTokenizer; the full stop at a token's end split off; lower case; tokens that are not
    alphabetic (str.isalpha) and stop words out.
    """
    tokens = _tokenizer()(text.translate(NO_APOSTROPHES))
    words = (token.removesuffix(".").lower() for token in tokens)
    return [word for word in words if word.isalpha() and word not in stop_words]


def _clean_batch(texts: Sequence[str], stop_words: frozenset[str], values: pa.StringArray) -> list[str]:
    """Return the words of each text joined by blanks; values are the contractions, then the stop words."""
    lines = [_encode(text) for text in texts]
    parted = _part(lines)
    offsets, tokens = parted.offsets.to_numpy(), parted.flatten()
    words, found = _alphabetic(tokens), pc.index_in(tokens, value_set=values)
    listed, place = _numpy(found.is_valid()), np.frombuffer(found.buffers()[1], np.int32)
    contracted = np.flatnonzero(listed & (place < len(_CONTRACTIONS)))
    left = _rare_rows(texts, tokens, offsets, words, contracted)
    left |= {row for row, line in enumerate(lines) if line is None}
    rest = [" ".join(part for part in parts if part not in stop_words) for parts in _CONTRACTIONS.values()]
    contracted = contracted[np.array([bool(each) for each in rest])[place[contracted]]]
    kept = words & ~listed
    kept[contracted] = True
    ends = np.zeros(len(kept) + 1, np.int32)
    np.cumsum(kept, out=ends[1:])
    chosen = tokens.filter(pa.array(kept))
    if len(contracted):
        replaced = np.zeros(len(chosen), bool)
        replaced[ends[contracted]] = True
        chosen = pc.replace_with_mask(chosen, pa.array(replaced), pa.array(rest).take(pa.array(place[contracted])))
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(ends[offsets]), chosen), " ").to_pylist()
    for row in left:
        joined[row] = " ".join(clean_reference(texts[row], stop_words))
    return joined


def _encode(text: str) -> bytes | None:
    """Return a text's bytes on one line, marks and blanks beyond ASCII done; None for what is left to the reference."""
    if not text.isascii():
        for mark in _APOSTROPHES:
            text = text.replace(mark, "")
        for mark in _OTHER_APART + _OTHER_BLANKS:
            text = text.replace(mark, " ")
        if any(letter in text for letter in _RARE) or _has_rare_comma(text):
            return None
        text = text.lower()
    text = text.replace("\n", " ")
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _HALF_A_PAIR.sub("\ufffd", text).encode()


def _has_rare_comma(text: str) -> bool:
    behind = [part[0] for part in text.replace(":", ",").split(",")[1:] if part]
    return any(not first.isascii() and _RARE_BEHIND_COMMA.match(first) for first in behind)


def _part(lines: Sequence[bytes | None]) -> pa.ListArray:
    """Return the tokens of each line; a line that is None has none."""
    translated = b"\n".join([*(line or b"" for line in lines), b""]).translate(_TABLE, b"'")
    codes = np.frombuffer(translated, np.uint8).copy()
    _blank_marks(codes)
    offsets = np.zeros(len(lines) + 1, np.int32)
    offsets[1:] = np.flatnonzero(codes == ord("\n")) + 1
    return pc.ascii_split_whitespace(
        pa.StringArray.from_buffers(len(lines), pa.py_buffer(offsets), pa.py_buffer(codes))
    )


def _blank_marks(codes: npt.NDArray[np.uint8]) -> None:
    """Put blanks in the place of commas, dashes and full stops that part words; the last code is a line's end.

    A comma is parted from what follows as NLTK does, which consumes one character behind each and spares digits: the
    second of a pair stays on the word that follows, where a bar keeps that word from being alphabetic as the comma
    would. Dashes part in pairs, full stops in runs and at the ends of words.
    """
    # The three are neighbours in ASCII, and what lies below them wraps around to large numbers.
    at = np.flatnonzero(codes - ord(",") <= ord(".") - ord(","))
    marks, behind = codes[at], codes[at + 1]
    of_run = _places_in_runs(at, marks)
    second = of_run % 2 == 1
    comma, dash, stop = (marks == ord(mark) for mark in ",-.")
    codes[at[comma]] = np.where(second | (behind == ord("0")), ord("|"), ord(" "))[comma]
    codes[at[dash & (second | (behind == ord("-")))]] = ord(" ")
    ends = _ENDS[codes[at + 1]]
    codes[at[stop & (ends | (of_run > 0))]] = ord(" ")


def _places_in_runs(at: npt.NDArray[np.intp], marks: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Return how many equal marks stand directly before each; at are their places, ascending."""
    follows = np.zeros(len(at), bool)
    follows[1:] = (at[1:] - at[:-1] == 1) & (marks[1:] == marks[:-1])
    number = np.arange(len(at))
    return number - np.maximum.accumulate(np.where(follows, 0, number))


def _alphabetic(tokens: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Say which tokens are alphabetic, as this Python's Unicode has it."""
    words = _numpy(pc.ascii_is_alpha(tokens)).copy()
    odd = np.flatnonzero(~words)
    others = odd[~_numpy(pc.string_is_ascii(tokens.take(pa.array(odd))))]
    if len(others):
        distinct = tokens.take(pa.array(others)).dictionary_encode()
        known = np.array([word.isalpha() for word in distinct.dictionary.to_pylist()])
        words[others] = known[distinct.indices.to_numpy()]
    return words


def _rare_rows(
    texts: Sequence[str],
    tokens: pa.StringArray,
    offsets: npt.NDArray[np.int32],
    words: npt.NDArray[np.bool_],
    contracted: npt.NDArray[np.intp],
) -> set[int]:
    """Return the rows of texts with contractions that only the reference parts rightly."""

    def rows(at: npt.NDArray[np.intp], pattern: str) -> set[int]:
        matching = at[_numpy(pc.match_substring_regex(tokens.take(pa.array(at)), pattern))]
        return {int(row) for row in np.searchsorted(offsets, matching, side="right") - 1}

    maybe = rows(contracted, _RARE_STOP.removesuffix("."))
    return rows(np.flatnonzero(~words), "|".join(_CONTRACTIONS)) | {
        row for row in maybe if _RARE_STOP in texts[row].translate(NO_APOSTROPHES).lower()
    }


def _numpy(flags: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    array: npt.NDArray[np.bool_] = flags.to_numpy(zero_copy_only=False)
    return array


@functools.cache
def _tokenizer() -> Callable[[str], list[str]]:
    # NLTK takes two seconds to import, which a text without rare patterns never needs.
    from nltk import redos
    from nltk.tokenize import NLTKWordTokenizer

    # NLTK stops any expression after 5 s; the tokenizer's own are linear, and a huge text is no attack.
    redos.DEFAULT_TIMEOUT = None
    tokenize: Callable[[str], list[str]] = NLTKWordTokenizer().tokenize
    return tokenize
