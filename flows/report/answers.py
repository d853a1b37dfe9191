"""What the command line shows of a model's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.report.terminal import as_json
from tasks.terminal import open_console

if TYPE_CHECKING:
    from tasks.file_answers import FileAnswers


def predicted(
    figures: dict[str, Any], top: int, json_output: bool, *, explain: bool = False, page: Path | None = None
) -> None:
    """Show one text's genres and probabilities, chosen ones marked; where asked also why, and which page tells it."""
    if json_output:
        as_json(figures)
        return
    console = open_console()
    table = Table(title=f"{figures['model']} ({figures['recipe']})", title_justify="left")
    by_genre = figures["thresholds"]["rule"] == "per_genre"
    table.add_column("genre")
    table.add_column("probability", justify="right")
    if by_genre:
        table.add_column("threshold", justify="right")
    table.add_column("")
    ranked = sorted(figures["probabilities"].items(), key=lambda pair: -pair[1])
    for i, (genre, probability) in enumerate(ranked):
        chosen = genre in figures["genres"]
        threshold = figures["thresholds"]["values"][genre] if by_genre else figures["thresholds"]["value"]
        if chosen or i < top:
            how = "predicted" if probability >= threshold else "predicted (nearest to its threshold)"
            cells = [genre, f"{probability:.3f}", *([f"{threshold:.3f}"] if by_genre else []), how if chosen else ""]
            table.add_row(*cells)
    console.print(table)
    if not figures["words"]:
        console.print("no word of this text is left once stop words are off: any such text gets this answer")
    if not figures["genres"]:
        which = "its threshold" if by_genre else f"the threshold {figures['thresholds']['value']:.3f}"
        console.print(f"no genre reaches {which}")
    if explain:
        explained(console, figures)
    if page:
        console.print(f"explanation written to {page}", highlight=False, soft_wrap=True)


def explained(console: Console, figures: dict[str, Any]) -> None:
    """Show the text once a genre explained, words coloured by what they say of it, and the strongest ones as a list."""
    from tasks.logic.explanation import leading

    text, genres = figures["explanation"]["text"], figures["explanation"]["genres"]
    console.print("\nWhat words add to a genre's log-odds; in brackets their share of what all words add or take.")
    for genre, told in genres.items():
        console.print(f"\n{genre} {figures['probabilities'][genre]:.3f}", style="bold", highlight=False)
        console.print(coloured(text, told["spans"]))
        for side, sign in (("for", 1), ("against", -1)):
            words = ", ".join(
                f"{word['word']} {word['weight']:+.2f} ({abs(word['share']):.0%})"
                for word in leading(told["words"], sign)
            )
            console.print(f"{side:<9}{words or 'no word'}", highlight=False)


def coloured(text: str, spans: Sequence[Mapping[str, Any]]) -> Text:
    """Return a text whose words are green by how much they speak for a genre, and red by how much against it."""
    shown = Text(text)
    heaviest = max((abs(span["weight"]) for span in spans), default=0.0)
    for span in spans:
        colour = "green" if span["weight"] > 0 else "red"
        strength = abs(span["weight"]) / heaviest if heaviest else 0.0
        for least, style in ((0.5, f"bold reverse {colour}"), (0.2, f"bold {colour}"), (0.05, colour)):
            if strength >= least:
                shown.stylize(style, span["start"], span["end"])
                break
    return shown


def written(told: FileAnswers, json_output: bool) -> None:
    """Say how many rows were answered into which file, and of which there is no answer."""
    if json_output:
        as_json(told._asdict())
        return
    console = open_console()
    answered = told.rows - told.without_text - told.problems
    empty = f", {told.without_text:,} without a text" if told.without_text else ""
    counts = f"{answered:,} of {told.rows:,} rows predicted into {told.output}{empty}"
    console.print(counts, highlight=False, soft_wrap=True)
    if told.problems:
        console.print(f"{told.problems:,} bad, without an answer (column problem):", highlight=False)
        more = ["..."] if told.problems > len(told.examples) else []
        for line in (*told.examples, *more):
            console.print(f"  {line}", highlight=False, soft_wrap=True)


def scored(figures: dict[str, Any], json_output: bool) -> None:
    """Show a champion's figures on a titles file."""
    if json_output:
        as_json(figures)
        return
    console = open_console()
    told = [
        f"{key[3:]} {figures[key]:.4f} [{low:.4f}, {high:.4f}]" for key, (low, high) in figures["intervals"].items()
    ]
    told += [f"{key[3:]} {figures[key]:.4f}" for key in ("f1_weighted", "f1_samples")]
    ranking = ("map_micro", "map_macro", "lrap", "hamming_loss", "subset_accuracy")
    for line in (
        f"{figures['model']} ({figures['recipe']}) on {figures['titles']:,} titles: F1 {', '.join(told)}",
        ", ".join(f"{key.replace('_', ' ')} {figures[key]:.4f}" for key in ranking),
    ):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"{figures['left_out']:,} titles seen in fitting left out", highlight=False)
    if outside := figures["genres_outside_model"]:
        titles = ", ".join(f"{genre} {count:,}" for genre, count in outside.items())
        console.print(f"titles of genres outside the model's list: {titles}", highlight=False, soft_wrap=True)
    table = Table("genre", *(title for title in ("precision", "recall", "F1", "support")))
    for genre, row in figures["per_genre"].items():
        table.add_row(genre, *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1")), f"{row['support']:,}")
    console.print(table)
