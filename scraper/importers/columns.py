"""Source columns as record columns: each distinct value is read once in Python, the rest is Arrow's."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scraper.importers import values
from scraper.importers.cells import as_json, is_placeholder, is_textual, to_text, to_values

_CACHED = 50_000
_EXAMPLES, _SHOWN = 3, 40
_BEYOND_PYTHON = values.UnreadError("a value that Python has none for, such as a day 10,000 BC")


@dataclasses.dataclass(frozen=True, slots=True)
class ReadColumn:
    """Hold what a column's distinct values say, the code of each row's, and which could not be read, some in words."""

    said: list[Any]
    codes: np.ndarray
    unread: np.ndarray
    unread_values: list[str]
    not_utf8: np.ndarray | None

    @property
    def unread_rows(self) -> np.ndarray:
        """Say for each row whether its value could not be read."""
        return self.unread[self.codes]

    def to_array(self, kind: pa.DataType, pick: Callable[[Any], Any] = lambda said: said) -> pa.Array:
        """Return the column as an Arrow array of a type."""
        return pa.array([pick(said) for said in self.said], kind).take(pa.array(self.codes))


class Reader:
    """Read columns of one field, value by value, remembering what common values say."""

    def __init__(self, read: Callable[[Any], Any], nothing: Any, placeholders: Sequence[str]) -> None:
        self._read = read
        self._nothing = nothing
        self._placeholders = placeholders
        self._known: dict[Any, Any] = {}

    def read(self, column: pa.Array) -> ReadColumn:
        """Read a column of any type."""
        plain, not_utf8 = _countable(column)
        encoded = _encode(plain)
        distinct = to_values(encoded.dictionary, _BEYOND_PYTHON)
        said = [self._say(value) for value in distinct]
        unread = np.array([isinstance(each, values.UnreadError) for each in said] + [False])
        wrong_ones = (repr(value)[:_SHOWN] for value, wrong in zip(distinct, unread, strict=False) if wrong)
        unread_values = list(itertools.islice(wrong_ones, _EXAMPLES))
        said = [self._nothing if wrong else each for each, wrong in zip(said, unread, strict=False)]
        codes = pc.fill_null(encoded.indices, len(said)).to_numpy()
        return ReadColumn([*said, self._nothing], codes, unread, unread_values, not_utf8)

    def _say(self, value: Any) -> Any:
        if value in self._known:
            return self._known[value]
        if len(self._known) >= _CACHED:
            self._known.clear()
        said = self._known[value] = self._judge(value)
        return said

    def _judge(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip(" \t\r\n\0")
            if not value or is_placeholder(value, self._placeholders):
                return self._nothing
        if value is _BEYOND_PYTHON:
            return value
        try:
            return self._read(value)
        except values.UnreadError as error:
            return error


def _encode(column: pa.Array) -> pa.DictionaryArray:
    try:
        return column.dictionary_encode()
    except pa.ArrowNotImplementedError:
        return as_json(column).dictionary_encode()


def _countable(column: pa.Array) -> tuple[pa.Array, np.ndarray | None]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _joined(column)
    if is_textual(kind) or pa.types.is_null(kind):
        return to_text(column)
    if pa.types.is_nested(kind):
        return as_json(column), None
    return column, None


def _joined(column: pa.Array) -> tuple[pa.Array, np.ndarray | None]:
    kind = column.type.value_type
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string()), None
    if not pa.types.is_string(kind) and not pa.types.is_large_string(kind):
        return as_json(column), None
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return pa.nulls(len(column), pa.string()), pc.is_valid(column).to_numpy(zero_copy_only=False)
    # A null between the names would make the whole list null.
    names = pc.fill_null(column.flatten(), "").cast(pa.string())
    filled = pa.ListArray.from_arrays(_offsets(column), names)
    marked = pc.binary_join_element_wise("", pc.binary_join(filled, values.LIST_MARK), values.LIST_MARK)
    return pc.if_else(pc.is_null(column), pa.scalar(None, pa.string()), marked), None


def _offsets(column: pa.Array) -> pa.Array:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32())
