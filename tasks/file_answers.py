"""Answers of a model to a file of texts, in constant memory.

Nothing of Prefect is imported here: a first answer would wait for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from conf.names import Corpus
from conf.operation import Track
from tasks import store
from tasks.answers import ROWS_A_BATCH
from tasks.asked_model import open_asked
from tasks.logic.decisions import decide
from tasks.text_files import Row, TitlesFileError, check_file, open_texts

SUFFIX = ".parquet"
# Columns whose values come again and again. Of probabilities a dictionary is larger than they are, and slow to make.
_REPEATED = ["genres.list.element", "probabilities.key_value.key", "problem"]
# Bad rows that are told one by one; the others are counted.
EXAMPLES = 5


class FileAnswers(NamedTuple):
    """Hold how many rows went into which file, how many have no text or are bad, and the first bad ones with why."""

    rows: int
    output: Path
    without_text: int
    problems: int
    examples: list[str]


def predict_file(
    home: Path,
    track: Track,
    corpus: Corpus,
    source: Path,
    target: Path | None = None,
    *,
    model: str | None = None,
    thresholds: str = "",
    on_progress: Callable[[int, int], None] | None = None,
) -> FileAnswers:
    """Stream a file of texts (text_files.open_texts) through a model into a Parquet file.

    model and thresholds are those of asked_model.open_asked. Texts stand in the column text, or in one named like the
    model's corpus. Every row has its row there: the id where the source has ids, genres, probabilities (map genre ->
    probability) and problem, which says what is wrong with a bad row; genres and probabilities are null for that one
    and for one without a text. The target, by default in predictions/ in the home, appears whole or not at all.
    on_progress is called with the rows done and those expected. Raises TitlesFileError naming file and column, also
    where every row is bad.
    """
    if target is not None and target.suffix.lower() != SUFFIX:
        raise TitlesFileError(f"{target}: expected a Parquet file to write, its name ending in {SUFFIX}")
    check_file(source)
    asked = open_asked(home, track, corpus, model=model, thresholds=thresholds)
    of_corpus = asked.card["corpus"]
    target = target or home / "predictions" / f"{source.stem}-{of_corpus}{SUFFIX}"
    read, empty, problems, examples = 0, 0, 0, list[str]()
    with open_texts(source, ("text", of_corpus)) as file, store.atomic_path(target) as temporary:
        schema = _schema(file.id_column)
        with pq.ParquetWriter(temporary, schema, use_dictionary=_REPEATED) as writer:
            while rows := list(itertools.islice(file.rows, ROWS_A_BATCH)):
                writer.write_batch(_answer(asked, rows, schema))
                bad = [(number, row.problem) for number, row in enumerate(rows, read + 1) if row.problem]
                examples += [f"row {number}: {problem}" for number, problem in bad[: EXAMPLES - len(examples)]]
                read, problems = read + len(rows), problems + len(bad)
                empty += sum(not (row.text or row.problem) for row in rows)
                if on_progress:
                    on_progress(read, file.estimate(read))
        if problems and problems == read:
            raise TitlesFileError(f"{source}: no row can be read, nothing was written: {'; '.join(examples)}")
    return FileAnswers(read, target, empty, problems, examples)


def _schema(id_column: str | None) -> pa.Schema:
    ids = [] if id_column is None else [(id_column, pa.string())]
    answers = [("genres", pa.list_(pa.string())), ("probabilities", pa.map_(pa.string(), pa.float64()))]
    return pa.schema([*ids, *answers, ("problem", pa.string())])


def _answer(model: Any, rows: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    texts, ids, problems = zip(*rows, strict=True)
    there = np.array([bool(text) for text in texts])
    # Nothing is predicted of a text that is not there.
    probabilities = model.probabilities([text or "" for text in texts])[there]
    genres = pa.array(model.card["genres"], pa.string())
    chosen = _lists(there, decide(probabilities, model.card), genres)
    known = _lists(there, np.ones_like(probabilities, dtype=bool), genres)
    by_genre = pa.MapArray.from_arrays(known.offsets, known.values, probabilities.ravel(), mask=known.is_null())
    answers = [chosen, by_genre, pa.array(problems, pa.string())]
    return pa.RecordBatch.from_arrays([*([pa.array(ids, pa.string())] * (len(schema) - 3)), *answers], schema=schema)


def _lists(there: npt.NDArray[np.bool_], marked: npt.NDArray[np.bool_], genres: pa.StringArray) -> pa.ListArray:
    """Return a list a row of the genres marked, (rows there, genres); null for a row that is not there."""
    lengths = np.zeros(len(there), np.int32)
    lengths[there] = marked.sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = genres.take(pa.array(np.nonzero(marked)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(~there))
