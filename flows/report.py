"""What the command line shows: tables for people, JSON for programs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from conf.names import CORPORA
from conf.schema import Settings
from flows.paths import home_path
from scraper.items import GENERATED

# More failed pages than this are only counted on the terminal.
FAILED_PAGES_SHOWN = 20


def as_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=_plain) + "\n")


def pipeline(done: Any, settings: Settings, home: Path | None, *, json_output: bool) -> None:
    """Show a pipeline run: a table of recipes a corpus, what was reused, where things are, what to try next."""
    if done.skipped:
        if json_output:
            as_json({"skipped": done.skipped})
        else:
            Console().print(done.skipped, highlight=False)
        return
    trained(done.trained, settings, home, json_output=json_output)
    if json_output:
        return
    console = Console()
    if any(source.startswith(GENERATED) for corpus in done.corpora.values() for source in corpus.sources):
        console.print("These titles are generated: the figures show that the pipeline works, not how good it is.")
    console.print(_reused(done))
    where(console, settings, home)
    console.print("Try next:")
    genreflow = _command()
    suffix = f" --home {home}" if home else ""
    for line in (
        f'{genreflow} predict{suffix} "A retired detective hunts a killer who stages murders as film scenes."',
        f"{genreflow} compare{suffix}          # every recipe trained so far",
        f"{genreflow} ui{suffix}               # Prefect's and MLflow's pages",
        f"{genreflow} import FILE --home mine && {genreflow} run --home mine   # your own titles",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)


def trained(done: Mapping[Any, Any], settings: Settings, home: Path | None, *, json_output: bool) -> None:
    """Show each corpus's recipes and what became of its champion."""
    if json_output:
        as_json({name: _trained(each) for name, each in done.items()})
        return
    console = Console()
    for name, each in done.items():
        console.print(_recipes(name, each))
        promotion = each.promotion
        verb = "promoted to champion" if promotion.promoted else "not promoted"
        console.print(
            f"{promotion.name} version {promotion.version} ({promotion.recipe}) {verb}: {promotion.reason}",
            highlight=False,
        )
        console.print()


def _command() -> str:
    """Return how the command line was called: by its name where the shell finds it, else by its path."""
    if shutil.which("genreflow"):
        return "genreflow"
    return os.path.relpath(sys.argv[0])


def where(console: Console, settings: Settings, home: Path | None) -> None:
    """Say where runs, plots and models are."""
    path = home_path(home)
    store = settings.track.uri or f"sqlite:///{path}/mlflow/mlflow.db"
    for what, place in {
        "runs, models": f"MLflow {store} (open with genreflow ui)",
        "plots": f"{path}/evaluations/*/plots, {path}/corpora/*/plots",
        "raw titles": f"{path}/raw",
    }.items():
        console.print(f"{what:<13}{place}", highlight=False, soft_wrap=True)


def corpora(prepared: Mapping[Any, Any], json_output: bool) -> None:
    """Show what became of every record of each corpus."""
    if json_output:
        as_json(dict(prepared))
        return
    from tasks.corpus import drop_table

    for name, corpus in prepared.items():
        table = Table(title=f"{name} corpus, filter {corpus.filter}{_reuse(corpus)}")
        table.add_column("titles")
        table.add_column("count", justify="right")
        for row in drop_table(corpus):
            table.add_row(row["titles"], f"{row['count']:,}")
        Console().print(table)
        for line in (
            f"{len(corpus.genres)} genres modelled: {', '.join(corpus.genres)}",
            f"texts from {_counted(corpus.sources)}",
            f"genres from {_counted(corpus.genre_sources)}",
            f"terms: {'; '.join(corpus.terms) or 'not stated'}",
        ):
            Console().print(line, highlight=False, markup=False)


def stage(done: BaseModel, json_output: bool) -> None:
    """Show one stage's summary, a figure a line."""
    if json_output:
        as_json(done)
        return
    console = Console()
    for key, value in done.model_dump(mode="json").items():
        console.print(f"{key:<12}{value}", highlight=False, soft_wrap=True)


def stages(done: Mapping[Any, BaseModel], json_output: bool) -> None:
    """Show the summaries of one stage for each corpus."""
    if json_output:
        as_json(dict(done))
        return
    for summary in done.values():
        stage(summary, False)
        Console().print()


def studied(done: Mapping[Any, Any], json_output: bool) -> None:
    """Show what each corpus's study found: trials by state, the best one, and its values as configuration."""
    if json_output:
        as_json(dict(done))
        return
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for name, study in done.items():
        counts = ", ".join(f"{count} {state}" for state, count in study.trials.items())
        console.print(f"{name}: {counts}; best is trial {study.best}, mean average precision {study.value:.4f}")
        console.print(f"trials: {study.folder / 'trials.csv'}")
        for key, value in study.values.items():
            console.print(f"  --set train.bilstm.{name}.{key}={value}")


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
                    _shown(row["recipe"]),
                    f"{row['f1_micro']:.4f}",
                    f"{row['f1_micro_low']:.2f}-{row['f1_micro_high']:.2f}",
                    f"{row['f1_macro']:.4f}",
                    f"{row['f1_macro_low']:.2f}-{row['f1_macro_high']:.2f}",
                    row["commit"][:7],
                    row["run_id"][:7],
                )
            console.print(table)


def scored(figures: dict[str, Any], json_output: bool) -> None:
    """Show a champion's figures on a titles file."""
    if json_output:
        as_json(figures)
        return
    console = Console()
    told = [
        f"{key[3:]} {figures[key]:.4f} [{low:.4f}, {high:.4f}]" for key, (low, high) in figures["intervals"].items()
    ]
    told += [f"{key[3:]} {figures[key]:.4f}" for key in ("f1_weighted", "f1_samples")]
    ranking = ("map_micro", "map_macro", "lrap", "hamming_loss", "subset_accuracy")
    for line in (
        f"{figures['model']} ({figures['recipe']}) on {figures['titles']:,} titles: F1 {', '.join(told)}",
        ", ".join(f"{key.replace('_', ' ')} {figures[key]:.4f}" for key in ranking),
    ):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(f"{figures['left_out']:,} titles seen in fitting left out", highlight=False)
    if figures["genres_outside_model"]:
        console.print(f"genres outside the model's list: {figures['genres_outside_model']}", highlight=False)
    table = Table("genre", *(title for title in ("precision", "recall", "F1", "support")))
    for genre, row in figures["per_genre"].items():
        table.add_row(genre, *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1")), f"{row['support']:,}")
    console.print(table)


def predicted(
    figures: dict[str, Any], top: int, json_output: bool, *, explain: bool = False, page: Path | None = None
) -> None:
    """Show one text's genres and probabilities, chosen ones marked; where asked also why, and which page tells it."""
    if json_output:
        as_json(figures)
        return
    console = Console()
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
        console.print(f"explanation written to {page}", highlight=False, soft_wrap=True, markup=False)


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
            console.print(f"{side:<9}{words or 'no word'}", highlight=False, markup=False)


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


def written(rows: int, target: Path, json_output: bool) -> None:
    """Say how many texts were predicted into which file."""
    if json_output:
        as_json({"rows": rows, "output": str(target)})
        return
    Console().print(f"{rows:,} texts predicted into {target}", highlight=False, soft_wrap=True)


def serving(titles: int, port: int) -> None:
    """Say where the local movie site answers."""
    Console().print(f"{titles:,} titles at http://127.0.0.1:{port}/title/ (Ctrl-C stops)", highlight=False)


def deployed(names: Sequence[str], home: Path, server: str, json_output: bool) -> None:
    """Say what was deployed where, and what to type next."""
    if json_output:
        as_json({"deployments": names, "home": str(home), "server": server})
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{len(names)} deployments on {server}, for {home}: {', '.join(names)}")
    console.print("Schedules are paused until you switch them on. Next, each in a terminal of its own:")
    console.print(f"  {_command()} worker --home {home}   # runs what is scheduled or asked for")
    console.print(f"  PREFECT_API_URL={server} prefect deployment run pipeline/pipeline --watch   # or on the page")


def cleaned(unneeded: Sequence[Any], deleted: bool, json_output: bool) -> None:
    """List what nobody needs, or what was removed, with its bytes."""
    if json_output:
        as_json({"deleted": deleted, "unneeded": [each._asdict() for each in unneeded]})
        return
    console = Console(highlight=False)
    total = sum(each.bytes for each in unneeded)
    if unneeded:
        table = Table("what", "name", "MB")
        table.columns[-1].justify = "right"
        for each in unneeded:
            table.add_row(each.kind, escape(each.name), f"{each.bytes / 1e6:,.1f}")
        console.print(table)
    counts = Counter(each.kind for each in unneeded)
    told = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items()) or "nothing"
    verb = "removed" if deleted else "can go (--delete removes it)"
    console.print(f"{told}, {total / 1e6:,.1f} MB: {verb}")


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that something is under way whose end nobody can tell."""
    console = Console(stderr=True)
    with console.status(what) if console.is_terminal else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def importing(file: Path) -> Iterator[Callable[[int, int], None]]:
    """Show a bar, per cent and the time left while a file is imported; yields advance(done, total).

    What is counted is the file's own matter; a total of 0 means that nobody knows it yet.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(compact=True))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(f"import {escape(file.name)}", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total or None)


def imported(file: Path, told: Any, json_output: bool) -> None:
    """Show what became of an imported file's rows."""
    if json_output:
        as_json(dataclasses.asdict(told))
        return
    console = Console()
    if told.already_imported:
        happened = f"imported already, as raw/{told.folder}; nothing done"
    else:
        happened = f"{told.stored:,} of {told.rows:,} rows into raw/{told.folder}"
    terms = told.terms or "not stated; yours to know"
    for line in (f"{file}: {happened}", f"source: {told.source} (read as {told.mapping})", f"terms: {terms}"):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    for genre, count in told.tally.unknown_genres.items():
        nearest = told.tally.nearest_genres.get(genre)
        hint = f"; did you mean {nearest}?" if nearest else ""
        rows = "1 row" if count == 1 else f"{count:,} rows"
        console.print(f"unknown genre {genre!r} taken off {rows}{hint}", highlight=False, markup=False)
    for field, count in told.tally.unread.items():
        shown = ", ".join(told.tally.unread_values[field])
        console.print(
            f"{field}: {count:,} values not readable ({shown}), stored without", highlight=False, markup=False
        )
    explained = told.tally.explain()
    if explained:
        console.print(explained, highlight=False, soft_wrap=True, markup=False)


def selected(file: Path, ids: str, rows: int, output: Path | None, json_output: bool) -> None:
    """Show the ids selected from a title.basics, or where they are, and how many there are of how many rows."""
    count = ids.count("\n")
    if json_output:
        where_to = {"output": str(output)} if output else {"ids": ids.split()}
        as_json({"rows": rows, "selected": count, **where_to})
        return
    if output is None:
        sys.stdout.write(ids)
    place = f" into {output}" if output else ""
    told = f"{file}: {count:,} of {rows:,} titles taken (collect.select){place}"
    Console(stderr=output is None).print(told, highlight=False, soft_wrap=True, markup=False)


def joined(file: Path, told: Any, json_output: bool) -> None:
    """Show how many of the titles held a title.basics knows, and what its genre lists are worth."""
    if json_output:
        as_json(dataclasses.asdict(told))
        return
    console = Console()
    place = f", {told.stored:,} of them into raw/{told.folder}" if told.folder else ", none of them new"
    console.print(
        f"{file}: {told.found:,} of {told.held:,} titles held are among its {told.rows:,}{place}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
    if told.full_lists:
        console.print(
            f"{told.full_lists:,} have three genres, where the file stops: they may have more in truth", highlight=False
        )


def title(told: dict[str, Any], json_output: bool) -> None:
    """Show one title: its facts, each text with its source and terms, and whose records there are."""
    if json_output:
        as_json(told)
        return
    console = Console(highlight=False, soft_wrap=True, markup=False)
    facts = ", ".join(str(told[name]) for name in ("title", "year", "title_type") if told[name] is not None)
    console.print(f"{told['title_id']}: {facts or 'no title'}")
    console.print(f"genres    {', '.join(told['genres']) or 'none'} ({', '.join(told['genre_sources']) or 'nobody'})")
    for corpus in CORPORA:
        text = told[corpus]
        if text is None:
            console.print(f"{corpus:<10}none")
            continue
        came = f" on {text['retrieved_at'][:10]}" if text["retrieved_at"] else ""
        part = f": {text['part']}" if text["part"] else ""
        console.print(f"{corpus:<10}{text['source']}{part}{came}, {text['source_url'] or 'no address'}")
        console.print(f"{'':<10}terms: {text['terms'] or 'not stated'}")
        console.print(f"{'':<10}{text['text']}")
    console.print(f"records   {', '.join(record['source'] for record in told['records'])}")


def parsed(path: Path, told: Any, json_output: bool) -> None:
    """Show what stored pages gave, by layout, which of them failed and why, and where the records are."""
    if json_output:
        as_json(dataclasses.asdict(told))
        return
    console = Console()
    good = [page for page in told.pages if page.error is None]
    table = Table("layout", title=f"{path}: {len(told.pages):,} pages", title_justify="left")
    for column in ("pages", "fields a page"):
        table.add_column(column, justify="right")
    for layout in dict.fromkeys(page.layout for page in good):
        counts = [len(page.fields) for page in good if page.layout == layout]
        table.add_row(layout, f"{len(counts):,}", f"{min(counts)}-{max(counts)}")
    console.print(table)
    failed = [page for page in told.pages if page.error is not None]
    for page in failed[:FAILED_PAGES_SHOWN]:
        console.print(f"{page.file}: {page.error}", highlight=False, soft_wrap=True, markup=False)
    if len(failed) > FAILED_PAGES_SHOWN:
        console.print(f"and {len(failed) - FAILED_PAGES_SHOWN:,} more failed pages (--json lists all)")
    where_to = f"into raw/{told.folder}" if told.folder else "read, none stored (--dry-run)"
    again = ", where they were already" if told.stored_before else ""
    console.print(f"{len(told.titles):,} titles {where_to}{again}", highlight=False, soft_wrap=True)


def _recipes(corpus: str, done: Any) -> Table:
    stored = done.corpus
    table = Table(
        title=f"{corpus}: {stored.titles:,} titles, filter {stored.filter}, {len(stored.genres)} genres, "
        f"{stored.splits['test']:,} test titles"
    )
    for column in ("recipe", "micro-F1", "interval", "macro-F1", "interval", "epochs", "seconds"):
        table.add_column(column, justify="left" if column == "recipe" else "right", no_wrap=True)
    by_recipe = {model.recipe: model for model in done.models}
    for run in sorted(done.runs, key=lambda run: run.evaluation.test_f1_micro):
        evaluation, model = run.evaluation, by_recipe[run.recipe]
        micro, macro = evaluation.interval_f1_micro, evaluation.interval_f1_macro
        table.add_row(
            _shown(run.recipe),
            f"{evaluation.test_f1_micro:.4f}",
            f"{micro[0]:.2f}-{micro[1]:.2f}",
            f"{evaluation.test_f1_macro:.4f}",
            f"{macro[0]:.2f}-{macro[1]:.2f}",
            str(model.epochs or ""),
            "reused" if model.reused else f"{model.seconds:.0f}",
        )
    return table


def _shown(recipe: str) -> str:
    return "prior-only" if recipe == "prior" else recipe


def _trained(done: Any) -> dict[str, Any]:
    return {
        "corpus": done.corpus,
        "recipes": {run.recipe: run.evaluation for run in done.runs},
        "runs": {run.recipe: run.run_id for run in done.runs},
        "parent_run": done.parent.run_id,
        "promotion": done.promotion,
    }


def _reused(done: Any) -> str:
    stages_ = {
        "crawl": [done.collected] if done.collected else [],
        "corpora": list(done.corpora.values()),
        "vectors": list(done.vectors.values()),
        "models": [model for each in done.trained.values() for model in each.models],
    }
    told = [f"{name} {sum(each.reused for each in found)} of {len(found)}" for name, found in stages_.items() if found]
    everything = all(each.reused for found in stages_.values() for each in found)
    return ("Nothing was left to do. " if everything else "") + f"Reused whole results: {', '.join(told)}."


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items()) or "nobody"


def _reuse(summary: Any) -> str:
    return " (reused)" if summary.reused else ""


def _grouped(rows: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["data"], row["filter"]), []).append(row)
    return grouped


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
