"""Runs in MLflow: one parent and one row a recipe for a pipeline run, retried or not; failures are marked."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conf.schema import Settings
from tasks import tracking
from tasks.champion import connect
from tasks.corpus import StoredCorpus
from tasks.evaluation import Evaluation, read_figures
from tasks.leaderboard import leaderboard
from tasks.runs import end_runs
from tasks.tracking import (
    ParentRun,
    Promotion,
    close_parent,
    log_recipe,
)
from tasks.training import StoredModel

Recipe = Callable[[str, float], tuple[StoredModel, Evaluation]]
LOGGER = logging.getLogger(__name__)
FIRST, SECOND = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"


@pytest.fixture
def prior(recipe: Recipe) -> tuple[StoredModel, Evaluation]:
    return recipe("prior", 0.5)


def statuses(home: Path, settings: Settings, parent: ParentRun) -> dict[str, str]:
    """Return the status of every run of the corpus by its id."""
    runs = connect(home, settings.track).search_runs([parent.experiment_id])
    return {run.info.run_id: run.info.status for run in runs}


def tags_of(home: Path, settings: Settings, run_id: str) -> dict[str, str]:
    return dict(connect(home, settings.track).get_run(run_id).data.tags)


def test_retried_task_finds_its_row(
    home: Path, settings: Settings, summaries: StoredCorpus, open_run: Any, prior: Any
) -> None:
    parent = open_run(FIRST)
    first = log_recipe.fn(home, settings, parent, summaries, *prior)
    again: Any = log_recipe.fn(home, settings, parent, summaries, *prior)
    assert (again.name, again.data.run_id) == ("Cached", first.run_id)
    assert statuses(home, settings, parent) == {parent.run_id: "RUNNING", first.run_id: "FINISHED"}


def test_retried_run_goes_on_in_the_same_parent(home: Path, settings: Settings, open_run: Any) -> None:
    parent = open_run(FIRST)
    end_runs(home, settings.track, FIRST, "FAILED", "FitError: out of memory", LOGGER)
    assert statuses(home, settings, parent) == {parent.run_id: "FAILED"}
    assert tags_of(home, settings, parent.run_id)["failure"] == "FitError: out of memory"
    assert open_run(FIRST) == parent
    assert statuses(home, settings, parent) == {parent.run_id: "RUNNING"}


def test_end_marks_only_its_own_pipeline_run(home: Path, settings: Settings, open_run: Any) -> None:
    first, second = open_run(FIRST), open_run(SECOND)
    end_runs(home, settings.track, SECOND, "KILLED", "stopped", LOGGER)
    assert statuses(home, settings, first) == {first.run_id: "RUNNING", second.run_id: "KILLED"}


def test_ending_runs_makes_no_store_where_there_is_none(tmp_path: Path, settings: Settings) -> None:
    end_runs(tmp_path, settings.track, FIRST, "KILLED", "stopped", LOGGER)
    assert list(tmp_path.iterdir()) == []


def test_half_logged_row_is_taken_up_again(
    home: Path,
    settings: Settings,
    summaries: StoredCorpus,
    open_run: Any,
    prior: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parent = open_run(FIRST)
    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk full"):
        broken.setattr("mlflow.MlflowClient.log_artifacts", fail)
        log_recipe.fn(home, settings, parent, summaries, *prior)
    row = log_recipe.fn(home, settings, parent, summaries, *prior)
    assert statuses(home, settings, parent) == {parent.run_id: "RUNNING", row.run_id: "FINISHED"}


def fail(*_: Any, **__: Any) -> None:
    raise OSError("disk full")


def test_reused_result_gets_its_row_and_stands_once_on_the_leaderboard(
    home: Path, settings: Settings, summaries: StoredCorpus, open_run: Any, prior: Any
) -> None:
    first = log_recipe.fn(home, settings, open_run(FIRST), summaries, *prior)
    second = log_recipe.fn(home, settings, open_run(SECOND), summaries, *prior)
    assert second.run_id != first.run_id
    assert second.reused
    assert tags_of(home, settings, second.run_id)["reused_from"] == first.run_id
    assert [row["run_id"] for row in leaderboard(home, settings, "summary")] == [first.run_id]


def test_row_holds_the_report(
    home: Path, settings: Settings, summaries: StoredCorpus, open_run: Any, prior: Any
) -> None:
    row = log_recipe.fn(home, settings, open_run(FIRST), summaries, *prior)
    client = connect(home, settings.track)
    metrics = client.get_run(row.run_id).data.metrics
    figures = read_figures(row.evaluation)
    for name in ("map_macro", "lrap", "hamming_loss", "subset_accuracy", "ece", "ece_uncalibrated"):
        assert metrics[f"test.{name}"] == figures["test"][name]
    assert metrics["test.f1_micro_global"] == figures["test_global"]["f1_micro"]
    (first, *_) = figures["by_length"]
    assert metrics[f"length/{first['group']}.f1_micro"] == first["f1_micro"]
    files = {file.path for file in client.list_artifacts(row.run_id)}
    assert {"mistakes.csv", "by_length.csv", "by_source.csv", "co_occurrence.csv", "per_genre.csv"} <= files


def test_group_of_any_name_becomes_a_metric(
    home: Path,
    settings: Settings,
    summaries: StoredCorpus,
    open_run: Any,
    prior: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figures = read_figures(prior[1])
    (row,) = figures["by_source"]
    figures["by_source"] = [row | {"group": "file://a/../b (2).csv"}]
    monkeypatch.setattr(tracking, "read_figures", lambda _: figures)
    logged = log_recipe.fn(home, settings, open_run(FIRST), summaries, *prior)
    metrics = connect(home, settings.track).get_run(logged.run_id).data.metrics
    assert metrics["source/file:__a_.._b _2_.csv.titles"] == row["titles"]


def test_closed_parent_tells_the_best_recipe_and_the_promotion(
    home: Path, settings: Settings, summaries: StoredCorpus, open_run: Any, prior: Any
) -> None:
    parent = open_run(FIRST)
    row = log_recipe.fn(home, settings, parent, summaries, *prior)
    promotion = Promotion(
        corpus="summary", name="genreflow-summary", version=1, recipe="linear", promoted=True, reason="no incumbent"
    )
    close_parent.fn(home, settings.track, parent, [row], promotion)
    tags = tags_of(home, settings, parent.run_id)
    assert statuses(home, settings, parent)[parent.run_id] == "FINISHED"
    assert tags["best"] == "prior"
    assert "no incumbent" in tags["mlflow.note.content"]


def test_home_without_runs_has_an_empty_leaderboard(home: Path, settings: Settings) -> None:
    assert leaderboard(home, settings, "summary") == []
