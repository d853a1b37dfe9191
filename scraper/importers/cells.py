"""Clean text columns: whole Arrow arrays in and out, and the costly kernels only where a cheap look says so."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_TEXTUAL = frozenset(
    {pa.string(), pa.binary(), pa.large_string(), pa.large_binary(), pa.string_view(), pa.binary_view()}
)
_BYTES = np.arange(256)
# White space ends at these bytes in UTF-8: ASCII, U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F,
# U+205F, U+3000; and begins with these.
_SPACE_ENDS = (_BYTES <= 0x20) | np.isin(_BYTES, [*range(0x80, 0x8B), 0x9F, 0xA0, 0xA8, 0xA9, 0xAF])
_SPACE_BEGINS = (_BYTES <= 0x20) | np.isin(_BYTES, [0xC2, 0xE1, 0xE2, 0xE3])


def to_text(column: pa.Array) -> tuple[pa.StringArray, np.ndarray | None]:
    """Return a column of bytes or strings as valid UTF-8, and which values were none (they become null).

    Anything else becomes JSON, one value at a time: objects, lists of objects.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string()), None
    if not is_textual(column.type):
        return as_json(column), None
    try:
        if column.type not in (pa.string(), pa.binary()):
            column = column.cast(pa.binary())
        # The same bytes under another name; only then are they looked at.
        text = pa.Array.from_buffers(pa.string(), len(column), column.buffers(), column.null_count, column.offset)
        text.validate(full=True)
        return text, None
    except pa.ArrowInvalid:
        return _valid_ones(column)


def is_textual(kind: pa.DataType) -> bool:
    """Say whether a type holds texts or bytes."""
    return kind in _TEXTUAL


def as_json(column: pa.Array) -> pa.StringArray:
    """Return each value as plain_text has it."""
    return pa.array([plain_text(value) for value in to_values(column)], pa.string())


def to_values(column: pa.Array, unreadable: Any = None) -> list[Any]:
    """Return a column's values as Python has them, `unreadable` for one that it has none for: a day 10,000 BC."""
    try:
        return column.to_pylist()
    except (OverflowError, ValueError):
        return [_to_value(value, unreadable) for value in column]


def _to_value(value: pa.Scalar, unreadable: Any) -> Any:
    try:
        return value.as_py()
    except (OverflowError, ValueError):
        return unreadable


def plain_text(value: Any) -> str | None:
    """Return a value as a text that UTF-8 can hold: strings as they are, others as JSON."""
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        # Nested as deep as it could just be read: no field of a title.
        return None
    # Half a surrogate pair, which JSON can spell, is no character.
    return text.encode("utf-8", "ignore").decode()


def clean(column: pa.StringArray, placeholders: Sequence[str] = ()) -> pa.StringArray:
    """Return texts without NUL and surrounding white space; null where nothing is left, or a placeholder."""
    if len(column) == 0:
        return column
    offsets, data = views(column)
    if offsets[-1] > offsets[0] and data[offsets[0] : offsets[-1]].min() == 0:
        column = pc.replace_substring(column, "\0", "")
        offsets, data = views(column)
    filled = np.flatnonzero(offsets[1:] != offsets[:-1])
    if _SPACE_BEGINS[data[offsets[filled]]].any() or _SPACE_ENDS[data[offsets[filled + 1] - 1]].any():
        column = pc.utf8_trim_whitespace(column)
        offsets, data = views(column)
        filled = np.flatnonzero(offsets[1:] != offsets[:-1])
    nothing = offsets[1:] == offsets[:-1] if len(filled) < len(column) - column.null_count else None
    if placeholders:
        found = _placeholders(column, offsets, data, placeholders)
        if found.any():
            nothing = found if nothing is None else nothing | found
    return column if nothing is None else pc.if_else(pa.array(nothing), pa.scalar(None, pa.string()), column)


def views(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return a string or binary array's offsets (one more than values) and the bytes that they point into."""
    _, offsets, data = column.buffers()
    whole = np.frombuffer(offsets, np.int32) if offsets else np.zeros(1, np.int32)
    first = column.offset
    return whole[first : first + len(column) + 1], np.frombuffer(data or b"", np.uint8)


def _placeholders(column: pa.StringArray, offsets: np.ndarray, data: np.ndarray, known: Sequence[str]) -> np.ndarray:
    found = np.zeros(len(column), bool)
    lengths = offsets[1:] - offsets[:-1]
    for text, is_prefix in _split(tuple(known)):
        rows = np.flatnonzero(lengths >= len(text) if is_prefix else lengths == len(text))
        for place, byte in enumerate(text):
            if rows.size == 0:
                break
            rows = rows[data[offsets[rows] + place] == byte]
        found[rows] = True
    return found


@functools.cache
def _split(known: tuple[str, ...]) -> list[tuple[bytes, bool]]:
    return [(text.removesuffix("*").strip().encode(), text.endswith("*")) for text in known]


def is_placeholder(text: str, known: Sequence[str]) -> bool:
    """Say whether one text, without surrounding white space, is a placeholder."""
    raw = text.encode()
    return any(raw.startswith(each) if is_prefix else raw == each for each, is_prefix in _split(tuple(known)))


def _valid_ones(column: pa.Array) -> tuple[pa.StringArray, np.ndarray]:
    texts: list[str | None] = []
    wrong = np.zeros(len(column), bool)
    for row, value in enumerate(column.cast(pa.binary()).to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(None)
            wrong[row] = True
    return pa.array(texts, pa.string()), wrong
