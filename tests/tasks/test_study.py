"""The study of bilstm's values: what is asked first, what is kept, and that it goes on where it was cut short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest

from conf.schema import Settings, load
from tasks import store, study, study_runs
from tasks.champion import connect
from tasks.corpus import StoredCorpus, read_titles
from tasks.embedding import StoredVectors
from tasks.fitting import PROBABILITIES, FitSpec
from tasks.logic.labels import to_matrix
from tasks.logic.metrics import score_ranking
from tasks.mlflow_store import StoreAwayError
from tasks.runs import experiment_id, find_runs
from tasks.saved_recipe import save_arrays
from tasks.study import run_study

TRIALS = 12


class Fits:
    """Stand in for the process of a fit: a network is the better, the nearer its learning rate is to 0.002."""

    def __init__(self, corpus: StoredCorpus) -> None:
        self.corpus = corpus
        self.specs: list[FitSpec] = []
        self.stop_at: int | None = None

    def __call__(self, spec: FitSpec, on_report: Any) -> float:
        self.specs.append(spec)
        if len(self.specs) == self.stop_at:
            raise KeyboardInterrupt
        right = 1.0 - min(abs(spec.settings["learning_rate"] - 0.002) * 400, 0.9)
        for epoch in (1, 2, 3, 4):
            figures = {"entropy": 0.5 / epoch, "val_entropy": 0.6 / epoch, "val_average_precision": right * epoch / 4}
            on_report({"done": epoch, "total": 4, "note": "", "figures": figures})
        save_arrays(spec.folder / PROBABILITIES, {"validation": self.validation(right)})
        return 1.0

    def validation(self, right: float) -> np.ndarray:
        rows = read_titles(self.corpus).query("split == 'validation'")
        truth = to_matrix(rows["genres"], self.corpus.genres)
        return right * truth + (1 - right) * np.random.default_rng(3).random(truth.shape)


@pytest.fixture(scope="session")
def searching() -> Settings:
    return load(
        "quick",
        [f"study.trials={TRIALS}", "study.random_trials=2", "study.unpruned_epochs=1",
         "study.compared=[{rare_weight: 0.5}, {max_terms: 1}]"],
    )  # fmt: skip


@pytest.fixture
def vectors(home: Path) -> StoredVectors:
    return StoredVectors(texts="both", folder=home, fingerprint="v", words=10, vector_size=4, tokens=50, terms=[])


@pytest.fixture
def fits(summaries: StoredCorpus, monkeypatch: pytest.MonkeyPatch) -> Fits:
    fake = Fits(summaries)
    monkeypatch.setattr(study, "fit_in_process", fake)
    return fake


@pytest.fixture
def searched(home: Path, searching: Settings, summaries: StoredCorpus, vectors: StoredVectors) -> Any:
    def search() -> Any:
        return run_study.fn(home, searching, summaries, vectors, None)

    return search


def trials_of(done: Any) -> pd.DataFrame:
    return pd.read_csv(done.folder / "trials.csv")


def test_the_configuration_as_it_is_comes_first_then_each_change(
    fits: Fits, searched: Any, searching: Settings
) -> None:
    table = trials_of(searched())
    assert table["kind"].tolist()[:3] == ["as it is", "compared", "compared"]
    assert set(table["kind"][3:]) == {"searched"}
    first, rare, without_terms = (spec.settings for spec in fits.specs[:3])
    section = searching.train.bilstm.summary.model_dump(mode="json") | {"members": 1}
    assert first == section
    assert rare == section | {"rare_weight": 0.5}
    assert without_terms == section | {"max_terms": 1}


def test_only_validation_is_looked_at(fits: Fits, searched: Any) -> None:
    searched()
    assert {spec.splits for spec in fits.specs} == {("validation",)}


def test_the_value_is_the_mean_of_both_average_precisions(fits: Fits, searched: Any, summaries: StoredCorpus) -> None:
    done = searched()
    best = next(spec for i, spec in enumerate(fits.specs) if i == done.best)
    right = 1.0 - min(abs(best.settings["learning_rate"] - 0.002) * 400, 0.9)
    rows = read_titles(summaries).query("split == 'validation'")
    tuned = rows["fitted"].to_numpy()
    truth = to_matrix(rows["genres"], summaries.genres)[tuned]
    ranked = score_ranking(truth, fits.validation(right)[tuned], summaries.genres)
    assert done.value == pytest.approx((ranked["map_micro"] + ranked["map_macro"]) / 2)
    assert done.values["learning_rate"] == pytest.approx(best.settings["learning_rate"], rel=1e-3)


def test_trials_far_below_the_others_are_pruned_but_no_compared_one(fits: Fits, searched: Any) -> None:
    table = trials_of(searched())
    assert (table["state"] == "pruned").any()
    assert (table.loc[table["kind"] != "searched", "state"] == "complete").all()
    assert table.loc[table["state"] == "pruned", "epochs"].max() < 4


def test_a_study_that_has_its_trials_fits_nothing_again(fits: Fits, searched: Any) -> None:
    first = searched()
    assert len(fits.specs) == TRIALS
    second = searched()
    assert len(fits.specs) == TRIALS
    assert second == first


def test_a_trial_that_was_cut_short_is_tried_again(fits: Fits, searched: Any) -> None:
    fits.stop_at = 2
    with pytest.raises(KeyboardInterrupt):
        searched()
    done = searched()
    table = trials_of(done)
    assert done.trials["fail"] == 1
    assert done.trials["complete"] + done.trials.get("pruned", 0) == TRIALS
    again = [
        spec.settings for spec in fits.specs if spec.settings["rare_weight"] == 0.5 and spec.settings["units"] == 8
    ]
    assert again[0] == again[1]
    assert (table.query("kind == 'compared'")["state"] == "complete").sum() == 2


def test_a_killed_runs_open_trial_is_tried_again(fits: Fits, searched: Any) -> None:
    done = searched()
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(done.folder / "journal.log"))
    )
    optuna.load_study(study_name="bilstm", storage=storage).ask()
    after = searched()
    assert after.trials["fail"] == 1
    assert after.trials.get("running", 0) == 0


def test_every_trial_is_one_run_in_mlflow(
    fits: Fits, searched: Any, home: Path, searching: Settings, summaries: StoredCorpus
) -> None:
    done = searched()
    searched()
    client = connect(home, searching.track)
    experiment = experiment_id(client, home, searching.track, "summary")
    runs = find_runs(client, experiment, kind="trial")
    (parent,) = find_runs(client, experiment, kind="study")
    assert sorted(int(run.data.tags["trial"]) for run in runs) == list(range(TRIALS))
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {parent.info.run_id}
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["study/value"] == pytest.approx(done.value)
    first = next(run for run in runs if run.data.tags["trial"] == "0")
    assert [point.step for point in client.get_metric_history(first.info.run_id, "validation.loss")] == [1, 2, 3, 4]
    assert not any(name.startswith("test.") for run in runs for name in run.data.metrics)
    assert [file.path for file in client.list_artifacts(parent.info.run_id)] == ["trials.csv"]


def test_trial_whose_logging_was_cut_is_logged_anew(
    fits: Fits, searched: Any, home: Path, searching: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = study_runs.log_batches

    def cut(*arguments: Any, **named: Any) -> None:
        whole(*arguments, **named)
        raise StoreAwayError("MLflow store does not answer")

    with monkeypatch.context() as away, pytest.raises(StoreAwayError):
        away.setattr(study_runs, "log_batches", cut)
        searched()
    assert len(fits.specs) == 1
    searched()
    assert len(fits.specs) == TRIALS
    client = connect(home, searching.track)
    runs = find_runs(client, experiment_id(client, home, searching.track, "summary"), kind="trial")
    assert sorted(int(run.data.tags["trial"]) for run in runs) == list(range(TRIALS))
    assert "RUNNING" not in {run.info.status for run in runs}


def test_no_half_made_fit_is_left(fits: Fits, searched: Any) -> None:
    done = searched()
    assert not list(done.folder.glob(store.RUNNING_PREFIX + "*"))
