from collections import Counter

import pytest

from tasks.logic.splits import split_of


@pytest.mark.parametrize(
    ("title_id", "split"),
    [
        ("tt0068646", "train"),
        ("tt0120737", "train"),
        ("tt0133093", "validation"),
        ("tt0076759", "validation"),
        ("tt0111161", "selection"),
        ("tt0000019", "selection"),
        ("tt0000001", "test"),
        ("tt0109830", "test"),
    ],
)
def test_a_title_is_always_in_the_same_split(title_id, split):
    assert split_of(title_id) == split


def test_shares_of_the_splits():
    counts = Counter(split_of(f"tt{number:07d}") for number in range(20_000))
    shares = {split: 100 * count / 20_000 for split, count in counts.items()}
    assert shares == pytest.approx({"train": 70, "validation": 8, "selection": 7, "test": 15}, abs=1)
