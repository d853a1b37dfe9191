"""Texts as rows of word numbers, and batches of like length."""

import numpy as np

from tasks.logic.sequences import batches, bucket_of, number_words, pad


def test_words_are_numbered_from_one_and_unknown_ones_left_out() -> None:
    rows = number_words(["moon rises moon", "nothing known", ""], ["moon", "rises"], max_words=10)
    assert [row.tolist() for row in rows] == [[1, 2, 1], [], []]


def test_known_words_are_counted_towards_the_most_read() -> None:
    assert number_words(["far moon far rises moon"], ["moon", "rises"], max_words=2)[0].tolist() == [1, 2]


def test_padding_stands_at_the_end_and_longer_rows_are_cut() -> None:
    assert pad([np.array([5]), np.array([1, 2, 3])], 2).tolist() == [[5, 0], [1, 2]]


def test_bucket_is_the_shortest_that_holds_the_row() -> None:
    rows = [np.ones(n, dtype=np.int32) for n in (0, 3, 4, 9, 50)]
    assert bucket_of(rows, [3, 8, 20]).tolist() == [3, 3, 8, 20, 20]


def test_every_row_stands_in_one_batch_of_its_bucket() -> None:
    rows = [np.ones(n % 17, dtype=np.int32) for n in range(100)]
    found = list(batches(rows, [4, 16], 8, np.random.default_rng(1)))
    assert sorted(i for _, indices in found for i in indices) == list(range(100))
    assert all(len(indices) <= 8 and max(len(rows[i]) for i in indices) <= length for length, indices in found)


def test_order_repeats_with_the_same_generator_seed() -> None:
    rows = [np.ones(1 + n % 9, dtype=np.int32) for n in range(40)]
    first, second = (
        [indices.tolist() for _, indices in batches(rows, [4, 9], 4, np.random.default_rng(3))] for _ in range(2)
    )
    assert first == second
