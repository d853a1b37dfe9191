"""Cleaning of texts that nobody expects: total, the same by both ways, the same a second time, and in time."""

import os
import random

import pytest
from harness import in_time
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import EMOJI, ODD_TEXTS, RIGHT_TO_LEFT, ZALGO, mutate_text

from tasks.logic.text import read_texts, stop_words, strip_placeholders
from tasks.logic.words import clean_reference, clean_texts

LONG = "GENREFLOW_LONG" in os.environ
MUTATIONS = 20_000 if LONG else 250
PLOT = (
    'A clerk (Ann Lee) cannot find "the map"; she\'s gonna ask U.S. agents... They run: one, two,three -- and he goes. '
    "Written by\nSome Body ... See full summary »"
)
# The tokenizer takes "wanna." at a full stop for one word, and two inside a sentence: that word alone reads otherwise
# among cleaned words than it did in its text.
UNSETTLED = "wanna"
PIECES = st.one_of(st.sampled_from(ODD_TEXTS), st.text(max_size=20), st.sampled_from(PLOT.split(" ")))


def check(text: str) -> None:
    read = read_texts([text], stop_words())
    raw, words = read.raw[0], read.words[0]
    assert words.split() == clean_reference(raw, stop_words())
    assert all(word.isalpha() and word not in stop_words() for word in words.split())
    assert strip_placeholders(raw) == (raw or None)
    if UNSETTLED not in words:
        assert next(clean_texts([words], stop_words())) == words


def test_damaged_text_is_cleaned_alike_by_both_ways_and_once_and_for_all() -> None:
    for number in range(MUTATIONS):
        rng = random.Random(number)
        whole = rng.choice((PLOT * rng.choice((1, 5)), rng.choice(ODD_TEXTS) * 3, rng.choice(ODD_TEXTS) + PLOT))
        text = mutate_text(whole, PLOT, rng)
        try:
            check(text[: 20_000 if LONG else 4_000])
        except Exception as error:
            error.add_note(f"mutation {number}")
            raise


@given(st.lists(PIECES, max_size=8))
@settings(max_examples=2_000 if LONG else 60)
def test_texts_of_odd_pieces_are_cleaned_alike_by_both_ways_and_once_and_for_all(pieces: list[str]) -> None:
    check(" ".join(pieces))


@given(st.lists(PIECES, max_size=6))
@settings(max_examples=500 if LONG else 30)
def test_texts_are_cleaned_by_themselves_as_among_others(texts: list[str]) -> None:
    assert read_texts(texts, stop_words()) == (
        [read_texts([text], stop_words()).raw[0] for text in texts],
        [read_texts([text], stop_words()).words[0] for text in texts],
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He runs... See full summary » ... See full summary »", "He runs"),
        ("He runs. Written by Jo Doe Written by Ann Lee", "He runs."),
        ("He runs. Written by Jo Doe ... See full summary »", "He runs."),
        ("Add a Plot » ... See full summary »", None),
        ("... See full summary »" * 50, None),
    ],
)
def test_tails_behind_tails_go_too(text: str, expected: str | None) -> None:
    assert strip_placeholders(text) == expected


UNITS = [
    "a", "<", "&", "[[", "{{", "<!--", " ", "\n", "\0", "'", '"', ")", "😀", "e\u0301", "\ud800", "a\ud800 ",
    " Written by", "... See full summary »", "<b>", "&amp;", "\u202e", "中", "1", "/", ZALGO, EMOJI, RIGHT_TO_LEFT,
]  # fmt: skip
# What keeps the fast way busiest, and letters that are left to the slow one.
SLOWER = [".", ",", "-", ". ", "a.b,c-"]
SLOWEST = ["Σ ", "İ", "wanna. ", "Σ.)", "Σ. ", 'Σ"', "gimme. "]
SIZES = [*((unit, 10_000_000 if LONG else 1_000_000) for unit in UNITS), *((unit, 1_000_000) for unit in SLOWER)]


@pytest.mark.parametrize(("unit", "size"), [*SIZES, *((unit, 200_000) for unit in SLOWEST)])
def test_text_of_one_thing_is_cleaned_within_a_second(unit: str, size: int) -> None:
    text = unit * (size // len(unit.encode("utf-8", "surrogatepass")))
    in_time(lambda: read_texts([text], stop_words()))
