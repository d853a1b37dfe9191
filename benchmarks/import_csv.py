"""What importing a large CSV costs: wall time against pyarrow's own read of the same file, and peak memory.

Both sides run in turns, each in a process of its own on the same generated file; the start of Python is not timed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import typer
from rich.console import Console

from benchmarks.ratios import Comparison, show
from scraper.site.generator import generate_titles

ROWS_AT_ONCE = 100_000
# Sentences of so many generated titles are put together anew for each row.
SENTENCES_OF = 3_000
SUMMARY, SYNOPSIS, SYNOPSIS_SHARE = 3, 13, 1 / 3
GENRES = ("Drama", "Comedy", "Sci-Fi", "Horror", "Romance", "Action", "Crime", "Thriller")
MAX_PEAK_MB = 1000


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median of their ratios counts.")] = 5,
    rows: Annotated[int, typer.Option(min=1000, help="Rows of the generated file.")] = 2_000_000,
) -> None:
    """Compare `genreflow import` with pyarrow.csv.open_csv (constant memory) and read_csv (all in memory)."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "titles.csv"
        # Not in this process: on Linux a child's peak memory begins with its parent's.
        subprocess.run([sys.executable, "-P", "-m", "benchmarks.import_csv", "write", str(path), str(rows)], check=True)
        measured = [tuple(measure(side, path) for side in ("import", "open_csv", "read_csv")) for _ in range(rounds)]
        size = path.stat().st_size / 1e6
    console = Console()
    console.print(f"{rows:,} rows, {size:,.0f} MB", highlight=False)
    for place, theirs in ((1, "pyarrow.csv.open_csv"), (2, "pyarrow.csv.read_csv")):
        show(
            Comparison("seconds for the file", "genreflow import", theirs, at_most=2.0),
            [(each[0][0], each[place][0]) for each in measured],
        )
    peaks = [each[0][1] for each in measured]
    kept = "kept" if max(peaks) < MAX_PEAK_MB else "MISSED"
    console.print(f"peak memory of the import {min(peaks):.0f} to {max(peaks):.0f} MB, of read_csv "
                  f"{max(each[2][1] for each in measured):.0f} MB", highlight=False)  # fmt: skip
    console.print(f"bound: at most {MAX_PEAK_MB} MB: {kept}", highlight=False)


def write_titles(path: Path, rows: int) -> None:
    """Write a titles CSV: title, year, genres "Drama|Comedy", a summary in each row, a synopsis in a third."""
    texts = generate_titles(SENTENCES_OF, 11)
    sentences = pa.array(
        f"{sentence.strip()}."
        for name in ("summary", "synopsis")
        for text in texts[name].to_pylist()
        for sentence in (text or "").split(". ")
        if len(sentence) > 30
    )
    rng = np.random.default_rng(1)
    with path.open("wb") as stream:
        for table in tables(sentences, rows, rng):
            options = pacsv.WriteOptions(include_header=stream.tell() == 0)
            pacsv.write_csv(table, stream, options)


def tables(sentences: pa.Array, rows: int, rng: np.random.Generator) -> Iterator[pa.Table]:
    """Yield the rows in tables of ROWS_AT_ONCE."""
    several = ["|".join(dict.fromkeys(rng.choice(GENRES, 3)[:count])) for count in (1, 2, 3) for _ in range(100)]
    for first in range(0, rows, ROWS_AT_ONCE):
        count = min(ROWS_AT_ONCE, rows - first)
        synopses = pc.if_else(
            pa.array(rng.random(count) < SYNOPSIS_SHARE), joined(sentences, count, SYNOPSIS, "\n", rng), None
        )
        numbers = pa.array([f"{number:07d}" for number in range(first + 1, first + count + 1)])
        yield pa.table(
            {
                "title_id": pc.binary_join_element_wise("tt", numbers, ""),
                "title": pc.binary_join_element_wise("Title", numbers, " "),
                "year": rng.integers(1950, 2025, count),
                "genres": pa.array(several).take(pa.array(rng.integers(0, len(several), count))),
                "summary": joined(sentences, count, SUMMARY, " ", rng),
                "synopsis": synopses,
            }
        )


def joined(sentences: pa.Array, rows: int, each: int, between: str, rng: np.random.Generator) -> pa.Array:
    """Return a text a row, of so many sentences drawn at random."""
    drawn = [sentences.take(pa.array(rng.integers(0, len(sentences), rows))) for _ in range(each)]
    return pc.binary_join_element_wise(*drawn, between)


def measure(side: str, path: Path) -> tuple[float, float]:
    """Return the seconds and the peak memory in MB of one side in a process of its own."""
    command = [sys.executable, "-P", "-m", "benchmarks.import_csv", side, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def run_side(side: str, path: Path) -> None:
    """Do one side's work in this process and print its seconds and peak memory."""
    from conf.schema import load
    from scraper.importers.files import import_file

    parse = pacsv.ParseOptions(newlines_in_values=True)
    settings = load("base")
    with tempfile.TemporaryDirectory(dir=path.parent) as raw:
        started = time.perf_counter()
        if side == "import":
            limits = settings.import_
            import_file(
                path,
                Path(raw),
                genres=settings.prepare.genres,
                max_bad_share=limits.max_bad_share,
                part_titles=limits.part_titles,
            )
        elif side == "open_csv":
            with pacsv.open_csv(path, parse_options=parse) as batches:
                for _ in batches:
                    pass
        else:
            pacsv.read_csv(path, parse_options=parse)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    sys.stdout.write(f"{seconds} {peak}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write_titles(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] and not sys.argv[1].startswith("-"):
        run_side(sys.argv[1], Path(sys.argv[2]))
    else:
        typer.run(main)
