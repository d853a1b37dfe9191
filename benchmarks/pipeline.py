"""Where the time of a whole pipeline goes: from an empty home and a site of one's own to champions, and again.

Crawl, prepare, Word2Vec, linear, characters, bilstm and their blend of both corpora, logging. The second run finds
everything done. Prefect's own record of the run says when each task worked.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.request import urlopen

import typer
from rich.console import Console
from rich.table import Table

from conf.errors import GenreflowError

MAX_MINUTES, MAX_OVERHEAD, MAX_SECOND = 40.0, 0.10, 0.05
RECIPES = "[linear,characters,bilstm,blend]"
# What the names of task runs begin with, in the order of the data's way.
STAGES = {
    "crawl": ("collect ",),
    "prepare": ("clean ", "prepare ", "other texts "),
    "Word2Vec": ("embed ",),
    "linear": ("train linear ",),
    "characters": ("train characters ",),
    "bilstm": ("train bilstm ",),
    "blend and prior-only": ("blend ", "prior "),
    "evaluation and behaviour": ("evaluate ", "behaviour "),
    "MLflow": ("open MLflow ", "log ", "challenge ", "close MLflow "),
}
console = Console(highlight=False, soft_wrap=True)


class Span(NamedTuple):
    """Hold when a task run worked, in seconds since the epoch, and its stage."""

    stage: str
    start: float
    end: float


def main(
    titles: Annotated[
        Path, typer.Option("--titles", envvar="GENREFLOW_TITLES", help="Titles file to serve and crawl.")
    ],
    home: Annotated[Path, typer.Option(help="Home to fill; must not exist.")] = Path("pipeline-home"),
    port: Annotated[int, typer.Option(help="Port of the local movie site.")] = 8790,
) -> None:
    """Run the pipeline twice and show where the time goes."""
    if home.exists():
        raise GenreflowError(f"{home}: exists; expected a home to be made, the run begins with nothing")
    with site(titles, port):
        first, began = run(home, port)
        spans, flow = spans_of(home), flow_of(home)
        second, _ = run(home, port)
    show(spans, flow, began, first)
    _bound("the first run", first / 60, MAX_MINUTES, "minutes")
    _bound("the second run, of the first's time", second / first, MAX_SECOND, f"({second:.0f} s)")
    stored = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
    console.print(f"the home has {stored / 1e6:,.0f} MB, disk free {shutil.disk_usage(home).free / 1e9:,.0f} GB")


@contextmanager
def site(titles: Path, port: int) -> Iterator[None]:
    """Serve the titles in a process of its own."""
    command = [sys.executable, "-P", "-m", "flows.cli", "site", "--titles", str(titles), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                with urlopen(f"http://127.0.0.1:{port}/robots.txt", timeout=2):
                    break
            except OSError:
                time.sleep(0.1)
        else:
            raise GenreflowError(f"the local movie site does not answer on port {port}; choose another with --port")
        yield
    finally:
        process.terminate()
        process.wait()


def run(home: Path, port: int) -> tuple[float, float]:
    """Run the pipeline as a user does; return its seconds and the moment at which it began."""
    settings = [f"collect.base_url=http://127.0.0.1:{port}", f"train.recipes={RECIPES}"]
    command = [sys.executable, "-P", "-m", "flows.cli", "run", "--conf", "imdb", "--home", str(home)]
    for each in settings:
        command += ["--set", each]
    began, started = time.time(), time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started, began


def spans_of(home: Path) -> list[Span]:
    """Return when each task run of the home worked, from Prefect's database."""
    stage_of = {prefix: stage for stage, prefixes in STAGES.items() for prefix in prefixes}
    with closing(sqlite3.connect(home / "prefect" / "prefect.db")) as database:
        # A flow inside a flow is a task run, too.
        query = """SELECT name, start_time, end_time FROM task_run WHERE end_time IS NOT NULL AND id NOT IN
            (SELECT parent_task_run_id FROM flow_run WHERE parent_task_run_id IS NOT NULL)"""
        rows = database.execute(query).fetchall()
    return [
        Span(next(stage for prefix, stage in stage_of.items() if name.startswith(prefix)), _moment(start), _moment(end))
        for name, start, end in rows
    ]


def flow_of(home: Path) -> tuple[float, float]:
    """Return when the pipeline's flow began and ended."""
    with closing(sqlite3.connect(home / "prefect" / "prefect.db")) as database:
        query = "SELECT MIN(start_time), MAX(end_time) FROM flow_run WHERE parent_task_run_id IS NULL"
        start, end = database.execute(query).fetchone()
    return _moment(start), _moment(end)


def _moment(told: str) -> float:
    moment = datetime.fromisoformat(told)
    return (moment if moment.tzinfo else datetime.fromisoformat(f"{told}+00:00")).timestamp()


def covered(spans: Sequence[Span]) -> float:
    """Return for how many seconds at least one of the spans lasted."""
    total, last = 0.0, 0.0
    for span in sorted(spans, key=lambda span: span.start):
        total += max(0.0, span.end - max(span.start, last))
        last = max(last, span.end)
    return total


def show(spans: Sequence[Span], flow: tuple[float, float], began: float, seconds: float) -> None:
    """Print the time of each stage, and what Prefect and MLflow took while nothing else was going on."""
    work = [span for span in spans if span.stage != "MLflow"]
    table = Table(title=f"{seconds / 60:.1f} minutes", title_justify="left")
    for column in ("", "tasks", "seconds", "while nothing else worked"):
        table.add_column(column, justify="right" if column else "left")
    for stage in STAGES:
        own = [span for span in spans if span.stage == stage]
        alone = covered(spans) - covered([span for span in spans if span.stage != stage])
        table.add_row(stage, str(len(own)), f"{covered(own):.1f}", f"{alone:.1f}")
    overhead = {
        "start-up: imports, Prefect's server": flow[0] - began,
        "MLflow while nothing else worked": covered(spans) - covered(work),
        "Prefect between tasks": flow[1] - flow[0] - covered(spans),
        "end: Prefect's server stops": began + seconds - flow[1],
    }
    for name, took in overhead.items():
        table.add_row(name, "", f"{took:.1f}", "")
    console.print(table)
    _bound("Prefect and MLflow, of the run's time", sum(overhead.values()) / seconds, MAX_OVERHEAD)


def _bound(what: str, value: float, most: float, unit: str = "") -> None:
    console.print(f"{what}: {value:.3g} {unit} (at most {most:g}: {'kept' if value <= most else 'MISSED'})")


if __name__ == "__main__":
    typer.run(main)
