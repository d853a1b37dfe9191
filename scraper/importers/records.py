"""Batches of a file's rows turned into batches of raw records, by a mapping; unusable rows are counted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from conf.mapping import Column, Mapping
from scraper.importers import identity, values
from scraper.importers.cells import clean, is_textual, to_text
from scraper.importers.columns import ReadColumn, Reader
from scraper.importers.faults import Faults
from scraper.importers.fillings import Fillings
from scraper.importers.genre_column import GenreReader
from scraper.importers.list_values import read_names, read_summaries, read_text
from scraper.importers.tally import Tally
from scraper.items import RAW_SCHEMA

_FIGURES: dict[str, Callable[[str], Any]] = {
    "year": values.year, "run_time": values.minutes, "rating": values.rating,
    "ratings_count": values.count, "budget": values.money, "world_gross": values.money,
}  # fmt: skip
_MONEY = ("budget", "world_gross")
_LISTS = ("directors", "writers", "actors", "keywords", "countries", "languages")


class RecordMaker:
    """Turn batches of one file into record batches of RAW_SCHEMA, one after the other.

    number_of (position among the rows read, from 0) gives a row's number in the file, for the tally's examples.
    """

    def __init__(
        self,
        mapping: Mapping,
        genres: Collection[str],
        *,
        file_name: str,
        source: str,
        retrieved_at: datetime,
        number_of: Callable[[int], int],
    ) -> None:
        self.tally = Tally()
        self.rows = 0
        self._mapping = mapping
        self._number_of = number_of
        self._seen = identity.SeenIds()
        self._fillings = Fillings()
        constants = {
            "source": source, "source_url": file_name, "terms": mapping.terms, "retrieved_at": retrieved_at,
        }  # fmt: skip
        self._constants = {field: pa.scalar(value, RAW_SCHEMA.field(field).type) for field, value in constants.items()}
        self._readers: dict[str, Reader | None] = {
            field: self._reader(field, column, genres) for field, column in mapping.columns.items()
        }

    def _reader(self, field: str, column: Column, genres: Collection[str]) -> Reader | None:
        nothing = self._mapping.placeholders
        if field == "genres":
            return GenreReader(genres, column.list, nothing)
        if field in _FIGURES:
            return Reader(values.figure(_FIGURES[field]), None, nothing)
        if field == "retrieved_at":
            return Reader(lambda value: None if values.says_nothing(value) else values.moment(value), None, nothing)
        if field == "summaries":
            return Reader(lambda value: read_summaries(value, column.list or "auto"), (), nothing)
        if field in _LISTS:
            return Reader(lambda value: read_names(value, column), (), nothing)
        return Reader(lambda value: read_text(value, column.list or "auto"), None, nothing) if column.list else None

    def make(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the records of a batch's usable rows and count the others."""
        faults = Faults(batch.num_rows)
        fields: dict[str, pa.Array] = {}
        read: dict[str, ReadColumn] = {}
        for field, column in self._mapping.columns.items():
            name = next((name for name in column.from_ if name in batch.schema.names), None)
            if name is not None:
                self._convert(field, batch[name], fields, read, faults)
        self._fill_summaries(fields)
        ids, numbers = self._identify(batch, fields, faults)
        genres = read.get("genres")
        self._judge_content(fields, genres, faults)
        fine = np.flatnonzero(faults.codes == 0)
        faults.mark_rows(fine[self._seen.add(numbers[fine])], "duplicate_id")
        reader = self._readers.get("genres")
        if genres is not None and isinstance(reader, GenreReader):
            reader.count_unknown(genres, faults.codes, self.tally)
        self._count_unread(read, faults)
        faults.count(self.tally, ids, lambda row: self._number_of(self.rows + row))
        self.rows += batch.num_rows
        return self._assemble(ids, fields, batch, faults)

    def _convert(
        self, field: str, column: pa.Array, fields: dict[str, pa.Array], read: dict[str, ReadColumn], faults: Faults
    ) -> None:
        reader = self._readers[field]
        if reader is None:
            if not is_textual(column.type) and not pa.types.is_dictionary(column.type):
                faults.mark(pc.is_valid(column).to_numpy(zero_copy_only=False), "wrong_type")
                column = pa.nulls(len(column), pa.string())
            text, not_utf8 = to_text(column)
            fields[field] = clean(text, self._mapping.placeholders)
            faults.mark(not_utf8, "not_utf8")
            return
        found = read[field] = reader.read(column)
        faults.mark(found.not_utf8, "not_utf8")
        kind = RAW_SCHEMA.field(field).type
        if field in _MONEY:
            fields[field] = found.to_array(kind, lambda said: said and said[0])
            fields[f"{field}_currency"] = found.to_array(pa.string(), lambda said: said and said[1])
        else:
            fields[field] = found.to_array(kind, (lambda said: said.known) if field == "genres" else lambda said: said)

    def _fill_summaries(self, fields: dict[str, pa.Array]) -> None:
        """Let the first of the summaries be the summary where there is none."""
        if "summaries" not in fields:
            return
        summaries = fields["summaries"].to_pylist()
        outlines = fields["summary"].to_pylist() if "summary" in fields else [None] * len(summaries)
        others = [[each for each in told if each["text"] != outline] for told, outline in
                  zip(summaries, outlines, strict=True)]  # fmt: skip
        fields["summaries"] = pa.array(others, RAW_SCHEMA.field("summaries").type)
        first = [outline or (told[0]["text"] if told else None) for outline, told in zip(outlines, others, strict=True)]
        fields["summary"] = pa.array(first, pa.string())
        if "summary_source" not in fields:
            told_by = ["outline" if outline else "summary" if text else None for outline, text in
                       zip(outlines, first, strict=True)]  # fmt: skip
            fields["summary_source"] = pa.array(told_by, pa.string())

    def _identify(
        self, batch: pa.RecordBatch, fields: dict[str, pa.Array], faults: Faults
    ) -> tuple[pa.StringArray, np.ndarray]:
        way = self._mapping.id
        name = next((name for name in (*way.columns, way.imdb_number, way.other_number) if name in batch.schema.names),
                    None)  # fmt: skip
        if name is None:
            ids = identity.from_hash([fields[field] for field in way.hash])
        else:
            column = batch[name]
            column = column.cast(pa.string()) if pa.types.is_integer(column.type) else column
            text, not_utf8 = to_text(column)
            faults.mark(not_utf8, "not_utf8")
            ids = clean(text, self._mapping.placeholders)
            if name == way.imdb_number:
                ids = identity.from_imdb_number(ids)
            elif name == way.other_number:
                ids = identity.from_other_number(ids)
        numbers = identity.to_numbers(ids)
        faults.mark_first(numbers == identity.MISSING, "missing_id")
        faults.mark_first(numbers == identity.MALFORMED, "malformed_id")
        return ids, numbers

    def _judge_content(self, fields: dict[str, pa.Array], genres: ReadColumn | None, faults: Faults) -> None:
        texts = [fields[name] for name in ("summary", "synopsis") if name in fields]
        mute = np.ones(len(faults.codes), bool)
        for text in texts:
            mute &= pc.is_null(text).to_numpy(zero_copy_only=False)
        if not mute.any():
            return
        codes = genres.codes if genres else np.zeros(len(mute), int)
        told, known = (np.array([bool(getattr(said, name)) for said in genres.said] if genres else [False])[codes]
                       for name in ("told", "known"))  # fmt: skip
        faults.mark(mute & told & ~known, "no_known_genre")
        faults.mark(mute & ~told, "no_text_and_no_genres")

    def _count_unread(self, read: dict[str, ReadColumn], faults: Faults) -> None:
        for field, found in read.items():
            if found.unread.any():
                count = int(np.count_nonzero(found.unread_rows & (faults.codes == 0)))
                if count:
                    self.tally.count_unread(field, count, found.unread_values)

    def _assemble(
        self, ids: pa.StringArray, fields: dict[str, pa.Array], batch: pa.RecordBatch, faults: Faults
    ) -> pa.RecordBatch:
        rows = batch.num_rows
        fields = {"title_id": ids, **fields}
        for name, text in self._mapping.text_sources.items():
            if name in fields and f"{name}_source" not in fields:
                told = pc.is_valid(fields[name])
                fields[f"{name}_source"] = pc.if_else(told, text, pa.scalar(None, pa.string()))
        for field, constant in self._constants.items():
            if field in fields:
                fields[field] = pc.fill_null(fields[field], constant) if constant.is_valid else fields[field]
            elif field == "terms" and self._mapping.terms_by:
                fields[field] = self._terms(batch)
            else:
                fields[field] = self._fillings.of(field, constant, rows)
        arrays = [
            fields[field.name] if field.name in fields else self._fillings.of(field.name, None, rows)
            for field in RAW_SCHEMA
        ]
        made = pa.RecordBatch.from_arrays(arrays, schema=RAW_SCHEMA)
        return made.filter(pa.array(faults.codes == 0)) if faults.codes.any() else made

    def _terms(self, batch: pa.RecordBatch) -> pa.Array:
        told = self._mapping.terms_by
        assert told is not None
        if told.column not in batch.schema.names:
            return pa.repeat(pa.scalar(self._mapping.terms, pa.string()), batch.num_rows)
        by_value = Reader(lambda value: told.values.get(value, self._mapping.terms), self._mapping.terms, ())
        return by_value.read(batch[told.column]).to_array(pa.string())
