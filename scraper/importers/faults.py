"""Why rows of a batch are unusable: one code a row, the first reason stands."""

from __future__ import annotations

import reprlib
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from scraper.importers.tally import Tally

REASONS = (
    "malformed_row", "not_utf8", "missing_id", "malformed_id", "duplicate_id", "wrong_type", "no_text_and_no_genres",
    "no_known_genre",
)  # fmt: skip


class Faults:
    """Hold a code for each row of a batch: 0, or the place of its reason in REASONS, from 1."""

    def __init__(self, rows: int) -> None:
        self.codes = np.zeros(rows, np.uint8)

    def mark(self, rows: np.ndarray | None, reason: str) -> None:
        """Give a reason to the rows of a mask that have none yet; None is a mask of no row."""
        if rows is not None and rows.any():
            self.codes[rows & (self.codes == 0)] = REASONS.index(reason) + 1

    def mark_first(self, rows: np.ndarray, reason: str) -> None:
        """Give a reason to the rows of a mask that have none, or one that stands behind it."""
        code = REASONS.index(reason) + 1
        if rows.any():
            self.codes[rows & ((self.codes == 0) | (self.codes > code))] = code

    def mark_rows(self, rows: np.ndarray, reason: str) -> None:
        """Give a reason to rows by their places."""
        self.codes[rows] = REASONS.index(reason) + 1

    def count(self, tally: Tally, ids: pa.StringArray, number_of: Callable[[int], int]) -> None:
        """Add the unusable rows to a tally, naming some by their number in the file and their id."""
        if not self.codes.any():
            return
        for code in np.unique(self.codes[self.codes > 0]).tolist():
            rows = np.flatnonzero(self.codes == code)
            examples = (f"row {number_of(row)} ({reprlib.repr(ids[row].as_py())})" for row in rows.tolist())
            tally.count(REASONS[code - 1], len(rows), examples)
