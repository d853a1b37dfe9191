"""What a recipe's figures give reason to try next, in words.

What can be tuned is told by validation figures alone; of test figures only what to expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# What is told is beyond these: a gap of precision and recall, an expected calibration error.
_GAP, _ERROR = 0.1, 0.05
# A genre of fewer titles is weak or strong by chance.
_SUPPORT = 10
_GENRES = 3


def advise(
    figures: Mapping[str, Any],
    history: Mapping[str, Sequence[float]],
    *,
    section: str,
    epochs: int | None,
    members: Mapping[str, float],
    mixed: Sequence[str],
) -> list[str]:
    """List what to try next, what bears on most titles first.

    figures are logic.figures.make_figures', history a network's losses by epoch, section the recipe's key in the
    configuration, epochs how many it was allowed (None: not trained by epochs), members a blend's weights and mixed
    the recipes that it was mixed of.
    """
    return [
        told
        for told in (
            _epochs(history, section, epochs),
            _balance(figures),
            _probabilities(figures),
            *_groups(figures),
            _weakest(figures),
            _without_weight(members, mixed, section),
        )
        if told
    ]


def _epochs(history: Mapping[str, Sequence[float]], section: str, epochs: int | None) -> str | None:
    losses = history.get("validation", ())
    if not losses or epochs is None:
        return None
    best = min(range(len(losses)), key=losses.__getitem__) + 1
    if best == len(losses) == epochs:
        return f"the validation loss still fell in the last of {epochs} epochs: more of {section}.epochs"
    if len(losses) >= 3 * best:
        return f"the validation loss was least after epoch {best} of {len(losses)}: more dropout or a lower rate"
    return None


def _balance(figures: Mapping[str, Any]) -> str | None:
    precision, recall = figures["validation"]["precision_micro"], figures["validation"]["recall_micro"]
    if abs(precision - recall) < _GAP:
        return None
    more, less = ("recall", "precision") if recall > precision else ("precision", "recall")
    return (
        f"precision is {precision:.2f} and recall {recall:.2f} on validation: where {less} matters as much as {more}, "
        "other thresholds (train.thresholds, or --thresholds of predict)"
    )


def _probabilities(figures: Mapping[str, Any]) -> str | None:
    error = figures["test"]["ece"]
    if error < _ERROR:
        return None
    return f"probabilities are off by {error:.2f} on average after calibration: rank by them, but do not quote them"


def _groups(figures: Mapping[str, Any]) -> list[str]:
    """Name groups of titles whose F1 is surely below that of all."""
    all_titles = figures["test"]["f1_micro"]
    found = [
        (f"texts of {row['group']} characters" if kind == "by_length" else f"texts from {row['group']}", row)
        for kind in ("by_length", "by_source")
        for row in figures[kind]
        if row["f1_micro_high"] < all_titles
    ]
    return [
        f"{name} have micro-F1 {row['f1_micro']:.2f} [{row['f1_micro_low']:.2f}, {row['f1_micro_high']:.2f}], below "
        f"the {all_titles:.2f} of all test titles: expect less of such texts"
        for name, row in found
    ]


def _weakest(figures: Mapping[str, Any]) -> str | None:
    validation = figures["validation"]
    rows = [
        (row["f1"], genre, row["support"])
        for genre, row in validation["per_genre"].items()
        if row["support"] >= _SUPPORT and row["f1"] < validation["f1_macro"] / 2
    ]
    if not rows:
        return None
    named = ", ".join(f"{genre} {f1:.2f} ({support} titles)" for f1, genre, support in sorted(rows)[:_GENRES])
    return f"weakest genres on validation: {named}; more titles of them, or leave them out (prepare.min_genre_titles)"


def _without_weight(members: Mapping[str, float], mixed: Sequence[str], section: str) -> str | None:
    idle = [name for name in mixed if name not in members]
    if not members or not idle:
        return None
    return f"{', '.join(idle)} got no weight in the blend: {section}.members without them predicts the same, sooner"
