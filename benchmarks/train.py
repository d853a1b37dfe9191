"""What an epoch of the study's network costs: texts padded to the longest one, as the study read them, or not.

Same layers, batch size and start, padding read like words; each epoch is timed in a process of its own, sides in
turns, what TensorFlow compiles before it. Batches of like length are made as genreflow's own network gets them; for
synopses lengths are blurred less, since each of so few batches is as long as its longest text.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.homes import results
from benchmarks.ratios import Comparison, show
from benchmarks.texts import Rounds
from conf.names import CORPORA, Corpus
from conf.schema import load
from conf.training import SeedNetwork
from flows.paths import home_path
from flows.session import quiet
from tasks.logic import sequences
from tasks.logic.decisions import decide, find_decision
from tasks.logic.labels import to_matrix
from tasks.logic.metrics import score

Batching = Literal["padded", "like", "exact"]
# At most so much of an epoch of the padded side: synopses six times as fast, summaries not slower.
LEAST: dict[Corpus, float] = {"summary": 1.0, "synopsis": 6.0}
MAX_LOSS_OF_F1 = 0.01
BLUR: dict[Corpus, float] = {"summary": 0.15, "synopsis": 0.02}
# Of the fits whose F1 is compared.
SEEDS = (7, 107, 207)
console = Console(highlight=False)


class Side(NamedTuple):
    """Hold one way to train: how batches are made, whether padding is masked, the cell, batch size, threads, seed."""

    batching: Batching
    masked: bool = False
    cell: Literal["LSTM", "GRU"] = "LSTM"
    batches: float = 1.0
    threads: int = 2
    at_once: int = 1
    seed: int = 7


PADDED, OURS = Side("padded"), Side("like")
OTHERS = {
    "padding masked": OURS._replace(masked=True),
    "exact length": Side("exact"),
    "GRU": OURS._replace(cell="GRU"),
    "half the batch size": OURS._replace(batches=0.5),
    "twice the batch size": OURS._replace(batches=2.0),
    "one thread": OURS._replace(threads=1),
    "two fits at once, a thread each": OURS._replace(threads=1, at_once=2),
}


def main(
    home: Annotated[
        Path | None, typer.Option(help="Home with corpora and vectors. \\[default: GENREFLOW_HOME or ./data]")
    ] = None,
    rounds: Rounds = 5,
    quality: Annotated[bool, typer.Option(help="Fit both sides for all epochs, too, and compare F1.")] = True,
) -> None:
    """Time an epoch of both sides for each corpus, then of other ways, and compare what the fits are worth."""
    quiet()
    path = home_path(str(home) if home else None)
    for corpus in CORPORA:
        timed = [(epoch(path, corpus, PADDED), epoch(path, corpus, OURS)) for _ in range(rounds)]
        show(
            Comparison(f"epochs an hour, {corpus}", "like length", "padded to the longest", at_least=LEAST[corpus]),
            [(3600 / ours["seconds"], 3600 / theirs["seconds"]) for theirs, ours in timed],
        )
        share = float(np.median([ours["batches"] / ours["seconds"] for _, ours in timed]))
        console.print(f"{corpus}: making batches takes {share:.1%} of an epoch")
        table = Table(title=f"{corpus}: other ways, two rounds each", title_justify="left")
        for column in ("", "seconds an epoch and fit", "of like length"):
            table.add_column(column, justify="right" if column else "left")
        for name, side in OTHERS.items():
            measured = [(epoch(path, corpus, side)["seconds"], epoch(path, corpus, OURS)["seconds"]) for _ in range(2)]
            seconds, ratio = np.mean([mine for mine, _ in measured]), np.mean([mine / ours for mine, ours in measured])
            table.add_row(name, f"{seconds:.1f}", f"{ratio:.2f}")
        console.print(table)
        if quality:
            fits = [[run(path, corpus, side._replace(seed=seed), "fit") for side in (OURS, PADDED)] for seed in SEEDS]
            for figure in ("f1_micro", "f1_macro"):
                ours, padded = np.mean([[fit[figure] for fit in pair] for pair in fits], axis=0)
                each = ", ".join(f"{mine[figure]:.3f} and {theirs[figure]:.3f}" for mine, theirs in fits)
                kept = "kept" if ours >= padded - MAX_LOSS_OF_F1 else "MISSED"
                told = f"{figure}: {ours:.3f}, padded {padded:.3f} (seeds {SEEDS}: {each})"
                console.print(f"{corpus}, all epochs, test titles, {told}; at most {MAX_LOSS_OF_F1} lost: {kept}")


def epoch(home: Path, corpus: Corpus, side: Side) -> dict[str, float]:
    """Return the seconds of an epoch, and of them those of making batches; of several fits at once, a fit's share."""
    measured = _run_several(home, corpus, side, "epoch")
    return {name: max(each[name] for each in measured) / side.at_once for name in measured[0]}


def run(home: Path, corpus: Corpus, side: Side, what: str) -> dict[str, float]:
    """Train in a process of its own and return what it measured."""
    return _run_several(home, corpus, side, what)[0]


def _run_several(home: Path, corpus: Corpus, side: Side, what: str) -> list[dict[str, float]]:
    command = [sys.executable, "-P", "-m", "benchmarks.train", what, str(home), corpus, json.dumps(side._asdict())]
    threads = {"TF_NUM_INTRAOP_THREADS": str(side.threads), "OMP_NUM_THREADS": str(side.threads)}
    processes = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **threads}
        )
        for _ in range(side.at_once)
    ]
    told = []
    for process in processes:
        out, errors = process.communicate()
        if process.returncode:
            raise SystemExit(f"{what} of {corpus} ended with exit code {process.returncode}: {errors[-2000:]}")
        told.append(json.loads(out.splitlines()[-1]))
    return told


class Data(NamedTuple):
    """Hold a corpus as the study's network reads it: rows of word numbers and genres by split, and the vectors."""

    rows: dict[str, list[np.ndarray]]
    truth: dict[str, np.ndarray]
    vectors: np.ndarray
    genres: list[str]
    settings: SeedNetwork

    @property
    def longest(self) -> int:
        """Return the words that the padded side pads to."""
        return max(len(row) for row in self.rows["train"])


def read_data(home: Path, corpus: Corpus) -> Data:
    """Read the newest corpus and vectors of a home; texts are cut where the study's longest ended."""
    from tasks.saved_recipe import read_vectors

    folder, manifest = results(home, "corpora", corpus)[0]
    vocabulary, vectors = read_vectors(results(home, "vectors", corpus)[0][0])
    settings: SeedNetwork = getattr(load("base").train.seed, corpus)
    frame = pd.read_parquet(folder / "titles.parquet", columns=["tokens", "genres", "split", "fitted"])
    numbers = sequences.numbers_of(vocabulary)
    rows, truth = {}, {}
    for split in ("train", "validation", "test"):
        chosen = frame[(frame["split"] == split) & (frame["fitted"] | (split == "test"))]
        rows[split] = [row[: settings.max_words] for row in sequences.number_words(chosen["tokens"].tolist(), numbers)]
        truth[split] = to_matrix(chosen["genres"], manifest.summary["genres"])
    return Data(rows, truth, vectors, manifest.summary["genres"], settings)


def build(data: Data, side: Side) -> Any:
    """Build the study's network with the side's cell, masking and input length."""
    import keras
    from keras import layers

    from tasks.logic import networks

    networks.make_repeatable(side.seed)
    words = layers.Input((data.longest if side.batching == "padded" else None,), dtype="int32")
    embed = networks.embedding(data.vectors, trainable=False)
    embed.mask_zero = embed.supports_masking = side.masked
    x = embed(words)
    units = data.settings.units
    for i, size in enumerate(units):
        x = layers.Bidirectional(getattr(layers, side.cell)(size, return_sequences=i < len(units) - 1))(x)
        x = layers.Dropout(data.settings.dropout)(x)
    outputs = layers.Dense(len(data.genres), activation="sigmoid")(layers.BatchNormalization()(x))
    network = keras.Model(words, outputs)
    network.compile(optimizer=keras.optimizers.Adam(data.settings.learning_rate), loss="binary_crossentropy")
    return network


class Batches:
    """Make a side's batches of the train titles, another order each epoch, and note the seconds that it takes."""

    def __init__(self, data: Data, side: Side, blur: float) -> None:
        self.rows, self.truth = data.rows["train"], data.truth["train"].astype(np.float32)
        self.longest, self.batching, self.blur = data.longest, side.batching, blur
        self.size = int(data.settings.batch_size * side.batches)
        self.random_generator = np.random.default_rng(side.seed)
        self.seconds = 0.0

    def order(self) -> list[np.ndarray]:
        """Return the rows of each batch of an epoch."""
        if self.batching == "like":
            return list(sequences.like_lengths(self.rows, self.size, self.random_generator, self.blur))
        order = self.random_generator.permutation(len(self.rows))
        if self.batching == "padded":
            return [order[i : i + self.size] for i in range(0, len(order), self.size)]
        lengths = np.array([len(self.rows[i]) for i in order])
        same = [order[lengths == length] for length in np.unique(lengths)]
        batches = [rows[i : i + self.size] for rows in same for i in range(0, len(rows), self.size)]
        return [batches[i] for i in self.random_generator.permutation(len(batches))]

    def make(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a batch's word numbers and genres."""
        started = time.perf_counter()
        rows = [self.rows[i] for i in chosen]
        length = self.longest if self.batching == "padded" else max(1, *(len(row) for row in rows))
        made = sequences.pad(rows, length), self.truth[chosen]
        self.seconds += time.perf_counter() - started
        return made


def train(home: Path, corpus: Corpus, side: Side, what: str) -> dict[str, float]:
    """Time an epoch ("epoch"), or fit for all epochs and score the test titles ("fit")."""
    data = read_data(home, corpus)
    network, batches = build(data, side), Batches(data, side, BLUR[corpus])
    if what == "epoch":
        # Functions are compiled for the first shapes, then once for all others; the smallest batch is one of them.
        order = batches.order()
        for chosen in [*order[:4], min(order, key=len)]:
            network.train_on_batch(*batches.make(chosen))
        return _timed(network, batches)
    for _ in range(data.settings.epochs):
        _timed(network, batches)
    found = {split: _probabilities(network, data, side, split) for split in ("validation", "test")}
    thresholds = load("base").train.thresholds.model_dump()
    decision = find_decision(found["validation"], data.truth["validation"], **thresholds)
    figures = score(data.truth["test"], decide(found["test"], decision), data.genres)
    return {name: float(figures[name]) for name in ("f1_micro", "f1_macro")}


def _timed(network: Any, batches: Batches) -> dict[str, float]:
    batches.seconds = 0.0
    started = time.perf_counter()
    for chosen in batches.order():
        network.train_on_batch(*batches.make(chosen))
    return {"seconds": time.perf_counter() - started, "batches": batches.seconds}


def _probabilities(network: Any, data: Data, side: Side, split: str) -> np.ndarray:
    rows: Sequence[np.ndarray] = data.rows[split]
    found = np.empty((len(rows), len(data.genres)))
    for chosen in sequences.like_lengths(rows, 256):
        batch = [rows[i] for i in chosen]
        length = data.longest if side.batching == "padded" else max(1, *(len(row) for row in batch))
        found[chosen] = network.predict_on_batch(sequences.pad(batch, length))
    return found


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in ("epoch", "fit"):
        told = train(
            Path(sys.argv[2]), CORPORA[CORPORA.index(sys.argv[3])], Side(**json.loads(sys.argv[4])), sys.argv[1]
        )
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        typer.run(main)
