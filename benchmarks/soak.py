"""A home that is trained night after night: memory, file handles, processes, disk and the time of a run stay flat.

Servers, deployments and worker as in production on one machine; every night the site has more titles, every result is
made again and logged, and `genreflow clean` keeps the newest. What is measured each night is kept in a file.
"""

from __future__ import annotations

import csv
import io
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table

from conf.errors import GenreflowError
from conf.names import MLFLOW_NOTE
from flows.session import SERVER_NOTE, quiet
from scraper.site.generator import generate_titles
from scraper.site.server import running_site
from tasks.store import write_bytes

TITLES, NEW_TITLES, SEED = 300, 2, 5
RECIPES = "[seed,linear,blend]"
KEEP = 3
START_SECONDS, NIGHT_SECONDS = 180.0, 1_800.0
# The first third fills caches and what `clean` keeps; what grows must show between the other two.
MOST_RISE = 0.10
console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Night:
    """Hold what one night's run took, and what was held and stored after it; memory and disk in MB."""

    night: int
    seconds: float
    cpu_seconds: float
    run_memory: float
    run_handles: int
    memory: float
    handles: int
    processes: int
    disk: float
    raw: float
    prefect_database: float


# What must stay flat. Raw titles are never removed, and Prefect keeps its record of runs by settings of its own.
FLAT = {
    "seconds": "seconds of a run",
    "cpu_seconds": "CPU seconds of a run",
    "run_memory": "peak memory of a run, MB",
    "run_handles": "most file handles of a run",
    "memory": "memory of servers and worker, MB",
    "handles": "file handles of servers and worker",
    "processes": "processes of servers and worker",
    "disk": "disk without raw titles and Prefect's database, MB",
}
GROWING = {"raw": "raw titles, MB", "prefect_database": "Prefect's database, MB"}


@dataclass(frozen=True, slots=True)
class Rig:
    """Hold what serves a home: pages and worker as processes, and the address of MLflow."""

    home: Path
    processes: tuple[psutil.Process, ...]
    mlflow: str
    site_port: int

    @property
    def worker(self) -> psutil.Process:
        """Return the worker, whose children are the runs."""
        return self.processes[-1]


def main(
    home: Annotated[Path, typer.Option(help="Home to fill; must not exist. Logs lie beside it.")] = Path("soak-home"),
    nights: Annotated[int, typer.Option(min=6, help="Runs in a row.")] = 30,
    results: Annotated[Path | None, typer.Option(help="File for the figures, CSV. [default: beside the home]")] = None,
    plot: Annotated[Path | None, typer.Option(help="File for a figure of them.")] = None,
) -> None:
    """Run the pipeline night after night and say what grew; ends with exit code 1 where anything did."""
    home = home.resolve()
    if home.exists():
        raise GenreflowError(f"{home}: exists; expected a home to be made, the first night begins with nothing")
    quiet()
    measured: list[Night] = []
    with services(home) as rig:
        for number in range(1, nights + 1):
            measured.append(run_night(number, rig))
            write_csv(measured, results or home.with_suffix(".csv"))
            console.print(", ".join(f"{name} {value:,.6g}" for name, value in asdict(measured[-1]).items()))
    if plot:
        draw(measured, plot)
    if not show(measured):
        raise SystemExit(1)


@contextmanager
def services(home: Path) -> Iterator[Rig]:
    """Start pages, deployments and a worker of the home, and stop them."""
    home.mkdir(parents=True)
    prefect_port, mlflow_port, site_port = free_ports(3)
    started = [command(home, "ui", f"--prefect-port={prefect_port}", f"--mlflow-port={mlflow_port}")]
    try:
        wait_until((home / MLFLOW_NOTE).exists, started[0], START_SECONDS)
        os.environ |= {"PREFECT_API_URL": (home / SERVER_NOTE).read_text(), "PREFECT_WORKER_QUERY_SECONDS": "2"}
        finish(home, "deploy")
        started.append(command(home, "worker"))
        yield Rig(
            home, tuple(psutil.Process(each.pid) for each in started), (home / MLFLOW_NOTE).read_text(), site_port
        )
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(60)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def command(home: Path, name: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a command of genreflow on the home; what it says goes into a file beside it."""
    with log_of(home, name).open("ab") as log:
        words = [sys.executable, "-P", "-m", "flows.cli", name, "--home", str(home), *options]
        return subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)


def log_of(home: Path, name: str) -> Path:
    """Return where a command's words go."""
    return home.with_name(f"{home.name}-{name}.log")


def finish(home: Path, name: str, *options: str) -> None:
    """Run a command of genreflow to its end; raises GenreflowError naming its log where it fails."""
    if command(home, name, *options).wait():
        raise GenreflowError(f"genreflow {name} failed; see {log_of(home, name)}")


def wait_until(holds: Callable[[], Any], process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for what a process does; raises GenreflowError where it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        if process.poll() is not None or time.monotonic() > deadline:
            raise GenreflowError(f"not ready after {seconds:g} s: {process.args!r}; see its log beside the home")
        time.sleep(0.5)


def run_night(number: int, rig: Rig) -> Night:
    """Run the pipeline on a site that has grown, tidy up, and measure; raises GenreflowError for a run that fails."""
    before, started = cpu_seconds(rig.worker), time.perf_counter()
    with running_site(generate_titles(TITLES + number * NEW_TITLES, SEED), port=rig.site_port) as base_url:
        memory, handles = watch(start_run(rig, base_url), rig.worker)
    seconds = time.perf_counter() - started
    # As on one machine: the store is the home's own, whatever serves its pages.
    finish(rig.home, "clean", f"--keep={KEEP}", "--delete", "--conf=quick")
    held = family(rig.processes)
    raw, database = megabytes(rig.home / "raw"), megabytes(rig.home / "prefect")
    return Night(
        night=number,
        seconds=seconds,
        cpu_seconds=cpu_seconds(rig.worker) - before,
        run_memory=memory,
        run_handles=handles,
        memory=sum(each.memory_info().rss for each in held) / 1e6,
        handles=sum(each.num_fds() for each in held),
        processes=len(held),
        disk=megabytes(rig.home) - raw - database,
        raw=raw,
        prefect_database=database,
    )


def start_run(rig: Rig, base_url: str) -> Callable[[], bool]:
    """Ask for a run of the deployment; returns a function that says whether it has ended, and raises for a failure."""
    from prefect import get_client

    overrides = [
        f"collect.base_url={base_url}",
        "collect.ids=site",
        f"train.recipes={RECIPES}",
        f"track.uri={rig.mlflow}",
    ]
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("pipeline/pipeline")
        parameters = {"conf": "quick", "overrides": overrides}
        run = client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id

    def ended() -> bool:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run).state
        if state and state.is_final() and not state.is_completed():
            raise GenreflowError(f"run {run} ended as {state.name}: {state.message}")
        return bool(state and state.is_final())

    return ended


def watch(ended: Callable[[], bool], worker: psutil.Process) -> tuple[float, int]:
    """Wait for a run and all its processes; returns the most memory in MB and file handles that they held at once."""
    memory, handles = 0.0, 0
    deadline = time.monotonic() + NIGHT_SECONDS
    while not ended() or worker.children():
        if time.monotonic() > deadline:
            raise GenreflowError(f"a run has not ended after {NIGHT_SECONDS:g} s")
        held = family([worker])[1:]
        try:
            memory = max(memory, sum(each.memory_info().rss for each in held) / 1e6)
            handles = max(handles, sum(each.num_fds() for each in held))
        except psutil.NoSuchProcess:
            # It has just ended; the next look tells.
            continue
        finally:
            time.sleep(0.5)
    return memory, handles


def family(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """List processes and all that they started."""
    return [each for process in processes for each in (process, *process.children(recursive=True))]


def cpu_seconds(worker: psutil.Process) -> float:
    """Return the CPU seconds of all runs that a worker has waited for."""
    times = worker.cpu_times()
    return float(times.children_user + times.children_system)


def megabytes(folder: Path) -> float:
    """Return what a folder's files take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def write_csv(measured: Sequence[Night], path: Path) -> None:
    """Write the nights as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(asdict(measured[0])), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: round(value, 2) for name, value in asdict(night).items()} for night in measured)
    write_bytes(path, text.getvalue().encode())


def thirds(measured: Sequence[Night], name: str) -> tuple[float, float]:
    """Return the medians of a figure over the middle and the last third of the nights."""
    third = len(measured) // 3
    values = [float(getattr(night, name)) for night in measured]
    return statistics.median(values[third : 2 * third]), statistics.median(values[2 * third :])


def show(measured: Sequence[Night]) -> bool:
    """Print each figure's medians and rise, and return whether all that must stay flat did."""
    table = Table(title=f"{len(measured)} nights", title_justify="left")
    for column in ("", "first night", "middle third", "last third", "rise", ""):
        table.add_column(column, justify="right" if column else "left")
    flat = True
    for name, label in {**FLAT, **GROWING}.items():
        middle, last = thirds(measured, name)
        rise = last / middle - 1
        kept = rise <= MOST_RISE
        flat &= kept or name in GROWING
        verdict = "grows" if name in GROWING else "flat" if kept else "GROWS"
        table.add_row(label, *(f"{value:,.1f}" for value in (getattr(measured[0], name), middle, last)),
                      f"{rise:+.1%}", verdict)  # fmt: skip
    console.print(table)
    return flat


def draw(measured: Sequence[Night], path: Path) -> None:
    """Draw every figure over the nights."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    labels = {**FLAT, **GROWING}
    for axes, (name, label) in zip(figure.subplots(5, 2, sharex=True).flat, labels.items(), strict=True):
        axes.plot([night.night for night in measured], [getattr(night, name) for night in measured], ".-")
        axes.set(title=label, ylim=(0, None))
        axes.title.set_fontsize("small")
    figure.supxlabel("night")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    typer.run(main)
