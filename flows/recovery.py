"""Runs that end early: in order, with what they started, or killed and then marked by whoever comes next.

A killed process says nothing any more, and where Prefect's server is away when a run ends its page says Running for
ever. So a run notes itself in runs.json before it does anything, and the next one asks what became of it.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_client, get_run_logger
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.futures import PrefectFuture, wait
from prefect.states import Crashed
from pydantic import BaseModel, TypeAdapter, ValidationError

from conf.operation import Track, without_login
from tasks import store
from tasks.fit_process import end_fits
from tasks.mlflow_store import TrackingError, home_database, is_away, reason_of, takes_nothing
from tasks.progress import Logger
from tasks.runs import Ended, end_runs

RUNS = "runs.json"
# What a run that is ended waits for its tasks at most; it is to be gone within ten seconds.
_LAST_SECONDS = 5.0
# A run that waits for its start (a retry that was asked for) is left alone; below a run that is gone nothing starts.
_OPEN = frozenset({StateType.RUNNING, StateType.CANCELLING})
_OPEN_BELOW = _OPEN | {StateType.PENDING}


class ResultsKeptError(TrackingError):
    """Say that MLflow was lost in the middle of a run, and that nothing else is."""


class Ending(BaseModel, frozen=True):
    """Hold how a run ended, as MLflow is to be told it."""

    status: Ended
    reason: str


class NotedRun(BaseModel, frozen=True):
    """Note a flow run of a home: its id, its process, when it started, and when it ended in order (None: not yet).

    untold is how it ended, where MLflow could not be told.
    """

    flow_run: UUID
    pid: int
    started: str
    ended: str | None = None
    untold: Ending | None = None


_NOTES = TypeAdapter(list[NotedRun])


def end_early(
    home: Path, track: Track, pipeline_run: str, error: BaseException, futures: Sequence[PrefectFuture[Any]]
) -> None:
    """End what a flow has under way that failed or is ended from outside, and its runs in MLflow, with the reason."""
    ended = not isinstance(error, Exception)
    if ended:
        end_fits()
    # What else is under way ends first, or it would mark its run finished after this mark.
    wait(list(futures), _LAST_SECONDS if ended else None)
    what = f"ended from outside ({type(error).__name__}): cancelled, interrupted, or its worker was stopped"
    # MLflow's own messages name its address as it was given, with user and password.
    reason = what if ended else without_login(f"{type(error).__name__}: {error}")
    ending = Ending(status="KILLED" if ended else "FAILED", reason=reason)
    logger = get_run_logger()
    if not end_runs(home, track, pipeline_run, ending.status, ending.reason, logger):
        _change_note(home, UUID(pipeline_run), logger, untold=ending)


@contextlib.contextmanager
def results_kept(home: Path, uri: str | None = None) -> Iterator[None]:
    """Turn MLflow's being away, or its disk being full, into a ResultsKeptError: one line on what becomes of results.

    uri is the store's, None for the home's own.
    """
    try:
        yield
    except Exception as error:
        if takes_nothing(error):
            what = f"{uri or home_database(home)}: cannot be written: {reason_of(error)}"
        elif is_away(error):
            what = str(error) if isinstance(error, TrackingError) else f"MLflow does not answer: {reason_of(error)}"
        else:
            raise
        what = without_login(what)
        raise ResultsKeptError(
            f"{what}. What was made is kept in {home} and is sent when this run is retried, or started again"
        ) from error


@contextlib.contextmanager
def noted_run(home: Path, track: Track, flow_run: UUID, logger: Logger) -> Iterator[None]:
    """Mark the runs that were left open in this home, then note this one for as long as it is under way.

    Call it under the home's lock: whatever else claims to run here does so no more.
    """
    left = _read(home, logger)
    note = NotedRun(flow_run=flow_run, pid=os.getpid(), started=store.now())
    # Before the others are marked, which takes seconds: a kill meanwhile leaves this one, too, to the next run.
    store.write_json(home / RUNS, [*left, note])
    untold = _mark(home, track, left, logger, flow_run)
    store.write_json(home / RUNS, [*untold, note])
    try:
        yield
    finally:
        _change_note(home, flow_run, logger, ended=store.now())


def mark_left_runs(home: Path, track: Track) -> None:
    """Mark the runs that were left open in a home, unless a run is under way there right now."""
    if not (home / RUNS).exists():
        return
    logger = logging.getLogger("prefect.genreflow")
    with contextlib.suppress(store.StoreError), store.lock_home(home, 0) as first:
        if first:
            _mark(home, track, _read(home, logger), logger)


def _mark(
    home: Path, track: Track, notes: list[NotedRun], logger: Logger, under_way: UUID | None = None
) -> list[NotedRun]:
    """Set what is still open of these runs to Crashed in Prefect, and in MLflow to how they ended or to KILLED.

    The run under way is left alone in Prefect. Returns the notes of the others that MLflow could still not be told.
    """
    untold = []
    with get_client(sync_client=True) as client:
        for note in notes:
            if note.ended:
                reason = f"its process ended at {note.ended}, when Prefect's server could not be told"
                # Else one that ended in order has ended its runs in MLflow, too.
                ending = note.untold
            else:
                reason = f"its process ({note.pid}, since {note.started}) was killed, or its machine went down"
                ending = Ending(status="KILLED", reason=reason)
            told = ending is None or end_runs(home, track, str(note.flow_run), ending.status, ending.reason, logger)
            if note.flow_run == under_way:
                continue
            if not told:
                untold.append(note)
            if _crash(client, note.flow_run, reason):
                logger.warning("flow run %s was left open: %s. It is marked Crashed", note.flow_run, reason)
    return untold


def _crash(client: Any, flow_run: UUID, reason: str, unfinished: frozenset[StateType] = _OPEN) -> bool:
    """Set a flow run, its subflows and their tasks to Crashed where they claim to run; says whether the run did."""
    try:
        run = client.read_flow_run(flow_run)
    except ObjectNotFound:
        # Deleted, or of another server.
        return False
    children = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[flow_run]))
    )
    for child in children:
        _crash(client, child.id, reason, _OPEN_BELOW)
    tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run])))
    for task in tasks:
        if task.state_type in _OPEN_BELOW:
            client.set_task_run_state(task.id, Crashed(message=reason), force=True)
    if run.state_type not in unfinished:
        return False
    client.set_flow_run_state(flow_run, Crashed(message=reason), force=True)
    return True


def _change_note(home: Path, flow_run: UUID, logger: Logger, **changed: Any) -> None:
    notes = _read(home, logger)
    changes = [note.model_copy(update=changed) if note.flow_run == flow_run else note for note in notes]
    store.write_json(home / RUNS, changes)


def _read(home: Path, logger: Logger) -> list[NotedRun]:
    path = home / RUNS
    try:
        return _NOTES.validate_json(path.read_bytes()) if path.exists() else []
    except ValidationError as error:
        logger.warning("%s: not a list of runs (%d errors); runs left open stay as they are", path, error.error_count())
        return []
