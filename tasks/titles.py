"""A corpus's table of titles, written in the order of title ids without ever holding all texts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.blocks import CleanedBlock, read_batches

# Titles whose texts are in memory at a time, and of a row group.
GROUP = 20_000
COLUMNS = [
    "title_id", "title", "year", "genres", "text", "tokens", "split", "fitted", "near_duplicate", "title_type",
    "source_url", "terms", "retrieved_at", "genre_sources", "source",
]  # fmt: skip
_OF_RECORD = ["text", "tokens", "source_url"]
_LISTS = ["genres", "genre_sources"]
_PLACE = "place"


def write_titles(
    path: Path, frame: pd.DataFrame, blocks: Sequence[CleanedBlock], scratch: Path, on_titles: Callable[[int], None]
) -> None:
    """Write the frame's titles as Parquet with what the blocks' records (column row) hold of them beside it.

    Texts lie in the order of the records: one pass brings each group of titles together in a file of `scratch`, a
    second one puts each group in order. on_titles is called with the number of titles written.
    """
    place = np.full(sum(block.records for block in blocks), -1)
    place[frame["row"].to_numpy()] = np.arange(len(frame))
    files = [scratch / f"group-{number}.arrow" for number in range(-(-len(frame) // GROUP))]
    _gather_groups(files, blocks, place)
    with contextlib.ExitStack() as stack:
        writer = None
        for number, file in enumerate(files):
            table = _ordered_group(file, frame.iloc[number * GROUP : (number + 1) * GROUP])
            writer = writer or stack.enter_context(pq.ParquetWriter(path, table.schema))
            writer.write_table(table)
            on_titles(min((number + 1) * GROUP, len(frame)))


def _gather_groups(files: Sequence[Path], blocks: Sequence[CleanedBlock], place: npt.NDArray[np.int_]) -> None:
    schema = pa.schema([*((name, pa.string()) for name in _OF_RECORD), (_PLACE, pa.int64())])
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(pa.ipc.new_file(file, schema)) for file in files]
        for start, batch in read_batches(blocks, _OF_RECORD):
            places = place[start : start + batch.num_rows]
            rows = np.argsort(places, kind="stable")[np.count_nonzero(places < 0) :]
            groups, firsts = np.unique(places[rows] // GROUP, return_index=True)
            bounds = np.append(firsts, len(rows))
            for group, first, end in zip(groups, bounds[:-1], bounds[1:], strict=True):
                chosen = rows[first:end]
                arrays = [*batch.take(pa.array(chosen)).columns, pa.array(places[chosen])]
                writers[group].write_batch(pa.record_batch(arrays, schema=schema))


def _ordered_group(file: Path, frame: pd.DataFrame) -> pa.Table:
    with pa.ipc.open_file(file) as reader:
        texts = reader.read_all().sort_by(_PLACE)
    plain = [name for name in COLUMNS if name in frame and name not in _LISTS]
    # pandas notes its types beside the columns it knows; lists of Arrow's it would read back as such, not as arrays.
    table = pa.Table.from_pandas(frame[plain], preserve_index=False)
    for name in _LISTS:
        table = table.append_column(name, pa.array(frame[name]))
    for name in _OF_RECORD:
        table = table.append_column(name, texts[name])
    return table.select(COLUMNS)
