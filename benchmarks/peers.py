"""How good genreflow's recipes are beside models that others would fit: same titles, same rule of decision, one table.

Peers are tuned on the validation titles with equal budgets, genreflow's recipes are as the configuration has them.
Every fit is kept in the home, so a run that was cut short goes on where it stopped.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console

from conf.errors import GenreflowError
from conf.names import Corpus
from conf.schema import Settings, load

# Prefect reads its settings when it is imported: only after flows.session has made them.
if TYPE_CHECKING:
    from benchmarks.peer_figures import Row
    from benchmarks.peer_fits import Titles, Tuned
    from tasks.corpus import StoredCorpus
    from tasks.training import StoredModel

# A recipe of several networks takes the seeds that follow its own: the next one must not share them.
SEEDS_APART = 100
console = Console(highlight=False, markup=False, soft_wrap=True)


class Run(NamedTuple):
    """Hold what is asked of a run: once names recipes of one seed, made says when, and by which commit."""

    settings: Settings
    home: Path
    budget: int
    seeds: list[int]
    once: list[str]
    made: str


class Trained(NamedTuple):
    """Hold a prepared corpus and genreflow's models of it, by name of the row and by seed."""

    corpus: StoredCorpus
    models: dict[str, dict[int, StoredModel]]


def main(
    titles: Annotated[
        Path | None,
        typer.Option("--titles", envvar="GENREFLOW_TITLES", help="Titles file with summaries, synopses and genres."),
    ] = None,
    corpus: Annotated[Corpus | None, typer.Option("--corpus", help="One corpus only.")] = None,
    budget: Annotated[int, typer.Option(min=1, help="Trials of each peer, the first of customary values.")] = 8,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds; figures are their mean.")] = 3,
    once: Annotated[
        list[str] | None, typer.Option(help="Recipe of the first seed alone, such as seed, the slowest.")
    ] = None,
    home: Annotated[Path, typer.Option(help="Folder of all fits, for this titles file alone.")] = Path("data/peers"),
    output: Annotated[Path, typer.Option(help="Document that the tables are written into.")] = Path("docs/results.md"),
    conf: Annotated[Path, typer.Option("--conf", help="Configuration of genreflow's own recipes.")] = Path("base"),
    overrides: Annotated[list[str] | None, typer.Option("--set", help="Change one of its values. Repeatable.")] = None,
) -> None:
    """Fit genreflow's recipes and their peers on a titles file and write a table of each corpus."""
    if titles is None:
        raise GenreflowError("no titles: expected --titles FILE or its path in GENREFLOW_TITLES; nothing was done")
    from benchmarks.peer_document import write_block
    from tasks import store

    settings = load(conf, overrides or [])
    drawn = [settings.train.random_seed + SEEDS_APART * i for i in range(seeds)]
    run = Run(settings, home.absolute(), budget, drawn, once or [], _made())
    with store.lock_home(run.home, settings.run.wait_seconds):
        for trained in train_recipes(run, titles, conf, overrides or [], corpus):
            text = compare(run, trained)
            write_block(output, f"peers:{trained.corpus.corpus}", text)
            console.print(f"\n{text}\n\n{trained.corpus.corpus}: written into {output}\n")


def train_recipes(run: Run, titles: Path, conf: Path, overrides: list[str], corpus: Corpus | None) -> list[Trained]:
    """Import the titles and train genreflow's recipes once a seed, on the corpus asked for or on both.

    Both corpora are prepared whichever is asked for, since recipes learn from the texts of both.
    """
    from flows import session

    session.set_up(conf, overrides, run.home)
    from flows.embed import embed
    from flows.prepare import prepare
    from flows.train import train
    from scraper.importers.files import import_file

    told = import_file(
        titles,
        run.home / "raw",
        genres=run.settings.prepare.genres,
        max_bad_share=run.settings.import_.max_bad_share,
        part_titles=run.settings.import_.part_titles,
    )
    others = [folder.name for folder in (run.home / "raw").iterdir() if folder.name != told.folder]
    if others:
        raise GenreflowError(f"{run.home} holds other titles, too ({', '.join(others)}); use a --home of its own")
    prepared = prepare(conf, overrides, run.home)
    trained = {name: Trained(each, {}) for name, each in prepared.items() if corpus in (None, name)}
    for seed in run.seeds:
        console.print(f"genreflow's recipes, random seed {seed}")
        recipes: list[str] = [
            name for name in run.settings.train.recipes if seed == run.seeds[0] or name not in run.once
        ]
        # Without knowledge of language from outside the titles, then with it: the blends of both are rows.
        without = [name for name in recipes if name != "sentence"]
        for asked in [without] if without == recipes else [without, recipes]:
            seeded = [*overrides, f"train.random_seed={seed}", f"train.recipes=[{','.join(asked)}]"]
            # The titles prepared once are those of every seed and every peer.
            vectors = embed(conf, seeded, run.home, prepared)
            for name, done in train(conf, seeded, run.home, prepared, vectors, corpus).items():
                rows = row_names([model.recipe for model in done.models])
                for row, model in zip(rows, done.models, strict=True):
                    trained[name].models.setdefault(row, {})[seed] = model
    return list(trained.values())


def row_names(recipes: Sequence[str]) -> list[str]:
    """Name the rows of recipes trained together: a blend that could take sentence is one of its own."""
    return ["blend with sentence" if name == "blend" and "sentence" in recipes else name for name in recipes]


def compare(run: Run, trained: Trained) -> str:
    """Tune and fit the peers of a corpus, measure all on its test titles; returns the text for the document."""
    from benchmarks.peer_document import render_rows, render_trials, tell
    from benchmarks.peer_figures import measure
    from benchmarks.peer_fits import Titles
    from tasks import store
    from tasks.corpus import TITLES

    corpus, models = trained
    titles = Titles(
        corpus=corpus.corpus, table=corpus.folder / TITLES, genres=corpus.genres, fingerprint=corpus.fingerprint
    )
    peers, missing = tune_peers(run, titles)
    missing |= {name: "genreflow could not train it here" for name in run.settings.train.recipes if name not in models}
    own = {name: recipe_row(run, name, list(each.values()), titles) for name, each in models.items()}
    first = [own.pop(name) for name in ("prior", "seed") if name in own]
    rows = [*first, *(peer_row(run, name, each, titles) for name, each in peers.items()), *own.values()]
    bootstrap = run.settings.train.bootstrap
    figures = measure(rows, titles.test(), bootstrap, run.seeds[0])
    store.write_json(run.home / "peers" / f"{corpus.corpus}.json", figures)
    blends = [
        f"The {name} of seed {seed}: {tell(model.weights)}."
        for name, each in models.items()
        for seed, model in each.items()
        if model.weights
    ]
    trials = {name: [(trial.settings, trial.value) for trial in tuned.trials] for name, tuned in peers.items()}
    parts = (_describe(run, corpus, titles), render_rows(figures, bootstrap.level, missing))
    return "\n\n".join([*parts, *blends, render_trials(trials, run.budget)])


def tune_peers(run: Run, titles: Titles) -> tuple[dict[str, Tuned], dict[str, str]]:
    """Tune every peer, as many at once as train.processes says; returns them by name, and why others are missing."""
    from benchmarks.peer_fits import PeerError, tune
    from benchmarks.peer_models import PEERS

    tuned, missing = {}, {}
    with ThreadPoolExecutor(run.settings.train.processes) as pool:
        futures = {
            peer.name: pool.submit(tune, run.home, peer, titles, run.budget, run.seeds, console.print)
            for peer in PEERS
            if peer.available()
        }
        for peer in PEERS:
            try:
                if peer.name in futures:
                    tuned[peer.name] = futures[peer.name].result()
                else:
                    missing[peer.name] = f"not installed ({peer.install})"
            except PeerError as error:
                missing[peer.name] = str(error)
    return tuned, missing


def peer_row(run: Run, name: str, tuned: Tuned, titles: Titles) -> Row:
    """Return a peer's row: its answers to the test titles, once a seed."""
    from benchmarks.peer_figures import Row

    answers = [_answer(run, fit.probabilities(), titles) for fit in tuned.fits]
    return Row(name, False, answers, statistics.median(fit.seconds for fit in tuned.fits))


def recipe_row(run: Run, name: str, models: Sequence[StoredModel], titles: Titles) -> Row:
    """Return the row of one of genreflow's recipes; the prior-only row knows no seed."""
    from benchmarks.peer_figures import Row
    from tasks.training import read_probabilities

    prior = name == "prior"
    chosen = models[:1] if prior else models
    answers = [_answer(run, read_probabilities(model), titles, prior=prior) for model in chosen]
    return Row("prior-only" if prior else name, True, answers, statistics.median(model.seconds for model in chosen))


def _answer(run: Run, probabilities: Mapping[str, np.ndarray], titles: Titles, *, prior: bool = False) -> np.ndarray:
    from benchmarks.peer_figures import answer

    tuned, truth = titles.tuned()
    validation = probabilities["validation"][tuned], truth
    return answer(validation, probabilities["test"], run.settings.train.thresholds, prior=prior)


def _describe(run: Run, corpus: StoredCorpus, titles: Titles) -> str:
    fitted, (tuned, _), test = titles.rows("train")["fitted"], titles.tuned(), titles.test()
    return (
        f"{run.made}: {corpus.corpus}, filter {corpus.filter}, {corpus.titles:,} titles ({int(fitted.sum()):,} fitted "
        f"on,\n{int(tuned.sum()):,} tuned on, {len(test):,} test), {len(corpus.genres)} genres, seeds "
        f"{', '.join(map(str, run.seeds))}, {os.cpu_count()} cores."
    )


def _made() -> str:
    """Return today's date and the checkout's commit."""

    def git(*arguments: str) -> str:
        root = Path(__file__).parent.parent
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    changes = " with changes" if git("status", "--porcelain", "--", ":!docs") else ""
    return f"{datetime.now(UTC):%-d %B %Y}, commit {git('rev-parse', '--short', 'HEAD') or 'unknown'}{changes}"


if __name__ == "__main__":
    try:
        typer.run(main)
    except (GenreflowError, OSError) as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        sys.exit(1)
