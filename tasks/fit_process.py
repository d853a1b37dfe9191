"""Fits in processes of their own: so many at once, followed line by line, and ended with their run."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from prefect import get_run_logger
from prefect.runtime import flow_run

from conf.errors import GenreflowError
from tasks.fitting import FitSpec
from tasks.system_metrics import watched_process

# Fits under way by the flow run that they belong to, and the flow runs that were ended.
_fits: dict[str | None, set[subprocess.Popen[str]]] = {}
_ended: set[str | None] = set()
_lock = threading.Lock()


class FitError(GenreflowError):
    """Say which fit failed and with what last words."""


def end_fits() -> None:
    """End the fits of the flow run that is being ended, and let it start no other: its threads wait for them."""
    with _lock:
        # Outside a flow there is no run, and what is fitted next is another matter.
        if flow_run.id is not None:
            _ended.add(flow_run.id)
        for process in _fits.get(flow_run.id, ()):
            process.terminate()


@functools.cache
def slots(processes: int) -> threading.Semaphore:
    """Return the semaphore that lets so many fits of this process run at once."""
    return threading.Semaphore(processes)


def fit_in_process(spec: FitSpec, on_report: Callable[[dict[str, Any]], None]) -> float:
    """Run tasks.fitting on the spec, hand on what it reports (done, total, note, figures), return the seconds it took.

    What on_report raises ends the fit. Raises FitError with the process's last line when it fails.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, (Path(scratch) / "errors").open("w+") as errors:
        spec_file = Path(scratch) / "spec.json"
        spec_file.write_text(spec.model_dump_json())
        with _started(spec, spec_file, errors) as process, watched_process(process.pid, spec.folder):
            for line in process.stdout or ():
                told = _progress_line(line)
                if told:
                    on_report(told)
            code = process.wait()
        if code:
            errors.seek(0)
            last = errors.read().strip().splitlines()[-20:] or ["(it said nothing)"]
            get_run_logger().error("fitting %s on %s:\n%s", spec.recipe, spec.corpus, "\n".join(last))
            raise FitError(f"fitting {spec.recipe} on {spec.corpus} ended with exit code {code}: {last[-1]}")
    return time.monotonic() - started


@contextlib.contextmanager
def _started(spec: FitSpec, spec_file: Path, errors: IO[str]) -> Iterator[subprocess.Popen[str]]:
    run = flow_run.id
    with _lock:
        if run in _ended:
            raise FitError(f"{spec.recipe} on {spec.corpus} is not fitted: its run was ended")
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tasks.fitting", str(spec_file)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **_one_thread()},
        )
        _fits.setdefault(run, set()).add(process)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        with _lock:
            _fits[run].discard(process)


def _progress_line(line: str) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and "done" in told else None


def _one_thread() -> dict[str, str]:
    # One fit uses about one core whatever it is given; two side by side use two better than one does.
    return {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
