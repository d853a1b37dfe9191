"""Nights without a person: a site that grows, one that does not, and one whose pages broke, on one home.

Short by default, with the corpus of summaries; GENREFLOW_LONG=1 has both.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
import pyarrow as pa
import pytest
from harness import states_of
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import FlowRun, State

from conf.schema import load
from flows.pipeline import pipeline
from scraper.site.generator import generate_titles
from scraper.site.server import running_site
from tasks import store, upkeep
from tasks.answers import predict_text
from tasks.champion import connect

LONG = "GENREFLOW_LONG" in os.environ
CORPORA = ("summary", "synopsis") if LONG else ("summary",)
FIRST, LATER, BROKEN, EMPTY = 300, 315, 360, 410
# What a site shows in place of every text once it asks for consent.
NOTICE = (
    "We and our partners store and access cookies on your device to measure audiences; please enable scripts, accept "
    "or manage your preferences, and reload before you continue reading anything here."
)


@dataclass
class Nights:
    """What each night's run ended as, the tasks it ran, and how many trainings MLflow has after it."""

    states: list[State] = field(default_factory=list)
    tasks: list[dict[str, str | None]] = field(default_factory=list)
    trainings: list[int] = field(default_factory=list)
    home: Path = Path()


@pytest.fixture(scope="module")
def nights(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    titles = generate_titles(BROKEN, 11)
    texts = [*titles["summary"].to_pylist()[:LATER], *[NOTICE] * (BROKEN - LATER)]
    broken = titles.set_column(titles.schema.get_field_index("summary"), "summary", pa.array(texts, pa.string()))
    seen = Nights(home=tmp_path_factory.mktemp("nights") / "home")
    for served in (titles[:FIRST], titles[:LATER], titles[:LATER], broken):
        ended = night(seen.home, served)
        seen.states.append(ended)
        seen.tasks.append(states_of(str(ended.state_details.flow_run_id)))
        seen.trainings.append(trainings(seen.home))
    yield seen


def night(home: Path, served: pa.Table) -> Any:
    """Run the pipeline on a site that serves these titles; returns its final state."""
    with running_site(served) as base_url:
        overrides = [f"collect.base_url={base_url}", "collect.ids=site", "train.recipes=[linear]",
                     "nightly.min_new_share=0.04", f"prepare.corpora=[{','.join(CORPORA)}]"]  # fmt: skip
        return pipeline("quick", overrides, home, return_state=True)


def trainings(home: Path) -> int:
    """Count MLflow's finished parent runs of summaries."""
    client: mlflow.MlflowClient = connect(home, load().track)
    experiment = client.get_experiment_by_name("genreflow/summary")
    return len(client.search_runs([experiment.experiment_id], "tags.kind = 'pipeline' and status = 'FINISHED'"))


def test_a_night_with_five_per_cent_new_titles_trains_again(nights: Nights) -> None:
    assert [state.name for state in nights.states[:2]] == ["Completed", "Completed"]
    assert nights.tasks[1]["train linear on summary"] == "Completed"
    assert nights.trainings[:2] == [1, 2]


def test_a_night_without_new_titles_says_why_it_did_not_train(nights: Nights) -> None:
    state = nights.states[2]
    assert (state.type.value, state.name) == ("COMPLETED", "Skipped")
    assert state.message is not None
    assert state.message.startswith("not trained: summary: 0 of ")
    assert "titles are new, 4.0% are needed" in state.message
    assert ("; synopsis: 0 of " in state.message) == LONG
    assert nights.tasks[2]["collect imdb"] == nights.tasks[2]["prepare summary"] == "Cached"
    assert not [name for name in nights.tasks[2] if name.startswith(("embed", "train"))]
    assert nights.trainings[2] == 2


def test_a_night_of_broken_pages_stops_before_training_and_says_what_is_wrong(nights: Nights) -> None:
    state = nights.states[3]
    assert state.name == "Failed"
    assert state.message is not None
    assert "summary: words no train text had, share: " in state.message
    assert "(nightly.max_unknown_rise 0.1)" in state.message
    assert not [name for name in nights.tasks[3] if name.startswith(("embed", "train"))]
    assert nights.trainings[3] == 2


def test_the_broken_nights_page_shows_the_figures(nights: Nights) -> None:
    with get_client(sync_client=True) as client:
        shown = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["summary-new-titles"]))
        )
    assert "words no train text had" in str(shown[-1].data)


def test_the_skipped_nights_page_carries_the_reason(nights: Nights) -> None:
    with get_client(sync_client=True) as client:
        run: FlowRun = client.read_flow_run(nights.states[2].state_details.flow_run_id)
    assert run.state is not None
    assert (run.state_name, run.state.message) == ("Skipped", nights.states[2].message)


@pytest.fixture(scope="module")
def cleaned(nights: Nights) -> list[upkeep.Unneeded]:
    """Make the second night's models champions that replaced none, and remove what they do not need; returns that."""
    settings = load("quick")
    client = connect(nights.home, settings.track)
    for corpus in CORPORA:
        name = f"genreflow-{corpus}"
        client.set_registered_model_alias(name, "champion", "2")
        for move in client.get_registered_model(name).tags:
            client.delete_registered_model_tag(name, move)
    experiment = client.get_experiment_by_name("genreflow/summary")
    client.create_run(experiment.experiment_id, run_name="somebody's own", start_time=0)
    unneeded = upkeep.find_unneeded(nights.home, settings, keep=1)
    with store.lock_home(nights.home, 0):
        upkeep.remove(nights.home, settings, unneeded)
    return unneeded


def test_cleaning_removes_the_former_training_and_its_files(nights: Nights, cleaned: list[upkeep.Unneeded]) -> None:
    gone = {each.name.rpartition("-")[0] for each in cleaned if each.kind == "result"}
    assert {
        "corpora/summary",
        f"vectors/{'both' if LONG else 'summary'}",
        "models/summary-linear",
        "evaluations/summary-linear",
    } <= gone
    assert {"run", "model"} <= {each.kind for each in cleaned}
    assert trainings(nights.home) == 1
    with closing(sqlite3.connect(nights.home / "mlflow" / "mlflow.db")) as rows:
        # Not marked as deleted alone, as MLflow does.
        left = rows.execute("SELECT count(DISTINCT run_uuid) FROM metrics UNION SELECT count(*) FROM runs").fetchall()
    client = connect(nights.home, load().track)
    experiments = [each.experiment_id for each in client.search_experiments()]
    assert max(left) == (len(client.search_runs(experiments)),)
    assert all(each.bytes > 0 for each in cleaned if each.kind in ("result", "run", "model"))
    assert not [each for each in cleaned if each.kind == "result" and (nights.home / each.name).exists()]
    assert not [each for each in cleaned if each.place and Path(each.place.removeprefix("file://")).exists()]


def test_cleaning_again_finds_nothing(nights: Nights, cleaned: list[upkeep.Unneeded]) -> None:
    assert upkeep.find_unneeded(nights.home, load("quick"), keep=1) == []


def test_cleaning_keeps_champion_and_what_the_next_night_needs(nights: Nights, cleaned: list[upkeep.Unneeded]) -> None:
    for corpus in CORPORA:
        told = predict_text(nights.home, load().track, corpus, "A storm cuts a lighthouse off from the shore.")
        assert told["recipe"] == "linear"
    again = night(nights.home, generate_titles(LATER, 11))
    assert (again.name, again.message) == ("Failed", nights.states[3].message)


def test_a_night_whose_pages_lost_their_texts_stops_too(nights: Nights, cleaned: list[upkeep.Unneeded]) -> None:
    titles = generate_titles(EMPTY, 11)
    none = pa.array([*titles["summary"].to_pylist()[:BROKEN], *[None] * (EMPTY - BROKEN)], pa.string())
    ended = night(nights.home, titles.set_column(titles.schema.get_field_index("summary"), "summary", none))
    assert ended.name == "Failed"
    assert "summary: records without a text, share: " in ended.message
    assert "(nightly.max_missing_rise 0.3)" in ended.message


def test_cleaning_leaves_what_somebody_else_logged(nights: Nights, cleaned: list[upkeep.Unneeded]) -> None:
    client = connect(nights.home, load().track)
    experiment = client.get_experiment_by_name("genreflow/summary")
    names = {run.info.run_name for run in client.search_runs([experiment.experiment_id])}
    assert "somebody's own" in names
