"""Title ids of a file's rows, those that it has and those made up, and which of them came before."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scraper.importers.cells import views

# Ids that no catalogue of IMDb has are made up: this, and nine digits.
MADE_UP = "tt9"
MISSING, MALFORMED = -1, -2
_DIGITS = range(7, 17)
# Each further digit opens numbers of its own: tt0000001 and tt00000001 are two ids.
_STEP = 10**17
_PAGE_BITS = 20


def from_imdb_number(numbers: pa.StringArray) -> pa.StringArray:
    """Return the ids of IMDb's numbers, with or without leading zeros."""
    return pc.binary_join_element_wise("tt", pc.utf8_lpad(numbers, 7, "0"), "")


def from_other_number(numbers: pa.StringArray) -> pa.StringArray:
    """Return made-up ids of another catalogue's numbers, one each; longer ones than nine digits are malformed."""
    padded = pc.utf8_lpad(numbers, 9, "0")
    fits = pc.equal(pc.binary_length(padded), 9)
    return pc.binary_join_element_wise(pc.if_else(fits, MADE_UP, "no id: "), padded, "")


def from_hash(columns: list[pa.Array]) -> pa.StringArray:
    """Return made-up ids of the columns' values, null where the first is null: nine digits of their SHA-256."""
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return pa.array([None if row[0] is None else _hashed(row) for row in rows], pa.string())


def _hashed(row: tuple[object, ...]) -> str:
    text = "\x1f".join("" if value is None else str(value) for value in row)
    return f"{MADE_UP}{int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % 10**9:09d}"


def to_numbers(ids: pa.StringArray) -> np.ndarray:
    """Return a number that stands for each id, the same for the same id only; MISSING or MALFORMED for none."""
    offsets, data = views(ids)
    lengths = offsets[1:] - offsets[:-1]
    numbers = np.full(len(ids), MALFORMED, np.int64)
    for length in np.flatnonzero(np.bincount(lengths)).tolist():
        if length - 2 in _DIGITS:
            rows = np.flatnonzero(lengths == length)
            numbers[rows] = _read_ids(data, offsets[rows], length)
    if ids.null_count:
        numbers[pc.is_null(ids).to_numpy(zero_copy_only=False)] = MISSING
    return numbers


def _read_ids(data: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    right = (data[starts] == ord("t")) & (data[starts + 1] == ord("t"))
    value = np.zeros(len(starts), np.int64)
    for place in range(2, length):
        digit = data[starts + place] - np.uint8(ord("0"))
        right &= digit < 10
        value = value * 10 + digit
    return np.where(right, value + (length - 2 - _DIGITS.start) * _STEP, MALFORMED)


class SeenIds:
    """Remember numbers of ids in a bit each, in pages that are made when they are first needed."""

    def __init__(self) -> None:
        self._pages: dict[int, np.ndarray] = {}

    def add(self, numbers: np.ndarray) -> np.ndarray:
        """Take the numbers of some rows and say which of them came before, in an earlier row or call."""
        if len(numbers) == 0:
            return np.zeros(0, bool)
        order = np.argsort(numbers, kind="stable")
        ranked = numbers[order]
        repeated = np.zeros(len(numbers), bool)
        repeated[1:] = ranked[1:] == ranked[:-1]
        pages = ranked >> _PAGE_BITS
        ends = [*(np.flatnonzero(pages[1:] != pages[:-1]) + 1).tolist(), len(ranked)]
        for start, end in zip([0, *ends], ends, strict=False):
            page = self._pages.setdefault(int(pages[start]), np.zeros(2**_PAGE_BITS // 8, np.uint8))
            places = ranked[start:end] & (2**_PAGE_BITS - 1)
            bits = np.left_shift(1, places & 7).astype(np.uint8)
            repeated[start:end] |= (page[places >> 3] & bits) != 0
            np.bitwise_or.at(page, places >> 3, bits)
        before = np.empty_like(repeated)
        before[order] = repeated
        return before
