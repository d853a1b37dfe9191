"""Both sides of a comparison over several rounds: the median of the ratios, and how far they lie apart."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """Name what is compared, both sides, and the bound that the ratio of ours to theirs should keep."""

    figure: str
    ours: str
    theirs: str
    at_most: float | None = None
    at_least: float | None = None

    def holds(self, ratio: float) -> bool:
        """Say whether a ratio keeps the bound."""
        return (self.at_most is None or ratio <= self.at_most) and (self.at_least is None or ratio >= self.at_least)


def show(comparison: Comparison, rounds: Sequence[tuple[float, float]]) -> None:
    """Print the medians of both sides and the ratio ours / theirs: median, minimum, maximum, and the bound if any."""
    ratios = [ours / theirs for ours, theirs in rounds]
    median = statistics.median(ratios)
    table = Table(title=f"{comparison.figure}, {len(rounds)} rounds", title_justify="left")
    for column in ("", "median", "minimum", "maximum"):
        table.add_column(column, justify="left" if not column else "right")
    sides = ((comparison.ours, [ours for ours, _ in rounds]), (comparison.theirs, [theirs for _, theirs in rounds]))
    for name, values in (*sides, ("ratio", ratios)):
        table.add_row(name, *(f"{value:.2f}" for value in (statistics.median(values), min(values), max(values))))
    console = Console()
    console.print(table)
    if comparison.at_most is None and comparison.at_least is None:
        return
    bound = f"at most {comparison.at_most:g}" if comparison.at_most else f"at least {comparison.at_least or 0:g}"
    console.print(f"bound: {bound}: {'kept' if comparison.holds(median) else 'MISSED'}\n", highlight=False)
