"""Task that compares the titles that came since the last training with those it had: like them, and enough of them?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.errors import GenreflowError
from conf.names import Corpus
from conf.operation import Nightly
from conf.schema import Settings
from tasks.artifacts import show_table
from tasks.corpus import TITLES, StoredCorpus, stored_corpus
from tasks.logic import drift
from tasks.retries import TRACKING_RETRIES
from tasks.runs import last_training


class BrokenDataError(GenreflowError):
    """Say in which way new titles are unlike those that were trained on, and by which value they would be kept."""


class DataReport(BaseModel, frozen=True):
    """Summarise what came since the last training: titles then and new, why training is due, what is out of bounds.

    due is None where too little is new; broken lists each figure that is beyond its limit, in words.
    """

    corpus: Corpus
    before: int
    new: int
    due: str | None
    waits: str
    broken: list[str]


@task(task_run_name="data report of {corpus.corpus}", cache_policy=NO_CACHE, **TRACKING_RETRIES)
def compare_data(home: Path, settings: Settings, corpus: StoredCorpus) -> DataReport:
    """Compare a corpus with that of its last finished training; shows the figures on the run's page."""
    limits = settings.nightly
    last = last_training(home, settings, corpus.corpus)
    former = last and stored_corpus(home, corpus.corpus, last.data_fingerprint)
    if last is None or former is None:
        first = "nothing was trained before" if last is None else "the titles of the last training are gone"
        return DataReport(corpus=corpus.corpus, before=0, new=corpus.titles, due=first, waits="", broken=[])
    before, now = _read(former), _read(corpus)
    known = pc.is_in(now["title_id"], value_set=before["title_id"])
    new = now.filter(pc.invert(known))
    rows = []
    if last.same_titles:
        rows = [*_of_titles(former, before, new, limits), *_of_records(former, corpus, limits)]
    if rows:
        told = f"{new.num_rows:,} titles of the {corpus.corpus} corpus are new since {last.name}"
        table = [{**row, "broken": "beyond" if row["broken"] else "within"} for row in rows]
        show_table(table, key=f"{corpus.corpus}-new-titles", description=told)
    broken = [row["broken"] for row in rows if row["broken"]]
    enough = limits.min_new_share * before.num_rows
    waits = f"{new.num_rows:,} of {before.num_rows:,} titles are new, {limits.min_new_share:.1%} are needed"
    due = last.changed
    if due is None and new.num_rows >= enough:
        due = f"{new.num_rows:,} titles are new to {before.num_rows:,}"
    get_run_logger().info("%s: %s", corpus.corpus, due or waits)
    return DataReport(
        corpus=corpus.corpus, before=before.num_rows, new=new.num_rows, due=due, waits=waits, broken=broken
    )


def _read(corpus: StoredCorpus) -> pa.Table:
    return pq.read_table(corpus.folder / TITLES, columns=["title_id", "genres", "tokens", "split", "fitted"])


def _of_titles(former: StoredCorpus, before: pa.Table, new: pa.Table, limits: Nightly) -> list[dict[str, Any]]:
    """Return each figure before and of the new titles, its limit, and in words where it is beyond (broken)."""
    if new.num_rows < limits.min_titles:
        return []
    genres = [each["genres"].combine_chunks() for each in (before, new)]
    shift = drift.genre_shift(genres[0], genres[1], former.genres)
    ratio = drift.length_ratio(before["tokens"], new["tokens"])
    train = pc.and_(pc.equal(before["split"], "train"), before["fitted"])
    words = drift.vocabulary(before.filter(train)["tokens"])
    held_out = drift.unknown_share(before.filter(pc.invert(train))["tokens"], words)
    longest = limits.max_length_ratio
    beyond = f"median words are {ratio:.2f} times those before (nightly.max_length_ratio {longest:g})"
    return [
        _row(f"change of a genre's share beyond chance ({shift.genre})", 0.0, shift.size, "max_genre_shift", limits),
        _row("words no train text had, share", held_out, drift.unknown_share(new["tokens"], words),
             "max_unknown_rise", limits),
        {"figure": "median words, ratio", "before": "1.00", "new": f"{ratio:.2f}",
         "limit": f"{1 / longest:.2f} to {longest:g}", "broken": None if 1 / longest <= ratio <= longest else beyond},
    ]  # fmt: skip


def _of_records(former: StoredCorpus, corpus: StoredCorpus, limits: Nightly) -> list[dict[str, Any]]:
    """Return the same of the records that came: a title without a text is in no corpus."""
    came = corpus.records - former.records
    if came < limits.min_titles:
        return []
    rows = []
    for reason, figure, key in (
        ("no_text", "records without a text, share", "max_missing_rise"),
        ("placeholder", "placeholders instead of a text, share", "max_placeholder_rise"),
    ):
        then, now = (each.drops.get(reason, 0) for each in (former, corpus))
        rows.append(_row(figure, then / former.records, max(0, now - then) / came, key, limits))
    return rows


def _row(figure: str, before: float, new: float, key: str, limits: Nightly) -> dict[str, Any]:
    rise = getattr(limits, key)
    told = f"{figure}: {new:.3f} against {before:.3f} before (nightly.{key} {rise:g})"
    return {
        "figure": figure,
        "before": f"{before:.3f}",
        "new": f"{new:.3f}",
        "limit": f"{before + rise:.3f}",
        "broken": told if new - before > rise else None,
    }


def check_reports(home: Path, reports: list[DataReport]) -> None:
    """Stop where new titles are unlike the trained ones; raises BrokenDataError with every figure and what to do."""
    broken = "; ".join(f"{report.corpus}: {each}" for report in reports for each in report.broken)
    if broken:
        raise BrokenDataError(
            "titles that are new since the last training are unlike those it had, nothing is trained. "
            f"{broken}. Look at the newest folders in {home / 'raw'}: take a bad one out, or raise the value named"
        )


def why_skipped(reports: list[DataReport]) -> str | None:
    """Return in words why training may wait, None where it is due for any corpus."""
    if any(report.due for report in reports):
        return None
    return "not trained: " + "; ".join(f"{report.corpus}: {report.waits}" for report in reports)
