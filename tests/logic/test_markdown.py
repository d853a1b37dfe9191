from tasks.logic.markdown import markdown_table


def test_table_has_a_head_a_rule_and_its_rows() -> None:
    table = markdown_table(("genre", "F1"), [("War", 0.5), ("Drama", 0.75)], frozenset(["F1"]))
    assert table.splitlines() == ["| genre | F1 |", "| --- | ---: |", "| War | 0.5 |", "| Drama | 0.75 |"]


def test_cell_breaks_neither_its_row_nor_the_table() -> None:
    assert markdown_table(("why",), [("a | b\n| c",)]).splitlines()[-1] == "| a \\| b \\| c |"
