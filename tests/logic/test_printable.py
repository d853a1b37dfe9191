import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.logic.printable import printable, printable_json

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\r\x08\x7f\ud800"


def test_codes_of_a_terminal_are_written_out() -> None:
    assert printable(HOSTILE) == "\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202eevil\\x0d\\x08\\x7f\\ud800"


@pytest.mark.parametrize("text", ["Amélie", "שלום", "日本語", "a\tb\nc", "👩‍👩‍👧", "e\u0301"])
def test_texts_of_any_script_are_shown_as_they_are(text: str) -> None:
    assert printable(text) == text


@given(st.text() | st.just(HOSTILE))
def test_json_holds_the_same_values(text: str) -> None:
    shown = printable_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert json.loads(shown) == {text: [text]}
    assert all(character == "\n" or character.isprintable() or character.isspace() or ord(character) > 0x9F
               for character in shown)  # fmt: skip
    shown.encode()
