"""Task of the prepare stage: raw titles in, one labelled, split corpus out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.data import Prepare
from conf.names import Corpus
from tasks import progress, store
from tasks.artifacts import show_table
from tasks.blocks import VERSION as BLOCKS_VERSION
from tasks.blocks import CleanedBlock, read_columns, read_values
from tasks.logic import charts, filters
from tasks.logic.duplicates import bands, near_duplicates, suspects
from tasks.logic.joining import join_records
from tasks.logic.lists import count_values, of_column
from tasks.logic.splits import SPLITS, split_of
from tasks.logic.text import stop_words
from tasks.records import NoTitlesError, check_sources, survey_raw
from tasks.reuse import cached
from tasks.titles import write_titles

VERSION = 3
TITLES = "titles.parquet"
PLOTS = "plots"


# Of each record, what decides whether and how it is joined.
_NARROW = [
    "title_id",
    "title",
    "year",
    "title_type",
    "genres",
    "source",
    "terms",
    "retrieved_at",
    "part",
    "chars",
    "words",
]
# What is subtracted from the records without losing a title.
_DROPPED = {"joined": "joined with another record of the title"}


class StoredCorpus(BaseModel, frozen=True):
    """Summarise a stored corpus: titles by split, genres modelled, what was dropped and why, and whence it came.

    sources counts titles by where their text came from, genre_sources by who named genres (a title may count for
    several), retrieved holds the first and the last day (UTC, ISO 8601) on which a text came.
    """

    corpus: Corpus
    folder: Path
    fingerprint: str
    filter: str
    records: int
    splits: dict[str, int]
    fitted: int
    near_duplicates: int
    genres: list[str]
    drops: dict[str, int]
    genres_left_out: dict[str, int]
    sources: dict[str, int]
    genre_sources: dict[str, int]
    terms: list[str]
    retrieved: tuple[str, str] | None
    reused: bool = False

    @property
    def titles(self) -> int:
        """Return how many titles the corpus holds."""
        return sum(self.splits.values())


def find_corpus(home: Path, corpus: Corpus, settings: Prepare) -> StoredCorpus | None:
    """Return the corpus of what raw/ holds if it is stored and whole."""
    return stored_corpus(home, corpus, _identify(home, corpus, settings))


def stored_corpus(home: Path, corpus: Corpus, fingerprint: str) -> StoredCorpus | None:
    """Return the corpus with this fingerprint if it is stored and whole."""
    folder = _folder(home, corpus, fingerprint)
    found = store.find_result(folder, fingerprint)
    return StoredCorpus(folder=folder, **found.summary, reused=True) if found else None


@task(task_run_name="prepare {corpus}", cache_policy=NO_CACHE)
def prepare_corpus(home: Path, corpus: Corpus, settings: Prepare, blocks: Sequence[CleanedBlock]) -> StoredCorpus:
    """Join, filter, label and split what raw/ holds, cleaned in blocks, into corpora/<corpus>-<fingerprint>/.

    blocks: all of raw/, in the order of plan_blocks; none are needed where the corpus is stored. Raises NoTitlesError
    when raw/ is empty or nothing is left, saying what was dropped.
    """
    logger = get_run_logger()
    stored = find_corpus(home, corpus, settings)
    if stored:
        _show_drops(stored)
        return cached(stored, stored.folder)

    check_sources(home / "raw", {source for block in blocks for source in block.sources})
    fingerprint = _identify(home, corpus, settings)
    folder = _folder(home, corpus, fingerprint)
    if {name for block in blocks for name in block.parts} != set(survey_raw(home / "raw", settings).parts):
        # Stored under this fingerprint the corpus would lack titles for good.
        raise store.StoreError(f"{home / 'raw'}: parts came or went while the others were cleaned; run it again")
    with (
        store.new_result(
            folder, step="prepare", version=VERSION, fingerprint=fingerprint, inputs=[block.folder for block in blocks]
        ) as draft,
        store.scratch_folder(folder.parent, f"{corpus}-groups") as scratch,
    ):
        frame, summary = _choose_titles(blocks, corpus, settings)
        logger.info("%s: %d titles of %d records joined and chosen", corpus, len(frame), summary["records"])
        with progress.bar(f"write {corpus}", len(frame), logger) as advance:
            write_titles(draft.folder / TITLES, frame, blocks, scratch, advance)
        _save_plots(draft.folder / PLOTS, frame, corpus, settings)
        draft.summary = {"corpus": corpus, "fingerprint": fingerprint, "filter": settings.filter, **summary}
    stored = StoredCorpus(folder=folder, **draft.summary)
    logger.info("%s: %s", corpus, ", ".join(f"{row['titles']} {row['count']:,}" for row in _show_drops(stored)))
    return stored


def _show_drops(stored: StoredCorpus) -> list[dict[str, Any]]:
    rows = drop_table(stored)
    told = f"What became of the titles of the {stored.corpus} corpus"
    show_table(rows, key=f"{stored.corpus}-drops", description=told)
    return rows


def _identify(home: Path, corpus: Corpus, settings: Prepare) -> str:
    parts = {name: part.sha256 for name, part in survey_raw(home / "raw", settings).parts.items()}
    return store.fingerprint(
        step="prepare",
        version=(VERSION, BLOCKS_VERSION),
        corpus=corpus,
        raw=parts,
        # Which parts are left out is told by those that are not.
        settings=settings.model_dump(mode="json", exclude={"damaged_parts"}),
        stop_words=stop_words(),
    )


def _folder(home: Path, corpus: Corpus, fingerprint: str) -> Path:
    return home / "corpora" / f"{corpus}-{fingerprint[:12]}"


def read_titles(corpus: StoredCorpus) -> pd.DataFrame:
    """Read the corpus's table, a row a title.

    Columns title_id, title, year, title_type, genres, text, tokens, split, fitted, near_duplicate; source,
    source_url, terms and retrieved_at of the text; genre_sources (list of those who named genres).
    """
    return pd.read_parquet(corpus.folder / TITLES)


def drop_table(corpus: StoredCorpus) -> list[dict[str, Any]]:
    """List what became of every record: read, dropped by reason, kept, and how the kept are split."""
    rows = [{"titles": "records read", "count": corpus.records}]
    rows += [
        {"titles": f"{_DROPPED.get(reason, f'dropped: {reason}')}", "count": -count}
        for reason, count in corpus.drops.items()
    ]
    rows += [{"titles": "kept", "count": corpus.titles}]
    rows += [{"titles": f"in {split}", "count": count} for split, count in corpus.splits.items()]
    rows += [{"titles": "not fitted: near_duplicate", "count": corpus.near_duplicates}]
    rows += [
        {"titles": f"genre not modelled: {genre}", "count": count} for genre, count in corpus.genres_left_out.items()
    ]
    return rows


def _choose_titles(
    blocks: Sequence[CleanedBlock], corpus: Corpus, settings: Prepare
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the corpus's titles without their texts, in the order of title ids, and what is told of them."""
    drops = filters.Drops()
    lengths = getattr(settings, corpus)
    records = read_columns(blocks, _NARROW)
    frame = join_records(records, min_chars=lengths.min_chars, max_chars=lengths.max_chars, prefer=settings.prefer)
    drops.counts["joined"] = len(records) - len(frame)
    frame = filters.keep_texts(
        frame,
        min_chars=lengths.min_chars,
        max_chars=lengths.max_chars,
        first_year=settings.first_year,
        last_year=settings.last_year,
        drops=drops,
    )
    frame = filters.keep_labelled(frame, settings.genres, drops)
    frame = frame.assign(split=frame["title_id"].map(split_of))
    frame = frame.assign(near_duplicate=_near_duplicates(frame, blocks, settings))
    frame, genres, left_out = filters.choose_genres(frame, settings.genres, settings.min_genre_titles, drops)
    if len(genres) < 2:
        raise NoTitlesError(_too_few(corpus, settings, len(records), genres, drops))
    part = frame["part"].map(lambda name: f": {name}", na_action="ignore").fillna("")
    frame = frame.assign(source=frame["source"] + part)
    splits = frame["split"].value_counts()
    summary = {
        "records": len(records),
        "splits": {name: int(splits.get(name, 0)) for name in SPLITS},
        "fitted": int(frame["fitted"].sum()),
        "near_duplicates": int(frame["near_duplicate"].sum()),
        "genres": genres,
        "drops": drops.counts,
        "genres_left_out": left_out,
        "sources": _by_count(Counter(frame["source"])),
        "genre_sources": _by_count(count_values(of_column(frame["genre_sources"]))),
        "terms": sorted(count_values(of_column(frame["all_terms"]))),
        "retrieved": _days(frame["retrieved_at"]),
    }
    return frame, summary


def _too_few(corpus: Corpus, settings: Prepare, records: int, genres: Sequence[str], drops: filters.Drops) -> str:
    """Say why a corpus of no genre or one is none to train on, and what may be done."""
    dropped = ", ".join(f"{reason} {count}" for reason, count in drops.counts.items() if count)
    found = f"{genres[0]} is the one genre left for" if genres else "no title is left for"
    told = f"{found} the {corpus} corpus of {records} records (dropped: {dropped})"
    if drops.counts.get("no_modelled_genre"):
        told += f"; a model needs two genres of {settings.min_genre_titles} train titles (prepare.min_genre_titles)"
    others = [name for name in settings.corpora if name != corpus]
    return f"{told}; prepare.corpora=[{others[0]}] goes on without this corpus" if others else told


def _near_duplicates(frame: pd.DataFrame, blocks: Sequence[CleanedBlock], settings: Prepare) -> npt.NDArray[np.bool_]:
    """Mark the titles that are near-duplicates; only the words of those that share a band are read."""
    similarity, rows = settings.duplicate_similarity, frame["row"].to_numpy()
    keys = np.empty((len(frame), bands(similarity)[0]), np.uint64)
    for places, values in read_values(blocks, "keys", rows):
        keys[places] = np.frombuffer(values.buffers()[1], np.uint64).reshape(-1, keys.shape[1])
    splits = frame["split"].to_numpy()
    doubtful = np.flatnonzero(suspects(keys, splits))
    tokens = [""] * len(doubtful)
    for places, values in read_values(blocks, "tokens", rows[doubtful]):
        for place, text in zip(places, values.to_pylist(), strict=True):
            tokens[place] = text
    marked = np.zeros(len(frame), bool)
    marked[doubtful] = near_duplicates(tokens, splits[doubtful], keys[doubtful], similarity, settings.duplicate_ngram)
    return marked


def _by_count(counts: Counter[str]) -> dict[str, int]:
    return dict(counts.most_common())


def _days(moments: pd.Series) -> tuple[str, str] | None:
    known = moments.dropna()
    return (f"{known.min():%Y-%m-%d}", f"{known.max():%Y-%m-%d}") if len(known) else None


def _save_plots(folder: Path, frame: pd.DataFrame, corpus: Corpus, settings: Prepare) -> None:
    folder.mkdir()
    lengths = getattr(settings, corpus)
    counts = _by_count(count_values(of_column(frame["genres"])))
    limits = (lengths.min_chars, lengths.max_chars)
    figures = {
        "genre_frequency": charts.genre_frequency(counts, f"{corpus}: genres of {len(frame):,} titles"),
        "text_lengths": charts.text_lengths(frame["chars"].to_numpy(), limits, f"{corpus}: text lengths"),
    }
    for plot, figure in figures.items():
        figure.savefig(folder / f"{plot}.png")
