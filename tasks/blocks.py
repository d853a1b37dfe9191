"""Cleaned blocks: the records of some raw parts with their words and sketches, made once and joined ever after.

`python -m tasks.blocks` writes blocks in a process of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel

from conf.data import Prepare
from conf.names import Corpus
from scraper.items import RAW_SCHEMA
from scraper.raw import read_part
from tasks import store
from tasks.logic.duplicates import band_keys, bands
from tasks.logic.text import read_texts, stop_words
from tasks.records import ADVICE, COLUMNS, RawPart, survey_raw

VERSION = 2
FOLDER = "cleaned"
RECORDS = "records.parquet"
BATCH_RECORDS = 5_000
# Of few different values; the rest is not worth a dictionary.
_REPEATED = ["title_type", "source", "terms", "part"]


class Block(BaseModel, frozen=True):
    """Name raw parts that are cleaned together: file below raw/ and SHA-256 of each, and where the result goes."""

    corpus: Corpus
    parts: dict[str, str]
    titles: int
    fingerprint: str
    folder: Path

    @property
    def name(self) -> str:
        """Return the first part's name, and the last one's where there are several."""
        first, last = min(self.parts), max(self.parts)
        return first if first == last else f"{first} to {Path(last).name}"


class CleanedBlock(BaseModel, frozen=True):
    """Summarise a stored block: its raw parts as in Block, how many records it holds, and of which sources."""

    folder: Path
    parts: dict[str, str]
    records: int
    sources: list[str]


def plan_blocks(home: Path, corpus: Corpus, settings: Prepare, block_titles: int) -> list[Block]:
    """Divide the raw parts into blocks, in the order of the parts.

    Parts that a stored block covers stay in it, so that a part is cleaned once, however raw/ grows. The others go
    together, neighbours of one folder, until a block has block_titles.
    """
    left = survey_raw(home / "raw", settings).parts
    blocks = []
    for folder in sorted((home / FOLDER).glob(f"{corpus}-*")):
        parts = _stored_parts(folder)
        if parts and all(name in left and left[name].sha256 == digest for name, digest in parts.items()):
            block = _block(home, corpus, settings, {name: left[name] for name in parts})
            if block.folder == folder:
                blocks.append(block)
                for name in parts:
                    del left[name]
    together: dict[str, RawPart] = {}
    for name, part in left.items():
        if together and (
            part.folder != next(iter(together.values())).folder
            or sum(each.rows for each in together.values()) >= block_titles
        ):
            blocks.append(_block(home, corpus, settings, together))
            together = {}
        together[name] = part
    if together:
        blocks.append(_block(home, corpus, settings, together))
    return sorted(blocks, key=lambda block: min(block.parts))


def _stored_parts(folder: Path) -> dict[str, str]:
    try:
        manifest = store.read_manifest(folder)
    except store.StoreError:
        # A damaged result is made again, as any other.
        return {}
    parts: dict[str, str] = manifest.summary.get("parts", {}) if manifest else {}
    return parts


def _block(home: Path, corpus: Corpus, settings: Prepare, parts: dict[str, RawPart]) -> Block:
    digests = {name: part.sha256 for name, part in parts.items()}
    fingerprint = store.fingerprint(
        step="clean",
        version=VERSION,
        corpus=corpus,
        parts=digests,
        similarity=settings.duplicate_similarity,
        ngram=settings.duplicate_ngram,
        stop_words=stop_words(),
    )
    return Block(
        corpus=corpus,
        parts=digests,
        titles=sum(part.rows for part in parts.values()),
        fingerprint=fingerprint,
        folder=home / FOLDER / f"{corpus}-{fingerprint[:12]}",
    )


class Order(BaseModel, frozen=True):
    """Ask for a block: where its raw parts are, where its table goes, and how it is made."""

    raw: Path
    block: Block
    folder: Path
    settings: Prepare


class Written(BaseModel, frozen=True):
    """Tell of a written block: its records and their sources, or what was wrong with its raw parts."""

    records: int = 0
    sources: list[str] = []
    error: str | None = None


def write_block(order: Order) -> Written:
    """Clean a block's raw parts into one table.

    Columns: COLUMNS, part (where in its source the text stood), text with placeholders off (null: none was told,
    empty: only a placeholder), tokens (its words joined by blanks), chars and words of them, keys (band_keys of the
    tokens as bytes). Raises StoreError naming a part that is missing or not what its manifest said.
    """
    corpus, settings = order.block.corpus, order.settings
    records, sources = 0, set()
    with pq.ParquetWriter(order.folder / RECORDS, _schema(settings), use_dictionary=_REPEATED) as writer:
        for name, digest in order.block.parts.items():
            path = order.raw / name
            if not path.is_file() or store.digest_file(path) != digest:
                raise store.StoreError(f"{path}: missing, or not what its manifest says (SHA-256); {ADVICE}")
            for batch in read_part(path, [*COLUMNS, corpus, f"{corpus}_source"]).to_batches(BATCH_RECORDS):
                writer.write_batch(_clean(batch, corpus, settings))
                records += batch.num_rows
                sources.update(batch["source"].unique().to_pylist())
    return Written(records=records, sources=sorted(sources))


def _schema(settings: Prepare) -> pa.Schema:
    count, _ = bands(settings.duplicate_similarity)
    return pa.schema(
        [
            *(RAW_SCHEMA.field(name) for name in COLUMNS),
            pa.field("part", pa.string()),
            pa.field("text", pa.string()),
            pa.field("tokens", pa.string()),
            pa.field("chars", pa.int32()),
            pa.field("words", pa.int32()),
            pa.field("keys", pa.binary(8 * count)),
        ]
    )


def _clean(batch: pa.RecordBatch, corpus: Corpus, settings: Prepare) -> pa.RecordBatch:
    schema = _schema(settings)
    told = batch[corpus].to_pylist()
    read = read_texts([text or "" for text in told], stop_words())
    text = pa.array([None if given is None else raw for given, raw in zip(told, read.raw, strict=True)], pa.string())
    tokens = pa.array(read.words, pa.string())
    words = pc.if_else(pc.equal(tokens, ""), 0, pc.add(pc.count_substring(tokens, " "), 1))
    keys = band_keys(read.words, settings.duplicate_similarity, settings.duplicate_ngram)
    arrays = [batch[name] for name in COLUMNS]
    arrays += [batch[f"{corpus}_source"], text, tokens, pc.utf8_length(text), words.cast(pa.int32())]
    arrays.append(
        pa.FixedSizeBinaryArray.from_buffers(schema.field("keys").type, len(keys), [None, pa.py_buffer(keys)])
    )
    return pa.record_batch(arrays, schema=schema)


def read_columns(blocks: Sequence[CleanedBlock], columns: Sequence[str]) -> pa.Table:
    """Read columns of all records of the blocks, in the blocks' order."""
    return pa.concat_tables(pq.read_table(block.folder / RECORDS, columns=list(columns)) for block in blocks)


def read_batches(blocks: Sequence[CleanedBlock], columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield columns of the blocks' records, some thousand at a time, with the number of records before them."""
    start = 0
    for block in blocks:
        with pq.ParquetFile(block.folder / RECORDS) as file:
            for batch in file.iter_batches(BATCH_RECORDS, columns=list(columns)):
                yield start, batch
                start += batch.num_rows


def read_values(
    blocks: Sequence[CleanedBlock], column: str, rows: npt.NDArray[np.intp]
) -> Iterator[tuple[npt.NDArray[np.intp], pa.Array]]:
    """Yield the column's values of the records in `rows`, some at a time, each with its position in `rows`."""
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    for start, batch in read_batches(blocks, [column]):
        low, high = np.searchsorted(ascending, [start, start + batch.num_rows])
        yield order[low:high], batch[column].take(pa.array(ascending[low:high] - start))


def main() -> None:
    """Write the blocks that are ordered on standard input, a line of JSON each, and answer each with a line."""
    for line in sys.stdin:
        try:
            written = write_block(Order.model_validate_json(line))
        except (store.StoreError, OSError) as error:
            written = Written(error=str(error))
        sys.stdout.write(written.model_dump_json() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
