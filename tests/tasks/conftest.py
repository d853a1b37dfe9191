"""A small corpus and hand-made recipes: what the tasks work on, without a flow run and without TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from harness import prepare, value_of
from prefect.logging import disable_run_logger

from conf.schema import Settings, load
from scraper.importers.files import import_file
from scraper.site.generator import generate_titles
from tasks import corpus as corpus_task
from tasks import registry, store, tracking
from tasks.behaviour import BehaviourReport
from tasks.champion import connect
from tasks.corpus import StoredCorpus, read_titles
from tasks.embedding import StoredVectors
from tasks.evaluation import Evaluation, evaluate_recipe, read_decision
from tasks.logic.behaviour import Tally
from tasks.logic.calibration import apply_calibration
from tasks.logic.labels import to_matrix
from tasks.registry import promote_best
from tasks.runs import experiment_id
from tasks.saved_recipe import save_arrays
from tasks.tracking import LoggedRun, ParentRun, Promotion, open_parent
from tasks.training import StoredModel, read_probabilities

SPLITS = ("validation", "selection", "test")


@pytest.fixture
def outside_flow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a task's function be called by itself: without a run's logger and without artifacts."""
    for module, name in (
        (corpus_task, "show_table"),
        (tracking, "show_table"),
        (tracking, "show_image"),
        (tracking, "show_link"),
    ):
        monkeypatch.setattr(module, name, lambda *_, **__: None)
    with disable_run_logger():
        yield


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load("quick")


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Path:
    """Return a home whose raw/ holds 300 generated titles."""
    home = tmp_path_factory.mktemp("imported")
    file = home / "titles.parquet"
    pq.write_table(generate_titles(300, random_seed=5), file)
    import_file(file, home / "raw", genres=settings.prepare.genres, max_bad_share=0.2, part_titles=200)
    return home


@pytest.fixture(scope="session")
def empty_runs(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Path:
    """Return an MLflow database without runs: making one takes seconds, copying it none."""
    home = tmp_path_factory.mktemp("runs")
    connect(home, settings.track)
    return home / "mlflow" / "mlflow.db"


@pytest.fixture
def home(tmp_path: Path, empty_runs: Path) -> Path:
    (tmp_path / "home" / "mlflow").mkdir(parents=True)
    shutil.copy(empty_runs, tmp_path / "home" / "mlflow" / "mlflow.db")
    return tmp_path / "home"


@pytest.fixture
def summaries(imported: Path, settings: Settings, outside_flow: None) -> StoredCorpus:
    """Prepare the summary corpus of the imported titles; made once, found whole afterwards."""
    return prepare(imported, "summary", settings.prepare)


Recipe = Callable[[str, float], tuple[StoredModel, Evaluation]]


@pytest.fixture
def recipe(imported: Path, settings: Settings, summaries: StoredCorpus) -> Recipe:
    """Return a function that stores a recipe which names each genre rightly with the given certainty.

    It and its evaluation stand beside the corpus, made once; found whole afterwards.
    """

    def make(name: str, right: float) -> tuple[StoredModel, Evaluation]:
        frame = read_titles(summaries)
        rng = np.random.default_rng(3)
        fingerprint = store.fingerprint(name=name, right=right)
        folder = imported / "models" / f"summary-{name}-{fingerprint[:12]}"
        summary: dict[str, Any] = {
            "corpus": "summary",
            "recipe": name,
            "fingerprint": fingerprint,
            "seconds": 1.0,
            "epochs": 0,
            "terms": [f"terms of {name}"],
        }
        model = StoredModel(folder=folder, **summary)
        if not store.find_result(folder, fingerprint):
            with store.new_result(folder, step="train", version=1, fingerprint=fingerprint) as draft:
                rows = {}
                for split in SPLITS:
                    truth = to_matrix(frame.loc[frame["split"] == split, "genres"], summaries.genres)
                    rows[split] = right * truth + (1 - right) * rng.random(truth.shape)
                save_arrays(draft.folder / "probabilities.npz", rows)
                (draft.folder / "history.json").write_text("{}")
                draft.summary = summary
        return model, value_of(evaluate_recipe.fn(imported, summaries, model, settings.train))

    return make


@pytest.fixture
def open_run(
    home: Path, settings: Settings, summaries: StoredCorpus, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], ParentRun]:
    """Return a function that opens the parent run as a task of the given pipeline run does."""
    vectors = StoredVectors(texts="summary", folder=home, fingerprint="v", words=10, vector_size=4, tokens=50, terms=[])

    def opened(pipeline_run: str) -> ParentRun:
        running = SimpleNamespace(scheduled_start_time=datetime(2026, 1, 2))
        monkeypatch.setattr("tasks.tracking.flow_run", running)
        return open_parent.fn(home, settings, pipeline_run, summaries, vectors)

    return opened


@pytest.fixture
def challenge(
    home: Path, settings: Settings, summaries: StoredCorpus, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Promotion]:
    """Return a function that lets recipes of the given certainties (beside the prior-only row) challenge."""
    client = connect(home, settings.track)
    experiment = experiment_id(client, home, settings.track, "summary")
    made: dict[str, tuple[StoredModel, Evaluation]] = {}

    def champion(*_: Any) -> Any:
        version = client.get_model_version_by_alias("genreflow-summary", "champion")
        model, evaluation = made[version.tags["evaluation"]]
        card = {"genres": summaries.genres, **read_decision(evaluation)}
        rows = apply_calibration(read_probabilities(model)["selection"], card["calibration"])
        return SimpleNamespace(
            unwrap_python_model=lambda: SimpleNamespace(card=card, probabilities=lambda texts: rows[: len(texts)])
        )

    def challenged(behaves: bool = True, **certainties: float) -> Promotion:
        models, runs = [], []
        for name, right in {"prior": 0.9, **certainties}.items():
            model, evaluation = recipe(name, right)
            made[evaluation.fingerprint] = (model, evaluation)
            run = client.create_run(experiment).info.run_id
            logged = None if name == "prior" else client.create_logged_model(experiment, source_run_id=run)
            uri = logged and f"models:/{logged.model_id}"
            models.append(model)
            runs.append(LoggedRun(recipe=name, run_id=run, model_uri=uri, evaluation=evaluation))
        return promote_best.fn(home, settings, summaries, models, runs, report_of(home, plots=18 if behaves else 14))

    monkeypatch.setattr(registry, "load_champion", champion)
    return challenged


def report_of(home: Path, plots: int) -> BehaviourReport:
    """Return what the behaviour tests tell of a candidate that knows so many of the 20 plots; 16 are needed."""
    failed = [f"{number} (War)" for number in range(plots, 20)]
    tallies = {"minimum": Tally(20, plots, 0, failed), "direction": Tally(100, 91, 0), "invariance": Tally(100, 97, 0)}
    needed = {"minimum": 0.8, "direction": 0.8, "invariance": 0.95}
    told = {"corpus": "summary", "recipe": "linear", "folder": home, "fingerprint": "b"}
    return BehaviourReport.model_validate({**told, "tallies": tallies, "needed": needed})
