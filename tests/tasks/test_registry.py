"""Promotion: the first model wins by default, later ones only on the selection titles, and challenges are counted."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conf.schema import Settings
from tasks import registry
from tasks.corpus import StoredCorpus
from tasks.evaluation import Evaluation
from tasks.registry import NoChampionError, load_champion, promote_best
from tasks.tracking import LoggedRun, Promotion, connect, experiment_id
from tasks.training import StoredModel, read_probabilities

Recipe = Callable[[str, float], tuple[StoredModel, Evaluation]]
NAME = "genreflow-summary"


@pytest.fixture
def challenge(
    home: Path, settings: Settings, summaries: StoredCorpus, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Promotion]:
    """Return a function that lets recipes of the given certainties (beside the prior-only row) challenge."""
    client = connect(home, settings.track)
    experiment = experiment_id(client, home, settings.track, "summary")
    made: dict[str, tuple[StoredModel, Evaluation]] = {}

    def champion(*_: Any) -> Any:
        version = client.get_model_version_by_alias(NAME, "champion")
        model, evaluation = made[version.tags["evaluation"]]
        card = {"genres": summaries.genres, "threshold": evaluation.threshold}
        rows = read_probabilities(model)["selection"]
        return SimpleNamespace(
            unwrap_python_model=lambda: SimpleNamespace(card=card, probabilities=lambda texts: rows[: len(texts)])
        )

    def challenged(**certainties: float) -> Promotion:
        models, runs = [], []
        for name, right in {"prior": 0.9, **certainties}.items():
            model, evaluation = recipe(name, right)
            made[evaluation.fingerprint] = (model, evaluation)
            run = client.create_run(experiment).info.run_id
            logged = None if name == "prior" else client.create_logged_model(experiment, source_run_id=run)
            uri = logged and f"models:/{logged.model_id}"
            models.append(model)
            runs.append(LoggedRun(recipe=name, run_id=run, model_uri=uri, evaluation=evaluation))
        return promote_best.fn(home, settings, summaries, models, runs)

    monkeypatch.setattr(registry, "load_champion", champion)
    return challenged


def aliases(home: Path, settings: Settings) -> dict[str, int]:
    model = connect(home, settings.track).get_registered_model(NAME)
    return {alias: int(version) for alias, version in model.aliases.items()}


def description(home: Path, settings: Settings, version: int) -> str:
    return str(connect(home, settings.track).get_model_version(NAME, str(version)).description)


def test_first_model_is_promoted(home: Path, settings: Settings, challenge: Any) -> None:
    promotion = challenge(linear=0.3)
    assert (promotion.version, promotion.recipe, promotion.promoted) == (1, "linear", True)
    assert promotion.reason == "first model of its corpus: no incumbent to beat"
    assert aliases(home, settings) == {"candidate": 1, "champion": 1}


def test_recipe_best_on_validation_challenges(challenge: Any) -> None:
    assert challenge(linear=0.2, bilstm=0.5).recipe == "bilstm"


def test_prior_only_row_is_never_registered(challenge: Any) -> None:
    assert challenge(linear=0.01).recipe == "linear"


def test_worse_challenger_is_registered_and_refused_with_the_reason(
    home: Path, settings: Settings, challenge: Any
) -> None:
    challenge(linear=0.5)
    promotion = challenge(linear=0.05)
    assert (promotion.version, promotion.promoted) == (2, False)
    assert "better in 0.0% of resamples, 90% needed" in promotion.reason
    assert aliases(home, settings) == {"candidate": 2, "champion": 1}


def test_better_challenger_takes_the_alias(home: Path, settings: Settings, challenge: Any) -> None:
    challenge(linear=0.05)
    promotion = challenge(bilstm=0.5)
    assert (promotion.version, promotion.promoted) == (2, True)
    assert "better in 100.0% of resamples" in promotion.reason
    assert aliases(home, settings) == {"candidate": 2, "champion": 2}


def test_challenges_are_counted_in_the_versions_description(home: Path, settings: Settings, challenge: Any) -> None:
    challenge(linear=0.5)
    challenge(linear=0.05)
    challenge(linear=0.1)
    for version, count in ((1, 0), (2, 1), (3, 2)):
        told = description(home, settings, version)
        assert f"Challenges made on the selection titles: {count}." in told


def test_same_model_challenges_nobody_twice(home: Path, settings: Settings, challenge: Any) -> None:
    challenge(linear=0.5)
    promotion = challenge(linear=0.5)
    assert promotion.reason == "unchanged: this model is version 1 already, the champion"
    assert aliases(home, settings) == {"candidate": 1, "champion": 1}


def test_home_without_a_champion_says_what_to_run(home: Path, settings: Settings) -> None:
    expected = r"no champion for the synopsis corpus in this home yet: train one first \(genreflow demo"
    with pytest.raises(NoChampionError, match=expected):
        load_champion(home, settings.track, "synopsis")


def test_hand_made_recipes_differ_as_the_tests_above_need(recipe: Recipe) -> None:
    (_, good), (_, bad) = recipe("linear", 0.5), recipe("linear", 0.05)
    assert good.test_f1_micro > bad.test_f1_micro + 0.2
    assert np.isfinite(bad.threshold)


def test_incumbent_of_another_genre_list_is_compared_on_the_common_genres(
    monkeypatch: pytest.MonkeyPatch, summaries: StoredCorpus, challenge: Any
) -> None:
    challenge(linear=0.05)
    fewer = summaries.genres[1:]
    card = {"genres": [*fewer, "Film-Noir"], "threshold": 0.5}
    model = SimpleNamespace(card=card, probabilities=lambda texts: np.zeros((len(texts), len(fewer) + 1)))
    monkeypatch.setattr(registry, "load_champion", lambda *_: SimpleNamespace(unwrap_python_model=lambda: model))
    promotion = challenge(linear=0.5)
    assert promotion.promoted
    assert f"{len(fewer)} common genres" in promotion.reason


def test_promotion_that_a_killed_run_left_undone_is_carried_out(home: Path, settings: Settings, challenge: Any) -> None:
    challenge(linear=0.5)
    connect(home, settings.track).delete_registered_model_alias(NAME, "champion")
    assert challenge(linear=0.5).promoted
    assert aliases(home, settings)["champion"] == 1
