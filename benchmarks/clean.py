"""What cleaning costs: genreflow's pass over texts against the slow reference that defines its words.

Both sides clean the same texts in turns in this process, word for word equal; only the ratio counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import typer
from rich.console import Console

from benchmarks.ratios import Comparison, show
from benchmarks.texts import Generated, Rounds, TitlesFile, read_all
from conf.errors import GenreflowError
from tasks.logic.text import stop_words
from tasks.logic.words import clean_reference, clean_texts

# Texts and stop words to each text's words joined by blanks.
Side = Callable[[Sequence[str], frozenset[str]], Iterable[str]]


def main(titles: TitlesFile = None, rounds: Rounds = 5, generated: Generated = 5_000) -> None:
    """Clean every summary and synopsis both ways, compare the words of each text, and time both sides."""
    texts = read_all(titles, generated)
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
