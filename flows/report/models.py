"""What the command line shows of trained recipes and registered models."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markdown import Markdown

from flows.report import tables
from flows.report.terminal import as_json
from tasks.logic.notes import title_of
from tasks.logic.printable import printable
from tasks.terminal import open_console

# Conf keys and genres shown of two runs; --json lists all.
SHOWN = 15
# Of a leaderboard's row, what is for programs that rank and choose.
_ROW = (
    "recipe", "f1_micro", "f1_micro_low", "f1_micro_high", "f1_macro", "f1_macro_low", "f1_macro_high",
    "against_champion", "version", "standing", "threshold", "titles", "genres", "filter", "data", "commit", "run_id",
    "started",
)  # fmt: skip


def leaderboards(boards: Mapping[Any, list[dict[str, Any]]], json_output: bool, markdown: bool) -> None:
    """Show the leaderboard of each corpus; rows of other genre lists, filters or data stand in tables of their own."""
    if json_output:
        as_json({corpus: [{key: row[key] for key in _ROW} for row in rows] for corpus, rows in boards.items()})
        return
    columns = (
        "recipe",
        "micro-F1",
        "interval",
        "macro-F1",
        "macro interval",
        "micro-F1 to champion",
        "standing",
        "run",
    )
    for corpus, rows in boards.items():
        if not rows:
            open_console().print(
                f"{corpus}: no such run in this home; genreflow demo or genreflow run trains", highlight=False
            )
        for (data, filter_), same in _grouped(rows).items():
            counts = f"{same[0]['genres']} genres, {same[0]['titles']:,} test titles"
            title = f"{corpus}: filter {filter_}, {counts}, data {data}"
            words, narrow = ("recipe", "standing", "run"), ("macro interval", "interval", "run")
            tables.show(title, columns, [_cells(row) for row in same], words=words, droppable=narrow, markdown=markdown)


def side_by_side(side: Any, json_output: bool, markdown: bool) -> None:
    """Show two runs: figures with the paired difference, the conf keys that differ, and the genres that differ most."""
    if json_output:
        runs = {name: {key: getattr(side, name)[key] for key in _ROW} for name in ("a", "b")}
        lists = {name: getattr(side, name) for name in ("difference", "figures", "conf", "genres")}
        as_json({"corpus": side.corpus, **runs, **lists})
        return
    a, b = _named(side.a), _named(side.b)
    rows: list[tuple[object, ...]] = [
        (row["figure"], *(_figure(row["figure"], row[each], row[f"{each}_interval"]) for each in ("a", "b")))
        for row in side.figures
    ]
    tables.show(f"{side.corpus}: {a} and {b}", ("figure", a, b), rows, words=("figure",), markdown=markdown)
    write = sys.stdout.write if markdown else open_console(highlight=False, soft_wrap=True).print
    for average, told in side.difference.items():
        if told:
            write(
                f"{average}-F1 of {a} less that of {b}: {_difference(told)} on {told['titles']:,} test titles, "
                f"better in {told['share_better']:.1%} of resamples" + ("\n\n" if markdown else "")
            )
    kept = [(row["key"], _or_dash(row["a"]), _or_dash(row["b"])) for row in side.conf[:SHOWN]]
    title = f"Configuration: {len(side.conf)} keys differ" + (f", {SHOWN} shown" if len(side.conf) > SHOWN else "")
    tables.show(title, ("key", a, b), kept, words=("key", a, b), markdown=markdown)
    genres = [
        (row["genre"], row["support"], f"{row['a']:.3f}", f"{row['b']:.3f}", f"{row['difference']:+.3f}")
        for row in side.genres[:SHOWN]
    ]
    columns = ("genre", "support", f"F1 {a}", f"F1 {b}", "difference")
    tables.show("Genres that differ most", columns, genres, words=("genre",), markdown=markdown)


def card(told: str, output: Path | None) -> None:
    """Show a model's card: drawn on a terminal, as Markdown anywhere else; or say into which file it was written."""
    console = open_console()
    if output is not None:
        console.print(f"{told.partition(chr(10))[0]}: card written to {output}", highlight=False, soft_wrap=True)
    elif console.is_terminal:
        console.print(Markdown(told))
    else:
        sys.stdout.write(printable(told))


def moves(told: Mapping[str, Sequence[Any]], json_output: bool) -> None:
    """Show who was champion when, and why."""
    if json_output:
        as_json({name: list(each) for name, each in told.items()})
        return
    columns = ("when", "champion", "before", "how", "why")
    for name, each in told.items():
        rows = [(move.day, move.version, move.before or "none", move.how, move.reason) for move in each]
        tables.show(name, columns, rows, words=("when", "how", "why"))


def moved(name: str, move: Any, json_output: bool) -> None:
    """Say which version is champion now, and which was."""
    if json_output:
        as_json({"model": name, **move.model_dump()})
        return
    before = f" in place of version {move.before}" if move.before else ""
    open_console().print(f"{name} version {move.version} is the champion{before} ({move.how})", highlight=False)


def _cells(row: Mapping[str, Any]) -> list[str]:
    version = f"v{row['version']} {(row['standing'] or '').removesuffix(' champion')}" if row["version"] else ""
    difference = _difference(row["against_champion"]) if row["against_champion"] else ""
    return [
        title_of(row["recipe"]),
        f"{row['f1_micro']:.4f}",
        f"{row['f1_micro_low']:.2f}-{row['f1_micro_high']:.2f}",
        f"{row['f1_macro']:.4f}",
        f"{row['f1_macro_low']:.2f}-{row['f1_macro_high']:.2f}",
        "" if row["standing"] == "champion" else difference,
        version,
        row["run_id"][:7],
    ]


def _named(row: Mapping[str, Any]) -> str:
    name = f"v{row['version']}" if row["version"] else row["run_id"][:7]
    return f"{title_of(row['recipe'])} ({name})"


def _figure(name: str, value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return ""
    if name in ("epochs", "seconds"):
        return f"{value:,.0f}"
    return f"{value:.4f}" + (f" [{interval[0]:.4f}, {interval[1]:.4f}]" if interval else "")


def _difference(told: Mapping[str, float]) -> str:
    return f"{told['difference']:+.3f} [{told['low']:+.3f}, {told['high']:+.3f}]"


def _or_dash(value: object) -> object:
    return "-" if value is None else value


def _grouped(rows: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["data"], row["filter"]), []).append(row)
    return grouped
