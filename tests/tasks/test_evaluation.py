"""An evaluated recipe: thresholds from the fitted validation titles, and the files that its report is made of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf.schema import Settings, load
from tasks.corpus import StoredCorpus, read_titles
from tasks.evaluation import Evaluation, answer_split, evaluate_recipe, read_decision, read_figures
from tasks.logic.decisions import find_decision
from tasks.logic.labels import to_genres, to_matrix
from tasks.training import StoredModel, read_probabilities

Recipe = Callable[[str, float], tuple[StoredModel, Evaluation]]
TABLES = ["by_length.csv", "by_source.csv", "co_occurrence.csv", "mistakes.csv", "per_genre.csv"]
PLOTS = ["calibration.png", "co_occurrence.png", "per_genre_f1.png", "threshold_curve.png"]


@pytest.fixture
def linear(recipe: Recipe) -> tuple[StoredModel, Evaluation]:
    return recipe("linear", 0.2)


def test_decision_is_found_on_the_fitted_validation_titles(
    linear: Any, summaries: StoredCorpus, settings: Settings
) -> None:
    model, evaluation = linear
    frame = read_titles(summaries)
    rows = frame[frame["split"] == "validation"]
    fitted = rows["fitted"].to_numpy()
    expected = find_decision(
        read_probabilities(model)["validation"][fitted],
        to_matrix(rows.loc[fitted, "genres"], summaries.genres),
        **settings.train.thresholds.model_dump(),
    )
    assert read_decision(evaluation) == expected
    assert evaluation.threshold == expected["threshold"]
    assert expected["threshold_rule"] == "per_genre"


def test_prior_only_row_has_one_threshold(recipe: Recipe, summaries: StoredCorpus) -> None:
    _, evaluation = recipe("prior", 0.5)
    assert read_decision(evaluation)["threshold_rule"] == "global"
    rows = read_figures(evaluation)["test"]["per_genre"]
    assert {row["threshold"] for row in rows.values()} == {evaluation.threshold}
    assert list(rows) == summaries.genres


def test_answers_of_the_test_titles_are_those_of_the_table(linear: Any, summaries: StoredCorpus) -> None:
    model, evaluation = linear
    table = pd.read_parquet(evaluation.folder / "test_titles.parquet")
    answers = to_genres(answer_split(model, evaluation, "test"), summaries.genres)
    assert [list(genres) for genres in table["predicted"]] == answers


def test_report_has_its_tables_and_plots(linear: Any) -> None:
    folder = linear[1].folder
    assert sorted(path.name for path in folder.glob("*.csv")) == TABLES
    assert sorted(path.name for path in (folder / "plots").iterdir()) == PLOTS


def test_mistakes_are_wrong_answers(linear: Any, summaries: StoredCorpus) -> None:
    folder = linear[1].folder
    titles = pd.read_parquet(folder / "test_titles.parquet").set_index("title_id")
    mistakes = pd.read_csv(folder / "mistakes.csv")
    assert 0 < len(mistakes) <= 50
    for mistake in mistakes.itertuples():
        title = titles.loc[mistake.title_id]
        said, true = mistake.genre in title["predicted"], mistake.genre in title["actual"]
        assert (said, true) == ((True, False) if mistake.kind == "false positive" else (False, True))


def test_every_headline_has_an_interval(linear: Any) -> None:
    figures = read_figures(linear[1])
    for scores, intervals in (("test", "intervals"), ("test_global", "intervals_global")):
        for name in ("f1_micro", "f1_macro"):
            low, high = figures[intervals][name]
            assert low < figures[scores][name] < high


def test_a_title_has_a_genre_where_the_configuration_says_so(home: Path, summaries: StoredCorpus, linear: Any) -> None:
    model, evaluation = linear
    train = load("quick", ["train.thresholds.at_least_one=true"]).train
    other = evaluate_recipe.fn(home, summaries, model, train)
    assert not answer_split(model, evaluation, "test").any(axis=1).all()
    assert answer_split(model, other, "test").any(axis=1).all()
