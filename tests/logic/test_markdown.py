import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.logic.markdown import markdown_table


def test_table_has_a_head_a_rule_and_its_rows() -> None:
    table = markdown_table(("genre", "F1"), [("War", 0.5), ("Drama", 0.75)], frozenset(["F1"]))
    assert table.splitlines() == ["| genre | F1 |", "| --- | ---: |", "| War | 0.5 |", "| Drama | 0.75 |"]


def test_cell_breaks_neither_its_row_nor_the_table() -> None:
    assert markdown_table(("why",), [("a | b\n| c",)]).splitlines()[-1] == "| a \\| b \\| c |"


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "![a](http://x/y.png)",
    "[a][b]", "[a]: http://x", "a\\| b", "a\\", "a`b", "**bold**", "__bold__", "_a_ b_c", "\x1b[2J", "x\n\n# head",
    "&lt;script&gt;", "|||",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_drawn_as_it_is(text: str) -> None:
    """As CommonMark draws it: one row of one cell, with no HTML, link, image or emphasis in it."""
    table = markdown_table(("why",), [(text,)])
    drawn = MarkdownIt("commonmark").enable("table").parse(table)
    kinds = [token.type for token in drawn]
    (inline,) = [token for token in drawn if token.type == "inline"][1:]
    assert kinds.count("tr_open") == 2 and kinds.count("td_open") == 1
    assert {child.type for child in inline.children or ()} <= {"text", "text_special"}
    shown = "".join(child.content for child in inline.children or ())
    assert shown == " ".join(text.replace("\x1b", "\\x1b").split())


@given(st.text())
def test_any_text_is_one_cell_of_plain_text(text: str) -> None:
    drawn = MarkdownIt("commonmark").enable("table").parse(markdown_table(("why", "end"), [(text, "end")]))
    assert [token.type for token in drawn].count("td_open") == 2
    inside = {child.type for token in drawn for child in token.children or ()}
    assert not inside & {"html_inline", "link_open", "image", "code_inline", "strong_open", "em_open"}
