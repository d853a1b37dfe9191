"""Texts as rows of word numbers, windows of long ones, and batches of like length."""

import numpy as np

from tasks.logic.sequences import like_lengths, number_words, numbers_of, pad, read_windows


def test_words_are_numbered_from_one_and_unknown_ones_left_out() -> None:
    rows = number_words(["moon rises moon", "nothing known", ""], numbers_of(["moon", "rises"]))
    assert [row.tolist() for row in rows] == [[1, 2, 1], [], []]


def test_padding_stands_at_the_end_and_longer_rows_are_cut() -> None:
    assert pad([np.array([5]), np.array([1, 2, 3])], 2).tolist() == [[5, 0], [1, 2]]


def test_a_text_that_is_not_too_long_is_read_whole() -> None:
    row = np.arange(12)
    assert read_windows(row, 4, 12) is row


def test_of_a_longer_text_windows_from_start_to_end_are_read() -> None:
    assert read_windows(np.arange(20), 4, 12).tolist() == [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19]


def test_every_row_stands_in_one_batch_of_like_length() -> None:
    lengths = [n * 7 % 40 for n in range(100)]
    rows = [np.ones(length, dtype=np.int32) for length in lengths]
    found = list(like_lengths(rows, 8))
    assert sorted(i for indices in found for i in indices) == list(range(100))
    assert all(len(indices) <= 8 for indices in found)
    ordered = [lengths[i] for indices in found for i in indices]
    assert ordered == sorted(ordered)


def test_with_a_generator_batches_change_but_hold_rows_of_like_length() -> None:
    rows = [np.ones(1 + n % 50, dtype=np.int32) for n in range(400)]
    generator = np.random.default_rng(3)
    first, second = ([tuple(indices) for indices in like_lengths(rows, 16, generator)] for _ in range(2))
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in second}
    spread = [np.ptp([len(rows[i]) for i in batch]) for batch in first]
    assert max(spread) <= 10


def test_order_repeats_with_the_same_generator_seed() -> None:
    rows = [np.ones(1 + n % 9, dtype=np.int32) for n in range(40)]
    first, second = (
        [indices.tolist() for indices in like_lengths(rows, 4, np.random.default_rng(3))] for _ in range(2)
    )
    assert first == second


def test_no_rows_give_no_batches() -> None:
    assert list(like_lengths([], 4)) == []
