"""What MLflow's page says of a run in words (Markdown): what was compared, what won, why, and what to try next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_ADVICE = 4


def title_of(recipe: str) -> str:
    """Return how a recipe is called in tables and on pages."""
    return "prior-only" if recipe == "prior" else recipe


def told(value: float, interval: Sequence[float]) -> str:
    """Return a figure with its interval."""
    return f"{value:.4f} [{interval[0]:.4f}, {interval[1]:.4f}]"


def told_difference(compared: Mapping[str, float]) -> str:
    """Return a difference of logic.metrics.paired_bootstrap with its interval."""
    return f"{compared['difference']:+.4f} [{compared['low']:+.4f}, {compared['high']:+.4f}]"


def recipe_note(
    recipe: str, corpus: str, figures: Mapping[str, Any], weights: Mapping[str, float], advice: Sequence[str]
) -> str:
    """Describe a recipe's run by the figures of logic.figures.make_figures."""
    test, ends = figures["test"], figures["intervals"]
    best = sorted(((row["f1"], genre) for genre, row in test["per_genre"].items() if row["support"]), reverse=True)
    made = f" of {', '.join(f'{name} {weight:.2f}' for name, weight in weights.items())}" if weights else ""
    micro, macro = (told(test[name], ends[name]) for name in ("f1_micro", "f1_macro"))
    scored = (
        f"**{recipe}**{made} on {test['titles']:,} test titles of the {corpus} corpus and {len(test['per_genre'])} "
        f"genres: micro-F1 {micro}, macro-F1 {macro}; on validation micro-F1 {figures['validation']['f1_micro']:.4f}."
    )
    genres = f"Best genres: {_listed(best[:3])}; worst: {_listed(best[-3:])}."
    rule = f"Genres go by {figures['threshold_rule']} thresholds, found on validation titles."
    return f"{scored}\n\n{genres} {rule}\n\n{_to_try(advice)}"


def corpus_note(rows: Sequence[Mapping[str, Any]], data: str, outcome: str, best: str, advice: Sequence[str]) -> str:
    """Describe a pipeline run on a corpus: rows of its recipes, best first, and what became of the champion."""
    # No table: MLflow's page draws one without any space between its columns.
    lines_ = ["; ".join(f"{name} {value}" for name, value in row.items() if name != "recipe" and value) for row in rows]
    listed = "\n".join(f"- **{row['recipe']}**: {line}" for row, line in zip(rows, lines_, strict=True))
    lines = [
        f"**Won**: {outcome}",
        f"**Compared**: {len(rows)} recipes on {data}.",
        listed,
        _to_try(advice, f" with {best}"),
    ]
    return "\n\n".join(lines)


def _to_try(advice: Sequence[str], with_whom: str = "") -> str:
    if not advice:
        return f"**To try**{with_whom}: its figures give no reason for anything in particular."
    return "\n".join([f"**To try**{with_whom}:", "", *(f"- {each}" for each in advice[:_ADVICE])])


def _listed(genres: Sequence[tuple[float, str]]) -> str:
    return ", ".join(f"{genre} {f1:.2f}" for f1, genre in genres)
