"""What training takes of the machine: MLflow's system metrics of a pipeline run, each fit's processor and memory.

MLflow's page shows what begins with system/ under a heading of its own.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tasks import store

USAGE = "usage.json"
SECONDS = 5.0
LAST_SECONDS = 2.0


class Sample(NamedTuple):
    """Hold what a fit took at a moment: seconds since its start, processor (100: one core), memory in MB."""

    seconds: float
    cpu_percent: float
    memory_mb: float


@contextlib.contextmanager
def watched_machine(run_ids: Iterable[str]) -> Iterator[None]:
    """Log the machine's processor, memory, disk, network and GPU to MLflow's runs for as long as they are under way.

    The runs are those of the store that MLflow is pointed at. Where it is away the rest is not logged, and no more; a
    run that is ended from outside waits for the last sample no longer than LAST_SECONDS.
    """
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    # A retried run goes on after the steps that it logged before.
    monitors = [SystemMetricsMonitor(run_id, resume_logging=True) for run_id in run_ids]
    for monitor in monitors:
        monitor.start()
    patience = None
    try:
        yield
    except Exception:
        raise
    except BaseException:
        patience = LAST_SECONDS
        raise
    finally:
        # A server that hangs answers a monitor's request after a minute, or never.
        ends = [threading.Thread(target=monitor.finish, daemon=True) for monitor in monitors]
        for end in ends:
            end.start()
        for end in ends:
            end.join(patience)


@contextlib.contextmanager
def watched_process(pid: int, folder: Path) -> Iterator[None]:
    """Sample a process every five seconds, and write what it took into the folder as usage.json."""
    samples: list[Sample] = []
    ended = threading.Event()
    thread = threading.Thread(target=_sample, args=(pid, samples, ended), daemon=True, name="fit usage")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    store.write_json(folder / USAGE, samples)


def read_usage(folder: Path) -> list[Sample]:
    """Read what a fit took; empty for what was not fitted in a process of its own."""
    path = folder / USAGE
    return [Sample(*each) for each in json.loads(path.read_text())] if path.exists() else []


def usage_steps(samples: Iterable[Sample]) -> list[tuple[str, int, float]]:
    """Return samples as points of stepped metrics (metric, second, value)."""
    return [
        point
        for sample in samples
        for point in (
            ("system/fit_cpu_percentage", round(sample.seconds), sample.cpu_percent),
            ("system/fit_memory_megabytes", round(sample.seconds), sample.memory_mb),
        )
    ]


def _sample(pid: int, samples: list[Sample], ended: threading.Event) -> None:
    started = time.monotonic()
    # A process that has ended has nothing more to tell.
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.cpu_percent()
        while not ended.wait(SECONDS):
            memory: Any = process.memory_info()
            seconds = round(time.monotonic() - started, 1)
            samples.append(Sample(seconds, process.cpu_percent(), round(memory.rss / 1e6, 1)))
