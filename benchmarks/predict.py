"""What predictions cost: texts a second in batches, milliseconds for one, and how long a first answer takes.

Reads the newest model of each recipe in a home, and its champion, on the corpus's own test texts; cleaning included.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.homes import results
from benchmarks.ratios import Comparison, show
from benchmarks.texts import Rounds
from conf.names import CORPORA, Corpus
from flows.paths import home_path
from flows.session import quiet
from tasks import sentences

RECIPES = ("linear", "characters", "bilstm", "sentence", "blend")
# As predict does with a file.
ROWS_A_BATCH = 4096
ALONE = 200
# What the summary corpus's blend without sentence vectors should keep.
MIN_RATE, MAX_ALONE_MS = 1_000.0, 20.0
MAX_COLD = 1.5
TEXT = "Two rival chess players hide a stolen painting in a lighthouse while a storm cuts them off from the shore."
# MLflow imports what reads its store (SQLAlchemy, Alembic) only once it is opened; no champion is found without it.
_BARE = (
    "import mlflow.pyfunc, mlflow.store.tracking.sqlalchemy_store, pandas, sklearn.feature_extraction.text, "
    "sklearn.linear_model"
)
console = Console(highlight=False)


class Stored(NamedTuple):
    """Hold a model's folder, its recipe, and a blend's members."""

    folder: Path
    recipe: str
    members: tuple[str, ...]

    @property
    def row(self) -> str:
        """Return how the model is named in the table."""
        return f"{self.recipe} ({', '.join(self.members)})" if self.members else self.recipe

    @property
    def has_sentence(self) -> bool:
        """Say whether the model reads sentence vectors."""
        return "sentence" in (self.recipe, *self.members)


def main(
    home: Annotated[
        Path | None, typer.Option(help="Home with trained models. \\[default: GENREFLOW_HOME or ./data]")
    ] = None,
    rounds: Rounds = 5,
) -> None:
    """Time every recipe of a home on its test texts, and a first answer of its champions against bare imports."""
    quiet()
    path = home_path(str(home) if home else None)
    for corpus in CORPORA:
        models = newest_models(path, corpus)
        texts = test_texts(path, corpus)
        table = Table(title=f"{corpus}: {len(texts):,} test texts, {rounds} rounds", title_justify="left")
        for column in ("recipe", "texts a second", "one text, ms", "95 of 100 within, ms"):
            table.add_column(column, justify="left" if column == "recipe" else "right")
        for model in models:
            if model.has_sentence and not sentences.is_available("auto"):
                console.print(
                    f"{corpus}: {model.row} is left out, its packages are not installed ({sentences.INSTALL})"
                )
                continue
            rates, alone = measure(model.folder, texts, rounds)
            median, tail = statistics.median(alone), float(np.percentile(alone, 95))
            told = f"{statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"
            table.add_row(model.row, told, f"{median:.1f}", f"{tail:.1f}")
            if (corpus, model.recipe, model.has_sentence) == ("summary", "blend", False):
                kept = "kept" if statistics.median(rates) >= MIN_RATE and median < MAX_ALONE_MS else "MISSED"
                table.caption = f"blend without sentence: {MIN_RATE:,.0f} a second, below {MAX_ALONE_MS:.0f} ms: {kept}"
        console.print(table)
        compare_cold(path, corpus, rounds)


def newest_models(home: Path, corpus: Corpus) -> list[Stored]:
    """Return the newest stored model of each recipe, blends with sentence vectors and without both."""
    found: dict[tuple[str, bool], Stored] = {}
    for folder, manifest in results(home, "models", corpus):
        stored = Stored(folder, manifest.summary["recipe"], tuple(manifest.summary.get("weights", ())))
        if stored.recipe in RECIPES:
            found.setdefault((stored.recipe, stored.has_sentence), stored)
    return sorted(found.values(), key=lambda stored: RECIPES.index(stored.recipe))


def test_texts(home: Path, corpus: Corpus) -> list[str]:
    """Return the test titles' texts of the newest stored corpus."""
    import pandas as pd

    folder, _ = results(home, "corpora", corpus)[0]
    frame = pd.read_parquet(folder / "titles.parquet", columns=["text", "split"])
    texts: list[str] = frame.loc[frame["split"] == "test", "text"].tolist()
    return texts


def measure(folder: Path, texts: Sequence[str], rounds: int) -> tuple[list[float], list[float]]:
    """Return texts a second of each round, and the milliseconds of texts that are read one at a time."""
    from tasks.logic.text import read_texts, stop_words
    from tasks.saved_recipe import open_recipe

    opened, left_out = open_recipe(folder / "model"), stop_words()

    def predict(chosen: Sequence[str]) -> None:
        opened(read_texts(chosen, left_out))

    predict(texts[:ROWS_A_BATCH])
    rates = []
    for _ in range(rounds):
        started = time.perf_counter()
        for first in range(0, len(texts), ROWS_A_BATCH):
            predict(texts[first : first + ROWS_A_BATCH])
        rates.append(len(texts) / (time.perf_counter() - started))
    for text in texts[:ALONE]:
        predict([text])
    alone = []
    for text in texts[:ALONE]:
        started = time.perf_counter()
        predict([text])
        alone.append(1000 * (time.perf_counter() - started))
    return rates, alone


def compare_cold(home: Path, corpus: Corpus, rounds: int) -> None:
    """Time `genreflow predict` of one text against a process that imports what the champion's recipe needs."""
    answer = ["-m", "flows.cli", "predict", TEXT, "--corpus", corpus, "--home", str(home), "--json"]
    try:
        recipe = json.loads(run(answer)[0])["recipe"]
    except subprocess.CalledProcessError as error:
        told = error.stderr.strip().rpartition("error: ")[2]
        console.print(f"{corpus}: no first answer to time: {told}\n")
        return
    bare = ["-c", _BARE if recipe in ("linear", "characters") else f"{_BARE}, keras"]
    measured = [(run(answer)[1], run(bare)[1]) for _ in range(rounds)]
    figure = f"seconds to a first answer, champion {recipe} of {corpus}"
    show(Comparison(figure, "genreflow predict", "bare imports", at_most=MAX_COLD), measured)


def run(arguments: Sequence[str]) -> tuple[str, float]:
    """Run Python in a process of its own; return what it printed and the seconds it took."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-P", *arguments], check=True, capture_output=True, text=True)
    return done.stdout, time.perf_counter() - started


if __name__ == "__main__":
    typer.run(main)
