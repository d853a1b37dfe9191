"""What new titles are compared by: genre shares beyond chance, text lengths, unknown words."""

import pyarrow as pa
import pytest

from tasks.logic.drift import genre_shift, length_ratio, unknown_share, vocabulary


def lists(drama: int, horror: int) -> pa.ListArray:
    return pa.array([["Drama"]] * drama + [["Drama", "Horror"]] * horror)


def texts(*given: str) -> pa.ChunkedArray:
    """Return texts, each a chunk of its own."""
    return pa.chunked_array([pa.array([text]) for text in given], pa.string())


def test_genre_shift_takes_off_what_chance_explains() -> None:
    # Horror: 0.1 of 1,000 and 0.6 of 100; pooled 160/1,100, standard error 0.036977.
    shift = genre_shift(lists(900, 100), lists(40, 60), ["Drama", "Horror"])
    assert shift.genre == "Horror"
    assert shift.size == pytest.approx(0.5 - 3 * 0.036977, abs=1e-5)


def test_genre_shift_of_few_titles_is_chance() -> None:
    assert genre_shift(lists(900, 100), lists(3, 1), ["Drama", "Horror"]).size == 0


def test_genre_that_no_title_has_changes_nothing() -> None:
    assert genre_shift(lists(10, 10), lists(10, 10), ["Drama", "Horror", "War"]).size == 0


def test_length_ratio_is_that_of_median_words() -> None:
    assert length_ratio(texts("a", "a b", "a b c d"), texts("a b c", "a b c", "a")) == 1.5


def test_unknown_share_counts_repetitions() -> None:
    known = vocabulary(texts("ship storm", "storm night"))
    assert sorted(known.to_pylist()) == ["night", "ship", "storm"]
    assert unknown_share(texts("storm cookie cookie", "ship"), known) == 0.5
    assert unknown_share(texts(), known) == 0.0
