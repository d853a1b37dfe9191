"""Logged models in a fresh process, in another folder, without the project's packages: as in training."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from harness import TrainedHome

from tasks.corpus import read_titles
from tasks.evaluation import read_decision
from tasks.logic.calibration import apply_calibration
from tasks.training import read_probabilities

# The checkout is taken off the import path, so that only the code packed with the model can be found.
SCRIPT = """
import importlib.util, json, sys
from pathlib import Path
sys.path = [folder for folder in sys.path if not (Path(folder) / "tasks" / "genre_model.py").exists()]
assert importlib.util.find_spec("tasks") is None
import mlflow, pandas as pd
store, uri, texts, answers = sys.argv[1:]
mlflow.set_tracking_uri(store)
model = mlflow.pyfunc.load_model(uri)
found = model.predict(pd.read_json(texts))
import tasks
found = {"probabilities": found["probabilities"].tolist(), "genres": found["genres"].tolist()}
packages = sorted({name.partition(".")[0] for name in sys.modules})
Path(answers).write_text(json.dumps({"tasks": tasks.__file__, "packages": packages, **found}))
"""


@pytest.mark.parametrize("recipe", ["champion", "linear", "bilstm"])
def test_model_predicts_in_another_process_as_in_training(
    trained_home: TrainedHome, tmp_path: Path, recipe: str
) -> None:
    trained = trained_home.done.trained["summary"]
    wanted = trained.promotion.recipe if recipe == "champion" else recipe
    (run,) = (run for run in trained.runs if run.recipe == wanted)
    (fitted,) = (model for model in trained.models if model.recipe == wanted)
    uri = "models:/genreflow-summary@champion" if recipe == "champion" else str(run.model_uri)
    frame = read_titles(trained.corpus)
    texts = frame.loc[frame["split"] == "test", "text"].tolist()

    answer = ask_elsewhere(trained_home.path, uri, texts, tmp_path)

    assert Path(answer["tasks"]).is_relative_to(trained_home.path / "mlflow" / "artifacts")
    assert not {"prefect", "scrapy", "flows", "scraper", "conf"} & set(answer["packages"])
    if recipe == "linear":
        assert not {"tensorflow", "keras", "torch", "gensim", "nltk"} & set(answer["packages"])
    expected = apply_calibration(read_probabilities(fitted)["test"], read_decision(run.evaluation)["calibration"])
    found = np.array([[row[genre] for genre in trained.corpus.genres] for row in answer["probabilities"]])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    actual = pd.read_parquet(run.evaluation.folder / "test_titles.parquet")["predicted"]
    assert answer["genres"] == [list(genres) for genres in actual]


def ask_elsewhere(home: Path, uri: str, texts: list[str], folder: Path) -> dict[str, Any]:
    """Load a model in a fresh process that starts in `folder`, and return what it answered."""
    pd.DataFrame({"text": texts}).to_json(folder / "texts.json")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    store = f"sqlite:///{home}/mlflow/mlflow.db"
    arguments = [store, uri, str(folder / "texts.json"), str(folder / "answers.json")]
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    return answer
