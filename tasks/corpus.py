"""Task of the prepare stage: raw titles in, one labelled, split corpus out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.names import Corpus
from conf.schema import Prepare
from tasks import progress, store
from tasks.logic import charts, filters
from tasks.logic.joining import join_records
from tasks.logic.text import stop_words
from tasks.records import NoTitlesError, raw_digests, read_records
from tasks.reuse import cached

VERSION = 2
TITLES = "titles.parquet"
PLOTS = "plots"


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


def _make_corpus(
    records: pd.DataFrame, corpus: Corpus, settings: Prepare, random_seed: int, logger: Any
) -> tuple[pd.DataFrame, dict[str, Any]]:
    drops = filters.Drops()
    lengths = getattr(settings, corpus)
    frame = join_records(
        records, corpus, min_chars=lengths.min_chars, max_chars=lengths.max_chars, prefer=settings.prefer
    )
    drops.counts["joined"] = len(records) - len(frame)
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
    frame = frame.reset_index(drop=True)
    part = frame[f"{corpus}_source"].astype("str").map(lambda name: f": {name}", na_action="ignore").fillna("")
    source = frame["source"] + part
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
        "genre_sources": {
            str(name): int(count) for name, count in frame["genre_sources"].explode().value_counts().items()
        },
        "terms": sorted(set(frame["all_terms"].explode().dropna())),
        "retrieved": _days(frame["retrieved_at"]),
    }
    columns = ["title_id", "title", "year", "genres", "text", "tokens", "split", "fitted", "near_duplicate"]
    columns += ["title_type", "source_url", "terms", "retrieved_at", "genre_sources"]
    return frame[columns].assign(source=source), summary


def _days(moments: pd.Series) -> tuple[str, str] | None:
    known = moments.dropna()
    return (f"{known.min():%Y-%m-%d}", f"{known.max():%Y-%m-%d}") if len(known) else None


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
