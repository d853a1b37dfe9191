"""Logged models elsewhere: another folder and process, new environments with their own requirements only, no home.

They answer as in training, and over HTTP as docs/models.md has it. Short by default; GENREFLOW_LONG=1 carries a
network to an environment of its own, too.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from fresh_environment import make_environment
from harness import TrainedHome

from tasks.champion import connect, load_model
from tasks.corpus import read_titles
from tasks.evaluation import read_decision
from tasks.logic.calibration import apply_calibration
from tasks.training import read_probabilities

SCRIPT = """
import importlib.util, json, sys
from pathlib import Path
absent = ("tasks", "flows", "scraper", "conf", "prefect", "scrapy", "gensim", "pip", *sys.argv[4:])
assert not [name for name in absent if importlib.util.find_spec(name)]
import mlflow, pandas as pd
uri, texts, answers = sys.argv[1:4]
model = mlflow.pyfunc.load_model(uri)
found = model.predict(pd.read_json(texts))
import tasks
found = {"probabilities": found["probabilities"].tolist(), "genres": found["genres"].tolist()}
packages = sorted({name.partition(".")[0] for name in sys.modules})
Path(answers).write_text(json.dumps({"tasks": tasks.__file__, "packages": packages, **found}))
"""
LONG = "GENREFLOW_LONG" in os.environ
MODELS = Path(__file__).parents[2] / "docs" / "models.md"
Commands = Callable[[str], Path]


@pytest.fixture(scope="module")
def copies(trained_home: TrainedHome, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return copies of the summary models' folders by recipe, far from the home."""
    connect(trained_home.path, trained_home.settings.track)
    far = tmp_path_factory.mktemp("far")
    return {
        run.recipe: Path(
            mlflow.artifacts.download_artifacts(artifact_uri=run.model_uri, dst_path=str(far / run.recipe))
        )
        for run in trained_home.done.trained["summary"].runs
        if run.recipe in ("linear", "bilstm")
    }


@pytest.fixture(scope="module")
def commands(copies: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """Return a function that gives the commands of an environment made of a model's requirements, once a model."""
    made: dict[str, Path] = {}

    def commands_of(recipe: str) -> Path:
        if recipe not in made:
            requirements = (copies[recipe] / "requirements.txt").read_text().splitlines()
            made[recipe] = make_environment(tmp_path_factory.mktemp("environments") / recipe, requirements)
        return made[recipe]

    return commands_of


@contextlib.contextmanager
def moved_away(home: Path) -> Iterator[None]:
    """Have no folder where the home was."""
    away = home.rename(home.with_name("away"))
    try:
        yield
    finally:
        away.rename(home)


def environment(commands: Path, **more: str) -> dict[str, str]:
    """Return the variables of a shell in which an environment is active."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**kept, "PATH": f"{commands}{os.pathsep}{kept['PATH']}", **more}


def ask_elsewhere(commands: Path, uri: str, texts: list[str], folder: Path, *absent: str, **more: str) -> Any:
    """Load a model in an environment's process that starts in an empty folder, and return what it answered."""
    pd.DataFrame({"text": texts}).to_json(folder / "texts.json")
    start = folder / "start"
    start.mkdir()
    arguments = [uri, str(folder / "texts.json"), str(folder / "answers.json"), *absent]
    done = subprocess.run(
        [str(commands / "python"), "-c", SCRIPT, *arguments],
        cwd=start, env=environment(commands, **more), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(start.iterdir()) == []
    return json.loads((folder / "answers.json").read_text())


def assert_as_in_training(trained_home: TrainedHome, recipe: str, answer: dict[str, Any]) -> None:
    """Check an answer to the test texts of the summary corpus against what training kept."""
    trained = trained_home.done.trained["summary"]
    (run,) = (run for run in trained.runs if run.recipe == recipe)
    (fitted,) = (model for model in trained.models if model.recipe == recipe)
    expected = apply_calibration(read_probabilities(fitted)["test"], read_decision(run.evaluation)["calibration"])
    found = np.array([[row[genre] for genre in trained.corpus.genres] for row in answer["probabilities"]])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    actual = pd.read_parquet(run.evaluation.folder / "test_titles.parquet")["predicted"]
    assert answer["genres"] == [list(genres) for genres in actual]


def texts_of(trained_home: TrainedHome) -> list[str]:
    frame = read_titles(trained_home.done.corpora["summary"])
    texts: list[str] = frame.loc[frame["split"] == "test", "text"].tolist()
    return texts


# In short, the champion that is found by its alias may be a network as well.
@pytest.mark.parametrize(("recipe", "absent"), [("linear", ("keras", "tensorflow")), ("bilstm", ())][: 1 + LONG])
def test_a_copy_predicts_in_a_new_environment_as_in_training(
    trained_home: TrainedHome, copies: Any, commands: Commands, tmp_path: Path, recipe: str, absent: tuple[str, ...]
) -> None:
    texts, bin_folder = texts_of(trained_home), commands(recipe)
    with moved_away(trained_home.path):
        answer = ask_elsewhere(bin_folder, str(copies[recipe]), texts, tmp_path, *absent)
    assert Path(answer["tasks"]).is_relative_to(copies[recipe])
    if recipe == "linear":
        assert not {"nltk", "torch"} & set(answer["packages"])
    assert_as_in_training(trained_home, recipe, answer)


def test_the_champion_is_found_by_its_alias(trained_home: TrainedHome, commands: Commands, tmp_path: Path) -> None:
    store = f"sqlite:///{trained_home.path}/mlflow/mlflow.db"
    texts, alias = texts_of(trained_home), "models:/genreflow-summary@champion"
    # The home is other tests', too: nothing is written beside its models' code.
    given = {"MLFLOW_TRACKING_URI": store, "PYTHONDONTWRITEBYTECODE": "1"}
    answer = ask_elsewhere(commands("bilstm"), alias, texts, tmp_path, **given)
    assert Path(answer["tasks"]).is_relative_to(trained_home.path / "mlflow" / "artifacts")
    assert_as_in_training(trained_home, trained_home.done.trained["summary"].promotion.recipe, answer)


# Over HTTP


@pytest.fixture(scope="module")
def address(copies: dict[str, Path], commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the copy of the linear model in its environment; yields the server's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bin_folder, folder = commands("linear"), tmp_path_factory.mktemp("served")
    call = [str(bin_folder / "mlflow"), "models", "serve", "--model-uri", str(copies["linear"])]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*call, "--env-manager", "local", "--port", str(port)],
            cwd=folder, env=environment(bin_folder), stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", server, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def post(address: str, body: bytes) -> tuple[int, Any]:
    request = urllib.request.Request(f"{address}/invocations", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answered:
            return answered.status, json.load(answered)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def documented_call() -> bytes:
    """Return what that page's curl posts."""
    (body,) = re.findall(r"curl \S+/invocations -H \S+ \S+ -d '([^']+)'", MODELS.read_text())
    return str(body).encode()


def test_the_documented_call_is_answered(copies: dict[str, Path], address: str) -> None:
    call = json.loads(documented_call())
    status, answer = post(address, documented_call())
    frame = pd.DataFrame(call["dataframe_split"]["data"], columns=call["dataframe_split"]["columns"])
    expected = load_model(str(copies["linear"])).predict(frame, params=call["params"])
    assert (status, list(answer)) == (200, ["predictions"])
    assert set(call["params"]) == {"thresholds", "top"}
    assert len(answer["predictions"]) == len(frame) > 1
    for i, row in enumerate(answer["predictions"]):
        assert row["genres"] == expected["genres"][i]
        assert row["probabilities"] == pytest.approx(expected["probabilities"][i])
        assert list(row["probabilities"].values()) == sorted(row["probabilities"].values(), reverse=True)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dataframe_split": {"columns": ["text"], "data": [["A killer."], [5]]}}, "row 2: expected a text, got 5"),
        ({"params": {"thresholds": "half"}}, "thresholds: expected global, per_genre or a number between 0 and 1"),
    ],
)
def test_a_bad_call_is_answered_with_what_is_wrong(address: str, change: dict[str, Any], expected: str) -> None:
    status, answer = post(address, json.dumps(json.loads(documented_call()) | change).encode())
    assert status == 400
    assert expected in answer["message"]
