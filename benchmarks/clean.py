"""What cleaning costs: genreflow's pass over texts against the slow reference that defines its words.

Both sides clean the same texts in turns in this process, word for word equal; only the ratio counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

from benchmarks.ratios import Comparison, show
from conf.errors import GenreflowError
from scraper.site.generator import generate_titles
from tasks.logic.text import stop_words
from tasks.logic.words import clean_reference, clean_texts

# Texts and stop words to each text's words joined by blanks.
Side = Callable[[Sequence[str], frozenset[str]], Iterable[str]]


def main(
    titles: Annotated[
        Path | None,
        typer.Option("--titles", envvar="GENREFLOW_TITLES", help="Titles file; without one, generated titles."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median of their ratios counts.")] = 5,
    generated: Annotated[int, typer.Option(min=100, help="Generated titles where no file is named.")] = 5_000,
) -> None:
    """Clean every summary and synopsis both ways, compare the words of each text, and time both sides."""
    table = pd.read_parquet(titles) if titles else generate_titles(generated, 11).to_pandas()
    texts = [text for column in ("summary", "synopsis") for text in table[column].dropna()]
    left_out = stop_words()
    check(texts, left_out)
    measured = [(rate(clean_texts, texts, left_out), rate(clean_slowly, texts, left_out)) for _ in range(rounds)]
    characters = sum(map(len, texts)) / 1e6
    Console().print(f"{len(texts):,} texts, {characters:,.1f} million characters, all words equal", highlight=False)
    show(Comparison("million characters a second", "genreflow", "reference (NLTK)", at_least=20.0), measured)


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
