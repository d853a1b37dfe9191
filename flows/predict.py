"""Flow: a file of texts into a file of genres, from the champion."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from conf.names import Corpus
from conf.schema import load
from flows.paths import home_path
from tasks.prediction import predict_titles


@flow(name="predict", flow_run_name="predict {corpus} of {source}", validate_parameters=True)
def predict(
    source: Path,
    corpus: Corpus = "summary",
    target: Path | None = None,
    conf: str = "base",
    overrides: list[str] | None = None,
    home: str | None = None,
) -> Path:
    """Predict every text of a Parquet file and return the file written.

    source: Parquet file with a column text, or one named like the corpus. target: by default
    predictions/<source's name> inside the home. conf: name of a shipped configuration or a YAML file.
    overrides: dotted.key=value, one value each. home: folder of all results.
    """
    # Reading a champion needs no lock: predictions go on while a pipeline trains.
    path = home_path(home)
    written = target or path / "predictions" / f"{source.stem}-{corpus}.parquet"
    predict_titles(path, load(conf, overrides or []).track, corpus, source, written)
    return written
