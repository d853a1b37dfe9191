"""A candidate's behaviour tests: the best on validation is opened once, and its results stand in its run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pandas as pd
import pytest

from conf.schema import Settings
from tasks import behaviour
from tasks.behaviour import RESULTS, BehaviourReport
from tasks.champion import connect
from tasks.corpus import StoredCorpus
from tasks.evaluation import Evaluation
from tasks.runs import experiment_id
from tasks.tracking import LoggedRun
from tasks.training import StoredModel

GENRES = ["Horror", "Sci-Fi", "War"]
SIGNS = {"Horror": ("ghost", "spirit"), "Sci-Fi": ("planet", "alien"), "War": ("soldiers", "front")}
Opened = list[str]


class WordModel:
    """Predict a genre by the words that stand for it, where there are two of them."""

    def __init__(self) -> None:
        self.card = {"genres": GENRES}

    def predict(self, context: None, texts: pd.DataFrame) -> pd.DataFrame:
        rows = [self._row(text.lower()) for text in texts["text"]]
        return pd.DataFrame(
            {"genres": [[genre for genre in GENRES if row[genre] >= 0.2] for row in rows], "probabilities": rows}
        )

    @staticmethod
    def _row(text: str) -> dict[str, float]:
        return {genre: sum(text.count(sign) for sign in signs) / 10 for genre, signs in SIGNS.items()}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Serve the word model for every model's address; returns the addresses asked for."""
    addresses: Opened = []

    def load_model(uri: str) -> Any:
        addresses.append(uri)
        return SimpleNamespace(unwrap_python_model=WordModel)

    monkeypatch.setattr(behaviour, "load_model", load_model)
    return addresses


@pytest.fixture
def runs(
    home: Path, settings: Settings, recipe: Callable[[str, float], tuple[StoredModel, Evaluation]]
) -> list[LoggedRun]:
    """Return a run of the prior-only row, which has no model, and of two recipes, bilstm the better one."""
    client = connect(home, settings.track)
    experiment = experiment_id(client, home, settings.track, "summary")
    made = []
    for name, right in {"prior": 0.9, "linear": 0.2, "bilstm": 0.5}.items():
        _, evaluation = recipe(name, right)
        run = client.create_run(experiment).info.run_id
        uri = None if name == "prior" else f"models:/{name}"
        made.append(LoggedRun(recipe=name, run_id=run, model_uri=uri, evaluation=evaluation))
    return made


@pytest.fixture
def check(home: Path, settings: Settings, summaries: StoredCorpus, runs: list[LoggedRun]) -> Callable[..., Any]:
    """Return a function that tests the candidate under the given shares, its own if none are given."""

    def checked(**values: float) -> Any:
        changed = settings.model_copy(update={"behaviour": settings.behaviour.model_copy(update=values)})
        return behaviour.check_behaviour.fn(home, changed, summaries, runs)

    return checked


def run_of(home: Path, settings: Settings, runs: Sequence[LoggedRun], recipe: str) -> Any:
    (run,) = (run for run in runs if run.recipe == recipe)
    return connect(home, settings.track).get_run(run.run_id)


def test_recipe_best_on_validation_is_tested(opened: Opened, check: Any) -> None:
    report = check()
    assert opened == ["models:/bilstm"]
    assert (report.recipe, report.reused, report.passed) == ("bilstm", False, True)


def test_only_what_the_model_knows_is_asked(opened: Opened, check: Any) -> None:
    tallies = check().tallies
    assert (tallies["minimum"].asked, tallies["minimum"].skipped) == (3, 17)
    assert (tallies["direction"].asked, tallies["direction"].passed) == (60, 60)
    assert tallies["invariance"].skipped == 0
    assert tallies["invariance"].share == 1


def test_results_stand_in_the_candidates_run(
    opened: Opened, check: Any, home: Path, settings: Settings, runs: list[LoggedRun]
) -> None:
    report = check()
    run = run_of(home, settings, runs, "bilstm")
    logged = {kind: run.data.metrics[f"behaviour/{kind}"] for kind in report.tallies}
    assert logged == {kind: tally.share for kind, tally in report.tallies.items()}
    assert run.data.tags["behaviour"] == report.told
    rows = pd.read_csv(mlflow.artifacts.download_artifacts(f"{run.info.artifact_uri}/{RESULTS}"), keep_default_na=False)
    assert rows["kind"].value_counts()["minimum"] == 20
    assert len(rows) == sum(tally.asked + tally.skipped for tally in report.tallies.values())
    assert "behaviour/minimum" not in run_of(home, settings, runs, "linear").data.metrics


def test_results_are_reused_and_logged_once_a_run(
    opened: Opened, check: Any, home: Path, settings: Settings, runs: list[LoggedRun]
) -> None:
    first = check()
    again = check()
    assert (again.name, again.data.reused, again.data.tallies) == ("Cached", True, first.tallies)
    assert len(opened) == 1
    run = run_of(home, settings, runs, "bilstm").info.run_id
    assert len(connect(home, settings.track).get_metric_history(run, "behaviour/minimum")) == 1


def test_reused_results_are_logged_to_the_run_that_reuses_them(
    opened: Opened, check: Any, home: Path, settings: Settings, runs: list[LoggedRun]
) -> None:
    check()
    first = run_of(home, settings, runs, "bilstm")
    second = connect(home, settings.track).create_run(first.info.experiment_id).info.run_id
    runs[-1] = runs[-1].model_copy(update={"run_id": second})
    assert check().data.reused
    assert "behaviour/minimum" in run_of(home, settings, runs, "bilstm").data.metrics


def test_shares_are_judged_anew_and_the_model_is_not_opened_again(opened: Opened, check: Any) -> None:
    assert check().passed
    report: BehaviourReport = check(minimum=1.0).data
    assert len(opened) == 1
    assert not report.passed
    assert report.reason.startswith("behaviour tests failed: minimum functionality 1 of 3 plots, 3 needed (failed: ")


def test_another_tolerance_is_another_result(opened: Opened, check: Any) -> None:
    assert check(tolerance=0.1).fingerprint != check(tolerance=0.2).fingerprint
    assert len(opened) == 2


def test_report_tells_the_results_in_a_few_words(opened: Opened, check: Any) -> None:
    report = check()
    assert report.told == "minimum 1/3, direction 1.00, invariance 1.00"
    assert report.reason == f"behaviour tests passed: {report.told}"
