"""Runs that nobody ended: what the next start marks in Prefect and in MLflow, and what it leaves alone."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from mlflow.exceptions import MlflowException
from prefect import flow, get_client, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.states import Completed, Pending, Running, Scheduled

from conf.schema import load
from flows.recovery import (
    RUNS,
    Ending,
    NotedRun,
    ResultsKeptError,
    end_early,
    mark_left_runs,
    noted_run,
    results_kept,
)
from tasks import store
from tasks.champion import connect
from tasks.mlflow_store import StoreAwayError
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


def left(home: Path, run: UUID, ended: str | None = None, untold: Ending | None = None) -> None:
    """Note a run in the home as its process does, which is gone."""
    note = NotedRun(flow_run=run, pid=4242, started="2026-01-01T02:30:00+00:00", ended=ended, untold=untold)
    store.write_json(home / RUNS, [note])


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


def test_run_that_is_killed_while_it_marks_others_is_noted_itself(
    client: SyncPrefectClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (client.create_flow_run(pretended, state=Running()).id for _ in range(2))
    left(tmp_path, first)
    with monkeypatch.context() as killed:
        killed.setattr("flows.recovery._mark", kill)
        with pytest.raises(OSError, match="killed"), noted_run(tmp_path, TRACK, second, LOGGER):
            pytest.fail("marked")
    mark_left_runs(tmp_path, TRACK)
    assert [told(client, run)[0] for run in (first, second)] == ["Crashed", "Crashed"]


def kill(*_: object) -> None:
    raise OSError("killed")


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


AWAY = "StoreAwayError: MLflow store http://127.0.0.1:1 does not answer: Connection refused"


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], None]]:
    """Return a function that takes MLflow's store away, and brings it back."""
    whole = connect
    monkeypatch.setattr("flows.recovery.get_run_logger", lambda: LOGGER)

    def lost(*_: object) -> None:
        raise StoreAwayError(AWAY)

    yield lambda away: monkeypatch.setattr("tasks.runs.connect", lost if away else whole)


@pytest.fixture
def open_run(tmp_path: Path) -> Callable[[UUID], Callable[[], tuple[str, str]]]:
    """Return a function that opens a run in MLflow for a flow run, and gives one that tells its status and reason."""

    def opened(run: UUID) -> Callable[[], tuple[str, str]]:
        mlflow = connect(tmp_path, TRACK)
        experiment = experiment_id(mlflow, tmp_path, TRACK, "summary")
        mine = new_run(mlflow, experiment, "run", {"pipeline_run": str(run)})

        def tell() -> tuple[str, str]:
            found = mlflow.get_run(mine)
            return found.info.status, found.data.tags.get("failure", "")

        return tell

    return opened


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (StoreAwayError("away"), "FAILED", "StoreAwayError: away"),
        (KeyboardInterrupt(), "KILLED", "ended from outside (KeyboardInterrupt)"),
    ],
)
def test_end_that_mlflow_missed_is_told_by_the_next_start(
    client: SyncPrefectClient,
    tmp_path: Path,
    outage: Any,
    open_run: Any,
    error: BaseException,
    status: str,
    reason: str,
) -> None:
    run = client.create_flow_run(pretended, state=Completed())
    tell = open_run(run.id)
    with noted_run(tmp_path, TRACK, run.id, LOGGER):
        outage(True)
        end_early(tmp_path, TRACK, str(run.id), error, [])
    assert tell() == ("RUNNING", "")
    mark_left_runs(tmp_path, TRACK)
    assert tell() == ("RUNNING", "")
    outage(False)
    mark_left_runs(tmp_path, TRACK)
    assert tell()[0] == status
    assert tell()[1].startswith(reason)


@pytest.mark.parametrize("ended", [None, "2026-01-01T03:00:00+00:00"])
def test_what_mlflow_missed_outlives_a_run_that_needs_no_mlflow(
    client: SyncPrefectClient, tmp_path: Path, outage: Any, open_run: Any, ended: str | None
) -> None:
    run = client.create_flow_run(pretended, state=Completed())
    tell = open_run(run.id)
    left(tmp_path, run.id, ended, untold=Ending(status="FAILED", reason="away") if ended else None)
    outage(True)
    for _ in range(2):
        with noted_run(tmp_path, TRACK, uuid4(), LOGGER):
            assert tell()[0] == "RUNNING"
    outage(False)
    with noted_run(tmp_path, TRACK, uuid4(), LOGGER):
        assert tell()[0] == ("FAILED" if ended else "KILLED")
    assert str(run.id) not in (tmp_path / RUNS).read_text()


def test_retried_run_tells_mlflow_how_its_former_attempt_ended(
    client: SyncPrefectClient, tmp_path: Path, open_run: Any
) -> None:
    run = client.create_flow_run(pretended, state=Running())
    tell = open_run(run.id)
    left(tmp_path, run.id, "2026-01-01T03:00:00+00:00", untold=Ending(status="FAILED", reason="away"))
    with noted_run(tmp_path, TRACK, run.id, LOGGER):
        assert tell() == ("FAILED", "away")
        assert "away" not in (tmp_path / RUNS).read_text()
    assert told(client, run.id)[0] == "Running"


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (StoreAwayError(AWAY), AWAY),
        (
            MlflowException("API request to http://h/api failed with exception refused"),
            "MLflow does not answer: API request to http://h/api failed with exception refused",
        ),
    ],
)
def test_outage_in_the_middle_says_what_becomes_of_the_results(tmp_path: Path, error: Exception, what: str) -> None:
    with pytest.raises(ResultsKeptError) as raised, results_kept(tmp_path), results_kept(tmp_path):
        raise error
    kept = f"What was made is kept in {tmp_path} and is sent when this run is retried, or started again"
    assert str(raised.value) == f"{what}. {kept}"


def test_login_in_an_answer_of_mlflow_is_not_told(tmp_path: Path) -> None:
    error = MlflowException("API request to http://me:secret@127.0.0.1:9/api failed with exception: refused")
    with pytest.raises(ResultsKeptError, match="http://127") as raised, results_kept(tmp_path):
        raise error
    assert "secret" not in str(raised.value)


def test_other_failures_are_told_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="^disk full$"), results_kept(tmp_path):
        raise OSError("disk full")


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
