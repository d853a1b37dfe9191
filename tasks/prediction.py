"""Task of the predict stage: a file of texts in, a file of genres out."""

from __future__ import annotations

from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from conf.names import Corpus
from conf.schema import Track
from tasks.answers import predict_file


@task(task_run_name="predict {source.name}", cache_policy=NO_CACHE)
def predict_titles(home: Path, track: Track, corpus: Corpus, source: Path, target: Path) -> int:
    """Predict every text of a Parquet file with the corpus's champion into a Parquet file; returns the rows."""
    rows = predict_file(home, track, corpus, source, target)
    get_run_logger().info("%d texts predicted into %s", rows, target.name)
    return rows
