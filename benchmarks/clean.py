"""What cleaning costs: genreflow's pass over texts against the slow reference that defines its words, and on two cores.

Both sides clean the same texts in turns in this process, word for word equal; only the ratio counts. Then blocks of
generated titles are cleaned as prepare does, sketches included, by one process and by two.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.growth_titles import write_raw
from benchmarks.ratios import Comparison, show
from benchmarks.texts import Generated, Rounds, TitlesFile, read_all
from conf.errors import GenreflowError
from conf.schema import load
from tasks.blocks import Order, plan_blocks
from tasks.cleaning import Cleaners
from tasks.logic.text import stop_words
from tasks.logic.words import clean_reference, clean_texts

# Texts and stop words to each text's words joined by blanks.
Side = Callable[[Sequence[str], frozenset[str]], Iterable[str]]


def main(
    titles: TitlesFile = None,
    rounds: Rounds = 5,
    generated: Generated = 5_000,
    blocks_of: Annotated[int, typer.Option(help="Generated titles that one and two processes clean.")] = 1_000_000,
) -> None:
    """Clean every summary and synopsis both ways, compare the words of each text, and time both sides."""
    texts = read_all(titles, generated)
    left_out = stop_words()
    check(texts, left_out)
    measured = [(rate(clean_texts, texts, left_out), rate(clean_slowly, texts, left_out)) for _ in range(rounds)]
    characters = sum(map(len, texts)) / 1e6
    Console().print(f"{len(texts):,} texts, {characters:,.1f} million characters, all words equal", highlight=False)
    show(Comparison("million characters a second", "genreflow", "reference (NLTK)", at_least=20.0), measured)
    with tempfile.TemporaryDirectory() as folder:
        write_raw(Path(folder) / "raw", blocks_of, random_seed=11)
        by_two = [tuple(clean_blocks(Path(folder), processes) for processes in (2, 1)) for _ in range(rounds)]
        name = f"thousand titles a second, {blocks_of:,} of them"
        show(Comparison(name, "two processes", "one process", at_least=1.6), [(two, one) for two, one in by_two])


def clean_blocks(home: Path, processes: int) -> float:
    """Return how many thousand titles a second so many processes clean, from their first order on."""
    settings = load("base")
    planned = plan_blocks(home, "summary", settings.prepare, settings.run.block_titles)
    with (
        contextlib.closing(Cleaners(processes)) as cleaners,
        ThreadPoolExecutor(processes) as threads,
        tempfile.TemporaryDirectory(dir=home) as folder,
    ):
        orders = []
        for number, block in enumerate(planned):
            (Path(folder) / str(number)).mkdir()
            order = Order(raw=home / "raw", block=block, folder=Path(folder) / str(number), settings=settings.prepare)
            orders.append(order)
        started = time.perf_counter()
        written = list(threads.map(cleaners.clean, orders))
        return sum(each.records for each in written) / 1000 / (time.perf_counter() - started)


def clean_slowly(texts: Sequence[str], left_out: frozenset[str]) -> Iterable[str]:
    """Yield the words of each text joined by blanks, as the reference finds them."""
    return (" ".join(clean_reference(text, left_out)) for text in texts)


def check(texts: Sequence[str], left_out: frozenset[str]) -> None:
    """Raise GenreflowError naming the first text of which both sides find other words."""
    both = zip(clean_texts(texts, left_out), clean_slowly(texts, left_out), strict=True)
    for row, (found, expected) in enumerate(both):
        if found != expected:
            raise GenreflowError(f"text {row}: expected the reference's words {expected[:200]}; got {found[:200]}")


def rate(side: Side, texts: Sequence[str], left_out: frozenset[str]) -> float:
    """Return how many million characters a side cleans a second."""
    started = time.perf_counter()
    for _ in side(texts, left_out):
        pass
    return sum(map(len, texts)) / 1e6 / (time.perf_counter() - started)


if __name__ == "__main__":
    typer.run(main)
