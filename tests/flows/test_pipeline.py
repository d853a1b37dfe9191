"""One whole pipeline run over HTTP: what is in raw/, the corpora, the models and the run's answer."""

from collections import Counter
from itertools import chain

import pandas as pd
import pytest
from harness import RECIPES, TrainedHome

from conf.names import CORPORA, Corpus
from scraper.raw import read_raw
from tasks import store
from tasks.corpus import read_titles
from tasks.evaluation import read_decision
from tasks.logic.calibration import apply_calibration
from tasks.logic.labels import to_matrix
from tasks.logic.splits import split_of
from tasks.logic.thresholds import best_global_threshold
from tasks.training import read_probabilities

corpora = pytest.mark.parametrize("corpus", CORPORA)


def test_raw_holds_each_served_title_once(trained_home: TrainedHome) -> None:
    stored = pd.concat(table.to_pandas() for table in read_raw(trained_home.path / "raw"))
    served = trained_home.titles.to_pandas()
    assert len(served) == 240
    assert sorted(stored["title_id"]) == sorted(served["title_id"])


def test_stored_texts_are_those_served(trained_home: TrainedHome) -> None:
    stored = pd.concat(table.to_pandas() for table in read_raw(trained_home.path / "raw")).set_index("title_id")
    served = trained_home.titles.to_pandas().set_index("title_id")
    for name in CORPORA:
        expected = served[name].astype(object).where(served[name].notna(), None).to_dict()
        found = stored[name].astype(object).where(stored[name].notna(), None).to_dict()
        assert found == expected


def test_crawl_accounts_for_every_title(trained_home: TrainedHome) -> None:
    collected = trained_home.done.collected
    assert collected is not None
    assert (collected.asked, collected.stored, sum(collected.dropped.values())) == (240, 240, 0)


@corpora
def test_every_recipe_has_a_row(trained_home: TrainedHome, corpus: Corpus) -> None:
    assert sorted(run.recipe for run in trained_home.done.trained[corpus].runs) == RECIPES


@corpora
def test_every_record_is_kept_or_dropped_for_a_reason(trained_home: TrainedHome, corpus: Corpus) -> None:
    stored = trained_home.done.corpora[corpus]
    assert stored.records == 240
    assert stored.records == stored.titles + sum(stored.drops.values())
    assert stored.titles == len(read_titles(stored))


def test_titles_without_a_text_are_counted(trained_home: TrainedHome) -> None:
    served = trained_home.titles.to_pandas()
    counted = {name: trained_home.done.corpora[name].drops["no_text"] for name in CORPORA}
    assert counted == {name: int(served[name].isna().sum()) for name in CORPORA}
    assert counted["synopsis"] > counted["summary"] > 0


def test_title_is_in_the_same_split_of_both_corpora(trained_home: TrainedHome) -> None:
    summary, synopsis = (
        read_titles(trained_home.done.corpora[name]).set_index("title_id")["split"] for name in CORPORA
    )
    shared = summary.index.intersection(synopsis.index)
    assert len(shared) > 100
    assert summary[shared].to_dict() == synopsis[shared].to_dict() == {each: split_of(each) for each in shared}


@corpora
def test_only_train_and_validation_titles_are_fitted(trained_home: TrainedHome, corpus: Corpus) -> None:
    frame = read_titles(trained_home.done.corpora[corpus])
    assert set(frame.loc[frame["fitted"], "split"]) == {"train", "validation"}
    assert not (frame["fitted"] & frame["near_duplicate"]).any()


@corpora
def test_modelled_genres_have_enough_train_titles(trained_home: TrainedHome, corpus: Corpus) -> None:
    stored = trained_home.done.corpora[corpus]
    frame = read_titles(stored)
    train = frame[(frame["split"] == "train") & frame["fitted"]]
    counts = Counter(chain.from_iterable(train["genres"]))
    assert stored.genres == sorted(counts)
    assert min(counts.values()) >= trained_home.settings.prepare.min_genre_titles
    assert not set(stored.genres) & set(stored.genres_left_out)


@corpora
def test_probabilities_have_a_row_a_title_and_a_column_a_genre(trained_home: TrainedHome, corpus: Corpus) -> None:
    stored = trained_home.done.corpora[corpus]
    for model in trained_home.done.trained[corpus].models:
        for split, rows in read_probabilities(model).items():
            assert rows.shape == (stored.splits[split], len(stored.genres))
            assert ((rows >= 0) & (rows <= 1)).all()


@corpora
def test_learned_recipe_beats_the_prior_only_row(trained_home: TrainedHome, corpus: Corpus) -> None:
    scores = {run.recipe: run.evaluation.test_f1_micro for run in trained_home.done.trained[corpus].runs}
    assert scores["linear"] > scores["prior"]


@corpora
def test_first_model_of_a_corpus_becomes_champion(trained_home: TrainedHome, corpus: Corpus) -> None:
    promotion = trained_home.done.trained[corpus].promotion
    assert (promotion.name, promotion.version, promotion.promoted) == (f"genreflow-{corpus}", 1, True)
    assert "no incumbent" in promotion.reason


def test_every_result_is_whole_and_nothing_half_made_is_left(trained_home: TrainedHome) -> None:
    manifests = list(trained_home.path.glob("*/*/" + store.MANIFEST))
    # One crawl, vectors of each corpus and of both; for each corpus itself, its cleaned block, the other's texts,
    # models, evaluations, behaviour.
    assert len(manifests) == 1 + 3 + 2 * (1 + 1 + 1 + 2 * len(RECIPES) + 1)
    for path in manifests:
        manifest = store.read_manifest(path.parent)
        assert manifest is not None
        assert manifest.complete
        assert store.damaged_files(path.parent, manifest) == []
    assert list(trained_home.path.rglob(store.RUNNING_PREFIX + "*")) == []
    assert not (trained_home.path / "lock.json").exists()


@corpora
def test_no_pickle_is_stored(trained_home: TrainedHome, corpus: Corpus) -> None:
    suffixes = {path.suffix for path in (trained_home.path / "models").rglob("*") if path.is_file()}
    assert suffixes == {".json", ".npz", ".keras"}


@corpora
def test_global_threshold_is_the_best_on_validation(trained_home: TrainedHome, corpus: Corpus) -> None:
    trained = trained_home.done.trained[corpus]
    frame = read_titles(trained.corpus)
    rows = frame[frame["split"] == "validation"]
    fitted = rows["fitted"].to_numpy()
    truth = to_matrix(rows["genres"], trained.corpus.genres)
    for model, run in zip(trained.models, trained.runs, strict=True):
        calibration = read_decision(run.evaluation)["calibration"]
        probabilities = apply_calibration(read_probabilities(model)["validation"], calibration)
        expected, _ = best_global_threshold(probabilities[fitted], truth[fitted], "micro")
        assert run.evaluation.threshold == expected


@corpora
def test_test_titles_of_the_table_are_those_of_the_split(trained_home: TrainedHome, corpus: Corpus) -> None:
    trained = trained_home.done.trained[corpus]
    frame = read_titles(trained.corpus)
    expected = frame.loc[frame["split"] == "test", "title_id"].tolist()
    for run in trained.runs:
        assert pd.read_parquet(run.evaluation.folder / "test_titles.parquet")["title_id"].tolist() == expected
        assert run.evaluation.test_titles == len(expected)
