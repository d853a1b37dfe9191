"""A home's deployments on a Prefect server: work pool, queue, prefect.yaml, and the worker that runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from conf.errors import GenreflowError
from flows.session import RETRIES_OF_REQUESTS, check_server, running_server

POOL = "genreflow"
# What locks the home goes through this queue, one run at a time: the next one waits there instead of at the lock.
HOME_QUEUE = "home"
# One that writes and one that predicts. The pool's limit, not the worker's: with one of its own a worker of Prefect
# 3.8 ends when a run is retried before it has let go of the attempt that failed.
RUNS_AT_ONCE = 2
ROOT = Path(__file__).parents[1]


class DeployError(GenreflowError):
    """Say what of a home's deployments could not be set up, and what to do."""


def connect_server(home: Path) -> str:
    """Choose the Prefect server of a home, before Prefect is imported, and return its API's address.

    That is PREFECT_API_URL, else the one of `genreflow ui`. Raises DeployError where there is none, ServerAwayError
    where it does not answer.
    """
    address = os.environ.get("PREFECT_API_URL") or running_server(home)
    if address is None:
        raise DeployError(
            f"no Prefect server: start one over this home in another terminal (genreflow ui --home {home}), "
            "which says when it is up, or name yours in PREFECT_API_URL"
        )
    check_server(address)
    os.environ["PREFECT_API_URL"] = address
    # What Prefect notes on this machine stays inside the home.
    (home / "prefect").mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(home / "prefect"))
    return address


def deploy(home: Path) -> list[str]:
    """Set up work pool, queue and deployments for a home, or bring them up to date; returns the deployments' names.

    Runs of the pool use this home unless their form names another. Raises DeployError.
    """
    import yaml
    from prefect import get_client

    with get_client(sync_client=True) as client:
        _set_up_pool(client, home)
    file = _deployments_file()
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    # Without a pull step Prefect notes the folder that the command is given in, and runs load the flows from there.
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise DeployError(f"{file} could not be deployed: {(done.stderr or done.stdout).strip()[-1000:]}")
    declared: list[dict[str, Any]] = yaml.safe_load(file.read_text())["deployments"]
    return [f"{Path(each['entrypoint']).name.split('.')[0]}/{each['name']}" for each in declared]


def run_worker() -> None:
    """Become Prefect's worker of the pool; does not return."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    os.execv(sys.executable, command)


def _deployments_file() -> Path:
    """Return prefect.yaml: in a checkout beside the flows' folder, in an installed package inside it."""
    return next(path for path in (ROOT / "prefect.yaml", ROOT / "flows" / "prefect.yaml") if path.exists())


def _set_up_pool(client: Any, home: Path) -> None:
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        pool = client.read_work_pool(POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        pool = client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
    if pool.type != "process":
        raise DeployError(f"work pool {POOL} is of type {pool.type}; expected process: rename or delete that one")
    template = pool.base_job_template
    environment = template["variables"]["properties"]["env"]
    ours = {"GENREFLOW_HOME": str(home), "PREFECT_CLIENT_MAX_RETRIES": RETRIES_OF_REQUESTS}
    environment["default"] = {**environment.get("default", {}), **ours}
    told = f"Runs of genreflow on {home}"
    limits = WorkPoolUpdate(base_job_template=template, description=told, concurrency_limit=RUNS_AT_ONCE)
    client.update_work_pool(POOL, limits)
    try:
        queue = client.read_work_queue_by_name(HOME_QUEUE, work_pool_name=POOL)
    except ObjectNotFound:
        queue = client.create_work_queue(HOME_QUEUE, work_pool_name=POOL)
    client.update_work_queue(queue.id, concurrency_limit=1, description="One run at a time: what writes into the home.")
