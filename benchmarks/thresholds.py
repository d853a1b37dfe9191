"""What the search of thresholds costs: all cut points at once against the study's loop over nine.

The study's side is written afresh: for each of nine thresholds, scikit-learn's micro-F1 of the answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from sklearn.metrics import f1_score

from benchmarks.ratios import Comparison, show
from tasks.logic.thresholds import GRID, best_global_threshold

SAME = 1e-12


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median of their ratios counts.")] = 5,
    titles: Annotated[int, typer.Option(min=100, help="Titles.")] = 17_000,
    genres: Annotated[int, typer.Option(min=1, help="Genres.")] = 22,
) -> None:
    """Search one threshold for drawn probabilities both ways; the F1 found must be scikit-learn's."""
    rng = np.random.default_rng(7)
    truth = rng.random((titles, genres)) < rng.beta(0.5, 5.0, genres)
    scores = 1 / (1 + np.exp(-rng.normal(np.where(truth, 0.0, -3.0), 1.5)))
    threshold, found = best_global_threshold(scores, truth, "micro")
    expected = f1_score(truth, scores >= threshold, average="micro")
    if abs(found - expected) > SAME or found < study_loop(scores, truth):
        raise ValueError(f"expected micro-F1 {expected} at {threshold}, and none of the nine above; got {found}")
    measured = [(rate(search, scores, truth), rate(study_loop, scores, truth)) for _ in range(rounds)]
    Console().print(f"{titles:,} titles, {genres} genres, {titles * genres:,} cut points", highlight=False)
    show(Comparison("searches a second", "all cut points", "nine thresholds", at_least=50.0), measured)


def search(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the best micro-F1 over all cut points."""
    return best_global_threshold(scores, truth, "micro")[1]


def study_loop(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the best micro-F1 over the study's nine thresholds."""
    return max(float(f1_score(truth, scores >= cut, average="micro")) for cut in GRID)


def rate(side: Callable[[np.ndarray, np.ndarray], float], scores: np.ndarray, truth: np.ndarray) -> float:
    """Return how many searches a side makes in a second."""
    started = time.perf_counter()
    side(scores, truth)
    return 1 / (time.perf_counter() - started)


if __name__ == "__main__":
    typer.run(main)
