"""Where a flow's tasks run: in threads of its own process, or on a Dask cluster."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from prefect import get_client
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from conf.errors import GenreflowError
from conf.operation import Run

DASK_EXTRA = "pip install 'genreflow[dask]'"


def runner_of(settings: Run) -> TaskRunner[Any]:
    """Return the task runner that the configuration asks for, to be entered as a context.

    Raises GenreflowError where Dask is asked for and not installed.
    """
    if settings.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=settings.processes)
    try:
        from prefect_dask import DaskTaskRunner
    except ModuleNotFoundError as error:
        raise GenreflowError(
            f"run.runner dask needs a package that is not installed ({error.name}): {DASK_EXTRA}"
        ) from None
    # Set when it is imported, and past Prefect's own level: a line for every connection.
    logging.getLogger("distributed").setLevel(logging.WARNING)
    if settings.dask_address:
        return DaskTaskRunner(address=settings.dask_address)
    from distributed.deploy.subprocess import SubprocessCluster

    # Without it each worker would start a server of its own beside an embedded one.
    with get_client(sync_client=True) as client:
        server = {"PREFECT_API_URL": str(client.api_url)}
    workers = {"n_workers": settings.processes, "threads_per_worker": 1, "worker_kwargs": {"env": server}}
    # Started by command line: workers that multiprocessing starts take over sys.path, where a model that MLflow has
    # loaded puts its own, older copy of this package first.
    return DaskTaskRunner(cluster_class=SubprocessCluster, cluster_kwargs={**workers, "dashboard_address": None})


@contextlib.contextmanager
def lost_workers_named(settings: Run) -> Iterator[None]:
    """Turn Dask's word that workers died over a block into one that says what to change; Dask tries a block four times.

    Raises GenreflowError for it, and everything else as it came.
    """
    try:
        yield
    except Exception as error:
        # Known by its name, since Dask is an extra.
        if type(error).__name__ != "KilledWorker":
            raise
        raise GenreflowError(
            f"Dask workers died, one after the other, over the same block, most likely for want of memory; "
            f"run.block_titles below {settings.block_titles:,} or fewer workers a machine need less ({error})"
        ) from None
