"""A small corpus and hand-made recipes: what the tasks work on, without a flow run and without TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
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
from tasks import store, tracking
from tasks.champion import connect
from tasks.corpus import StoredCorpus, read_titles
from tasks.evaluation import Evaluation, evaluate_recipe
from tasks.logic.labels import to_matrix
from tasks.saved_recipe import save_arrays
from tasks.training import StoredModel

SPLITS = ("validation", "selection", "test")


@pytest.fixture
def outside_flow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a task's function be called by itself: without a run's logger and without artifacts."""
    for module in (corpus_task, tracking):
        monkeypatch.setattr(module, "show_table", lambda *_, **__: None)
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
def recipe(home: Path, settings: Settings, summaries: StoredCorpus) -> Recipe:
    """Return a function that stores a recipe which names each genre rightly with the given certainty."""

    def make(name: str, right: float) -> tuple[StoredModel, Evaluation]:
        frame = read_titles(summaries)
        rng = np.random.default_rng(3)
        fingerprint = store.fingerprint(name=name, right=right)
        folder = home / "models" / f"summary-{name}-{fingerprint[:12]}"
        summary: dict[str, Any] = {
            "corpus": "summary",
            "recipe": name,
            "fingerprint": fingerprint,
            "seconds": 1.0,
            "epochs": 0,
            "terms": [f"terms of {name}"],
        }
        with store.new_result(folder, step="train", version=1, fingerprint=fingerprint) as draft:
            rows = {}
            for split in SPLITS:
                truth = to_matrix(frame.loc[frame["split"] == split, "genres"], summaries.genres)
                rows[split] = right * truth + (1 - right) * rng.random(truth.shape)
            save_arrays(draft.folder / "probabilities.npz", rows)
            (draft.folder / "history.json").write_text("{}")
            draft.summary = summary
        model = StoredModel(folder=folder, **summary)
        return model, value_of(evaluate_recipe.fn(home, summaries, model, settings.train))

    return make
