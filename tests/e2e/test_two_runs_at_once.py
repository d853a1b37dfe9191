"""Two processes that train in the same instant, on one home or on two homes with one MLflow store, and commands beside.

Short by default, with one pair; GENREFLOW_LONG=1 starts each pair 20 times.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Answer, TrainedHome
from mlflow import MlflowClient
from tracked import Tracked, read_tracked
from trainers import Trainer, copy_stages, results

from conf.names import Corpus
from tasks.runs import find_runs

LONG = bool(os.environ.get("GENREFLOW_LONG"))
TRIES = range(20 if LONG else 1)
LONG_ONLY = pytest.mark.skipif(not LONG, reason="takes its time: set GENREFLOW_LONG=1")
CORPUS: Corpus = "summary"


@pytest.fixture(scope="module")
def trainers(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Trainer, Trainer]]:
    folder = tmp_path_factory.mktemp("trainers")
    first, second = Trainer(folder / "first.log"), Trainer(folder / "second.log")
    try:
        for each in (first, second):
            each.read()
        yield first, second
    finally:
        for each in (first, second):
            each.kill()


@pytest.fixture
def make_home(trained_home: TrainedHome, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that makes a home whose fits are whole, and that has logged nothing."""

    def make(name: str) -> Path:
        return copy_stages(trained_home.path, tmp_path / name)

    return make


@pytest.fixture(scope="module")
def undisturbed(
    trainers: tuple[Trainer, Trainer], trained_home: TrainedHome, tmp_path_factory: pytest.TempPathFactory
) -> Tracked:
    """Return what a run logs that is alone."""
    home = copy_stages(trained_home.path, tmp_path_factory.mktemp("alone") / "home")
    trainers[0].start(home)
    assert trainers[0].outcome()[0] == "Completed"
    return read_tracked(home, trained_home.settings.track, CORPUS, home / "mlflow" / "mlflow.db")


@pytest.mark.parametrize("attempt", TRIES)
def test_second_run_on_a_home_waits_or_stops_and_changes_nothing(
    trainers: tuple[Trainer, Trainer], make_home: Any, undisturbed: Tracked, trained_home: TrainedHome, attempt: int
) -> None:
    home = make_home("home")
    before = results(home)
    # Every other time the second one waits for so long that it runs, too.
    waits = [0.2, 300.0][attempt % 2]
    for each in trainers:
        each.start(home, f"run.wait_seconds={waits}")
    told = sorted(each.outcome() for each in trainers)
    store = home / "mlflow" / "mlflow.db"
    if waits < 1:
        assert [name for name, _ in told] == ["Completed", "Failed"]
        assert f"{home} is in use by another run (process " in told[1][1]
        assert "wait for it to end, or use another --home" in told[1][1]
        assert read_tracked(home, trained_home.settings.track, CORPUS, store) == undisturbed
    else:
        assert [name for name, _ in told] == ["Completed", "Completed"]
        check_two_rows_each(home, trained_home, undisturbed)
    assert results(home) == before


def check_two_rows_each(home: Path, trained_home: TrainedHome, undisturbed: Tracked) -> None:
    """The second run's rows repeat the first one's, point by point, and no model is there twice."""
    tracked = read_tracked(home, trained_home.settings.track, CORPUS, home / "mlflow" / "mlflow.db")
    assert tracked.rows == sorted(undisturbed.rows * 2)
    check_points(tracked, undisturbed)
    assert (tracked.models, tracked.versions, tracked.champion) == (
        undisturbed.models, undisturbed.versions, undisturbed.champion,
    )  # fmt: skip


def check_points(tracked: Tracked, undisturbed: Tracked) -> None:
    for name, kept in tracked.points.items():
        # The candidate is tested once.
        whole = {
            key: each for key, each in undisturbed.points[name.split()[0]].items() if key.split("/")[0] != "behaviour"
        }
        assert {key: each for key, each in kept.items() if key.split("/")[0] != "behaviour"} == whole


@LONG_ONLY
@pytest.mark.parametrize("attempt", TRIES)
@pytest.mark.parametrize("empty", [True, False], ids=lambda empty: "empty" if empty else "made")
def test_two_homes_log_to_one_store(
    trainers: tuple[Trainer, Trainer], make_home: Any, undisturbed: Tracked, trained_home: TrainedHome,
    tmp_path: Path, empty: bool, attempt: int,
) -> None:  # fmt: skip
    database = tmp_path / "shared.db"
    uri = f"sqlite:///{database}"
    if not empty:
        MlflowClient(uri).search_experiments()
    homes = make_home("first"), make_home("second")
    for each, home in zip(trainers, homes, strict=True):
        each.start(home, f"track.uri={uri}")
    told = [each.outcome() for each in trainers]
    assert [name for name, _ in told] == ["Completed", "Completed"], told
    client = MlflowClient(uri)
    runs = find_runs(client, client.get_experiment_by_name(f"genreflow/{CORPUS}").experiment_id)
    assert sorted(str(run.data.tags.get("recipe", "")) for run in runs) == sorted(["", "linear", "prior"] * 2)
    assert {run.info.status for run in runs} == {"FINISHED"}
    versions = client.search_model_versions(f"name = 'genreflow-{CORPUS}'")
    assert 1 <= len(versions) <= 2
    models = client.search_logged_models([runs[0].info.experiment_id])
    assert {str(model.status) for model in models} == {"READY"}
    for version in versions:
        assert version.source in {model.model_uri for model in models}
    track = trained_home.settings.track.model_copy(update={"uri": uri})
    tracked = read_tracked(homes[0], track, CORPUS, database)
    check_points(tracked, undisturbed)
    assert sum("champion" in aliases for _, aliases, _ in tracked.versions) == 1


def wait_for_lock(home: Path) -> None:
    deadline = time.monotonic() + 60
    while not (home / "lock.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@LONG_ONLY
@pytest.mark.parametrize("attempt", TRIES)
def test_commands_beside_a_run_answer_or_say_who_holds_the_home(
    trainers: tuple[Trainer, Trainer], make_home: Any, undisturbed: Tracked, trained_home: TrainedHome,
    genreflow: Callable[..., Answer], attempt: int,
) -> None:  # fmt: skip
    home = make_home("home")
    trainers[0].start(home)
    assert trainers[0].outcome()[0] == "Completed"
    common = ("--home", home, "--conf", "quick", "--set", "run.wait_seconds=0")
    # With another seed it fits and logs anew, and takes its time.
    trainers[0].start(home, "train.random_seed=9")
    wait_for_lock(home)
    # What needs the home first, for as long as the run holds it.
    answers = {
        "promote": genreflow("promote", "1", "--corpus", CORPUS, "--reason", "try", *common),
        "clean": genreflow("clean", "--delete", "--keep", "1", *common),
        "compare": genreflow("compare", *common, "--json"),
        "predict": genreflow("predict", "A retired detective hunts a killer.", *common, "--corpus", CORPUS, "--json"),
    }
    assert trainers[0].outcome()[0] == "Completed"
    for command in ("compare", "predict"):
        assert answers[command].code == 0, answers[command].err
        json.loads(answers[command].out)
    for command in ("promote", "clean"):
        told = answers[command].err
        assert answers[command].code == 1
        assert told.startswith(f"error: {home} is in use by another run (process {trainers[0].process.pid}, since ")
        assert told.count("\n") == 1
    tracked = read_tracked(home, trained_home.settings.track, CORPUS, home / "mlflow" / "mlflow.db")
    assert tracked.rows == sorted(undisturbed.rows * 2)
    assert tracked.points["linear"] == undisturbed.points["linear"]
    assert tracked.points["linear 2"].keys() == undisturbed.points["linear"].keys()
    assert tracked.models == undisturbed.models * 2
    assert sorted(number for number, *_ in tracked.versions) == ["1", "2"]
    assert sum("champion" in aliases for _, aliases, _ in tracked.versions) == 1
