"""The peers' table as Markdown, and its place in a document that people write on, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peer_figures import AVERAGES, LINEAR, tell_difference, verdicts
from conf.errors import GenreflowError
from tasks import store

HEAD = """\
# Results

Figures of one set of titles, which is not distributed: they compare models with each other on equal terms, and do not
say how good a model is on other titles.
"""
F1_NOTE = """\
F1 is the mean over the seeds. In round brackets its {level:.0%} interval: the percentile bootstrap of that mean over
the test titles, the answers of all seeds scored on the same resampled titles; it tells of other titles, not of other
seeds. In square brackets the lowest and the highest seed. Against linear: the difference of the means, on the same
resamples. Seconds are those of a fit (the median over its seeds) on one core, without the vectors that are made before
it; a blend's are those of finding its weights."""
TRIALS_NOTE = """\
Validation: the mean of micro- and macro-averaged precision on the validation titles, which chooses the best trial. The
first trial has customary values, the others are drawn at random. genreflow's recipes have the values of the
configuration, where those of bilstm come from a search of their own (`genreflow study`). Calibration and thresholds of
every row are found on the validation titles by one rule."""


def render_rows(measured: Sequence[Mapping[str, Any]], level: float, missing: Mapping[str, str]) -> str:
    """Return the figures as a table, with the bounds that they keep and the rows that are missing, and why."""
    lines = [
        "| model | of | seeds | micro-F1 | macro-F1 | micro-F1 against linear | macro-F1 against linear | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in measured:
        cells = [row["name"], "genreflow" if row["ours"] else "peer", str(len(row["micro"]["seeds"]))]
        cells += [_figure(row[average]) for average in AVERAGES]
        compared = [row[average]["against"].get(LINEAR) for average in AVERAGES]
        cells += [tell_difference(each) if each else "" for each in compared]
        lines.append("| " + " | ".join([*cells, f"{row['seconds']:,.0f}"]) + " |")
    told = [f"- {line}" for line in verdicts(measured)]
    told += [f"- no row of {name}: {reason}" for name, reason in missing.items()]
    return "\n".join([*lines, "", *told, "", F1_NOTE.format(level=level)])


def render_trials(trials: Mapping[str, Sequence[tuple[Mapping[str, Any], float]]], budget: int) -> str:
    """Return what the peers' searches found as a table; trials holds values and their value on validation, by peer."""
    lines = [
        f"| peer | best of {budget} trials | its validation | of the first trial |",
        "|---|---|---|---|",
    ]
    for name, tried in trials.items():
        settings, value = max(tried, key=lambda trial: trial[1])
        lines.append(f"| {name} | {tell(settings)} | {value:.4f} | {tried[0][1]:.4f} |")
    return "\n".join([*lines, "", TRIALS_NOTE])


def tell(values: Mapping[str, Any]) -> str:
    """Return named values as one line."""
    return ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                     for name, value in values.items())  # fmt: skip


def write_block(path: Path, name: str, text: str) -> None:
    """Put a text between the document's markers of that name and leave all else as it is, whole or not at all.

    Without the document a short one is begun; without the markers they go to its end. Raises GenreflowError where
    only one of them is there, or the closing one stands first.
    """
    opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
    document = path.read_text(encoding="utf-8") if path.exists() else HEAD
    block = f"{opening}\n{text}\n{closing}"
    before, _, rest = document.partition(opening)
    if opening in document and closing in rest:
        document = before + block + rest.partition(closing)[2]
    elif opening in document or closing in document:
        raise GenreflowError(
            f"{path}: expected {opening} and after it {closing}; found one of them, or the wrong order"
        )
    else:
        document = f"{document.rstrip()}\n\n{block}\n"
    store.write_bytes(path, document.encode())


def _figure(figures: Mapping[str, Any]) -> str:
    low, high = figures["interval"]
    apart = f" [{min(figures['seeds']):.3f}-{max(figures['seeds']):.3f}]" if len(figures["seeds"]) > 1 else ""
    return f"{figures['mean']:.3f} ({low:.3f}-{high:.3f}){apart}"
