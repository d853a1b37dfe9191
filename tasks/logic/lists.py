"""Columns of lists, such as the genres of each title, as Arrow keeps them: a million of them are no million objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def gather(owners: npt.NDArray[np.intp], values: pa.Array, count: int) -> pa.ListArray:
    """Return the distinct values of each of `count` owners, in the order in which they come; nulls are left out."""
    known = np.flatnonzero(values.is_valid())
    owners, values = owners[known], values.take(pa.array(known))
    codes = values.dictionary_encode().indices.to_numpy()
    pairs = owners.astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes
    first = np.sort(np.unique(pairs, return_index=True)[1])
    ordered = first[np.argsort(owners[first], kind="stable")]
    return pa.ListArray.from_arrays(_offsets(np.bincount(owners[ordered], minlength=count)), values.take(ordered))


def unroll(lists: pa.ListArray) -> tuple[npt.NDArray[np.intp], pa.Array]:
    """Return the position of the list that each value is of, and the values; a null is as an empty list."""
    return pc.list_parent_indices(lists).to_numpy().astype(np.intp), pc.list_flatten(lists)


def keep_listed(lists: pa.ListArray, allowed: Collection[str]) -> pa.ListArray:
    """Return the lists with no other values than the allowed ones."""
    owners, values = unroll(lists)
    kept = np.flatnonzero(pc.is_in(values, pa.array(sorted(allowed), pa.string())))
    return pa.ListArray.from_arrays(_offsets(np.bincount(owners[kept], minlength=len(lists))), values.take(kept))


def count_values(lists: pa.ListArray) -> Counter[str]:
    """Count the lists that hold each value; no list holds a value twice."""
    counted = pc.value_counts(pc.list_flatten(lists))
    return Counter(dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)))


def to_column(lists: pa.ListArray, index: pd.Index | None = None) -> pd.Series:
    """Return the lists as a column of a table that keeps them in Arrow's way."""
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([lists])), index=index)


def of_column(column: pd.Series) -> pa.ListArray:
    """Return a column's lists, one Arrow array."""
    chunks = pa.chunked_array(pa.array(column))
    return chunks.combine_chunks() if chunks.num_chunks != 1 else chunks.chunk(0)


def _offsets(lengths: npt.NDArray[np.intp]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
