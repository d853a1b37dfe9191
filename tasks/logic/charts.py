"""Plots of a corpus and of a recipe's figures, as matplotlib figures that nobody shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, StrMethodFormatter

INK = "#1f4e79"
SECOND = "#c55a11"
FAINT = "#c8d3de"
RESOLUTION = 110
_LENGTH_TICKS = [step * 10**power for power in range(1, 7) for step in (1, 2, 5)]


def genre_frequency(counts: Mapping[str, int], title: str = "Genres") -> Figure:
    """Draw how many titles have each genre, most frequent first; a title counts once for each of its genres."""
    ranked = sorted(counts.items(), key=lambda pair: pair[1])
    figure, axes = _canvas(7.5, 1.2 + 0.28 * max(len(ranked), 4))
    bars = axes.barh([name for name, _ in ranked], [count for _, count in ranked], color=INK)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
    axes.set(title=title, xlabel="titles")
    axes.margins(x=0.1, y=0.02)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return figure


def text_lengths(lengths: np.ndarray, limits: tuple[int | None, int | None], title: str = "Text lengths") -> Figure:
    """Draw the distribution of text lengths in characters on a logarithmic axis, the filter's limits dashed."""
    figure, axes = _canvas(7.5, 4.2)
    low, high = max(int(lengths.min()), 1), max(int(lengths.max()), 2)
    axes.hist(lengths, bins=np.geomspace(low, high + 1, 50).tolist(), color=INK)
    axes.set_xscale("log")
    median = float(np.median(lengths))
    axes.axvline(median, color=SECOND, label=f"median {median:,.0f}")
    for limit in limits:
        if limit:
            axes.axvline(limit, color="black", linestyle="--", linewidth=1, label=f"limit {limit:,}")
    axes.set(title=title, xlabel="characters (log scale)", ylabel="titles")
    axes.set_xticks([tick for tick in _LENGTH_TICKS if low <= tick <= high], minor=False)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def loss_curves(history: Mapping[str, Sequence[float]], title: str = "Loss by epoch") -> Figure:
    """Draw train and validation loss (binary cross-entropy) by epoch, the best validation epoch marked."""
    figure, axes = _canvas(7.5, 4.2)
    epochs = np.arange(1, len(history["train"]) + 1)
    axes.plot(epochs, history["train"], color=INK, marker="o", markersize=3, label="train")
    axes.plot(epochs, history["validation"], color=SECOND, marker="o", markersize=3, label="validation")
    best = int(np.argmin(history["validation"]))
    axes.axvline(best + 1, color="black", linestyle=":", linewidth=1, label=f"lowest validation loss: epoch {best + 1}")
    axes.set(title=title, xlabel="epoch", ylabel="binary cross-entropy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return figure


def threshold_curve(
    rows: Sequence[Mapping[str, float]],
    chosen: float,
    by_genre: Sequence[float] = (),
    title: str = "F1 by threshold",
) -> Figure:
    """Draw validation F1, precision and recall by global threshold, the one chosen, and those of genres as ticks."""
    figure, axes = _canvas(7.5, 4.2)
    grid = [row["threshold"] for row in rows]
    for key, colour, style, label in (
        ("micro", INK, "-", "micro-F1"),
        ("macro", SECOND, "-", "macro-F1"),
        ("precision", "grey", "--", "precision (micro)"),
        ("recall", "grey", ":", "recall (micro)"),
    ):
        axes.plot(grid, [row[key] for row in rows], color=colour, linestyle=style, label=label)
    axes.axvline(chosen, color="black", linewidth=1, label=f"global {chosen:.3f}")
    if by_genre:
        axes.plot(by_genre, np.full(len(by_genre), 0.02), "|", color="black", markersize=9, label="one a genre")
    axes.set(title=title, xlabel="threshold", ylabel="score on validation titles", xlim=(0, 1), ylim=(0, 1))
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def per_genre_f1(per_genre: Mapping[str, Mapping[str, Any]], title: str = "F1 by genre") -> Figure:
    """Draw each genre's test F1, best last, with its support; genres without support are named, not drawn as 0."""
    ranked = sorted(((name, row) for name, row in per_genre.items() if row["support"]), key=lambda pair: pair[1]["f1"])
    figure, axes = _canvas(7.5, 1.4 + 0.28 * max(len(ranked), 4))
    bars = axes.barh([name for name, _ in ranked], [row["f1"] for _, row in ranked], color=INK)
    axes.bar_label(
        bars, labels=[f"{row['f1']:.2f}  (n={row['support']:,})" for _, row in ranked], padding=3, fontsize=8
    )
    missing = [name for name, row in per_genre.items() if not row["support"]]
    note = f"\nno test title: {', '.join(missing)}" if missing else ""
    axes.set(title=title, xlabel=f"F1 on test titles (n: titles that have the genre){note}", xlim=(0, 1.12))
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.margins(y=0.02)
    return figure


def calibration_curves(curves: Mapping[str, Sequence[Mapping[str, float]]], title: str = "Calibration") -> Figure:
    """Draw how often genres of a probability are true, one line a name; on the diagonal they are as often as said.

    curves holds the bins of each line, with the keys predicted and observed; square-root axes, as most bins are low.
    """
    figure, axes = _canvas(6.2, 6.2)
    axes.axline((0, 0), (1, 1), color="grey", linewidth=1, linestyle="--")
    for (name, points), colour in zip(curves.items(), (SECOND, INK), strict=False):
        x, y = ([point[key] for point in points] for key in ("predicted", "observed"))
        axes.plot(x, y, color=colour, marker="o", markersize=4, label=name)
    ticks = [0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1]
    for axis, set_scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
        set_scale("function", functions=(lambda value: np.sqrt(np.maximum(value, 0)), np.square))
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set(title=title, xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(xlabel="mean probability of a bin (square-root scale)", ylabel="share of test titles that have the genre")
    axes.legend(frameon=False, loc="upper left")
    return figure


def co_occurrence(
    actual: np.ndarray, predicted: np.ndarray, genres: Sequence[str], title: str = "Genres that go together"
) -> Figure:
    """Draw which share of a genre's titles (row) also has another one (column), in truth and as predicted.

    actual and predicted are counts, genres x genres, with those of the single genres on the diagonal. A row whose
    genre no title has stays empty.
    """
    figure = Figure(figsize=(4.2 + 0.5 * len(genres), 2.6 + 0.24 * len(genres)), dpi=RESOLUTION, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name, counts in zip(panels, ("in truth", "as predicted"), (actual, predicted), strict=True):
        single = np.diag(counts).astype(float)
        shares = np.divide(counts, single[:, None], out=np.full(counts.shape, np.nan), where=single[:, None] > 0)
        np.fill_diagonal(shares, np.nan)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(genres)), genres, rotation=90, fontsize=8)
        axes.set_yticks(range(len(genres)), genres, fontsize=8)
        axes.set(title=name, xlabel="... also has this one")
        axes.set_facecolor(FAINT)
    panels[0].set_ylabel("of the titles of this genre ...")
    figure.suptitle(title)
    figure.colorbar(panels[0].images[0], ax=panels, label="share of titles", shrink=0.8, fraction=0.03, pad=0.01)
    return figure


def _canvas(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), dpi=RESOLUTION, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    return figure, axes
