"""Tables of a recipe's report: F1 by group of titles, genres that go together, and the most confident mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

import numpy as np
import numpy.typing as npt

from tasks.logic import metrics

Rows = npt.NDArray[np.bool_]
OTHER = "other"
LENGTH_GROUPS = 4
# Fewer titles of a source have an interval too wide to say anything.
TITLES_A_SOURCE = 30
MISTAKES_A_KIND = 25


class GroupRow(TypedDict):
    """Hold the figures of a group of titles, with their intervals; macro-F1 is over the genres that stand in it."""

    group: str
    titles: int
    f1_micro: float
    f1_micro_low: float
    f1_micro_high: float
    f1_macro: float
    f1_macro_low: float
    f1_macro_high: float


class PairRow(TypedDict):
    """Hold how many titles have two genres at once, and how many are said to."""

    genre: str
    other: str
    actual: int
    predicted: int


class Mistake(TypedDict):
    """Hold one wrong answer for one title, and the probability behind it."""

    title_id: str
    genre: str
    probability: float
    kind: Literal["false positive", "false negative"]


def group_by_length(lengths: npt.ArrayLike) -> dict[str, Rows]:
    """Return which titles are in each quarter by text length in characters, named after its ends: "40-138"."""
    characters = np.asarray(lengths)
    cuts = np.quantile(characters, np.arange(1, LENGTH_GROUPS) / LENGTH_GROUPS)
    group = np.searchsorted(cuts, characters)
    rows = [group == each for each in np.unique(group)]
    return {f"{characters[mine].min()}-{characters[mine].max()}": mine for mine in rows}


def group_by_source(sources: Sequence[str]) -> dict[str, Rows]:
    """Return which titles came from each source, largest first; sources of fewer than 30 titles are one: "other"."""
    counts = Counter(sources)
    names = np.array([name if counts[name] >= TITLES_A_SOURCE else OTHER for name in sources])
    large = [name for name, count in counts.most_common() if count >= TITLES_A_SOURCE]
    return {name: names == name for name in [*large, OTHER] if name in names}


def score_groups(
    groups: Mapping[str, Rows],
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    genres: Sequence[str],
    *,
    resamples: int,
    level: float,
    random_seed: int,
) -> list[GroupRow]:
    """Return the F1 of each group of titles with its bootstrap interval; both matrices are titles x genres."""
    actual, answer = np.asarray(truth), np.asarray(predicted)
    table = []
    for group, rows in groups.items():
        figures = metrics.score(actual[rows], answer[rows], genres)
        ends = metrics.intervals(actual[rows], answer[rows], resamples, level, random_seed)
        table.append(
            GroupRow(
                group=group,
                titles=figures["titles"],
                f1_micro=figures["f1_micro"],
                f1_micro_low=ends["f1_micro"][0],
                f1_micro_high=ends["f1_micro"][1],
                f1_macro=figures["f1_macro"],
                f1_macro_low=ends["f1_macro"][0],
                f1_macro_high=ends["f1_macro"][1],
            )
        )
    return table


def count_pairs(genres: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return genres x genres out of titles x genres: how many titles have both, and on the diagonal the one."""
    has = np.asarray(genres).astype(np.int64)
    counts: npt.NDArray[np.int64] = has.T @ has
    return counts


def tabulate_pairs(
    actual: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], genres: Sequence[str]
) -> list[PairRow]:
    """List each pair of genres once with how many titles have both, from two matrices of count_pairs, largest first."""
    first, second = np.triu_indices(len(genres), k=1)
    table = [
        PairRow(genre=genres[i], other=genres[j], actual=int(actual[i, j]), predicted=int(predicted[i, j]))
        for i, j in zip(first.tolist(), second.tolist(), strict=True)
    ]
    return sorted(table, key=lambda row: (-row["actual"], -row["predicted"]))


def list_mistakes(
    title_ids: Sequence[str],
    genres: Sequence[str],
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    probabilities: npt.ArrayLike,
) -> list[Mistake]:
    """List the 25 likeliest genres that are wrong and the 25 unlikeliest that are right but missed, surest first.

    The matrices are titles x genres. The two kinds are ranked apart: nearly all genres of a title are rightly
    unlikely, so that in one list the missed ones would leave no room.
    """
    actual, answer = np.asarray(truth).astype(bool), np.asarray(predicted).astype(bool)
    scores = np.asarray(probabilities, np.float64)
    return [
        *_ranked(title_ids, genres, np.where(answer & ~actual, -scores, np.inf), scores, "false positive"),
        *_ranked(title_ids, genres, np.where(actual & ~answer, scores, np.inf), scores, "false negative"),
    ]


def _ranked(
    title_ids: Sequence[str],
    genres: Sequence[str],
    keys: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
    kind: Literal["false positive", "false negative"],
) -> list[Mistake]:
    """List the cells of titles x genres with the least keys; infinite ones are no mistakes."""
    order = np.argsort(keys, axis=None, kind="stable")[:MISTAKES_A_KIND]
    cells = [divmod(int(cell), len(genres)) for cell in order if np.isfinite(keys.flat[cell])]
    return [
        Mistake(title_id=title_ids[row], genre=genres[column], probability=float(scores[row, column]), kind=kind)
        for row, column in cells
    ]
