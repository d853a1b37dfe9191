import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from benchmarks import peers
from benchmarks.peer_document import render_rows, tell, write_block
from benchmarks.peer_figures import Row, measure, resample, verdicts
from benchmarks.peer_fits import FitSpec, PeerError, Titles, fit, fit_peer, tune
from benchmarks.peer_models import PEERS, NaiveBayesSvm, Peer
from conf.errors import GenreflowError
from conf.training import Bootstrap
from tasks.logic.metrics import intervals, paired_bootstrap, score
from tasks.saved_recipe import save_arrays

GENRES = ["Comedy", "Drama"]
WORDS = {"Comedy": ["wedding", "laughs", "pranks"], "Drama": ["grief", "court", "loss"]}
NBSVM = next(peer for peer in PEERS if peer.name == "NB-SVM")


@pytest.fixture
def titles(tmp_path: Path) -> Titles:
    """Sixty titles whose words tell their genres; the last train title is left out of fitting."""
    rng = np.random.default_rng(3)
    splits = ["train"] * 40 + ["validation"] * 10 + ["test"] * 10
    genres = [[GENRES[i % 2]] for i in range(60)]
    texts = [" ".join([*rng.choice(WORDS[of[0]], 3), *rng.choice(["and", "a", "the"], 3)]) for of in genres]
    frame = pd.DataFrame({"text": texts, "genres": genres, "split": splits, "fitted": [i != 39 for i in range(60)]})
    frame.to_parquet(tmp_path / "titles.parquet")
    return Titles(corpus="summary", table=tmp_path / "titles.parquet", genres=GENRES, fingerprint="corpus")


class Fits:
    """Stand in for a process that fits: random probabilities, and a list of what was asked; `failing` calls fail."""

    def __init__(self, failing: tuple[int, ...] = ()) -> None:
        self.specs: list[FitSpec] = []
        self.failing = failing

    def __call__(self, spec: FitSpec) -> None:
        self.specs.append(spec)
        if len(self.specs) in self.failing:
            raise PeerError("it failed")
        rng = np.random.default_rng(spec.random_seed + len(self.specs))
        save_arrays(spec.file, {split: rng.random((10, 2)) for split in ("validation", "test")})


def tuned(home: Path, peer: Peer, titles: Titles, run: Fits, budget: int = 3):
    return tune(home, peer, titles, budget, [7, 107], lambda line: None, run)


def by_chance(peer: Peer) -> Peer:
    return peer._replace(by_chance=True)


def test_without_titles_says_what_to_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GENREFLOW_TITLES", raising=False)
    with pytest.raises(GenreflowError, match="expected --titles FILE or its path in GENREFLOW_TITLES"):
        peers.main(titles=None)


def test_nbsvm_weighs_a_word_by_its_genre():
    features = csr_matrix(np.array([[1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 0]], dtype=float))
    model = NaiveBayesSvm(c=1.0, alpha=1.0, beta=1.0).fit(features, np.array([1, 1, 0, 0]))
    assert model.weights_[0] > 0 > model.weights_[1]
    # A word of both genres alike has no log-count ratio, whatever the SVM makes of it.
    assert model.weights_[2] == 0
    assert model.predict(features).tolist() == [1, 1, 0, 0]


def test_nbsvm_without_its_svm_is_naive_bayes_ratios():
    features = csr_matrix(np.array([[2, 0], [0, 1], [0, 1]], dtype=float))
    model = NaiveBayesSvm(alpha=1.0, beta=0.0).fit(features, np.array([1, 0, 0]))
    ratio = np.log([3 / 4, 1 / 4]) - np.log([1 / 4, 3 / 4])
    assert model.weights_ == pytest.approx(ratio * np.abs(model.weights_ / ratio)[0])


@pytest.mark.parametrize("name", ["NB-SVM", "TF-IDF + logistic regression"])
def test_a_peer_learns_plain_genres(name: str, titles: Titles, tmp_path: Path):
    peer = next(peer for peer in PEERS if peer.name == name)
    found = fit_peer(tmp_path, peer, titles, dict(peer.customary), 7, run=fit)
    truth = titles.test()
    assert ((found.probabilities()["test"] > 0.5) == truth).all()
    assert found.value == 1.0


def test_near_duplicates_are_not_fitted(titles: Titles, tmp_path: Path):
    given = []
    peer = PEERS[0]._replace(fit=lambda each: given.append(each) or (lambda texts: np.full((len(texts), 2), 0.5)))
    spec = FitSpec(peer=peer.name, titles=titles, settings={}, random_seed=7, kept=tmp_path, file=tmp_path / "p.npz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.peer_fits.PEERS", (peer,))
        fit(spec)
    assert len(given[0].texts) == len(given[0].truth) == 39


def test_probabilities_that_are_no_numbers_are_refused(titles: Titles, tmp_path: Path):
    peer = PEERS[0]._replace(fit=lambda given: lambda texts: np.full((len(texts), 2), np.nan))
    spec = FitSpec(peer=peer.name, titles=titles, settings={}, random_seed=7, kept=tmp_path, file=tmp_path / "p.npz")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ValueError, match="not a number"):
        patch.setattr("benchmarks.peer_fits.PEERS", (peer,))
        fit(spec)


def test_customary_values_lie_in_the_space_that_is_searched():
    for peer in PEERS:
        assert peer.space.keys() == peer.customary.keys(), peer.name
        for name, values in peer.space.items():
            assert values._contains(values.to_internal_repr(peer.customary[name])), (peer.name, name)


def test_the_first_trial_has_customary_values(titles: Titles, tmp_path: Path):
    run = Fits()
    tuned(tmp_path, NBSVM, titles, run)
    assert run.specs[0].settings == dict(NBSVM.customary)
    assert len({json.dumps(spec.settings) for spec in run.specs}) == 3


def test_the_best_values_are_fitted_once_a_seed(titles: Titles, tmp_path: Path):
    run = Fits()
    found = tuned(tmp_path, by_chance(NBSVM), titles, run)
    best = max(found.trials, key=lambda trial: trial.value)
    assert [fitted.settings for fitted in found.fits] == [best.settings] * 2
    assert [fitted.random_seed for fitted in found.fits] == [7, 107]
    # The trial was the first seed's fit already.
    assert len(run.specs) == 3 + 1


def test_a_peer_that_no_seed_changes_is_fitted_once(titles: Titles, tmp_path: Path):
    assert len(tuned(tmp_path, NBSVM, titles, Fits()).fits) == 1


def test_a_search_goes_on_where_it_stopped(titles: Titles, tmp_path: Path):
    whole = tuned(tmp_path / "whole", NBSVM, titles, Fits())
    tuned(tmp_path, NBSVM, titles, Fits(), budget=2)
    again = Fits()
    found = tuned(tmp_path, NBSVM, titles, again)
    assert [spec.settings for spec in again.specs] == [whole.trials[2].settings]
    assert [trial.reused for trial in found.trials] == [True, True, False]


def test_a_damaged_fit_is_made_again(titles: Titles, tmp_path: Path):
    first = fit_peer(tmp_path, NBSVM, titles, {"c": 1.0}, 7, Fits())
    next(first.folder.glob("*.npz")).write_bytes(b"cut")
    run = Fits()
    assert fit_peer(tmp_path, NBSVM, titles, {"c": 1.0}, 7, run).probabilities()["test"].shape == (10, 2)
    assert len(run.specs) == 1


def test_other_titles_values_or_seeds_are_other_fits(titles: Titles, tmp_path: Path):
    run = Fits()
    other = titles.model_copy(update={"fingerprint": "other"})
    for each, values, seed in ((titles, 1.0, 7), (other, 1.0, 7), (titles, 2.0, 7), (titles, 1.0, 8)):
        fit_peer(tmp_path, NBSVM, each, {"c": values}, seed, run)
    assert len(run.specs) == 4


def test_a_failed_trial_uses_its_budget(titles: Titles, tmp_path: Path):
    assert len(tuned(tmp_path, NBSVM, titles, Fits(failing=(2,))).trials) == 2


def test_a_peer_whose_trials_all_fail_raises(titles: Titles, tmp_path: Path):
    with pytest.raises(PeerError, match="it failed"):
        tuned(tmp_path, NBSVM, titles, Fits(failing=(1, 2, 3)))


def drawn(seed: int, right: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random((60, 4)) < [0.03, 0.3, 0.5, 0.6]
    return truth, np.where(rng.random(truth.shape) < right, truth, ~truth)


def test_figures_of_one_seed_are_those_of_every_other_table():
    truth, answer = drawn(1)
    other = np.where(drawn(2)[1], truth, answer)
    sampled, base = (resample(truth, [each], 150, random_seed=5) for each in (answer, other))
    figures, spans = score(truth, answer, list("abcd")), intervals(truth, answer, 150, 0.95, random_seed=5)
    for average in ("micro", "macro"):
        assert sampled[average].mean == pytest.approx(figures[f"f1_{average}"])
        assert np.quantile(sampled[average].means, [0.025, 0.975]) == pytest.approx(spans[f"f1_{average}"])
        paired = paired_bootstrap(truth, answer, other, 150, random_seed=5, average=average)
        found = np.quantile(sampled[average].means - base[average].means, [0.025, 0.975])
        assert found == pytest.approx([paired["low"], paired["high"]])


def test_seeds_are_averaged_on_the_same_resamples():
    truth, answer = drawn(1)
    other = np.where(drawn(2)[1], truth, answer)
    one, two, both = (resample(truth, each, 50, random_seed=5) for each in ([answer], [other], [answer, other]))
    assert both["macro"].means == pytest.approx((one["macro"].means + two["macro"].means) / 2)
    assert both["micro"].mean == pytest.approx((one["micro"].mean + two["micro"].mean) / 2)


def measured(*, better: bool) -> list[dict]:
    truth, noisy = drawn(1, right=0.6)
    answers = {"linear": noisy, "bilstm": noisy, "blend": truth if better else noisy}
    rows = [Row(name, True, [answer], 1.0) for name, answer in answers.items()]
    return measure(rows, truth, Bootstrap(resamples=50, level=0.9), random_seed=5)


@pytest.mark.parametrize(
    ("better", "judged"),
    [
        (True, ["kept", "kept", "kept", "kept", "reached", "reached"]),
        # Equal is not below, and not above.
        (False, ["kept", "kept", "MISSED", "MISSED", "missed", "missed"]),
    ],
)
def test_bounds_and_goals_are_judged_by_difference_and_interval(better: bool, judged: list[str]):
    assert [line.rpartition(" ")[2] for line in verdicts(measured(better=better))] == judged


def test_a_blend_is_named_by_what_it_could_take():
    assert peers.row_names(["linear", "bilstm", "blend"]) == ["linear", "bilstm", "blend"]
    assert peers.row_names(["linear", "sentence", "blend"]) == ["linear", "sentence", "blend with sentence"]


def test_sentence_is_judged_against_its_own_peer():
    truth, noisy = drawn(1, right=0.6)
    names = {"linear": truth, "MiniLM + logistic regression": noisy, "blend with sentence": truth}
    rows = [Row(name, True, [answer], 1.0) for name, answer in names.items()]
    told = verdicts(measure(rows, truth, Bootstrap(resamples=50, level=0.9), random_seed=5))
    assert len(told) == 1
    assert "+0.03 micro-F1 over MiniLM" in told[0]
    assert told[0].endswith("reached")


def test_the_table_has_a_line_a_row_and_says_what_is_missing():
    text = render_rows(measured(better=True), 0.9, {"fastText": "not installed"})
    lines = text.splitlines()
    assert [line.split(" | ")[0] for line in lines[:5]] == ["| model", "|---|---|---|---|---|---|---|---|", "| linear",
                                                           "| bilstm", "| blend"]  # fmt: skip
    assert "- no row of fastText: not installed" in lines
    assert "90% interval" in text


def test_values_are_told_in_one_line():
    assert tell({"c": 0.5, "stop_words": None}) == "c 0.5, stop_words None"


def test_a_block_is_replaced_and_the_rest_is_left(tmp_path: Path):
    file = tmp_path / "results.md"
    file.write_text("before\n<!-- a -->\nold\n<!-- /a -->\nbetween\n<!-- b -->\nkept\n<!-- /b -->\nafter\n")
    for _ in range(2):
        write_block(file, "a", "new")
        assert file.read_text() == (
            "before\n<!-- a -->\nnew\n<!-- /a -->\nbetween\n<!-- b -->\nkept\n<!-- /b -->\nafter\n"
        )


def test_a_document_without_the_block_gets_it_at_its_end(tmp_path: Path):
    file = tmp_path / "results.md"
    write_block(file, "a", "one")
    write_block(file, "b", "two")
    assert file.read_text().startswith("# Results\n")
    assert file.read_text().endswith("\n\n<!-- a -->\none\n<!-- /a -->\n\n<!-- b -->\ntwo\n<!-- /b -->\n")


@pytest.mark.parametrize("document", ["<!-- a -->\nold\n", "<!-- /a -->\nold\n<!-- a -->\n"])
def test_a_document_with_half_a_block_is_refused(document: str, tmp_path: Path):
    file = tmp_path / "results.md"
    file.write_text(document)
    with pytest.raises(GenreflowError, match="found one of them"):
        write_block(file, "a", "new")
    assert file.read_text() == document
