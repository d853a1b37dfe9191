"""From joined titles to a labelled corpus: what is dropped, why, and what is kept."""

import pandas as pd
import pyarrow as pa

from tasks.logic.filters import Drops, choose_genres, keep_labelled, keep_texts
from tasks.logic.lists import to_column

LIMITS = {"min_chars": 5, "max_chars": 20, "first_year": None, "last_year": None}
KNOWN = ["Drama", "War"]


def frame(genres: list[list[str]] | None = None, **columns: list[object]) -> pd.DataFrame:
    titles = pd.DataFrame(columns)
    return titles if genres is None else titles.assign(genres=to_column(pa.array(genres, pa.list_(pa.string()))))


def test_texts_are_dropped_by_reason() -> None:
    titles = frame(chars=[None, 0, 4, 21, 10, 11], words=[0, 0, 1, 1, 2, 0], year=[2000] * 6)
    drops = Drops()
    kept = keep_texts(titles, **LIMITS, drops=drops)
    assert kept["chars"].tolist() == [10]
    assert drops.counts == {"no_text": 1, "placeholder": 1, "too_short": 1, "too_long": 1, "only_stop_words": 1}


def test_year_limits_drop_titles_without_a_year() -> None:
    titles = frame(chars=[10] * 3, words=[2] * 3, year=pd.array([1989, 1990, None], dtype="Int64"))
    drops = Drops()
    kept = keep_texts(titles, **LIMITS | {"first_year": 1990}, drops=drops)
    assert kept["year"].tolist() == [1990]
    assert drops.counts["outside_years"] == 2


def test_unknown_genres_are_no_labels() -> None:
    drops = Drops()
    titles = frame([["Unheard", "War"], ["Unheard"], []], title_id=["tt0000001", "tt0000002", "tt0000003"])
    kept = keep_labelled(titles, KNOWN, drops)
    assert kept["genres"].tolist() == [["War"]]
    assert drops.counts == {"no_known_genre": 2}


def test_genres_below_the_least_titles_are_counted_and_left_out() -> None:
    genres = [["Drama", "War"], ["War"], *[["Drama"]] * 8]
    drops = Drops()
    titles = frame(genres, split=["train"] * 10, near_duplicate=[False] * 10)
    kept, modelled, left_out = choose_genres(titles, KNOWN, 5, drops)
    assert modelled == ["Drama"]
    assert left_out == {"War": 2}
    assert kept["genres"].tolist() == [["Drama"]] * 9
    assert drops.counts == {"no_modelled_genre": 1}


def test_only_fitted_train_titles_count_for_a_genre() -> None:
    splits = ["train", "train", "train", "validation", "test"]
    titles = frame([["War"]] * 5, split=splits, near_duplicate=[True, False, False, False, False])
    kept, modelled, _ = choose_genres(titles, KNOWN, 2, Drops())
    assert modelled == ["War"]
    assert kept["fitted"].tolist() == [False, True, True, True, False]
    assert choose_genres(titles, KNOWN, 3, Drops())[1] == []
