"""A training run that loses its MLflow server three times: while it fits, in the middle of a model, before its end.

Short by default, without the second of these; GENREFLOW_LONG=1 loses it three times.

The server is real; what is cut is the line to it, at a request that the test names. The retry is Prefect's: the same
flow run, started again as a worker starts it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from harness import TrainedHome
from lines import Line, mlflow_server
from tracked import read_points
from trainers import PREPARED, copy_stages, results, retry

from conf.names import Corpus
from flows.recovery import mark_left_runs
from flows.train import train
from tasks.behaviour import check_behaviour
from tasks.champion import connect, load_champion
from tasks.registry import promote_best
from tasks.runs import find_runs
from tasks.tracking import close_parent, log_recipe, open_parent

RECIPES = ["linear", "prior"]
# One is enough to lose a server with, and takes half the time.
CORPUS: Corpus = "summary"
# The parent run's description, a file of the first model that is sent, and what the parent run is told last.
CUTS = (b"api/2.0/mlflow/runs/log-batch", b"model.json HTTP/1.1", b'"best"')
CUTS = CUTS if "GENREFLOW_LONG" in os.environ else (CUTS[0], CUTS[2])


@dataclass
class Seen:
    """What was seen: models there were when the line was cut first; after each attempt its end and the results there
    are; after each outage MLflow's runs."""

    fitted: list[int] = field(default_factory=list)
    ends: list[tuple[str, str]] = field(default_factory=list)
    kept: list[dict[str, int]] = field(default_factory=list)
    marked: list[set[tuple[str, str]]] = field(default_factory=list)
    client: Any = None
    settings: Any = None
    home: Path = Path()
    run: str = ""


@pytest.fixture(scope="module")
def seen(trained_home: TrainedHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("outage")
    home = folder / "home"
    copy_stages(trained_home.path, home, PREPARED)
    with mlflow_server(folder) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        for task in (open_parent, log_recipe, check_behaviour, promote_best, close_parent):
            patch.setattr(task, "retries", 1)
            patch.setattr(task, "retry_delay_seconds", 0.1)
        yield go_through(server.line, home, trained_home)


def go_through(line: Line, home: Path, trained_home: TrainedHome) -> Seen:
    uri = f"http://127.0.0.1:{line.port}"
    track = trained_home.settings.track.model_copy(update={"uri": uri})
    seen = Seen(home=home, settings=trained_home.settings.model_copy(update={"track": track}))
    overrides = [f"track.uri={uri}", "train.recipes=[linear]"]

    def note(state: Any) -> None:
        seen.ends.append((str(state.name), state.message or ""))
        seen.kept.append({str(path): stored for path, stored in results(home).items()})

    def mend() -> None:
        line.mend()
        mark_left_runs(home, track)
        client = connect(home, track)
        runs = [run for run in all_runs(client) if run.data.tags["kind"] == "pipeline"]
        seen.marked.append({(run.info.status, run.data.tags.get("failure", "")) for run in runs})

    line.on_cut = lambda: seen.fitted.append(len(list(home.glob("models/*/manifest.json"))))
    line.cut_at = CUTS[0]
    state: Any = train("quick", overrides, home, corpus=CORPUS, return_state=True)
    run = state.state_details.flow_run_id
    note(state)
    for cut in (*CUTS[1:], None):
        mend()
        line.cut_at = cut
        note(retry(run))
    seen.client, seen.run = connect(home, track), str(run)
    return seen


def all_runs(client: Any) -> list[Any]:
    return find_runs(client, client.get_experiment_by_name(f"genreflow/{CORPUS}").experiment_id)


def test_run_that_lost_mlflow_fails_in_one_line_and_the_retried_one_completes(seen: Seen) -> None:
    assert [name for name, _ in seen.ends] == ["Failed"] * len(CUTS) + ["Completed"]
    for _, message in seen.ends[:-1]:
        assert "does not answer: Connection refused" in message
        assert f"What was made is kept in {seen.home} and is sent when this run is retried" in message


def test_every_fit_and_evaluation_is_kept_and_none_made_again(seen: Seen) -> None:
    whole = len(RECIPES)
    assert seen.fitted[0] < whole
    for stage in ("models", "evaluations"):
        assert len([path for path in seen.kept[0] if f"/{stage}/" in path]) == whole
    for before, after in pairwise(seen.kept):
        assert before.items() <= after.items()


def test_next_start_tells_mlflow_how_the_run_ended(seen: Seen) -> None:
    for marked in seen.marked:
        ((status, failure),) = {each for each in marked if each[0] != "FINISHED"}
        assert status == "FAILED"
        assert "does not answer" in failure


def test_there_is_one_parent_and_each_recipe_has_one_row(seen: Seen) -> None:
    assert sorted(run.data.tags.get("recipe", "") for run in all_runs(seen.client)) == ["", *RECIPES]
    assert {run.info.status for run in all_runs(seen.client)} == {"FINISHED"}
    assert {run.data.tags["pipeline_run"] for run in all_runs(seen.client)} == {seen.run}
    assert not [run for run in all_runs(seen.client) if {"failure", "reused_from"} & set(run.data.tags)]


def test_rows_are_those_of_a_run_that_lost_nothing(seen: Seen, trained_home: TrainedHome) -> None:
    undisturbed = connect(trained_home.path, trained_home.settings.track)
    for run in all_runs(seen.client):
        recipe = run.data.tags.get("recipe")
        # The best of two rows need not be that of six.
        if recipe is None:
            continue
        (other,) = (each.run_id for each in trained_home.done.trained[CORPUS].runs if each.recipe == recipe)
        there = points(trained_home.path / "mlflow" / "mlflow.db", other)
        assert points(seen.home.parent / "mlflow.db", run.info.run_id) == there
        assert files(seen.client, run.info.run_id) == files(undisturbed, other)


def points(database: Path, run_id: str) -> dict[str, list[tuple[int, float]]]:
    """Return every point of each metric that a run keeps, but for what its fit took and a candidate's behaviour."""
    own = ("seconds", "system/", "behaviour/")
    return {name: each for name, each in read_points(database, run_id).items() if not name.startswith(own)}


def files(client: Any, run_id: str, folder: str | None = None) -> set[str]:
    found: set[str] = set()
    for each in client.list_artifacts(run_id, folder):
        found |= files(client, run_id, each.path) if each.is_dir else {each.path}
    return found - {"behaviour.csv", "model_card.md"}


def test_each_row_has_one_model_and_the_champion_answers(seen: Seen) -> None:
    runs = [run for run in all_runs(seen.client) if run.data.tags.get("model_uri")]
    models = seen.client.search_logged_models([runs[0].info.experiment_id])
    assert sorted(model.model_uri for model in models) == sorted(run.data.tags["model_uri"] for run in runs)
    assert len(models) == len(RECIPES) - 1
    assert {str(model.status) for model in models} == {"READY"}
    (version,) = seen.client.search_model_versions(f"name = 'genreflow-{CORPUS}'")
    card = load_champion(seen.home, seen.settings.track, CORPUS).unwrap_python_model().card
    assert card["model"] == f"genreflow-{CORPUS} version {version.version}"
