"""A run whose process gets SIGTERM, as Prefect's worker sends it on a cancellation: what it started ends with it.

Short by default; GENREFLOW_LONG=1 ends a command with an embedded Prefect server at 20 random moments.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from harness import TrainedHome
from prefect import get_client
from trainers import PREPARED, copy_stages

from scraper.site.generator import generate_titles
from scraper.site.server import running_site

SECONDS = 10.0
LONG = bool(os.environ.get("GENREFLOW_LONG"))
TITLES = 200
PARENTS = "SELECT status FROM runs JOIN tags USING (run_uuid) WHERE tags.key = 'kind' AND tags.value = 'pipeline'"


@contextmanager
def command(*arguments: object, embedded: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Start a command of the command line in a session of its own, on the suite's Prefect server or an embedded one."""
    environment = {key: value for key, value in os.environ.items() if key != "PREFECT_HOME"}
    if not embedded:
        with get_client(sync_client=True) as client:
            environment |= {"PREFECT_API_URL": str(client.api_url), "PREFECT_HOME": os.environ["PREFECT_HOME"]}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "flows.cli", *map(str, arguments)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(holds: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.2)


def started(process: subprocess.Popen[str], module: str) -> list[psutil.Process]:
    """Return the processes of a module that the command has started."""
    return [each for each in psutil.Process(process.pid).children(recursive=True) if runs(each, module)]


def runs(process: psutil.Process, module: str) -> bool:
    try:
        return module in process.cmdline()
    except psutil.Error:
        # It has just ended.
        return False


def end(process: subprocess.Popen[str], children: list[psutil.Process]) -> tuple[int, str, float]:
    """Send SIGTERM; returns exit code, standard error, and the seconds until the children and then the run are gone."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    psutil.wait_procs(children, timeout=60)
    took = time.monotonic() - begun
    _, error = process.communicate(timeout=60)
    return process.returncode, error, took


def drafts(home: Path) -> list[Path]:
    return list(home.rglob(".running-*"))


def test_training_ends_with_its_run_and_leaves_nothing_half_made(trained_home: TrainedHome, tmp_path: Path) -> None:
    copy_stages(trained_home.path, tmp_path, PREPARED)
    overrides = ["train.recipes=[seed]", "train.seed.summary.epochs=1000", "train.seed.synopsis.epochs=1000"]
    with command("train", "--conf", "quick", "--home", tmp_path, *(f"--set={each}" for each in overrides)) as process:
        wait_for(lambda: len(started(process, "tasks.fitting")) == 2 and drafts(tmp_path), process)
        wait_for(lambda: statuses(tmp_path) == ["RUNNING", "RUNNING"], process)
        code, error, seconds = end(process, started(process, "tasks.fitting"))
    assert seconds < SECONDS
    assert (code, "Traceback" in error) == (-signal.SIGTERM, False)
    assert drafts(tmp_path) == []
    assert statuses(tmp_path) == ["KILLED", "KILLED"]


def statuses(home: Path) -> list[str]:
    """Return the status of MLflow's parent runs of a home, without making the store that its run is making."""
    try:
        with sqlite3.connect(f"file:{home}/mlflow/mlflow.db?mode=ro", uri=True) as store:
            rows = store.execute(PARENTS)
            return [status for (status,) in rows]
    except sqlite3.OperationalError:
        return []


def test_crawl_ends_with_its_run_and_is_gone_on_with(prefect_server: None, tmp_path: Path) -> None:
    def crawl(base_url: str) -> tuple[object, ...]:
        given = (f"collect.base_url={base_url}", f"site.titles={TITLES}", "collect.part_titles=20")
        return "collect", "--conf", "quick", "--home", tmp_path, *(f"--set={each}" for each in given)

    with running_site(generate_titles(TITLES, 11), latency_ms=500) as base_url, command(*crawl(base_url)) as process:
        wait_for(lambda: list(tmp_path.glob("raw/*/part-*.parquet")), process)
        code, error, seconds = end(process, started(process, "scraper.crawl"))
    assert (code, "Traceback" in error) == (-signal.SIGTERM, False)
    assert seconds < SECONDS
    held = len(list(tmp_path.glob("raw/*/part-*.parquet")))
    with running_site(generate_titles(TITLES, 11)) as base_url, command(*crawl(base_url)) as process:
        out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert 0 < held < len(list(tmp_path.glob("raw/*/part-*.parquet")))
    assert f"{TITLES}" in out


@pytest.mark.parametrize("attempt", range(20 if LONG else 1))
def test_embedded_server_ends_with_its_command(trained_home: TrainedHome, tmp_path: Path, attempt: int) -> None:
    copy_stages(trained_home.path, tmp_path, PREPARED)
    train = ("train", "--conf", "quick", "--corpus", "summary", "--set", "train.recipes=[linear]", "--home", tmp_path)
    with command(*train, embedded=True) as process:
        wait_for(lambda: started(process, "uvicorn"), process)
        # Starting the server takes the longest.
        time.sleep(random.Random(attempt).uniform(0, 60 if LONG else 1))
        session = process.pid
        code, error, _ = end(process, [])
    assert "Traceback" not in error
    assert code in (-signal.SIGTERM, 0), error
    assert of_session(session) == []


def of_session(session: int) -> list[list[str]]:
    """Return the command lines of the processes of a session."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getsid(each.pid) == session and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each.cmdline())
    return found
