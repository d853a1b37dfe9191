"""Columns that hold one value in each row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from scraper.items import RAW_SCHEMA


class Fillings:
    """Hand out columns that hold one value in each row, sliced off longer ones that are made once."""

    def __init__(self) -> None:
        self._made: dict[str, pa.Array] = {}

    def of(self, field: str, value: pa.Scalar | None, rows: int) -> pa.Array:
        """Return a column of `rows` values, the same for the field in each call; None: null, or empty lists."""
        made = self._made.get(field)
        if made is None or len(made) < rows:
            made = self._made[field] = _repeat(RAW_SCHEMA.field(field).type, value, 2 * rows)
        return made.slice(0, rows)


def _repeat(kind: pa.DataType, value: pa.Scalar | None, rows: int) -> pa.Array:
    if value is not None:
        return pa.repeat(value, rows)
    if not pa.types.is_list(kind):
        return pa.nulls(rows, kind)
    return pa.ListArray.from_arrays(pa.array(np.zeros(rows + 1, np.int32)), pa.array([], kind.value_type))
