"""Genres as a matrix and back, and the row that every table starts with: always the most frequent genres."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt


def to_matrix(genres: Iterable[Iterable[str]], genre_list: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Return titles x genres, 1 where the title has the genre; raises KeyError for a genre outside the list."""
    rows = [set(of_title) for of_title in genres]
    matrix = np.zeros((len(rows), len(genre_list)), dtype=np.uint8)
    column_of = {genre: column for column, genre in enumerate(genre_list)}
    for row, of_title in enumerate(rows):
        matrix[row, [column_of[genre] for genre in of_title]] = 1
    return matrix


def to_genres(matrix: npt.ArrayLike, genre_list: Sequence[str]) -> list[list[str]]:
    """Return each row's genres in the list's order; a single row counts as a matrix of one.

    Raises ValueError where the matrix has not one column a genre: a list of another model names genres wrongly.
    """
    rows = np.atleast_2d(np.asarray(matrix))
    if rows.shape[1] != len(genre_list):
        raise ValueError(f"expected {len(genre_list)} columns, one a genre of the list; got {rows.shape[1]}")
    return [[genre_list[column] for column in np.flatnonzero(row).tolist()] for row in rows]


def prior_only(train: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return one score a genre by which any threshold gives every title the k most frequent train genres, for some k.

    train is titles x genres. A score is the genre's share of the train titles; genres of equal share are parted in
    the list's order by less than one title's share. The search for the best threshold thus finds the best k.
    """
    counts = train.sum(axis=0, dtype=np.int64)
    order = np.argsort(-counts, kind="stable")
    scores = np.empty(len(order))
    scores[order] = (counts[order] + 0.5 * np.arange(len(order), 0, -1) / (len(order) + 1)) / (len(train) + 1)
    return scores
