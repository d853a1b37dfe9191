"""The worked examples of docs/extending.md: taken out of the page, applied to a copy of the code, and run.

Short by default, without Prefect and MLflow; GENREFLOW_LONG=1 trains and evaluates with them as a user does.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import TrainedHome

ROOT = Path(__file__).parents[1]
ROOMS = ("conf", "flows", "scraper", "tasks")
LINES = 40
FIT = """
import json, sys
from pathlib import Path
import pandas as pd
from conf.schema import dump, load
from tasks.fitting import MODEL, FitSpec, fit
from tasks.logic.labels import to_matrix
from tasks.logic.metrics import score
from tasks.recipes import texts_of
from tasks.saved_recipe import open_recipe

titles, genres, folder = Path(sys.argv[1]), sys.argv[3].split(","), Path(sys.argv[2])
settings = dump(load("quick"))["train"]["svm"]["summary"]
fit(FitSpec(recipe="svm", corpus="summary", titles=titles, genres=genres, vectors=None, folder=folder, random_seed=7,
            settings=settings))
frame = pd.read_parquet(titles).query("split == 'test'")
found = open_recipe(folder / MODEL)(texts_of(frame))
print(json.dumps(score(to_matrix(frame["genres"], genres), found >= 0.5, genres)))
"""


@pytest.fixture(scope="module")
def examples() -> list[str]:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    return re.findall(r"^```diff\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def extended(examples: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Apply every example to a copy of the code; returns its folder."""
    copy = tmp_path_factory.mktemp("extended")
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    for example in examples:
        subprocess.run(["git", "apply", "-"], cwd=copy, input=example, text=True, check=True)
    return copy


def run(extended: Path, *command: object) -> str:
    environment = {**os.environ, "PYTHONPATH": str(extended)}
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=extended, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_examples_are_short(examples: list[str]) -> None:
    assert len(examples) == 2
    for example in examples:
        assert len(re.findall(r"^[+-](?![+-]{2} )", example, re.MULTILINE)) < LINES


def test_recipe_and_metric_of_the_page_work(extended: Path, trained_home: TrainedHome, tmp_path: Path) -> None:
    corpus = trained_home.done.corpora["summary"]
    told: dict[str, Any] = json.loads(
        run(extended, "-c", FIT, corpus.folder / "titles.parquet", tmp_path, ",".join(corpus.genres))
    )
    assert told["f1_micro"] > 0.5
    assert 0 < told["subset_accuracy"] <= told["jaccard_samples"] <= told["f1_samples"] < 1


@pytest.mark.skipif("GENREFLOW_LONG" not in os.environ, reason="trains both corpora: set GENREFLOW_LONG=1")
def test_recipe_of_the_page_is_trained_and_compared(extended: Path, prefect_server: None, tmp_path: Path) -> None:
    home = ("--home", tmp_path)
    run(extended, "-m", "flows.cli", "demo", "--quick", *home, "--set", "train.recipes=[svm]", "--json")
    boards = json.loads(run(extended, "-m", "flows.cli", "compare", "--conf", "quick", *home, "--json"))
    for rows in boards.values():
        assert {row["recipe"] for row in rows} == {"svm", "prior"}
