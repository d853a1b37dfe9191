"""What fitting Word2Vec costs: genreflow's reading of a text file against gensim's own, and how memory grows.

Both sides fit the same texts with the same settings, in turns, each in a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import typer
from rich.console import Console

from benchmarks.ratios import Comparison, show
from benchmarks.texts import Generated, Rounds, TitlesFile, read_all
from conf.schema import load
from tasks.embedding import TrainTexts
from tasks.logic.text import read_texts, stop_words
from tasks.logic.vectors import fit_vectors

EPOCHS = 3
# So many times the texts, and the peak memory may grow by so much.
REPEATED, MAX_GROWTH_MB = 8, 20


def main(titles: TitlesFile = None, rounds: Rounds = 5, generated: Generated = 5_000) -> None:
    """Fit the words of all summaries and synopses with one worker and with two, both ways."""
    texts = read_texts(read_all(titles, generated), stop_words())
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        path, longer = Path(folder) / "texts.txt", Path(folder) / "longer.txt"
        count, words = TrainTexts(path).write(texts.words)
        TrainTexts(longer).write(text for _ in range(REPEATED) for text in texts.words)
        console.print(f"{count:,} texts, {words / 1e6:,.2f} million words, {EPOCHS} epochs")
        for workers in (1, 2):
            measured = [tuple(measure(side, path, workers) for side in ("genreflow", "gensim")) for _ in range(rounds)]
            name = f"million words a second, {'1 worker, which repeats' if workers == 1 else '2 workers'}"
            rates = [tuple(words * EPOCHS / 1e6 / seconds for seconds, _ in sides) for sides in measured]
            show(Comparison(name, "genreflow", "corpus_file of gensim"), [(ours, theirs) for ours, theirs in rates])
        peaks = [measure("genreflow", each, 1, epochs=1)[1] for each in (path, longer)]
    kept = "kept" if peaks[1] - peaks[0] <= MAX_GROWTH_MB else "MISSED"
    console.print(f"peak memory {peaks[0]:,.0f} MB, of {REPEATED} times the texts {peaks[1]:,.0f} MB")
    console.print(f"bound: at most {MAX_GROWTH_MB} MB more: {kept}")


def measure(side: str, path: Path, workers: int, epochs: int = EPOCHS) -> tuple[float, float]:
    """Return the seconds and the peak memory in MB of one side in a process of its own."""
    command = [sys.executable, "-P", "-m", "benchmarks.word2vec", side, str(path), str(workers), str(epochs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def fit(side: str, path: Path, workers: int, epochs: int) -> None:
    """Fit one side in this process and print its seconds and peak memory; importing gensim is not timed."""
    from gensim.models import Word2Vec

    values = load("base", [f"embed.epochs={epochs}", f"embed.workers={workers}"]).embed.model_dump()
    started = time.perf_counter()
    if side == "genreflow":
        fit_vectors(TrainTexts(path), **values, random_seed=7)
    else:
        Word2Vec(corpus_file=str(path), **values, sg=0, seed=7)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    sys.stdout.write(f"{seconds} {peak}\n")


if __name__ == "__main__":
    if sys.argv[1:2] and not sys.argv[1].startswith("-"):
        fit(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        typer.run(main)
