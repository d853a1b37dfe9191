"""A second run on a finished home: nothing is redone, every row is there, no model is registered twice."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from harness import RECIPES, Answer, TrainedHome, states_of

from tasks.champion import connect
from tasks.leaderboard import leaderboard

STAGES = ("collect ", "prepare ", "embed ", "other texts ", "train ", "prior ", "blend ", "evaluate ", "behaviour ")


@pytest.fixture(scope="module")
def home(trained_home: TrainedHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # MLflow notes artifacts by absolute path: files of the copy's runs lie beside those of the original.
    copied = tmp_path_factory.mktemp("second") / "home"
    shutil.copytree(trained_home.path, copied)
    return copied


@pytest.fixture(scope="module")
def client(home: Path, trained_home: TrainedHome) -> mlflow.MlflowClient:
    return connect(home, trained_home.settings.track)


def children_of(client: mlflow.MlflowClient, corpus: str) -> list[Any]:
    experiment = client.get_experiment_by_name(f"genreflow/{corpus}")
    return list(client.search_runs([experiment.experiment_id], "tags.kind = 'recipe'"))


def test_second_run_redoes_nothing_and_says_so(
    home: Path, client: mlflow.MlflowClient, trained_home: TrainedHome, genreflow: Callable[..., Answer]
) -> None:
    first = trained_home.done.trained["summary"].parent.pipeline_run
    answer = genreflow("demo", "--quick", "--home", home)
    assert answer.code == 0
    assert "Nothing was left to do." in answer.out
    assert "Reused whole results: crawl 1 of 1, corpora 2 of 2, vectors 3 of 3, models 12 of 12." in answer.out

    (second,) = {run.data.tags["pipeline_run"] for run in children_of(client, "summary")} - {first}
    states = {name: state for name, state in states_of(second).items() if name.startswith(STAGES)}
    assert len(states) == 1 + 3 + 2 * (1 + 1 + 2 * len(RECIPES) + 1)
    assert set(states.values()) == {"Cached"}

    for corpus in ("summary", "synopsis"):
        rows = [run for run in children_of(client, corpus) if run.data.tags["pipeline_run"] == second]
        originals = {run.recipe: run.run_id for run in trained_home.done.trained[corpus].runs}
        assert {run.data.tags["recipe"]: run.data.tags["reused_from"] for run in rows} == originals
        assert [int(v.version) for v in client.search_model_versions(f"name = 'genreflow-{corpus}'")] == [1]
        assert sorted(row["recipe"] for row in leaderboard(home, trained_home.settings, corpus)) == RECIPES


def test_one_corpus_trained_alone_learns_from_the_other_all_the_same(
    home: Path, trained_home: TrainedHome, genreflow: Callable[..., Answer]
) -> None:
    before = sorted(path.name for path in home.glob("models/*"))
    answer = genreflow("train", "--conf", "quick", "--corpus", "summary", "--home", home, "--json")
    assert answer.code == 0
    assert list(json.loads(answer.out)) == ["summary"]
    # The very models of both corpora's run: a fingerprint names the other texts that were read.
    assert sorted(path.name for path in home.glob("models/*")) == before


def test_other_thresholds_and_terms_redo_only_what_reads_them(
    home: Path, client: mlflow.MlflowClient, genreflow: Callable[..., Answer]
) -> None:
    recipes = ("blend", "characters", "linear", "prior")

    def redone(*changed: str) -> set[str]:
        before = {run.data.tags["pipeline_run"] for run in children_of(client, "summary")}
        # Without the networks, which take long to open and are reused as the others are.
        given = ("train.recipes=[linear,characters,blend]", *changed)
        answer = genreflow(
            "train", "--conf", "quick", "--corpus", "summary", "--home", home, *(f"--set={each}" for each in given)
        )
        assert answer.code == 0
        (run,) = {run.data.tags["pipeline_run"] for run in children_of(client, "summary")} - before
        states = {name: state for name, state in states_of(run).items() if name.startswith(STAGES)}
        assert "embed both" in states
        return {name for name, state in states.items() if state != "Cached"}

    evaluated = {f"evaluate {recipe} on summary" for recipe in recipes}
    # Behaviour tests are answered at the thresholds; the prior-only row has a global one by any rule.
    tested = {"behaviour of candidate on summary"}
    found = redone("train.thresholds.rule=global", "train.thresholds.shrinkage=0")
    assert found - tested == {*evaluated, "blend on summary"}, found

    found = redone("train.characters.summary.max_terms=500")
    refitted = {"train characters on summary", "blend on summary"}
    read = {"evaluate characters on summary", "evaluate blend on summary"}
    assert found - tested == refitted | read, found


def test_damaged_result_is_made_again_and_the_rest_reused(
    trained_home: TrainedHome, tmp_path: Path, genreflow: Callable[..., Answer]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(trained_home.path, home)
    (damaged,) = home.glob("corpora/summary-*/titles.parquet")
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-100])
    answer = genreflow("prepare", "--conf", "quick", "--home", home)
    assert answer.code == 0
    assert damaged.read_bytes() == whole
    assert "synopsis corpus, filter base (reused)" in answer.out
    assert "summary corpus, filter base (reused)" not in answer.out
