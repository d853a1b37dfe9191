"""Runs in MLflow: one parent and one row a recipe for a pipeline run, retried or not; failures are marked."""

import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from harness import value_of
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from conf.schema import Settings
from tasks import tracking
from tasks.champion import connect
from tasks.corpus import StoredCorpus
from tasks.evaluation import Evaluation, read_figures
from tasks.leaderboard import leaderboard
from tasks.runs import end_runs, find_runs, new_run
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


class Cut:
    """Lose the answer to one of the calls that write to MLflow: it is done, and its caller cannot know."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.at: int | None = None
        for name in WRITES:
            monkeypatch.setattr(MlflowClient, name, self._losing(name, getattr(MlflowClient, name)))

    def _losing(self, name: str, write: Callable[..., Any]) -> Callable[..., Any]:
        def written(*arguments: Any, **named: Any) -> Any:
            done = write(*arguments, **named)
            self.calls.append(name)
            if len(self.calls) == self.at:
                raise MlflowException(f"API request to http://127.0.0.1/{name} failed with exception: timed out")
            return done

        return written

    def everywhere(self, fresh: Callable[[], Any], log: Callable[[Any], Any]) -> Iterator[Any]:
        """Log to something fresh for each call that logging makes, whose answer is lost; yields what was logged to."""
        for number in itertools.count(1):
            place = fresh()
            self.calls, self.at = [], number
            try:
                log(place)
            except MlflowException:
                self.at = None
                yield place
            else:
                assert len(self.calls) == number - 1
                return


WRITES = ("create_run", "create_logged_model", "log_batch", "log_artifacts", "set_terminated")


def log_bare_model(run_id: str, *_: Any) -> str:
    """Log a model as MLflow does: an entry of its own, after which its run counts as finished."""
    client = MlflowClient()
    experiment = client.get_run(run_id).info.experiment_id
    model = client.create_logged_model(experiment, "linear", source_run_id=run_id)
    client.set_terminated(run_id, "FINISHED")
    return f"models:/{model.model_id}"


def kept(client: Any, run_id: str) -> tuple[Any, ...]:
    """Return what MLflow keeps of a run: status, every point of every metric, settings, files, and its models."""
    run = client.get_run(run_id)
    points = {
        name: sorted((point.step, point.value) for point in client.get_metric_history(run_id, name))
        for name in run.data.metrics
    }
    files = sorted(file.path for file in client.list_artifacts(run_id))
    # Rows have an experiment of their own, so these are also the models of a row that was begun before.
    models = client.search_logged_models([run.info.experiment_id])
    return run.info.status, points, run.data.params, files, len(models)


@pytest.fixture
def new_parent(home: Path, settings: Settings) -> Callable[[], ParentRun]:
    """Return a function that opens a parent run in an experiment of its own, where nothing can be reused."""
    client = connect(home, settings.track)

    def opened() -> ParentRun:
        name = uuid4().hex
        experiment = client.create_experiment(f"genreflow/{name}", (home / "mlflow" / name).as_uri())
        run_id = new_run(client, experiment, "parent", {"pipeline_run": FIRST, "kind": "pipeline"})
        return ParentRun(corpus="summary", experiment_id=experiment, run_id=run_id, pipeline_run=FIRST)

    return opened


def test_row_whose_logging_is_cut_anywhere_is_whole_and_single_when_retried(
    home: Path,
    settings: Settings,
    summaries: StoredCorpus,
    new_parent: Callable[[], ParentRun],
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    linear = recipe("linear", 0.9)
    monkeypatch.setattr("tasks.tracking.packaging.log_model", log_bare_model)
    client = connect(home, settings.track)

    def log(parent: ParentRun) -> str:
        logged: Any = log_recipe.fn(home, settings, parent, summaries, *linear)
        return str(value_of(logged).run_id)

    expected = kept(client, log(new_parent()))
    assert expected[0] == "FINISHED"
    assert expected[4] == 1
    cut = Cut(monkeypatch)
    for parent in cut.everywhere(new_parent, log):
        # What is marked failed in between, because its run failed, is whole all the same once it is retried.
        end_runs(home, settings.track, FIRST, "FAILED", "TrackingError: away", LOGGER)
        run_id = log(parent)
        assert kept(client, run_id) == expected
        (row,) = find_runs(client, parent.experiment_id, kind="recipe")
        assert row.info.run_id == run_id
        assert "failure" not in row.data.tags
    assert set(cut.calls) == set(WRITES)


def test_parent_whose_logging_is_cut_anywhere_is_whole_and_single_when_retried(
    home: Path,
    settings: Settings,
    summaries: StoredCorpus,
    open_run: Callable[[str], ParentRun],
    prior: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = connect(home, settings.track)
    promotion = Promotion(
        corpus="summary", name="genreflow-summary", version=1, recipe="linear", promoted=True, reason="no incumbent"
    )
    experiment = open_run(FIRST).experiment_id
    row = log_recipe.fn(home, settings, open_run(FIRST), summaries, *prior)

    def log(pipeline_run: str) -> str:
        parent = open_run(pipeline_run)
        close_parent.fn(home, settings, parent, [row], promotion)
        return parent.run_id

    expected = kept(client, log(SECOND))
    assert expected[0] == "FINISHED"
    cut = Cut(monkeypatch)
    for pipeline_run in cut.everywhere(lambda: uuid4().hex, log):
        run_id = log(pipeline_run)
        assert kept(client, run_id) == expected
        (parent,) = find_runs(client, experiment, pipeline_run=pipeline_run)
        assert parent.info.run_id == run_id
    assert cut.calls.count("set_terminated") == 1


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
    close_parent.fn(home, settings, parent, [row], promotion)
    tags = tags_of(home, settings, parent.run_id)
    assert statuses(home, settings, parent)[parent.run_id] == "FINISHED"
    assert tags["best"] == "prior"
    assert "no incumbent" in tags["mlflow.note.content"]


def test_row_that_a_later_run_repeats_is_told_of_that_runs_best(
    home: Path, settings: Settings, summaries: StoredCorpus, open_run: Any, recipe: Recipe, monkeypatch: Any
) -> None:
    monkeypatch.setattr(tracking.packaging, "log_model", lambda run_id, *_: f"models:/m-{run_id}")
    told = {"corpus": "summary", "name": "genreflow-summary", "version": 1, "recipe": "linear", "promoted": True}
    promotion = Promotion.model_validate({**told, "reason": "no incumbent"})
    first, second = open_run(FIRST), open_run(SECOND)
    row = log_recipe.fn(home, settings, first, summaries, *recipe("prior", 0.1))
    close_parent.fn(home, settings, first, [row], promotion)
    assert tags_of(home, settings, row.run_id)["to_best"] == "best"
    again = log_recipe.fn(home, settings, second, summaries, *recipe("prior", 0.1))
    better = log_recipe.fn(home, settings, second, summaries, *recipe("linear", 0.9))
    close_parent.fn(home, settings, second, [again, better], promotion)
    difference = row.evaluation.test_f1_micro - better.evaluation.test_f1_micro
    for run in (row, again):
        assert tags_of(home, settings, run.run_id)["to_best"].startswith(f"{difference:+.4f} [")
    assert tags_of(home, settings, better.run_id)["to_best"] == "best"


def test_home_without_runs_has_an_empty_leaderboard(home: Path, settings: Settings) -> None:
    assert leaderboard(home, settings, "summary") == []
