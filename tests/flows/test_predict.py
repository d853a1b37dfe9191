"""The predict flow: a file of texts into a file of genres, from the model and by the thresholds asked for."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from harness import TrainedHome

from flows.predict import predict

TEXT = "A retired detective hunts a killer who stages murders as film scenes."


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a file of two rows, the second one bad."""
    path = tmp_path / "plots.jsonl"
    path.write_text(f'{{"id": 1, "text": "{TEXT}"}}\n{{"id": 2, "text": 5}}\n')
    return path


def test_a_file_is_predicted_with_the_model_named(
    trained_home: TrainedHome, source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (run,) = (run for run in trained_home.done.trained["synopsis"].runs if run.recipe == "linear")
    target = tmp_path / "genres.parquet"
    written = predict(source, target=target, model=run.model_uri, thresholds="0.1", home=trained_home.path)
    assert written == target
    good, bad = pq.read_table(target).to_pylist()
    probabilities = dict(good["probabilities"])
    assert list(probabilities) == trained_home.done.corpora["synopsis"].genres
    assert good["genres"] == [genre for genre, value in probabilities.items() if value >= 0.1]
    assert (bad["genres"], bad["problem"]) == (None, "expected a text, got 5")
    assert "bad rows, which have no answer: 1 (row 2: expected a text, got 5)" in caplog.text


def test_the_file_written_is_named_after_source_and_the_models_corpus(
    trained_home: TrainedHome, source: Path, tmp_path: Path
) -> None:
    (run,) = (run for run in trained_home.done.trained["synopsis"].runs if run.recipe == "linear")
    models = trained_home.path / "mlflow" / "artifacts" / "synopsis" / "models"
    folder = models / str(run.model_uri).removeprefix("models:/") / "artifacts"
    written = predict(source, corpus="summary", model=str(folder), home=tmp_path / "home")
    assert written == tmp_path / "home" / "predictions" / "plots-synopsis.parquet"
    assert pq.read_table(written).num_rows == 2
