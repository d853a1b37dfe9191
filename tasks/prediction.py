"""Task of the predict stage: a file of texts in, a file of genres out."""

from __future__ import annotations

from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from conf.names import Corpus
from conf.operation import Track
from tasks.file_answers import FileAnswers, predict_file
from tasks.progress import bar


@task(task_run_name="predict {source.name}", cache_policy=NO_CACHE)
def predict_titles(
    home: Path, track: Track, corpus: Corpus, source: Path, target: Path | None, model: str | None, thresholds: str
) -> FileAnswers:
    """Predict every text of a file into a Parquet file, as predict_file does; the log names the first bad rows."""
    logger = get_run_logger()
    with bar(f"predict {source.name}", 0, logger) as advance:
        told = predict_file(
            home,
            track,
            corpus,
            source,
            target,
            model=model,
            thresholds=thresholds,
            on_progress=lambda done, total: advance(done, new_total=total),
        )
    logger.info("%d rows predicted into %s", told.rows, told.output.name)
    if told.problems:
        logger.warning("bad rows, which have no answer: %d (%s)", told.problems, "; ".join(told.examples))
    return told
