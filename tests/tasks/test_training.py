"""Which recipes are trained, what they start from, and the blend of what was trained."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conf.schema import Settings, load
from tasks import sentences
from tasks.corpus import StoredCorpus, read_titles
from tasks.embedding import StoredVectors
from tasks.fit_process import FitError, end_fits, fit_in_process
from tasks.fitting import FitSpec
from tasks.logic.blending import find_weights, mix
from tasks.logic.labels import to_matrix
from tasks.saved_recipe import read_fitted_titles, save_fitted_titles
from tasks.training import StoredModel, fit_blend, read_probabilities, recipes_to_train, vectors_for

LOGGER = logging.getLogger("test")


@pytest.fixture
def no_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "is_available", lambda model: False)


def test_members_come_before_their_blend(no_sentences: None) -> None:
    recipes = recipes_to_train(load("base", ["train.recipes=[blend, linear, bilstm]"]).train, "summary", LOGGER)
    assert recipes == ["linear", "bilstm", "blend"]


def test_sentence_is_left_out_where_its_packages_are_not(
    no_sentences: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        recipes = recipes_to_train(settings.train, "summary", LOGGER)
    assert recipes == ["seed", "linear", "characters", "bilstm", "blend"]
    assert "sentence is left out, its packages are not installed (pip install torch" in caplog.text
    assert "the blend goes without sentence" in caplog.text


def test_sentence_is_trained_where_its_packages_are(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "is_available", lambda model: True)
    assert "sentence" in recipes_to_train(settings.train, "summary", LOGGER)


def test_a_named_sentence_model_is_never_left_out_silently(no_sentences: None) -> None:
    chosen = load("base", ["train.sentence.summary.model=some/folder"])
    assert "sentence" in recipes_to_train(chosen.train, "summary", LOGGER)


def test_no_blend_of_one_member(no_sentences: None, caplog: pytest.LogCaptureFixture) -> None:
    chosen = load("base", ["train.recipes=[linear, blend]"])
    assert recipes_to_train(chosen.train, "summary", LOGGER) == ["linear"]
    assert "no blend, it needs two members" in caplog.text


def vectors_of(texts: str) -> StoredVectors:
    return StoredVectors.model_validate(
        {"texts": texts, "folder": Path(), "fingerprint": texts, "words": 1, "vector_size": 1, "tokens": 1, "terms": []}
    )


def test_vectors_are_the_corpuss_own_but_for_bilstm_those_of_both(settings: Settings) -> None:
    vectors = {texts: vectors_of(texts) for texts in ("summary", "synopsis", "both")}
    chosen = {name: vectors_for(name, "summary", settings.train, vectors) for name in ("linear", "seed", "bilstm")}
    assert {name: each and each.texts for name, each in chosen.items()} == {
        "linear": None, "seed": "summary", "bilstm": "both",
    }  # fmt: skip
    own = load("quick", ["train.bilstm.summary.vectors=own"]).train
    assert vectors_for("bilstm", "summary", own, vectors) == vectors["summary"]
    assert vectors_for("bilstm", "summary", settings.train, {"summary": vectors["summary"]}) == vectors["summary"]


@pytest.fixture
def members(recipe: Callable[..., tuple[StoredModel, object]]) -> list[StoredModel]:
    """Return two recipes with a model's files each; those of the second name the genres better."""
    made = [recipe(name, right)[0] for name, right in (("linear", 0.3), ("characters", 0.6))]
    for model in made:
        (model.folder / "model").mkdir(exist_ok=True)
        (model.folder / "model" / "reading.json").write_text('{"kind": "linear"}')
        save_fitted_titles(model.folder / "model", ["tt1", f"tt-{model.recipe}"])
    return made


def test_a_blend_mixes_what_its_members_say(home: Path, summaries: StoredCorpus, members: list[StoredModel]) -> None:
    blend = fit_blend.fn(home, summaries, members)
    rows = read_titles(summaries).query("split == 'validation'")
    tuned = rows["fitted"].to_numpy()
    truth = to_matrix(rows["genres"], summaries.genres)[tuned]
    theirs = [read_probabilities(model) for model in members]
    weights = find_weights([each["validation"][tuned] for each in theirs], truth)
    assert blend.weights == {name: w for name, w in zip(("linear", "characters"), weights, strict=True) if w > 0}
    for split, found in read_probabilities(blend).items():
        assert np.array_equal(found, mix([each[split] for each in theirs], weights))


def test_a_blend_carries_the_files_of_members_that_weigh(
    home: Path, summaries: StoredCorpus, members: list[StoredModel]
) -> None:
    blend = fit_blend.fn(home, summaries, members)
    carried = sorted(path.name for path in (blend.folder / "model" / "members").iterdir())
    assert carried == sorted(blend.weights)


def test_a_blend_names_the_titles_and_terms_of_all_its_members(
    home: Path, summaries: StoredCorpus, members: list[StoredModel]
) -> None:
    blend = fit_blend.fn(home, summaries, members)
    assert read_fitted_titles(blend.folder / "model") == {"tt1", "tt-linear", "tt-characters"}
    assert blend.terms == ["terms of characters", "terms of linear"]


def test_a_blend_is_made_once_and_again_for_other_members(
    home: Path, summaries: StoredCorpus, members: list[StoredModel]
) -> None:
    first = fit_blend.fn(home, summaries, members)
    again = fit_blend.fn(home, summaries, members)
    assert again.data.reused
    other = fit_blend.fn(home, summaries, [members[0], members[1].model_copy(update={"fingerprint": "other"})])
    assert other.folder != first.folder


def test_end_of_fits_outside_a_flow_is_not_the_end_of_later_ones(tmp_path: Path, outside_flow: None) -> None:
    missing = tmp_path / "titles.parquet"
    spec = FitSpec(recipe="linear", corpus="summary", titles=missing, genres=[], vectors=None, folder=tmp_path,
                   random_seed=1, settings={})  # fmt: skip
    end_fits()
    # It was started.
    with pytest.raises(FitError, match="ended with exit code 1: .*titles.parquet"):
        fit_in_process(spec, lambda _: None)
