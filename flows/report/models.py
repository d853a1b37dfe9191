"""What the command line shows of trained recipes and registered models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.report.terminal import as_json, shown


def leaderboards(boards: Mapping[str, list[dict[str, Any]]], json_output: bool) -> None:
    """Show the leaderboard of each corpus; rows of other genre lists, filters or data stand in tables of their own."""
    if json_output:
        as_json(boards)
        return
    console = Console()
    for corpus, rows in boards.items():
        if not rows:
            console.print(f"{corpus}: nothing trained yet in this home; start with genreflow demo or genreflow run")
        for (data, filter_), same in _grouped(rows).items():
            table = Table(
                title=f"{corpus}: filter {filter_}, {same[0]['genres']} genres, "
                f"{same[0]['titles']:,} test titles, data {data}"
            )
            for column in ("recipe", "micro-F1", "interval", "macro-F1", "interval", "commit", "run"):
                left = column in ("recipe", "commit", "run")
                table.add_column(column, justify="left" if left else "right", no_wrap=True)
            for row in same:
                table.add_row(
                    shown(row["recipe"]),
                    f"{row['f1_micro']:.4f}",
                    f"{row['f1_micro_low']:.2f}-{row['f1_micro_high']:.2f}",
                    f"{row['f1_macro']:.4f}",
                    f"{row['f1_macro_low']:.2f}-{row['f1_macro_high']:.2f}",
                    row["commit"][:7],
                    row["run_id"][:7],
                )
            console.print(table)


def _grouped(rows: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["data"], row["filter"]), []).append(row)
    return grouped
