"""Tables as CSV that a spreadsheet opens without running anything: the one rule for every such file."""

from __future__ import annotations

from typing import Any

import pandas as pd

# What makes a cell a formula (OWASP, CSV Injection), also in full width, and what a spreadsheet skips before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def to_csv(table: pd.DataFrame) -> str:
    """Return a table as CSV with a header; a text that a spreadsheet would take for a formula begins with '.

    Line breaks in a text are line feeds.
    """
    plain = table.map(_harmless)
    plain.columns = [_harmless(str(name)) for name in table.columns]
    return plain.to_csv(index=False)


def _harmless(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # The writer does not quote a carriage return, at which readers begin a row: the next formula.
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
