import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.logic.spreadsheets import to_csv

FORMULAS = [
    "=1+1", "+1+1|' /C calc'!A0", "-2+3+cmd|x", "@SUM(1)", "\t=1", "\r=1", "\n=1", "=HYPERLINK(\"http://x\",\"y\")",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x",
]  # fmt: skip


def cells(text: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


@pytest.mark.parametrize("formula", FORMULAS)
def test_formula_becomes_a_text_in_cells_and_in_the_header(formula: str) -> None:
    assert cells(to_csv(pd.DataFrame({formula: [formula, "plain"]}))) == [
        f"'{formula}".replace("\r", "\n"), f"'{formula}".replace("\r", "\n"), "plain"
    ]  # fmt: skip


def test_figures_stay_figures() -> None:
    table = pd.DataFrame({"a": [-1.5, None], "b": ["-0.25", "1e-3"], "c": [None, True]})
    assert to_csv(table) == "a,b,c\n-1.5,-0.25,\n,1e-3,True\n"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_cell_begins_like_a_formula_and_every_text_is_found_again(text: str) -> None:
    _, _, written, end = cells(to_csv(pd.DataFrame({"text": [text], "end": 0})))
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert (written in (plain, f"'{plain}"), end) == (True, "0")
    if written.startswith(("=", "+", "-", "@", "\t", "\r")):
        float(written)
