"""Flow: a file of texts into a file of genres, from the champion or another model."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from conf.names import Corpus
from conf.schema import load
from flows.notices import FAILURE_HOOKS
from flows.parameters import Conf, run_name
from flows.paths import home_path
from tasks.prediction import predict_titles


@flow(name="predict", flow_run_name=run_name, validate_parameters=True, **FAILURE_HOOKS)
def predict(
    source: Path,
    corpus: Corpus = "summary",
    target: Path | None = None,
    model: str | None = None,
    thresholds: str = "",
    conf: Conf = "base",
    overrides: list[str] | None = None,
    home: Path | None = None,
) -> Path:
    """Predict every text of a file and return the Parquet file written.

    Args:
        source: absolute path of a CSV, TSV, JSON lines or Parquet file with a column text, or one named like the
            corpus.
        corpus: whose champion predicts, where no model is named.
        target: file to write; by default predictions/<source's name>-<corpus>.parquet inside the home.
        model: folder or MLflow URI of another model that genreflow has logged, whose corpus is its own.
        thresholds: global, per_genre, or a number for all genres; by default as the model was trained to.
        conf: a shipped configuration, or the path of a YAML file that names what differs from base.
        overrides: values changed for this run, each dotted.key=value, such as embed.epochs=10.
        home: folder of all data, results and stores; by default GENREFLOW_HOME or ./data.
    """
    # Reading a champion needs no lock: predictions go on while a pipeline trains.
    path = home_path(home)
    track = load(conf, overrides or []).track
    return predict_titles(path, track, corpus, source, target, model, thresholds).output
