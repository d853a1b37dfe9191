"""What every flow opens first: the validated configuration and its locked home folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from prefect import get_run_logger
from prefect.runtime import flow_run
from prefect.states import State

from conf.schema import Settings, load
from flows.parameters import Conf
from flows.paths import home_path
from flows.recovery import noted_run, results_kept
from flows.session import quiet
from tasks import store
from tasks.champion import check_store

T = TypeVar("T")


def value_of(outcome: T | State[T]) -> T:
    """Return what a task gave that was called in this thread, where Ctrl-C reaches it; a Cached one gives a state."""
    return outcome.result() if isinstance(outcome, State) else outcome


@contextlib.contextmanager
def open_home(
    conf: Conf, overrides: list[str], home: Path | None, *, tracked: bool = False
) -> Iterator[tuple[Settings, Path]]:
    """Load the configuration and hold the home's lock for as long as the flow runs.

    Runs that a kill or an outage left open in this home are marked first. tracked says that the flow logs to MLflow:
    a store of its own (track.uri) must answer before any work is done.

    Raises ConfigError for a wrong key or file, StoreError when another run keeps the home for too long, TrackingError
    where MLflow's store cannot be used, ResultsKeptError where it is lost later.
    """
    # A worker's process has passed no command line: telemetry is switched off here, too.
    quiet()
    settings = load(conf, overrides)
    path = home_path(home)
    logger = get_run_logger()
    waits = settings.run.wait_seconds
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(
            store.lock_home(path, waits, lambda holder: logger.info("waiting for %s (%s)", path, holder))
        )
        if first and tracked:
            check_store(path, settings.track)
        if first:
            stack.enter_context(noted_run(path, settings.track, UUID(str(flow_run.root_flow_run_id)), logger))
        if tracked:
            stack.enter_context(results_kept(path, settings.track.uri))
        yield settings, path
