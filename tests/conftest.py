"""The environment of the suite, a Prefect server for flows, and one home that a whole pipeline run has filled."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import hypothesis
import pytest
from filelock import FileLock
from harness import Answer, PageTold, TrainedHome

if TYPE_CHECKING:
    import pyarrow as pa

    from flows.pipeline import Pipelined

_PREFECT_HOME = pytest.StashKey[str]()


# The same examples every time, so that nobody's change fails for another's text; GENREFLOW_LONG=1 draws new ones.
hypothesis.settings.register_profile("genreflow", deadline=None, derandomize="GENREFLOW_LONG" not in os.environ)
hypothesis.settings.load_profile("genreflow")


def pytest_configure(config: pytest.Config) -> None:
    """Switch off telemetry and keep Prefect out of the user's home, before any test module imports Prefect."""
    config.stash[_PREFECT_HOME] = tempfile.mkdtemp(prefix="genreflow-prefect-")
    # Hundreds of processes are started from these sources: they are compiled once.
    gone = ("GENREFLOW_HOME", "PYTHONDONTWRITEBYTECODE")
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "MLFLOW_")) or name in gone]:
        del os.environ[name]
    os.environ |= {
        "DO_NOT_TRACK": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_HOME": config.stash[_PREFECT_HOME],
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with two files: while one process trains the home that most tests share, the other has one of its own."""
    items.sort(key=lambda item: item.path.name not in ("test_ended_runs.py", "test_retried_runs.py"))


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_PREFECT_HOME], ignore_errors=True)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Run one Prefect server, on a database of its own, for every flow of the session."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def trained_home(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> TrainedHome:
    """Carry generated titles from HTTP to registered models, once for all processes of the suite, each with a copy.

    A test that changes the home copies it.
    """
    from conf.schema import load
    from flows.pipeline import Pipelined
    from scraper.site.generator import generate_titles

    settings = load("quick")
    titles = generate_titles(settings.site.titles, settings.site.random_seed)
    room = tmp_path_factory.getbasetemp()
    # Each process of pytest-xdist has a folder in the suite's.
    room = room.parent if "PYTEST_XDIST_WORKER" in os.environ else room
    made, told = room / "trained-home", room / "trained-home.json"
    with FileLock(room / "trained-home.lock"):
        if not told.exists():
            shutil.rmtree(made, ignore_errors=True)
            done = pipeline_run(made, titles)
            page = page_of(done.trained["summary"].parent.pipeline_run)
            told.write_text(json.dumps([done.model_dump_json(), page]))
    home = tmp_path_factory.mktemp("trained") / "home"
    shutil.copytree(made, home)
    rename_in(home / "mlflow" / "mlflow.db", str(made), str(home))
    done_there, page = json.loads(told.read_text())
    done = Pipelined.model_validate_json(done_there.replace(str(made), str(home)))
    return TrainedHome(home, titles, done, settings, PageTold(*page))


def rename_in(database: Path, former: str, new: str) -> None:
    """Change a folder in every text of a database: MLflow notes files by absolute path."""
    with contextlib.closing(sqlite3.connect(database)) as store, store:
        for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for _, column, kind, *_ in store.execute(f"PRAGMA table_info({table})").fetchall():
                if kind.startswith(("VARCHAR", "TEXT")):
                    store.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (former, new))


def pipeline_run(home: Path, titles: pa.Table) -> Pipelined:
    from flows.pipeline import pipeline
    from scraper.site.server import running_site

    with running_site(titles) as base_url:
        return pipeline("quick", [f"collect.base_url={base_url}"], str(home))


def page_of(run: str) -> PageTold:
    """Read what the page of a flow run shows, from the server that has it."""
    from prefect import get_client
    from prefect.client.schemas import filters as by
    from prefect.logging.handlers import APILogHandler

    # Prefect sends lines every two seconds, and may not have sent the last ones when a flow ends.
    APILogHandler().flush()
    with get_client(sync_client=True) as client:
        below = by.FlowRunFilter(parent_flow_run_id=by.FlowRunFilterParentFlowRunId(any_=[UUID(run)]))
        runs = [client.read_flow_run(UUID(run)), *client.read_flow_runs(flow_run_filter=below)]
        of_runs = by.ArtifactFilter(flow_run_id=by.ArtifactFilterFlowRunId(any_=[each.id for each in runs]))
        artifacts = client.read_artifacts(artifact_filter=of_runs)
        lines = client.read_logs(by.LogFilter(flow_run_id=by.LogFilterFlowRunId(any_=[runs[0].id])))
    return PageTold(
        [each.name for each in runs], {str(each.key): str(each.data) for each in artifacts},
        [line.message for line in lines],
    )  # fmt: skip


@pytest.fixture
def genreflow(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command of the command line in this process; returns its exit code and what it printed."""

    def call(*arguments: object) -> Answer:
        from flows.cli import main

        monkeypatch.setattr(sys, "argv", ["genreflow", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        printed = capfd.readouterr()
        return Answer(0 if code is None else code, printed.out, printed.err)

    return call
