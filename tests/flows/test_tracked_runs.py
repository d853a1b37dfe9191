"""What one pipeline run leaves in MLflow: a parent a corpus, a child a recipe, figures, curves, files, champions."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import mlflow
import pytest
import yaml
from harness import RECIPES, TrainedHome

from conf.names import Corpus
from conf.schema import dump, load
from tasks.champion import connect
from tasks.leaderboard import leaderboard
from tasks.runs_table import address_of_runs

REPORTED = [
    *("map_micro", "map_macro", "lrap", "hamming_loss", "subset_accuracy", "ece", "ece_uncalibrated"),
    *("f1_micro_global", "f1_macro_global", "f1_micro_global_low", "f1_macro_global_high"),
]
TABLES = {f"{name}.csv" for name in ("per_genre", "by_length", "by_source", "co_occurrence", "mistakes")}
PLOTS = ("threshold_curve", "per_genre_f1", "calibration", "co_occurrence")

corpora = pytest.mark.parametrize("corpus", ["summary", "synopsis"])


@pytest.fixture(scope="module")
def client(trained_home: TrainedHome) -> mlflow.MlflowClient:
    return connect(trained_home.path, trained_home.settings.track)


def runs_of(client: mlflow.MlflowClient, corpus: Corpus) -> tuple[list[Any], dict[str, Any]]:
    """Return a corpus's parent runs and its recipe runs by recipe."""
    experiment = client.get_experiment_by_name(f"genreflow/{corpus}")
    runs = client.search_runs([experiment.experiment_id])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(children) == len({run.data.tags["recipe"] for run in children})
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    return parents, {run.data.tags["recipe"]: run for run in children}


def files_of(client: mlflow.MlflowClient, run: Any, folder: str | None = None) -> set[str]:
    return {file.path for file in client.list_artifacts(run.info.run_id, folder)}


@corpora
def test_corpus_has_one_parent_and_a_child_a_recipe(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    (parent,), children = runs_of(client, corpus)
    assert sorted(children) == RECIPES
    assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {parent.info.run_id}
    assert {run.info.status for run in (parent, *children.values())} == {"FINISHED"}


def test_both_parents_carry_the_flow_run_id(trained_home: TrainedHome, client: mlflow.MlflowClient) -> None:
    tags = {runs_of(client, corpus)[0][0].data.tags["pipeline_run"] for corpus in ("summary", "synopsis")}
    assert tags == {trained_home.done.trained["summary"].parent.pipeline_run}


@corpora
def test_parent_keeps_configuration_drops_and_plots(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    (parent,), _ = runs_of(client, corpus)
    assert files_of(client, parent) == {"conf.yaml", "drops.csv", "plots"}
    assert files_of(client, parent, "plots") == {"plots/genre_frequency.png", "plots/text_lengths.png"}
    assert {"data_fingerprint", "filter", "sources", "genre_sources", "terms", "retrieved"} <= set(parent.data.tags)


@corpora
def test_model_version_carries_whence_its_titles_came(
    client: mlflow.MlflowClient, corpus: Corpus, trained_home: TrainedHome
) -> None:
    version = client.get_model_version_by_alias(f"genreflow-{corpus}", "champion")
    stored = trained_home.done.corpora[corpus]
    assert stored.retrieved is not None
    assert {name: version.tags[name] for name in ("sources", "genre_sources", "terms", "retrieved")} == {
        "sources": ", ".join(stored.sources),
        "genre_sources": "generated",
        "terms": "not stated",
        "retrieved": " to ".join(stored.retrieved),
    }


@corpora
def test_logged_configuration_is_the_resolved_one(
    client: mlflow.MlflowClient, corpus: Corpus, trained_home: TrainedHome
) -> None:
    (parent,), _ = runs_of(client, corpus)
    logged = yaml.safe_load(mlflow.artifacts.load_text(f"{parent.info.artifact_uri}/conf.yaml"))
    expected = dump(load("quick", [f"collect.base_url={logged['collect']['base_url']}"]))
    assert logged == expected
    assert parent.data.params["embed.vector_size"] == "32"


@corpora
def test_every_drop_is_a_metric_of_the_parent(
    client: mlflow.MlflowClient, corpus: Corpus, trained_home: TrainedHome
) -> None:
    (parent,), _ = runs_of(client, corpus)
    drops = trained_home.done.corpora[corpus].drops
    assert {f"dropped/{reason}": float(count) for reason, count in drops.items()}.items() <= parent.data.metrics.items()


@corpora
def test_every_recipe_has_figures_plots_and_a_table_of_titles(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    _, children = runs_of(client, corpus)
    for run in children.values():
        assert 0 < run.data.metrics["test.f1_micro"] <= 1
        assert {"test_titles.csv", "figures.json", "plots"} <= files_of(client, run)
        assert files_of(client, run) >= TABLES
        assert {f"plots/{name}.png" for name in PLOTS} <= files_of(client, run, "plots")


@corpora
def test_every_recipe_has_the_figures_of_a_report(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    _, children = runs_of(client, corpus)
    for run in children.values():
        metrics = run.data.metrics
        assert {f"test.{name}" for name in REPORTED} <= set(metrics)
        for group in (r"source/.+", r"length/\d+-\d+"):
            titles = [value for name, value in metrics.items() if re.fullmatch(rf"{group}\.titles", name)]
            assert sum(titles) == metrics["test.titles"]


@corpora
def test_headlines_have_intervals(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    (parent,), children = runs_of(client, corpus)
    for run in (parent, *children.values()):
        metrics = run.data.metrics
        for name in ("test.f1_micro", "test.f1_macro"):
            assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]


@corpora
def test_runs_carry_what_they_took_of_the_machine(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    (parent,), children = runs_of(client, corpus)
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(parent.data.metrics)
    fit = client.get_metric_history(children["bilstm"].info.run_id, "system/fit_memory_megabytes")
    # TensorFlow alone takes more.
    assert max(point.value for point in fit) > 100
    assert len({point.step for point in fit}) == len(fit)
    assert not [name for name in children["prior"].data.metrics if name.startswith("system/")]


@corpora
def test_networks_have_a_loss_a_step(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    _, children = runs_of(client, corpus)
    for recipe, epochs in {"seed": [1, 2], "bilstm": [1, 2]}.items():
        for curve in ("train.loss", "validation.loss"):
            steps = [point.step for point in client.get_metric_history(children[recipe].info.run_id, curve)]
            assert steps == epochs[: len(steps)]
            assert steps
        assert "plots/loss.png" in files_of(client, children[recipe], "plots")


@corpora
def test_threshold_curve_has_a_point_a_hundredth(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    _, children = runs_of(client, corpus)
    points = client.get_metric_history(children["linear"].info.run_id, "validation.f1_micro_by_threshold")
    assert sorted(point.step for point in points) == list(range(1, 100))


@corpora
def test_champion_is_registered_with_what_it_came_from(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    version = client.get_model_version_by_alias(f"genreflow-{corpus}", "champion")
    _, children = runs_of(client, corpus)
    assert int(version.version) == 1
    assert version.run_id == children[version.tags["recipe"]].info.run_id
    assert "Challenges made on the selection titles: 0" in version.description


@corpora
def test_candidates_behaviour_is_logged_and_told_by_its_version(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    version = client.get_model_version_by_alias(f"genreflow-{corpus}", "champion")
    _, children = runs_of(client, corpus)
    run = children[version.tags["recipe"]]
    assert {"behaviour/minimum", "behaviour/direction", "behaviour/invariance"} <= set(run.data.metrics)
    assert "behaviour.csv" in files_of(client, run)
    assert version.tags["behaviour"] == run.data.tags["behaviour"]
    assert re.fullmatch(r"minimum \d+/\d+, direction [01]\.\d\d, invariance [01]\.\d\d", version.tags["behaviour"])


@corpora
def test_runs_carry_their_titles_as_datasets(
    client: mlflow.MlflowClient, corpus: Corpus, trained_home: TrainedHome
) -> None:
    (parent,), children = runs_of(client, corpus)
    stored = trained_home.done.corpora[corpus]
    for run in (parent, *children.values()):
        inputs = {each.dataset.name: each for each in run.inputs.dataset_inputs}
        assert sorted(inputs) == sorted(f"{corpus}-{split}" for split in stored.splits)
        for split, count in stored.splits.items():
            dataset = inputs[f"{corpus}-{split}"].dataset
            profile = json.loads(dataset.profile)
            assert stored.fingerprint.startswith(dataset.digest)
            assert (profile["titles"], profile["sources"], profile["filter"]) == (count, stored.sources, stored.filter)
    contexts = {each.dataset.name: each.tags[0].value for each in parent.inputs.dataset_inputs}
    assert contexts[f"{corpus}-train"] == "training"
    assert contexts[f"{corpus}-test"] == "testing"


@corpora
def test_runs_say_in_words_what_won_and_what_to_try(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    (parent,), children = runs_of(client, corpus)
    note = parent.data.tags["mlflow.note.content"]
    best = parent.data.tags["best"]
    assert f"**Won**: Best on validation: {best}." in note
    assert f"**To try** with {best}" in note
    for recipe, run in children.items():
        name = "prior-only" if recipe == "prior" else recipe
        assert f"- **{name}**: test micro-F1 {run.data.metrics['test.f1_micro']:.4f}" in note
        if recipe != best:
            difference = run.data.metrics["test.f1_micro"] - children[best].data.metrics["test.f1_micro"]
            assert run.data.tags["to_best"].startswith(f"{difference:+.4f} [")
            assert f"micro-F1 to {best} {run.data.tags['to_best']}" in note
    assert children[best].data.tags["to_best"] == "best"
    for recipe, run in children.items():
        figure = f"micro-F1 {run.data.metrics['test.f1_micro']:.4f}"
        assert run.data.tags["mlflow.note.content"].startswith(f"**{recipe}**")
        assert figure in run.data.tags["mlflow.note.content"]


@corpora
def test_experiment_keeps_the_view_that_the_link_opens(
    client: mlflow.MlflowClient, corpus: Corpus, trained_home: TrainedHome
) -> None:
    experiment = client.get_experiment_by_name(f"genreflow/{corpus}")
    address = address_of_runs(trained_home.path, trained_home.settings.track, experiment.experiment_id)
    (key,) = parse_qs(address.partition("?")[2])["viewStateShareKey"]
    view = json.loads(experiment.tags[f"mlflow.sharedViewState.{key}"])
    _, children = runs_of(client, corpus)
    order = [f"{view['orderByKey']} DESC"]
    shown = client.search_runs([experiment.experiment_id], view["searchFilter"], order_by=order)
    assert sorted(run.data.tags["recipe"] for run in shown) == RECIPES
    metrics = [name.split("`")[1] for name in view["selectedColumns"] if name.startswith("metrics.")]
    assert set(metrics) <= set(children["linear"].data.metrics)
    tags = [name.split("`")[1] for name in view["selectedColumns"] if name.startswith("tags.")]
    assert set(tags) - {"standing", "decision"} <= set(children["prior"].data.tags)
    charts = {chart["metricKey"] for chart in view["compareRunCharts"]}
    assert charts <= set(children["bilstm"].data.metrics)


@corpora
def test_version_has_a_card_that_travels_with_its_model(
    client: mlflow.MlflowClient, corpus: Corpus, trained_home: TrainedHome
) -> None:
    version = client.get_model_version_by_alias(f"genreflow-{corpus}", "champion")
    run = client.get_run(version.run_id)
    card = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/model_card.md")
    headings = [line.removeprefix("## ") for line in card.splitlines() if line.startswith("## ")]
    assert headings == [
        "Intended use", "Data", "Limits of the data", "Model", "Figures", "By genre", "By length and source",
        "Calibration", "Behaviour tests", "Promotion", "Licences", "Provenance",
    ]  # fmt: skip
    metrics = run.data.metrics
    micro = f"{metrics['test.f1_micro']:.4f} [{metrics['test.f1_micro_low']:.4f}, {metrics['test.f1_micro_high']:.4f}]"
    assert f"| micro-F1 | {micro} |" in card
    for genre in trained_home.done.corpora[corpus].genres:
        assert f"| {genre} | " in card
    assert version.tags["reason"] in card
    inside = mlflow.artifacts.download_artifacts(f"models:/genreflow-{corpus}@champion/model_card.md")
    assert Path(inside).read_text() == card


@corpora
def test_model_has_signature_example_and_exact_requirements(client: mlflow.MlflowClient, corpus: Corpus) -> None:
    info = mlflow.models.get_model_info(f"models:/genreflow-{corpus}@champion")
    assert info.signature.inputs.input_names() == ["text"]
    assert info.signature.outputs.required_input_names() == ["genres", "probabilities"]
    assert info.signature.outputs.optional_input_names() == ["explanation"]
    params = {param.name: (param.dtype.name, param.default) for param in info.signature.params}
    assert params == {"thresholds": ("string", ""), "top": ("long", 0), "explain": ("boolean", False)}
    assert info.saved_input_example_info is not None
    file = mlflow.artifacts.download_artifacts(f"models:/genreflow-{corpus}@champion/requirements.txt")
    requirements = Path(file).read_text().split()
    assert all("==" in each for each in requirements)
    assert not any(each.startswith(("prefect", "scrapy")) for each in requirements)


@corpora
def test_leaderboard_ranks_every_recipe(trained_home: TrainedHome, corpus: Corpus) -> None:
    rows = leaderboard(trained_home.path, trained_home.settings, corpus)
    assert sorted(row["recipe"] for row in rows) == RECIPES
    scores = [row["f1_micro"] for row in rows]
    assert scores == sorted(scores, reverse=True)
