"""Words in their places: what is shown is what was read, and nothing of a text becomes markup."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.logic.explanation import by_kind, explain, explained_genres, kinds, leading, read_passage
from tasks.logic.explanation_page import mark_up, render
from tasks.logic.text import read_texts

STOP_WORDS = frozenset({"the", "a", "of"})
# What the tokenizer treats in ways of its own: joined or parted words, marks and digits at a word's edges.
PIECES = [
    "the", "sea", "Ship's", "wanna", "wanna.", "cannot", "gonna", "--", "—", ",", ",,", "1,000", ".", "...", '"', ")",
    "»", "'tis", "d'ye", "U.S.", "e.g.,", "more'n", "''", "İx", "ΣΑΣ", "x,٣", "caf\u00e9", "e\u0301",
]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(PIECES) | st.text(max_size=3), st.sampled_from(["", " ", "\n"]))))
def test_tokens_found_word_by_word_are_those_of_the_whole_text(parts: list[tuple[str, str]]) -> None:
    text = "".join(piece + blank for piece, blank in parts)
    passage = read_passage(text, STOP_WORDS)
    assert passage.tokens == read_texts([text], STOP_WORDS).words[0].split()
    assert all(0 <= owner < len(passage.words) for owner in passage.owners)
    assert list(passage.owners) == sorted(passage.owners)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The captain's SHIP.", [("captains", "captain's"), ("ship", "SHIP.")]),
        ("rock ‘n’ roll", [("rock", "rock"), ("n", "‘n’"), ("roll", "roll")]),
        ("a science-fiction film", [("film", "film")]),
        ("ship—sea", [("ship", "ship—sea"), ("sea", "ship—sea")]),
        ("a sailor… See full summary »", [("sailor", "sailor")]),
        ('"Ærø" (Ελλάδα), 東京!', [("ærø", '"Ærø"'), ("ελλάδα", "(Ελλάδα),"), ("東京", "東京!")]),
        ("the of 1984", []),
        ("", []),
    ],
)
def test_each_token_knows_the_word_it_stands_in(text: str, found: list[tuple[str, str]]) -> None:
    passage = read_passage(text, STOP_WORDS)
    assert [(token, passage.words[owner]) for token, owner in zip(passage.tokens, passage.owners, strict=True)] == found


def test_words_stand_where_the_text_shows_them() -> None:
    passage = read_passage("The  captain's ship, “the Ship”", STOP_WORDS)
    told = explain(passage, np.array([[0.0], [0.5], [1.0], [0.0], [-0.25]]), ["War"])
    assert told["text"] == "The captain's ship, “the Ship”"
    spans = told["genres"]["War"]["spans"]
    assert [told["text"][span["start"] : span["end"]] for span in spans] == ["The", "captain's", "ship", "the", "Ship"]
    assert [span["word"] for span in spans] == ["The", "captain's", "ship", "the", "Ship"]
    assert [span["weight"] for span in spans] == [0.0, 0.5, 1.0, 0.0, -0.25]


def test_places_of_a_word_count_together_and_shares_are_of_all_that_words_say() -> None:
    passage = read_passage("Ship: sea, SHIP - storm", STOP_WORDS)
    told = explain(passage, np.array([[0.5], [-0.25], [1.0], [0.0], [0.25]]), ["War"])
    words = told["genres"]["War"]["words"]
    assert [(word["word"], word["weight"], word["share"]) for word in words] == [
        ("Ship", 1.5, 0.75), ("storm", 0.25, 0.125), ("-", 0.0, 0.0), ("sea", -0.25, -0.125),
    ]  # fmt: skip
    assert [word["word"] for word in leading(words, 1)] == ["Ship", "storm"]
    assert [word["word"] for word in leading(words, -1)] == ["sea"]
    assert [word["word"] for word in leading(words, 1, 1)] == ["Ship"]


def test_marks_around_a_word_and_its_case_make_no_other_word() -> None:
    assert kinds(["“Ship,", "SHIP", "ship's", "--", "हिन्दी।", "❤️"]) == ["ship", "ship", "ship's", "--", "हिन्दी", "❤️"]
    assert by_kind(["a", "B", "A"], [1, 5, 2]) == {"b": 5.0, "a": 3.0}


def test_without_a_predicted_genre_the_most_probable_is_explained() -> None:
    probabilities = {"Drama": 0.2, "War": 0.4, "Crime": 0.3}
    assert explained_genres(probabilities, []) == ["War"]
    assert explained_genres(probabilities, ["Drama", "Crime"]) == ["Crime", "Drama"]


def test_half_a_surrogate_pair_is_shown_as_a_mark() -> None:
    told = explain(read_passage("caf\udce9 sea", STOP_WORDS), np.ones((2, 1)), ["War"])
    assert told["text"] == "caf? sea"
    assert told["genres"]["War"]["spans"][1]["word"] == "sea"


HOSTILE = "<script>alert(1)</script> & \"sea\" <b>'ship'</b>"


def page_of(text: str, weights: list[float], genre: str = "War") -> str:
    passage = read_passage(text, STOP_WORDS)
    return render(
        {
            "model": "<i>model</i>",
            "recipe": "linear",
            "genres": [genre],
            "probabilities": {genre: 0.5},
            "explanation": explain(passage, np.array(weights)[:, None], [genre]),
        }
    )


def test_nothing_of_a_text_becomes_markup() -> None:
    found = page_of(HOSTILE, [1.0, 0.5, -0.5, 0.01], genre="<u>War</u>")
    for tag in ("<script", "<b>", "<i>", "<u>"):
        assert tag not in found
    assert "&lt;<mark" in found
    assert "alert(1)&lt;/script" in found
    assert "&amp;" in found


def test_marked_words_have_their_weight_and_faint_ones_none() -> None:
    text = "sea ship storm"
    spans = explain(read_passage(text, STOP_WORDS), np.array([[1.0], [-0.5], [0.01]]), ["War"])["genres"]["War"][
        "spans"
    ]
    assert mark_up(text, spans) == (
        '<mark style="background: rgba(37, 99, 235, 0.60)" title="+1.000">sea</mark> '
        '<mark style="background: rgba(234, 120, 12, 0.30)" title="-0.500">ship</mark> storm'
    )


def test_a_text_that_says_nothing_has_a_page() -> None:
    found = page_of("the of", [0.0, 0.0])
    assert "for: no word<br>against: no word" in found
    assert "the of" in found
    assert "<mark" not in found
