"""Runs that nobody ended: what the next start marks in Prefect and in MLflow, and what it leaves alone."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import flow, get_client, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.states import Completed, Pending, Running, Scheduled

from conf.schema import load
from flows.recovery import RUNS, NotedRun, mark_left_runs, noted_run
from tasks import store
from tasks.champion import connect
from tasks.runs import experiment_id, new_run

TRACK = load("quick").track
LOGGER = logging.getLogger(__name__)


@flow
def pretended() -> None:
    """Stand for a flow whose runs are only told of."""


@task
def step() -> None:
    """Stand for a task whose runs are only told of."""


@pytest.fixture
def client(prefect_server: None) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def left(home: Path, run: UUID, ended: str | None = None) -> None:
    """Note a run in the home as its process does, which is gone."""
    store.write_json(home / RUNS, [NotedRun(flow_run=run, pid=4242, started="2026-01-01T02:30:00+00:00", ended=ended)])


def told(client: SyncPrefectClient, run: UUID) -> tuple[str | None, str]:
    state = client.read_flow_run(run).state
    assert state is not None
    return state.name, state.message or ""


def test_killed_run_with_its_subflow_and_tasks_is_crashed(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = client.create_flow_run(pretended, state=Running())
    caller = client.create_task_run(step, flow_run_id=run.id, dynamic_key="0", state=Running())
    below = client.create_flow_run(pretended, parent_task_run_id=caller.id, state=Pending())
    waiting = client.create_task_run(step, flow_run_id=below.id, dynamic_key="0", state=Pending())
    done = client.create_task_run(step, flow_run_id=below.id, dynamic_key="1", state=Completed())
    left(tmp_path, run.id)
    mark_left_runs(tmp_path, TRACK)
    expected = "its process (4242, since 2026-01-01T02:30:00+00:00) was killed, or its machine went down"
    assert told(client, run.id) == told(client, below.id) == ("Crashed", expected)
    states = [client.read_task_run(each.id).state_name for each in (caller, waiting, done)]
    assert states == ["Crashed", "Crashed", "Completed"]


def test_run_whose_end_prefect_missed_says_so(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = client.create_flow_run(pretended, state=Running())
    left(tmp_path, run.id, ended="2026-01-01T03:00:00+00:00")
    mark_left_runs(tmp_path, TRACK)
    reason = "its process ended at 2026-01-01T03:00:00+00:00, when Prefect's server could not be told"
    assert told(client, run.id) == ("Crashed", reason)


@pytest.mark.parametrize("state", [Completed(message="well"), Scheduled(name="AwaitingRetry"), Pending()])
def test_run_that_ended_or_waits_for_its_retry_is_left_alone(
    client: SyncPrefectClient, tmp_path: Path, state: Any
) -> None:
    run = client.create_flow_run(pretended, state=state)
    left(tmp_path, run.id)
    mark_left_runs(tmp_path, TRACK)
    assert told(client, run.id)[0] == state.name


def test_run_that_the_server_does_not_know_is_passed_over(client: SyncPrefectClient, tmp_path: Path) -> None:
    left(tmp_path, uuid4())
    mark_left_runs(tmp_path, TRACK)


def test_its_open_runs_in_mlflow_are_killed_with_the_reason(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = client.create_flow_run(pretended, state=Running())
    mlflow = connect(tmp_path, TRACK)
    experiment = experiment_id(mlflow, tmp_path, TRACK, "summary")
    mine, other = (new_run(mlflow, experiment, "run", {"pipeline_run": str(each)}) for each in (run.id, uuid4()))
    left(tmp_path, run.id)
    mark_left_runs(tmp_path, TRACK)
    assert [mlflow.get_run(each).info.status for each in (mine, other)] == ["KILLED", "RUNNING"]
    assert "was killed" in mlflow.get_run(mine).data.tags["failure"]


def test_run_that_ended_in_order_asks_nothing_of_mlflow(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = client.create_flow_run(pretended, state=Completed())
    (tmp_path / "mlflow").mkdir()
    left(tmp_path, run.id, ended="2026-01-01T03:00:00+00:00")
    mark_left_runs(tmp_path, TRACK)
    assert list((tmp_path / "mlflow").iterdir()) == []


def test_next_run_marks_its_predecessor_and_notes_itself(client: SyncPrefectClient, tmp_path: Path) -> None:
    before, mine = (client.create_flow_run(pretended, state=Running()) for _ in range(2))
    left(tmp_path, before.id)
    with noted_run(tmp_path, TRACK, mine.id, LOGGER):
        assert told(client, before.id)[0] == "Crashed"
        assert f'"{mine.id}"' in (tmp_path / RUNS).read_text()
        assert '"ended": null' in (tmp_path / RUNS).read_text()
    assert told(client, mine.id)[0] == "Running"
    assert '"ended": null' not in (tmp_path / RUNS).read_text()


def test_retried_run_does_not_mark_itself(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = client.create_flow_run(pretended, state=Running())
    left(tmp_path, run.id)
    with noted_run(tmp_path, TRACK, run.id, LOGGER):
        assert told(client, run.id)[0] == "Running"


def test_run_that_is_under_way_is_not_marked(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = client.create_flow_run(pretended, state=Running())
    left(tmp_path, run.id)
    with store.lock_home(tmp_path, 0):
        mark_left_runs(tmp_path, TRACK)
    assert told(client, run.id)[0] == "Running"


def test_damaged_note_is_told_and_stops_nobody(
    client: SyncPrefectClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / RUNS).write_text('[{"flow_run": 7}]')
    with caplog.at_level(logging.WARNING), noted_run(tmp_path, TRACK, uuid4(), LOGGER):
        pass
    assert "runs.json: not a list of runs (3 errors)" in caplog.text
