"""Promotion: who misbehaves is refused, the first wins by default, later ones only on the selection titles."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conf.schema import Settings
from tasks import champion as champions
from tasks import registry
from tasks.champion import NoChampionError, OldChampionError, connect, load_champion
from tasks.corpus import StoredCorpus
from tasks.evaluation import Evaluation
from tasks.training import StoredModel

Recipe = Callable[[str, float], tuple[StoredModel, Evaluation]]
NAME = "genreflow-summary"
LACKING = (
    "behaviour tests failed: minimum functionality 14 of 20 plots, 16 needed "
    "(failed: 14 (War), 15 (War), 16 (War), 17 (War), 18 (War) and 1 more)"
)


def tags(home: Path, settings: Settings, version: int) -> dict[str, str]:
    return dict(connect(home, settings.track).get_model_version(NAME, str(version)).tags)


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
    genres = [*fewer, "Film-Noir"]
    decision = {"threshold_rule": "global", "threshold": 0.5, "genre_thresholds": [0.5] * len(genres)}
    card = {"genres": genres, **decision, "at_least_one": False}
    model = SimpleNamespace(card=card, probabilities=lambda texts: np.zeros((len(texts), len(genres))))
    monkeypatch.setattr(registry, "load_champion", lambda *_: SimpleNamespace(unwrap_python_model=lambda: model))
    promotion = challenge(linear=0.5)
    assert promotion.promoted
    assert f"{len(fewer)} common genres" in promotion.reason


def test_promotion_that_a_killed_run_left_undone_is_carried_out(home: Path, settings: Settings, challenge: Any) -> None:
    challenge(linear=0.5)
    connect(home, settings.track).delete_registered_model_alias(NAME, "champion")
    assert challenge(linear=0.5).promoted
    assert aliases(home, settings)["champion"] == 1


def test_candidate_that_misbehaves_is_refused_without_an_incumbent(
    home: Path, settings: Settings, challenge: Any
) -> None:
    promotion = challenge(behaves=False, linear=0.5)
    assert (promotion.version, promotion.promoted, promotion.reason) == (1, False, LACKING)
    assert aliases(home, settings) == {"candidate": 1}
    registered = tags(home, settings, 1)
    assert (registered["decision"], registered["reason"], registered["challenge"]) == ("refused", LACKING, "0")
    assert registered["behaviour"] == "minimum 14/20, direction 0.91, invariance 0.97"
    assert LACKING in description(home, settings, 1)


def test_candidate_that_misbehaves_is_refused_and_challenges_nobody(
    home: Path, settings: Settings, challenge: Any
) -> None:
    challenge(linear=0.05)
    promotion = challenge(behaves=False, bilstm=0.5)
    assert (promotion.version, promotion.promoted, promotion.reason) == (2, False, LACKING)
    assert aliases(home, settings) == {"candidate": 2, "champion": 1}
    assert "Challenges made on the selection titles: 0." in description(home, settings, 2)
    assert "challenge number 1 on" in challenge(bilstm=0.6).reason


def test_refused_candidate_stays_refused(home: Path, settings: Settings, challenge: Any) -> None:
    challenge(behaves=False, linear=0.5)
    promotion = challenge(behaves=False, linear=0.5)
    assert (promotion.version, promotion.promoted) == (1, False)
    assert promotion.reason == f"unchanged: this model is version 1 already; {LACKING}"
    assert aliases(home, settings) == {"candidate": 1}


def test_refused_candidate_challenges_once_it_behaves(home: Path, settings: Settings, challenge: Any) -> None:
    challenge(behaves=False, linear=0.5)
    promotion = challenge(linear=0.5)
    assert (promotion.version, promotion.promoted) == (2, True)
    assert tags(home, settings, 2)["behaviour"] == "minimum 18/20, direction 0.91, invariance 0.97"
    assert challenge(linear=0.5).reason == "unchanged: this model is version 2 already, the champion"


def test_home_without_a_champion_tells_of_the_refused_candidate(
    home: Path, settings: Settings, challenge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenge(behaves=False, linear=0.5)
    monkeypatch.undo()
    with pytest.raises(NoChampionError) as error:
        load_champion(home, settings.track, "summary")
    run = connect(home, settings.track).get_model_version(NAME, "1").run_id
    assert str(error.value) == (
        f"no champion for the summary corpus in this home yet: {NAME} version 1 (linear) was refused, {LACKING}; "
        f"behaviour.csv of its MLflow run {run} tells every case; genreflow promote 1 --corpus summary --force "
        "--reason WHY makes it champion all the same"
    )


def test_champion_of_an_older_genreflow_is_named(
    home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = SimpleNamespace(unwrap_python_model=lambda: SimpleNamespace(card={"threshold": 0.3}))
    monkeypatch.setattr(champions, "find_champion", lambda *_: SimpleNamespace(version="3"))
    monkeypatch.setattr(champions, "load_model", lambda uri: old)
    with pytest.raises(OldChampionError, match="genreflow-summary version 3 was made by an older genreflow"):
        load_champion(home, settings.track, "summary")
