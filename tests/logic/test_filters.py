"""From raw titles to a labelled corpus: what is dropped, why, and what is kept."""

import pandas as pd

from tasks.logic.filters import Drops, add_labels, add_tokens, keep_texts

LIMITS = {"min_chars": 5, "max_chars": 20, "first_year": None, "last_year": None}


def frame(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_texts_are_dropped_by_reason() -> None:
    summaries = [None, "Add a Plot", "tiny", "x" * 21, "just right"]
    titles = frame(summary=summaries, text=[None, None, *summaries[2:]], year=[2000] * 5)
    drops = Drops()
    kept = keep_texts(titles, "summary", **LIMITS, drops=drops)
    assert kept["text"].tolist() == ["just right"]
    assert drops.counts == {"no_text": 1, "placeholder": 1, "too_short": 1, "too_long": 1}


def test_year_limits_drop_titles_without_a_year() -> None:
    titles = frame(
        summary=["long enough"] * 3, text=["long enough"] * 3, year=pd.array([1989, 1990, None], dtype="Int64")
    )
    drops = Drops()
    kept = keep_texts(titles, "summary", **LIMITS | {"first_year": 1990}, drops=drops)
    assert kept["year"].tolist() == [1990]
    assert drops.counts["outside_years"] == 2


def test_titles_without_a_word_left_are_dropped() -> None:
    drops = Drops()
    kept = add_tokens(frame(text=["the of and", "A ship sails."]), frozenset({"the", "of", "and", "a"}), drops)
    assert kept["tokens"].tolist() == ["ship sails"]
    assert drops.counts == {"only_stop_words": 1}


def labelled(titles: pd.DataFrame, min_titles: int = 1) -> tuple[pd.DataFrame, list[str], dict[str, int], Drops]:
    drops = Drops()
    kept, genres, left_out = add_labels(
        titles, known=["Drama", "War"], min_titles=min_titles, similarity=0.8, ngram=3, random_seed=7, drops=drops
    )
    return kept, genres, left_out, drops


def test_genres_below_the_least_titles_are_counted_and_left_out() -> None:
    ids = [f"tt{i:07d}" for i in range(40)]
    tokens = [f"{chr(97 + i % 26) * 3} w{i} v{i} u{i}" for i in range(40)]
    genres = [["Drama", "War"] if i == 0 else ["War"] if i == 1 else ["Drama", "Unheard"] for i in range(40)]
    kept, modelled, left_out, drops = labelled(frame(title_id=ids, tokens=tokens, genres=genres), min_titles=5)
    assert modelled == ["Drama"]
    assert left_out == {"War": 2}
    assert drops.counts == {"no_known_genre": 0, "no_modelled_genre": 1}
    assert set(kept["split"]) <= {"train", "validation", "selection", "test"}


def test_only_train_and_validation_titles_are_fitted() -> None:
    ids = [f"tt{i:07d}" for i in range(60)]
    titles = frame(title_id=ids, tokens=[f"a{i} b{i} c{i}" for i in range(60)], genres=[["Drama"]] * 60)
    kept, *_ = labelled(titles)
    assert set(kept.loc[kept["fitted"], "split"]) <= {"train", "validation"}
    assert not kept["near_duplicate"].any()
