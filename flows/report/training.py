"""What the command line shows of a pipeline run and of its stages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from conf.operation import without_login
from conf.schema import Settings
from flows.paths import home_path
from flows.report.terminal import as_json, command
from scraper.items import GENERATED
from tasks.logic.behaviour import FAILED
from tasks.logic.notes import title_of
from tasks.mlflow_store import store_uri
from tasks.terminal import open_console


def pipeline(done: Any, settings: Settings, home: Path | None, *, json_output: bool) -> None:
    """Show a pipeline run: a table of recipes a corpus, what was reused, where things are, what to try next."""
    if done.skipped:
        if json_output:
            as_json({"skipped": done.skipped})
        else:
            open_console().print(done.skipped, highlight=False)
        return
    trained(done.trained, json_output=json_output)
    if json_output:
        return
    console = open_console()
    generated = any(source.startswith(GENERATED) for corpus in done.corpora.values() for source in corpus.sources)
    if generated:
        console.print("These titles are generated: the figures show that the pipeline works, not how good it is.")
    console.print(_reused(done))
    where(console, settings, home, done.trained)
    console.print("Try next:")
    genreflow = command()
    suffix = f" --home {home}" if home else ""
    own = (
        [f"{genreflow} import FILE --home mine && {genreflow} run --home mine   # your own titles"] if generated else []
    )
    refused = [each.promotion for each in done.trained.values() if each.promotion.reason.startswith(FAILED)]
    for line in (
        *(
            f"{genreflow} promote {each.version} --corpus {each.corpus} --force --reason WHY{suffix}   # all the same"
            for each in refused
        ),
        f'{genreflow} predict{suffix} "A retired detective hunts a killer who stages murders as film scenes."',
        f"{genreflow} compare{suffix}          # every recipe trained so far",
        f"{genreflow} ui{suffix}               # Prefect's and MLflow's pages",
        *([own] if generated else []),
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)


def trained(done: Mapping[Any, Any], *, json_output: bool) -> None:
    """Show each corpus's recipes and what became of its champion."""
    if json_output:
        as_json({name: _trained(each) for name, each in done.items()})
        return
    console = open_console()
    for name, each in done.items():
        console.print(_recipes(name, each))
        promotion = each.promotion
        verb = "promoted to champion" if promotion.promoted else "not promoted"
        became = f" {verb}" if promotion.decided else ""
        console.print(
            f"{promotion.name} version {promotion.version} ({promotion.recipe}){became}: {promotion.reason}",
            highlight=False,
        )
        if promotion.recipe != max(each.runs, key=lambda run: run.evaluation.test_f1_micro).recipe:
            console.print(f"({promotion.recipe} is the best on validation titles; the table is of test titles)")
        console.print()


def where(console: Console, settings: Settings, home: Path | None, done: Mapping[Any, Any]) -> None:
    """Say where runs, plots and models are, and at which address MLflow shows each corpus's recipes in a table."""
    from tasks.runs_table import address_of_runs

    path = home_path(home)
    store = without_login(store_uri(path, settings.track))
    for what, place in {
        "runs, models": f"MLflow {store} (open with genreflow ui)",
        "plots": f"{path}/evaluations/*/plots, {path}/corpora/*/plots",
        "raw titles": f"{path}/raw",
        **{f"{name} runs": address_of_runs(path, settings.track, each.parent.experiment_id)
           for name, each in done.items()},
    }.items():  # fmt: skip
        console.print(f"{what:<14}{place}", highlight=False, soft_wrap=True)


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
        open_console().print(table)
        for line in (
            f"{len(corpus.genres)} genres modelled: {', '.join(corpus.genres)}",
            f"texts from {_counted(corpus.sources)}",
            f"genres from {_counted(corpus.genre_sources)}",
            f"terms: {'; '.join(corpus.terms) or 'not stated'}",
        ):
            open_console().print(line, highlight=False)


def stage(done: BaseModel, json_output: bool) -> None:
    """Show one stage's summary, a figure a line."""
    if json_output:
        as_json(done)
        return
    console = open_console()
    for key, value in done.model_dump(mode="json").items():
        told = value
        if isinstance(value, dict):
            told = ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
        elif isinstance(value, bool):
            told = "yes" if value else "no"
        console.print(f"{key:<12}{told}", highlight=False, soft_wrap=True)


def stages(done: Mapping[Any, BaseModel], json_output: bool) -> None:
    """Show the summaries of one stage for each corpus."""
    if json_output:
        as_json(dict(done))
        return
    for summary in done.values():
        stage(summary, False)
        open_console().print()


def studied(done: Mapping[Any, Any], json_output: bool) -> None:
    """Show what each corpus's study found: trials by state, the best one, and its values as configuration."""
    if json_output:
        as_json(dict(done))
        return
    console = open_console(highlight=False, soft_wrap=True)
    for name, study in done.items():
        counts = ", ".join(f"{count} {state}" for state, count in study.trials.items())
        console.print(f"{name}: {counts}; best is trial {study.best}, mean average precision {study.value:.4f}")
        console.print(f"trials: {study.folder / 'trials.csv'}")
        for key, value in study.values.items():
            console.print(f"  --set train.bilstm.{name}.{key}={value}")


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
            title_of(run.recipe),
            f"{evaluation.test_f1_micro:.4f}",
            f"{micro[0]:.2f}-{micro[1]:.2f}",
            f"{evaluation.test_f1_macro:.4f}",
            f"{macro[0]:.2f}-{macro[1]:.2f}",
            str(model.epochs or ""),
            "reused" if model.reused else f"{model.seconds:.0f}",
        )
    return table


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
