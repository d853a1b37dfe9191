"""What every flow opens first: the validated configuration and its locked home folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from prefect import get_run_logger
from prefect.states import State

from conf.schema import Settings, load
from flows.paths import home_path
from flows.session import quiet
from tasks import store

T = TypeVar("T")


def value_of(outcome: T | State[T]) -> T:
    """Return what a task gave that was called in this thread, where Ctrl-C reaches it; a Cached one gives a state."""
    return outcome.result() if isinstance(outcome, State) else outcome


@contextlib.contextmanager
def open_home(conf: str, overrides: list[str], home: str | None) -> Iterator[tuple[Settings, Path]]:
    """Load the configuration and hold the home's lock for as long as the flow runs.

    Raises ConfigError for a wrong key or file, StoreError when another run keeps the home for too long.
    """
    # A worker's process has passed no command line: telemetry is switched off here, too.
    quiet()
    settings = load(conf, overrides)
    path = home_path(home)
    logger = get_run_logger()
    waits = settings.run.wait_seconds
    with store.lock_home(path, waits, lambda holder: logger.info("waiting for %s (%s)", path, holder)):
        yield settings, path
