"""Which model is asked: the champion or the one named; and by which thresholds it decides."""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from harness import TrainedHome
from mlflow.exceptions import MlflowException

from tasks.answers import predict_text
from tasks.asked_model import ThresholdsError, open_asked
from tasks.champion import ModelError, connect, load_model
from tasks.logic.decisions import thresholds_of
from tasks.saved_recipe import DIGESTS

TEXT = "A retired detective hunts a killer who stages murders as film scenes."


@pytest.fixture
def linear(trained_home: TrainedHome) -> Any:
    """Return the MLflow run of the summary corpus's linear recipe."""
    connect(trained_home.path, trained_home.settings.track)
    (run,) = (run for run in trained_home.done.trained["summary"].runs if run.recipe == "linear")
    return run


@pytest.fixture
def folder(linear: Any, tmp_path: Path) -> Path:
    """Return a copy of the linear model's folder."""
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=linear.model_uri, dst_path=str(tmp_path / "model")))


@pytest.fixture
def ask(trained_home: TrainedHome) -> Any:
    """Return a function that opens the model asked for in the trained home."""
    return lambda **asked: open_asked(trained_home.path, trained_home.settings.track, "summary", **asked)


def test_a_folder_and_a_uri_name_the_same_model(ask: Any, linear: Any, folder: Path) -> None:
    named = {"folder": str(folder), "file": str(folder / "MLmodel"), "uri": linear.model_uri}
    named["run"] = f"runs:/{linear.run_id}/linear"
    opened = {way: ask(model=name) for way, name in named.items()}
    assert {way: model.card.pop("model") for way, model in opened.items()} == named
    cards = [model.card for model in opened.values()]
    assert cards[0]["recipe"] == "linear"
    assert all(card == cards[0] for card in cards)


def test_a_model_answers_for_its_own_corpus(trained_home: TrainedHome, folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "home"
    told = predict_text(empty, trained_home.settings.track, "synopsis", TEXT, model=str(folder))
    assert (told["corpus"], told["recipe"], told["model"]) == ("summary", "linear", str(folder))
    assert not empty.exists()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("nowhere", "nowhere: no such folder; expected the folder of an MLflow model, or a URI"),
        (
            "models:/genreflow-summary/99",
            r"models:/genreflow-summary/99: cannot be fetched: Model Version .* not found",
        ),
        ("models:/other/1", "models:/other/1: cannot be fetched: .*other.* not found"),
        ("runs:/0123/linear", "runs:/0123/linear: cannot be fetched: .*0123.* not found"),
        ("file:///no/such/folder", "file:///no/such/folder: cannot be fetched: .*folder"),
    ],
)
def test_a_model_that_is_not_there_is_named(ask: Any, model: str, expected: str) -> None:
    with pytest.raises(ModelError, match=expected):
        ask(model=model)


def test_a_folder_that_is_no_model_is_named(ask: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"{tmp_path}: no MLflow model: it has no file MLmodel; expected the folder"):
        ask(model=str(tmp_path))


@pytest.mark.parametrize("content", [b"flavors: {", b"- a list", b"\xff\xfe"])
def test_a_description_that_is_broken_is_named(ask: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "MLmodel").write_bytes(content)
    with pytest.raises(ModelError, match=f"{tmp_path}: its file MLmodel is not readable"):
        ask(model=str(tmp_path))


class Other(mlflow.pyfunc.PythonModel):
    """A model of somebody else."""

    def load_context(self, context: Any) -> None:
        raise AssertionError("another's model is not loaded")

    def predict(self, context: Any, model_input: list[str]) -> list[str]:
        return model_input


def test_a_model_that_is_none_of_genreflows_is_named_and_not_loaded(ask: Any, tmp_path: Path) -> None:
    mlflow.pyfunc.save_model(tmp_path / "other", python_model=Other(), pip_requirements=[])
    with pytest.raises(ModelError, match="other: an MLflow model, but none that genreflow has logged"):
        ask(model=str(tmp_path / "other"))


def test_a_model_of_an_older_genreflow_is_named(ask: Any, folder: Path) -> None:
    card = folder / "artifacts" / "model" / "model.json"
    told = json.loads(card.read_text())
    del told["genre_thresholds"]
    card.write_text(json.dumps(told))
    (card.parent / DIGESTS).unlink()
    with pytest.raises(ModelError, match=r"made by an older genreflow \(its model.json lacks genre_thresholds\)"):
        ask(model=str(folder))


def test_a_damaged_model_is_named(ask: Any, folder: Path) -> None:
    (folder / "artifacts" / "model" / "terms.json").unlink()
    with pytest.raises(ModelError, match=f"{folder}: .*terms.json: missing or damaged"):
        ask(model=str(folder))


RULES = ("global", "per_genre", "0.25")


def test_thresholds_asked_for_decide_whatever_the_models_own(ask: Any, folder: Path) -> None:
    own, both = ask(model=str(folder)).card, {rule: ask(model=str(folder), thresholds=rule).card for rule in RULES}
    assert thresholds_of(both["global"]) == [own["threshold"]] * len(own["genres"])
    assert thresholds_of(both["per_genre"]) == own["genre_thresholds"] == thresholds_of(own)
    assert thresholds_of(both["0.25"]) == [0.25] * len(own["genres"])


def test_thresholds_that_are_none_are_told(ask: Any) -> None:
    with pytest.raises(ThresholdsError, match="expected global, per_genre or a number between 0 and 1, got 'half'"):
        ask(thresholds="half")


# What the logged model itself takes


@pytest.fixture
def logged(linear: Any) -> Any:
    """Return the linear model as MLflow loads it, with its own check of params."""
    return load_model(linear.model_uri)


def test_a_logged_model_takes_params(logged: Any) -> None:
    frame = pd.DataFrame({"text": [TEXT, "Love."]}, index=[7, 9])
    plain = logged.predict(frame)
    asked = logged.predict(frame, params={"thresholds": "0.3", "top": 2, "explain": True})
    assert plain.columns.tolist() == ["genres", "probabilities"]
    assert asked.columns.tolist() == ["genres", "probabilities", "explanation"]
    assert plain.index.tolist() == asked.index.tolist() == [7, 9]
    for (_, whole), (_, row) in zip(plain.iterrows(), asked.iterrows(), strict=True):
        ranked = sorted(whole["probabilities"].items(), key=lambda pair: -pair[1])
        above = [genre for genre, probability in ranked if probability >= 0.3]
        assert sorted(row["genres"]) == sorted(above)
        assert list(row["probabilities"].items()) == ranked[: max(2, len(above))]
        assert list(row["explanation"]["genres"]) == (above or [ranked[0][0]])
    assert asked["explanation"].iloc[1]["text"] == "Love."


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"thresholds": "half"}, "thresholds: expected global, per_genre or a number between 0 and 1, got 'half'"),
        ({"thresholds": 0.4}, "thresholds.*string.*0.4"),
        ({"top": -1}, "top: expected how many genres to tell, 0 for all of them, got -1"),
        ({"top": "many"}, "top.*long.*many"),
        ({"explain": "yes"}, "explain.*boolean.*yes"),
    ],
)
def test_a_wrong_param_is_named(logged: Any, params: dict[str, Any], expected: str) -> None:
    with pytest.raises(MlflowException, match=expected):
        logged.predict(pd.DataFrame({"text": [TEXT]}), params=params)


@pytest.mark.parametrize("value", [None, 5])
def test_a_row_that_is_no_text_is_named(logged: Any, value: Any) -> None:
    with pytest.raises(MlflowException, match="row 2: expected a text, got (5|nan|None)"):
        logged.predict(pd.DataFrame({"text": [TEXT, value]}))


# Whose code a model runs


def test_a_copied_model_of_this_genreflow_is_opened_without_a_word(
    ask: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ask(model=str(folder))
    assert caplog.messages == []


def test_a_model_that_was_opened_elsewhere_is_opened_without_what_python_wrote_there(
    ask: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written = folder / "code" / "tasks" / "__pycache__" / "champion.cpython-311.pyc"
    written.parent.mkdir()
    written.write_bytes(b"anything")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert ask(model=str(folder)).card["recipe"] == "linear"
    assert caplog.messages == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    (folder / "artifacts" / "model" / "model.json").unlink()
    with pytest.raises(ModelError, match=f"^{folder}: "):
        ask(model=str(folder))


@pytest.mark.parametrize("name", ["genre_model.py", "code/tasks/logic/text.py", "code/tasks/logic/more.py"])
def test_a_folder_with_code_of_its_own_is_warned_of(
    name: str, ask: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (folder / name).open("a") as code:
        code.write("# Changed.\n")
    ask(model=str(folder))
    (told,) = caplog.messages
    assert told == f"{folder} runs code that is not this genreflow's ({name}): open models of people you trust alone"


@pytest.mark.parametrize(
    "flavor",
    [
        {"loader_module": "mlflow.pyfunc.model", "python_model": "python_model.pkl"},
        {"loader_module": "os"},
        {"code": "elsewhere"},
        {"model_code_path": "other.py"},
    ],
)
def test_a_model_that_is_opened_in_another_way_is_refused_and_not_loaded(
    flavor: dict[str, str], ask: Any, folder: Path
) -> None:
    described = yaml.safe_load((folder / "MLmodel").read_text())
    described["flavors"]["python_function"] |= flavor
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    (folder / "genre_model.py").write_text("raise AssertionError('loaded')")
    with pytest.raises(ModelError, match="an MLflow model, but none that genreflow has logged"):
        ask(model=str(folder))


def test_an_array_of_objects_in_a_model_is_refused_in_one_line(ask: Any, folder: Path) -> None:
    arrays = folder / "artifacts" / "model" / "linear.npz"
    with np.load(arrays, allow_pickle=False) as stored:
        plain = dict(stored)
    plain["idf"] = np.array([object()], dtype=object)
    np.savez(arrays, allow_pickle=True, **plain)
    # Whoever writes such a file writes no list of digests that betrays it.
    arrays.with_name(DIGESTS).unlink()
    with pytest.raises(ModelError, match=f"{folder}: .*Object arrays cannot be loaded when allow_pickle=False"):
        ask(model=str(folder))
