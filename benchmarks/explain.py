"""What explanations are worth: a genre's probability without its three highest words, and without three random ones.

A recipe that is explained well falls much further in the first case (deletion, as in Samek et al. 2017). The test
titles of a home are measured; nothing is chosen on them.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import bootstrap

from benchmarks.homes import results
from conf.errors import GenreflowError
from conf.names import Corpus
from tasks.corpus import StoredCorpus, read_titles
from tasks.fitting import MODEL
from tasks.logic.explanation import Passage, by_kind, kinds, read_passage
from tasks.logic.text import read_texts, stop_words
from tasks.saved_recipe import Opened, open_recipe
from tasks.training import StoredModel, read_probabilities

REMOVED = 3
RESAMPLES, LEVEL = 10_000, 0.95
# A recipe opened again says what it said in training, but for the order in which floats are added.
SAME = 1e-4


class Drops(NamedTuple):
    """Hold how far the most probable genre's probability falls in each title: without its highest, and random words."""

    highest: np.ndarray
    random: np.ndarray


def main(
    home: Annotated[Path, typer.Option(help="A home with trained recipes.")],
    corpus: Annotated[Corpus, typer.Option(help="Whose recipes and test titles.")] = "summary",
    titles: Annotated[int, typer.Option(min=2, help="Test titles drawn at most; fewer where there are fewer.")] = 500,
    recipe: Annotated[list[str] | None, typer.Option(help="This recipe only. Repeatable. [default: all]")] = None,
    random_seed: Annotated[int, typer.Option(help="Draws the titles and the random words.")] = 7,
) -> None:
    """Remove the three words that speak most for a title's most probable genre, then three others, and compare.

    Probabilities are those of the recipe before calibration. The random words are drawn among those that the cleaning
    leaves, so that no stop word makes the comparison easy; a title without three such words besides is left out.
    """
    folder, manifest = results(home, "corpora", corpus)[0]
    stored = StoredCorpus(folder=folder, **manifest.summary)
    frame = read_titles(stored)
    test = frame[frame["split"] == "test"].reset_index(drop=True)
    rng = np.random.default_rng(random_seed)
    drawn = np.sort(rng.choice(len(test), min(titles, len(test)), replace=False))
    passages = [read_passage(text, stop_words()) for text in test["text"].iloc[drawn]]
    table = Table(
        title=f"{corpus}: how far a probability falls without {REMOVED} words, {len(drawn):,} test titles",
        title_justify="left",
    )
    for column in ("recipe", "titles", "highest", "random", "difference", f"{LEVEL:.0%} interval"):
        table.add_column(column, justify="left" if column == "recipe" else "right", no_wrap=True)
    lows = []
    for model in _models(home, corpus, recipe or []):
        opened = open_recipe(model.folder / MODEL)
        found = opened(read_texts([each.raw for each in passages], stop_words()))
        _check(model, read_probabilities(model)["test"], found, drawn, stored)
        drops = measure(opened, passages, found, np.random.default_rng(random_seed), model.recipe)
        differences = drops.highest - drops.random
        low, high = bootstrap(
            (differences,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="percentile", rng=random_seed
        ).confidence_interval
        figures = (statistics.fmean(each) for each in (drops.highest, drops.random, differences))
        told = (f"{figure:.4f}" for figure in figures)
        table.add_row(model.recipe, f"{len(differences):,}", *told, f"{low:.4f} to {high:.4f}")
        lows.append(low)
    console = Console()
    console.print(table)
    kept = all(low > 0 for low in lows)
    console.print(f"bound: every interval above 0: {'kept' if kept else 'MISSED'}", highlight=False)


def measure(
    opened: Opened, passages: Sequence[Passage], probabilities: np.ndarray, rng: np.random.Generator, recipe: str
) -> Drops:
    """Return how far each title's most probable genre falls; probabilities (titles, genres) are of the whole texts."""
    kept, changed = [], []
    bar = Console(stderr=True)
    shown = track(passages, recipe, transient=True, console=bar, disable=not bar.is_terminal)
    for i, passage in enumerate(shown):
        weights = opened.contributions(passage, [int(probabilities[i].argmax())])[:, 0]
        highest = list(by_kind(passage.words, weights))[:REMOVED]
        cleaned = kinds([passage.words[owner] for owner in dict.fromkeys(passage.owners.tolist())])
        others = sorted(set(cleaned) - set(highest))
        if len(others) >= REMOVED:
            kept.append(i)
            changed += [
                without(passage, highest),
                without(passage, rng.choice(others, REMOVED, replace=False).tolist()),
            ]
    columns = probabilities[kept].argmax(axis=1)
    after = opened(read_texts(changed, stop_words()))[np.arange(len(changed)), np.repeat(columns, 2)].reshape(-1, 2)
    falls = probabilities[kept].max(axis=1)[:, None] - after
    return Drops(falls[:, 0], falls[:, 1])


def without(passage: Passage, removed: Sequence[str]) -> str:
    """Return the passage's text without any place of words, named as logic.explanation.kinds does."""
    pairs = zip(passage.words, kinds(passage.words), strict=True)
    return " ".join(word for word, kind in pairs if kind not in removed)


def _models(home: Path, corpus: Corpus, recipes: Sequence[str]) -> list[StoredModel]:
    """Return the newest model of each recipe asked for, of all recipes where none is."""
    newest = {
        manifest.summary["recipe"]: StoredModel(folder=folder, **manifest.summary)
        for folder, manifest in reversed(results(home, "models", corpus))
        if manifest.summary["recipe"] != "prior"
    }
    missing = [recipe for recipe in recipes if recipe not in newest]
    if missing or not newest:
        there = ", ".join(newest) or "none"
        raise GenreflowError(f"{home}: no {corpus} model of {', '.join(missing) or 'any recipe'}; there: {there}")
    return [model for recipe, model in newest.items() if not recipes or recipe in recipes]


def _check(model: StoredModel, trained: np.ndarray, found: np.ndarray, drawn: np.ndarray, corpus: StoredCorpus) -> None:
    """Raise GenreflowError where the recipe was trained on another corpus than the newest."""
    same = trained.shape == (corpus.splits["test"], found.shape[1])
    if not same or np.abs(trained[drawn] - found).max() > SAME:
        raise GenreflowError(f"{model.folder}: was not trained on {corpus.folder.name}; train again in that home")


if __name__ == "__main__":
    typer.run(main)
