"""A champion scored on labelled titles, fitted ones left out, and asked for one text."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from harness import TrainedHome

from tasks.answers import corpus_of, predict_text, score_titles
from tasks.corpus import read_titles
from tasks.evaluation import read_decision, read_figures
from tasks.logic.decisions import tell_thresholds
from tasks.text_files import TitlesFileError

TEXT = "A retired detective hunts a killer who stages murders as film scenes."


@pytest.fixture
def served(trained_home: TrainedHome, tmp_path: Path) -> Path:
    """Return a file of the titles that the home was trained on."""
    path = tmp_path / "served.parquet"
    pq.write_table(trained_home.titles, path)
    return path


def score(trained_home: TrainedHome, path: Path, *, include_train: bool = False) -> dict[str, Any]:
    settings = trained_home.settings
    return score_titles(
        trained_home.path, settings.track, "summary", path, include_train=include_train, train=settings.train
    )


def test_fitted_titles_are_counted_and_left_out(trained_home: TrainedHome, served: Path) -> None:
    left_out = len(trained_home.known_summaries)
    with_text = int(trained_home.titles.to_pandas()["summary"].notna().sum())
    figures = score(trained_home, served)
    assert (figures["left_out"], figures["titles"]) == (left_out, with_text - left_out)
    assert figures["without_text"] == 240 - with_text


def test_fitted_titles_are_scored_when_asked_for(trained_home: TrainedHome, served: Path) -> None:
    with_text = int(trained_home.titles.to_pandas()["summary"].notna().sum())
    figures = score(trained_home, served, include_train=True)
    assert (figures["left_out"], figures["titles"]) == (0, with_text)


def test_test_titles_score_as_in_the_run(trained_home: TrainedHome, tmp_path: Path) -> None:
    trained = trained_home.done.trained["summary"]
    frame = read_titles(trained.corpus)
    table = frame[frame["split"] == "test"][["title_id", "genres", "text"]].rename(columns={"text": "summary"})
    table.to_parquet(tmp_path / "test.parquet")
    figures = score(trained_home, tmp_path / "test.parquet")
    (run,) = (run for run in trained.runs if run.recipe == trained.promotion.recipe)
    assert figures["f1_micro"] == pytest.approx(run.evaluation.test_f1_micro, abs=1e-12)
    assert figures["f1_macro"] == pytest.approx(run.evaluation.test_f1_macro, abs=1e-12)
    test = read_figures(run.evaluation)["test"]
    for name in ("map_micro", "map_macro", "lrap", "hamming_loss", "subset_accuracy"):
        assert figures[name] == pytest.approx(test[name], abs=1e-6)
    assert figures["intervals"]["f1_micro"] == pytest.approx(run.evaluation.interval_f1_micro, abs=1e-12)
    genres = trained.corpus.genres
    assert figures["thresholds"] == tell_thresholds(read_decision(run.evaluation), genres)
    assert list(figures["thresholds"]["values"]) == genres


def test_genre_outside_the_model_is_reported(trained_home: TrainedHome, tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"title_id": ["tt0000001", "tt0000002"], "genres": [["Drama"], ["Drama", "Space Opera"]], "summary": TEXT}
    )
    table.to_parquet(tmp_path / "titles.parquet")
    figures = score(trained_home, tmp_path / "titles.parquet")
    assert figures["genres_outside_model"] == {"Space Opera": 1}
    assert figures["titles"] == 2
    assert figures["per_genre"]["Drama"]["support"] == 2


def test_file_of_fitted_titles_only_says_so(trained_home: TrainedHome, tmp_path: Path) -> None:
    frame = read_titles(trained_home.done.corpora["summary"])
    rows = frame[frame["fitted"]][["title_id", "genres", "text"]].rename(columns={"text": "summary"})
    rows.head(5).to_parquet(tmp_path / "fitted.parquet")
    expected = "5 rows, 5 with a summary, 5 of them seen in fitting .*--include-train"
    with pytest.raises(TitlesFileError, match=expected):
        score(trained_home, tmp_path / "fitted.parquet")


def test_text_is_predicted_with_every_genres_probability(trained_home: TrainedHome) -> None:
    told = predict_text(trained_home.path, trained_home.settings.track, "summary", TEXT)
    assert sorted(told["probabilities"]) == trained_home.done.corpora["summary"].genres
    thresholds = told["thresholds"]["values"]
    chosen = [genre for genre, value in told["probabilities"].items() if value >= thresholds[genre]]
    assert sorted(told["genres"]) == sorted(chosen)
    assert told["model"] == "genreflow-summary version 1"


def test_long_text_belongs_to_the_synopsis_corpus(trained_home: TrainedHome) -> None:
    prepare = trained_home.settings.prepare
    assert (corpus_of("x" * 499, prepare), corpus_of("x" * 500, prepare)) == ("summary", "synopsis")
