"""Which words are taken for names, and texts with their names masked."""

import pytest

from tasks.logic.names import Names, learn_names

TEXTS = [
    "A boat leaves Bristol with Anna aboard. Rain falls.",
    "The rain keeps Anna in Bristol, where the FBI waits.",
    "In Bristol the FBI meets Anna. Will he warn Will?",
    "The boat and the rain; the FBI asks if he will pay.",
]


@pytest.fixture(scope="module")
def names() -> Names:
    return learn_names(TEXTS)


def test_words_with_capitals_inside_sentences_are_names(names: Names) -> None:
    assert names.names == {"anna", "bristol"}


def test_a_capital_at_a_sentences_start_makes_no_name(names: Names) -> None:
    assert names.mask("Rain falls. Boat sinks.") == "Rain falls. Boat sinks."


@pytest.mark.parametrize("text", ["anna waits", "ANNA waits", "Anna waits"])
def test_a_known_name_is_masked_however_it_is_written(names: Names, text: str) -> None:
    assert names.mask(text) == "someone waits"


def test_an_unheard_word_is_a_name_by_its_capital(names: Names) -> None:
    assert names.mask("Ngozi sees a zeppelin over Ibadan.") == "someone sees a zeppelin over someone."


def test_a_word_that_stands_in_lower_case_often_enough_is_none(names: Names) -> None:
    assert "will" in names.common
    assert names.mask("Will pays") == "Will pays"


def test_abbreviations_and_single_letters_stay(names: Names) -> None:
    assert names.mask("FBI, I and the fbi") == "FBI, I and the fbi"


def test_names_in_a_row_are_one(names: Names) -> None:
    assert names.mask("with Anna Bristol-Ngozi aboard") == "with someone aboard"


def test_marks_and_blanks_stay_as_they_are(names: Names) -> None:
    assert names.mask("Anna's  boat, “Anna”.") == "someone's  boat, “someone”."


def test_texts_in_one_case_teach_nothing() -> None:
    assert learn_names([text.upper() for text in TEXTS] + [text.lower() for text in TEXTS]) == Names(
        frozenset(), frozenset()
    )
