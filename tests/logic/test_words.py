import os
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.logic import words
from tasks.logic.text import stop_words
from tasks.logic.words import clean_reference, clean_texts

LONG = "GENREFLOW_LONG" in os.environ
NO_STOP_WORDS: frozenset[str] = frozenset()
PIECES = st.one_of(
    st.sampled_from(list("""'’‘ʼ"`,:;.?!-–—…()[]{}<>«»“”„&*#@$%_/\\ \n\t\xa0\x1c\u2028""")),
    st.sampled_from(["cannot", "Cannot", "gonna", "GOTTA", "wanna", "gimme", "gİmme", "lemme", "more'n", "d'ye"]),
    st.sampled_from(["'tis", " ", " ", "him", "They", "U.S.", "co-op", "1,000", "9:15", "5", "²", "٣", "é", "e\u0301"]),
    st.sampled_from(["İ", "ı", "Σ", "ΟΔΟΣ", "ß", "ſ", "K", "Ǆ", "\x00", "\ud800", "😀", "中文", "..", "--", ",,"]),
    st.text(max_size=3),
)


def clean(text: str, stop_words: frozenset[str]) -> list[str]:
    return next(clean_texts([text], stop_words)).split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It follows him. They run", ["it", "follows", "him", "they", "run"]),
        ("Don't don’t donʼt", ["dont", "dont", "dont"]),
        ("“Wait!” (he said); she left—alone", ["wait", "he", "said", "she", "left", "alone"]),
        ("a well-known 3D film of 1,000 men", ["a", "film", "of", "men"]),
        ("one,two,,three", ["one", "two"]),
        ("cannot", ["can", "not"]),
        ("U.S. agents... again", ["agents", "again"]),
        ("", []),
    ],
)
def test_words_of_a_text(text, words):
    assert clean(text, NO_STOP_WORDS) == words
    assert clean_reference(text, NO_STOP_WORDS) == words


def test_stop_words_are_left_out():
    assert clean("The dog and the bone", frozenset({"the", "and"})) == ["dog", "bone"]


def test_a_text_of_stop_words_has_no_words():
    assert clean("It is what it is.", stop_words()) == []


@settings(max_examples=1000 if LONG else 200)
@given(st.lists(PIECES, max_size=12).map("".join))
@example(",,cannot,5 gonna,,gotta")
@example("wanna--")
@example("wanna.")
@example("I wanna. ?")
@example('he "wanna.")')
@example("gotta-have, ,:x,,,y::5z")
@example("a,\U0001e4f0 b,é c,٣d")
def test_the_fast_path_equals_the_reference(text):
    assert clean(text, NO_STOP_WORDS) == clean_reference(text, NO_STOP_WORDS)


@settings(max_examples=300 if LONG else 60)
@given(
    st.lists(st.lists(PIECES, max_size=6).map("".join), max_size=8),
    st.sets(st.sampled_from(["can", "not", "cannot", "gon", "na", "me", "é", "him"])),
    st.sampled_from([1, 20, 1000]),
)
@example(["gonna", "cannot, lemme", "wanna.", "I wanna go"], {"gon", "can", "not"}, 1000)
@example(["a,", ",5", "wan", "na", "x.", ".", "--", "-", "can", "not"], set(), 1000)
def test_texts_cleaned_together_are_as_each_alone(texts: list[str], left_out: set[str], batch: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "BATCH", batch)
        cleaned = list(clean_texts(iter(texts), frozenset(left_out)))
    assert [each.split() for each in cleaned] == [clean_reference(text, frozenset(left_out)) for text in texts]


def test_every_character_is_treated_as_the_reference_does():
    for first in range(0, 0x110000, 64):
        text = "".join(f"a{chr(code)} {chr(code)}b a{chr(code)}B, " for code in range(first, first + 64))
        if first < 0x3100 or first % 0x1000 == 0:
            assert clean(text, NO_STOP_WORDS) == clean_reference(text, NO_STOP_WORDS), hex(first)


@pytest.mark.parametrize(
    "text",
    ["a" * 10_000_000, "a" * 1_000_000 + ",,wanna.", "." * 1_000_000, " \n" * 500_000 + "x", "\x00 \ud800" * 100_000],
    ids=["one word", "one word, rare", "stops", "blanks", "odd characters"],
)
def test_an_absurd_text_takes_linear_time(text):
    start = time.process_time()
    clean(text, NO_STOP_WORDS)
    assert time.process_time() - start < 10


def test_the_fast_path_equals_the_reference_on_real_texts():
    """Short by default; GENREFLOW_LONG=1 reads all texts and not one in eight."""
    titles = os.environ.get("GENREFLOW_TITLES")
    if not titles:
        pytest.skip("GENREFLOW_TITLES names no titles file")
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(titles)
    columns = [column for column in ("summary", "synopsis") if column in table]
    texts = [text for column in columns for text in table[column].dropna()]
    texts = texts if "GENREFLOW_LONG" in os.environ else texts[::8]
    cleaned = zip(texts, clean_texts(texts, NO_STOP_WORDS), strict=True)
    different = sum(words.split() != clean_reference(text, NO_STOP_WORDS) for text, words in cleaned)
    assert (different, len(texts) > 0) == (0, True)
