"""Task of the prepare stage: raw titles in, one labelled, split corpus out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.errors import GenreflowError
from conf.names import Corpus
from conf.schema import Prepare
from scraper.items import GENERATED
from scraper.writer import read_raw
from tasks import progress, store
from tasks.logic import charts, filters
from tasks.logic.text import stop_words
from tasks.reuse import cached

VERSION = 1
TITLES = "titles.parquet"
PLOTS = "plots"
COLUMNS = ["title_id", "title", "year", "genres", "source", "terms", "retrieved_at"]


class StoredCorpus(BaseModel, frozen=True):
    """Summarise a stored corpus: titles by split, genres modelled, and what was dropped and why."""

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
    terms: list[str]
    reused: bool = False

    @property
    def titles(self) -> int:
        """Return how many titles the corpus holds."""
        return sum(self.splits.values())


class NoTitlesError(GenreflowError):
    """Say that a corpus would be empty, and of what it was to be made."""


@task(task_run_name="prepare {corpus}", cache_policy=NO_CACHE)
def prepare_corpus(home: Path, corpus: Corpus, settings: Prepare, random_seed: int) -> StoredCorpus:
    """Clean, filter, label and split what raw/ holds into corpora/<corpus>-<fingerprint>/.

    Raises NoTitlesError when raw/ is empty or nothing is left, saying what was dropped.
    """
    logger = get_run_logger()
    raw = home / "raw"
    fingerprint = store.fingerprint(
        step="prepare",
        version=VERSION,
        corpus=corpus,
        raw=raw_digests(raw),
        settings=settings,
        seed=random_seed,
    )
    folder = home / "corpora" / f"{corpus}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(StoredCorpus(folder=folder, **found.summary, reused=True), folder)

    records = read_records(raw, corpus)
    _refuse_mixture(records, raw)
    with store.new_result(folder, step="prepare", version=VERSION, fingerprint=fingerprint) as draft:
        frame, summary = _make_corpus(records, corpus, settings, random_seed, logger)
        frame.to_parquet(draft.folder / TITLES, index=False)
        _save_plots(draft.folder / PLOTS, frame, corpus, settings)
        draft.summary = {"corpus": corpus, "fingerprint": fingerprint, "filter": settings.filter, **summary}
    stored = StoredCorpus(folder=folder, **draft.summary)
    rows = drop_table(stored)
    logger.info("%s: %s", corpus, ", ".join(f"{row['titles']} {row['count']:,}" for row in rows))
    create_table_artifact(rows, key=f"{corpus}-drops", description=f"What became of the titles of the {corpus} corpus")
    return stored


def read_titles(corpus: StoredCorpus) -> pd.DataFrame:
    """Read the corpus's table: title_id, title, year, genres, text, tokens, split, fitted, near_duplicate, source."""
    return pd.read_parquet(corpus.folder / TITLES)


def raw_digests(raw: Path) -> dict[str, str]:
    """Return the SHA-256 of every raw part that a manifest names, by crawl folder and file name."""
    digests = {}
    for folder in sorted(raw.glob("*/")):
        manifest = store.read_manifest(folder)
        for name, entry in manifest.files.items() if manifest else ():
            digests[f"{folder.name}/{name}"] = entry.sha256
    return digests


def read_records(raw: Path, corpus: Corpus) -> pd.DataFrame:
    """Read every raw record's columns that a corpus needs; raises NoTitlesError when there is none."""
    columns = [*COLUMNS, corpus, f"{corpus}_source"]
    tables = list(read_raw(raw, columns=columns))
    if not tables:
        raise NoTitlesError(
            f"no titles in {raw}: collect some (genreflow collect) or import a file (genreflow import FILE.parquet)"
        )
    return pa.concat_tables(tables).to_pandas()


def drop_table(corpus: StoredCorpus) -> list[dict[str, Any]]:
    """List what became of every record: read, dropped by reason, kept, and how the kept are split."""
    rows = [{"titles": "records read", "count": corpus.records}]
    rows += [{"titles": f"dropped: {reason}", "count": -count} for reason, count in corpus.drops.items()]
    rows += [{"titles": "kept", "count": corpus.titles}]
    rows += [{"titles": f"in {split}", "count": count} for split, count in corpus.splits.items()]
    rows += [{"titles": "not fitted: near_duplicate", "count": corpus.near_duplicates}]
    rows += [
        {"titles": f"genre not modelled: {genre}", "count": count} for genre, count in corpus.genres_left_out.items()
    ]
    return rows


def _make_corpus(
    records: pd.DataFrame, corpus: Corpus, settings: Prepare, random_seed: int, logger: Any
) -> tuple[pd.DataFrame, dict[str, Any]]:
    drops = filters.Drops()
    lengths = getattr(settings, corpus)
    frame = filters.newest_records(records, drops)
    frame = filters.keep_texts(
        frame,
        corpus,
        min_chars=lengths.min_chars,
        max_chars=lengths.max_chars,
        first_year=settings.first_year,
        last_year=settings.last_year,
        drops=drops,
    )
    with progress.bar(f"clean {corpus}", len(frame), logger) as advance:
        frame = filters.add_tokens(frame, stop_words(), drops, advance)
    frame, genres, left_out = filters.add_labels(
        frame,
        known=settings.genres,
        min_titles=settings.min_genre_titles,
        similarity=settings.duplicate_similarity,
        ngram=settings.duplicate_ngram,
        random_seed=random_seed,
        drops=drops,
    )
    if frame.empty:
        told = ", ".join(f"{reason} {count}" for reason, count in drops.counts.items() if count)
        raise NoTitlesError(f"no title is left for the {corpus} corpus of {len(records)} records (dropped: {told})")
    frame = frame.sort_values("title_id", kind="stable").reset_index(drop=True)
    source = frame["source"] + frame[f"{corpus}_source"].map(lambda name: f": {name}" if name else "", na_action=None)
    splits = frame["split"].value_counts()
    summary = {
        "records": len(records),
        "splits": {name: int(splits.get(name, 0)) for name in ("train", "validation", "selection", "test")},
        "fitted": int(frame["fitted"].sum()),
        "near_duplicates": int(frame["near_duplicate"].sum()),
        "genres": genres,
        "drops": drops.counts,
        "genres_left_out": left_out,
        "sources": {str(name): int(count) for name, count in source.value_counts().items()},
        "terms": sorted(frame["terms"].dropna().unique().tolist()),
    }
    columns = ["title_id", "title", "year", "genres", "text", "tokens", "split", "fitted", "near_duplicate"]
    return frame[columns].assign(source=source), summary


def _refuse_mixture(records: pd.DataFrame, raw: Path) -> None:
    """Refuse generated titles beside others: a model of both would be of neither use."""
    sources = set(records["source"])
    if GENERATED in sources and len(sources) > 1:
        raise NoTitlesError(
            f"{raw} holds generated titles beside others ({', '.join(sorted(sources - {GENERATED}))}); "
            f"keep your own titles in a home of their own: --home DIR"
        )


def _save_plots(folder: Path, frame: pd.DataFrame, corpus: Corpus, settings: Prepare) -> None:
    folder.mkdir()
    lengths = getattr(settings, corpus)
    counts = {str(name): int(count) for name, count in frame["genres"].explode().value_counts().items()}
    limits = (lengths.min_chars, lengths.max_chars)
    figures = {
        "genre_frequency": charts.genre_frequency(counts, f"{corpus}: genres of {len(frame):,} titles"),
        "text_lengths": charts.text_lengths(frame["text"].str.len().to_numpy(), limits, f"{corpus}: text lengths"),
    }
    for plot, figure in figures.items():
        figure.savefig(folder / f"{plot}.png")
