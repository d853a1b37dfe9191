"""How prepare, Word2Vec and the linear recipe grow with the titles: seconds, their exponent, and the peak of memory.

Generated titles whose vocabulary grows as that of real plots; each stage of each round runs in a process of its own,
against one Prefect server that all share. What is measured is kept in a file, so a run that was cut short goes on.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.growth_titles import write_raw
from flows.session import quiet, set_up

SIZES = [10_000, 31_600, 100_000, 316_000, 1_000_000]
STAGES = ("prepare", "embed", "linear")
MAX_EXPONENT, MAX_PEAK_MB = 1.1, 1_500
SEED = 5
console = Console(highlight=False)


class Measured(NamedTuple):
    """Hold one run of a stage: seconds, and the peak memory in MB of its process and all those that it started."""

    stage: str
    titles: int
    round: int
    seconds: float
    peak: float


def main(
    folder: Annotated[Path, typer.Option(help="Where titles, homes and results go; about 3 GB.")] = Path("growth"),
    sizes: Annotated[list[int] | None, typer.Option("--size", help="Numbers of titles.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; medians count.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of Word2Vec.")] = 1,
    plot: Annotated[Path | None, typer.Option(help="File for a figure of the growth.")] = None,
) -> None:
    """Measure every stage on every size, print medians and exponents, and draw them."""
    quiet()
    from prefect import get_client
    from prefect.testing.utilities import prefect_test_harness

    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.jsonl"
    measured = read_results(results)
    with prefect_test_harness(server_startup_timeout=120), get_client(sync_client=True) as client:
        for number in range(rounds):
            for size in sizes or SIZES:
                done = {row.stage for row in measured if (row.titles, row.round) == (size, number)}
                if done != set(STAGES):
                    home = new_home(folder, size, number)
                    # Prepared again where only later stages are missing: a home is begun anew.
                    for stage in STAGES:
                        row = Measured(stage, size, number, *measure(stage, home, epochs, str(client.api_url)))
                        console.print(f"{stage}, {size:,} titles: {row.seconds:.1f} s, peak {row.peak:,.0f} MB")
                        if stage not in done:
                            measured.append(row)
                            with results.open("a") as stream:
                                stream.write(json.dumps(row._asdict()) + "\n")
    show(measured)
    if plot:
        draw(measured, plot)


def read_results(path: Path) -> list[Measured]:
    """Read what earlier runs measured."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [Measured(**json.loads(line)) for line in lines]


def new_home(folder: Path, size: int, number: int) -> Path:
    """Return an empty home over raw titles of this size, which are made once."""
    raw = folder / f"raw-{size}"
    if not raw.exists():
        write_raw(raw, size, SEED)
    home = folder / f"home-{size}-{number}-{os.getpid()}"
    home.mkdir()
    (home / "raw").symlink_to(raw, target_is_directory=True)
    return home


def measure(stage: str, home: Path, epochs: int, api: str) -> tuple[float, float]:
    """Run a stage in a process of its own; return its seconds and peak memory in MB, sampled, shared pages twice."""
    command = [sys.executable, "-P", "-m", "benchmarks.growth", stage, str(home), str(epochs)]
    log = home / f"{stage}.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stream, text=True, env={**os.environ, "PREFECT_API_URL": api}
        )
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.05)
    if process.returncode or not process.stdout:
        raise SystemExit(f"{stage} ended with exit code {process.returncode}; see {log}")
    return float(process.stdout.read().split()[-1]), peak


def memory_of(pid: int) -> float:
    """Return the resident memory in MB of a process and of those that it started."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        # It has just ended; the next look tells.
        return 0.0
    return total / 1e6


def run_stage(stage: str, home: Path, epochs: int) -> None:
    """Run one stage in this process and print its seconds: those of the flow, or of the fit for a recipe."""
    overrides = ["prepare.corpora=[summary]", f"embed.epochs={epochs}", "train.recipes=[linear]"]
    set_up("base", overrides, home)
    from flows.embed import embed
    from flows.prepare import prepare
    from flows.train import train

    started = time.perf_counter()
    if stage == "linear":
        trained = train("base", overrides, home)["summary"]
        seconds = next(model.seconds for model in trained.models if model.recipe == "linear")
    else:
        (prepare if stage == "prepare" else embed)("base", overrides, home)
        seconds = time.perf_counter() - started
    sys.stdout.write(f"{seconds}\n")


def medians(measured: Sequence[Measured], stage: str) -> dict[int, float]:
    """Return the median seconds of a stage by number of titles."""
    sizes = sorted({row.titles for row in measured})
    return {
        size: statistics.median(row.seconds for row in measured if (row.stage, row.titles) == (stage, size))
        for size in sizes
    }


def exponent(seconds: dict[int, float]) -> float:
    """Return k of the least-squares line log(seconds) = k log(titles) + constant."""
    return float(np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0])


def show(measured: Sequence[Measured]) -> None:
    """Print seconds and peaks by size, and each stage's exponent over all sizes and over the last two."""
    table = Table(title="median (minimum to maximum)", title_justify="left")
    for column in ("titles", *(f"{stage}, s" for stage in STAGES), "prepare's peak, MB"):
        table.add_column(column, justify="right")
    for size in sorted({row.titles for row in measured}):
        cells = []
        for stage in STAGES:
            seconds = [row.seconds for row in measured if (row.stage, row.titles) == (stage, size)]
            cells.append(f"{statistics.median(seconds):.1f} ({min(seconds):.1f}-{max(seconds):.1f})")
        peak = max(row.peak for row in measured if (row.stage, row.titles) == ("prepare", size))
        table.add_row(f"{size:,}", *cells, f"{peak:,.0f}")
    console.print(table)
    for stage in STAGES:
        by_size = medians(measured, stage)
        found = exponent(by_size)
        last = exponent(dict(list(by_size.items())[-2:]))
        kept = "kept" if found < MAX_EXPONENT else "MISSED"
        console.print(f"{stage}: exponent {found:.2f}, of the last two sizes {last:.2f}; below {MAX_EXPONENT}: {kept}")
    peak = max(row.peak for row in measured if row.stage == "prepare")
    console.print(f"prepare's peak {peak:,.0f} MB; below {MAX_PEAK_MB:,}: {'kept' if peak < MAX_PEAK_MB else 'MISSED'}")


def draw(measured: Sequence[Measured], path: Path) -> None:
    """Draw seconds by titles and stage, both axes logarithmic, each round a point, and prepare's peak beside it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for stage in STAGES:
        seconds = medians(measured, stage)
        (line,) = left.plot(list(seconds), list(seconds.values()), label=f"{stage} (exponent {exponent(seconds):.2f})")
        rows = [row for row in measured if row.stage == stage]
        left.plot([row.titles for row in rows], [row.seconds for row in rows], ".", color=line.get_color())
    left.set(xscale="log", yscale="log", xlabel="titles", ylabel="seconds")
    left.legend()
    rows = [row for row in measured if row.stage == "prepare"]
    right.plot([row.titles for row in rows], [row.peak for row in rows], "o")
    right.axhline(MAX_PEAK_MB, linestyle="--", color="grey", label="bound")
    right.set(xscale="log", xlabel="titles", ylabel="peak memory of prepare, MB", ylim=(0, None))
    right.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in STAGES:
        run_stage(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        typer.run(main)
