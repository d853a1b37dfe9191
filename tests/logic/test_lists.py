"""Lists as columns: gathered by owner, unrolled, filtered, counted."""

import numpy as np
import pyarrow as pa

from tasks.logic.lists import count_values, gather, keep_listed, of_column, to_column, unroll

LISTS = pa.array([["War", "Drama"], None, [], ["Drama", "Crime"]], pa.list_(pa.string()))


def test_gathered_values_keep_their_order_and_come_once() -> None:
    owners = np.array([2, 0, 0, 2, 2, 2])
    values = pa.array(["War", "Drama", "Crime", None, "Action", "War"])
    assert gather(owners, values, 4).to_pylist() == [["Drama", "Crime"], [], ["War", "Action"], []]


def test_nothing_gathered_leaves_empty_lists() -> None:
    assert gather(np.array([], int), pa.array([], pa.string()), 2).to_pylist() == [[], []]


def test_unrolled_values_name_their_list() -> None:
    owners, values = unroll(LISTS)
    assert owners.tolist() == [0, 0, 3, 3]
    assert values.to_pylist() == ["War", "Drama", "Drama", "Crime"]


def test_only_allowed_values_are_kept() -> None:
    assert keep_listed(LISTS, {"Drama", "Unheard"}).to_pylist() == [["Drama"], [], [], ["Drama"]]
    assert keep_listed(LISTS, []).to_pylist() == [[], [], [], []]


def test_lists_that_hold_a_value_are_counted() -> None:
    assert count_values(LISTS) == {"Drama": 2, "War": 1, "Crime": 1}


def test_columns_can_be_filtered_and_turned_back() -> None:
    column = to_column(keep_listed(LISTS, ["War", "Crime"]))
    assert of_column(column[[False, True, True, True]]).to_pylist() == [[], [], ["Crime"]]
    assert of_column(column[[False] * 4]).to_pylist() == []
