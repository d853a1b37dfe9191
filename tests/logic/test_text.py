import os
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.logic.text import clean, clean_reference, stop_words, strip_placeholders

NO_STOP_WORDS: frozenset[str] = frozenset()
PIECES = st.one_of(
    st.sampled_from(list("""'’‘ʼ"`,:;.?!-–—…()[]{}<>«»“”„&*#@$%_/\\ \n\t\xa0\x1c\u2028""")),
    st.sampled_from(["cannot", "Cannot", "gonna", "GOTTA", "wanna", "gimme", "gİmme", "lemme", "more'n", "d'ye"]),
    st.sampled_from(["'tis", " ", " ", "him", "They", "U.S.", "co-op", "1,000", "9:15", "5", "²", "٣", "é", "e\u0301"]),
    st.sampled_from(["İ", "ı", "Σ", "ΟΔΟΣ", "ß", "ſ", "K", "Ǆ", "\x00", "\ud800", "😀", "中文", "..", "--", ",,"]),
    st.text(max_size=3),
)


@pytest.mark.parametrize(
    "text",
    [
        "Add a Plot",
        "Add a Plot »",
        "Add a Plot\xa0»",
        "Add a plot in your language",
        "Add Full Plot",
        "Add Synopsis",
        "It looks like we don't have a Synopsis for this title yet. Be the first to contribute! Just click the ...",
        "It looks like we don't have any Plot Summaries for this title yet. Be the first to contribute!",
        "It looks like we don’t have any Summaries for this title yet.",
        """Note: Because this project is categorized as in development, the data is only available on IMDbPro and
        is subject to change.""",
        "Read all",
        "See full summary\xa0»",
        "Written by\nSome Body",
        "",
        " \n ",
    ],
)
def test_a_placeholder_is_no_text(text):
    assert strip_placeholders(text) is None


def test_no_text_stays_none():
    assert strip_placeholders(None) is None


@pytest.mark.parametrize("text", ["Plot unknown.", "Plot kept under wraps.", "They add a plot to the garden."])
def test_what_a_person_wrote_stays(text):
    assert strip_placeholders(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A cook runs away with ... See full summary\xa0»", "A cook runs away with"),
        ("A cook runs away...See full summary»", "A cook runs away"),
        ("A cook runs away… Read all", "A cook runs away"),
        ("A cook runs away. See full synopsis »", "A cook runs away."),
        ("A cook runs away.\n\nWritten by\nAnna B. Example <a@example.org>", "A cook runs away."),
        ("A letter, never\n read.  Written by hand and sent, it still changes two lives for good.", None),
        ("You can only see full summary", "You can only see full summary"),
    ],
)
def test_tails_are_removed(text, expected):
    assert strip_placeholders(text) == (" ".join(text.split()) if expected is None else expected)


def test_blanks_are_collapsed():
    assert strip_placeholders(" one\n\n two\xa0\tthree ") == "one two three"


@given(st.text())
def test_odd_texts_are_stripped_without_an_error(text):
    stripped = strip_placeholders(text)
    assert stripped is None or stripped == stripped.strip() != ""


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


def test_stop_words_are_lower_case_without_apostrophes():
    assert {"the", "dont", "shouldve"} <= stop_words()
    assert all(word == word.lower() and "'" not in word for word in stop_words())


@settings(max_examples=1000, deadline=None)
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
    strip_placeholders(text)
    assert time.process_time() - start < 10


def test_the_fast_path_equals_the_reference_on_real_texts():
    titles = os.environ.get("GENREFLOW_TITLES")
    if not titles:
        pytest.skip("GENREFLOW_TITLES names no titles file")
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(titles)
    columns = [column for column in ("summary", "synopsis") if column in table]
    texts = [text for column in columns for text in table[column].dropna()]
    different = sum(clean(text, NO_STOP_WORDS) != clean_reference(text, NO_STOP_WORDS) for text in texts)
    assert (different, len(texts) > 0) == (0, True)
