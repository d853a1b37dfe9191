"""The environment of the suite, a Prefect server for flows, and one home that a whole pipeline run has filled."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator

import pytest
from harness import Answer, TrainedHome

_PREFECT_HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Switch off telemetry and keep Prefect out of the user's home, before any test module imports Prefect."""
    config.stash[_PREFECT_HOME] = tempfile.mkdtemp(prefix="genreflow-prefect-")
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "MLFLOW_")) or name == "GENREFLOW_HOME"]:
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
    """Carry generated titles from HTTP to registered models, once; a test that changes the home copies it."""
    from conf.schema import load
    from flows.pipeline import pipeline
    from scraper.site.generator import generate_titles
    from scraper.site.server import running_site

    settings = load("quick")
    home = tmp_path_factory.mktemp("trained") / "home"
    titles = generate_titles(settings.site.titles, settings.site.random_seed)
    with running_site(titles) as base_url:
        done = pipeline("quick", [f"collect.base_url={base_url}"], str(home))
    return TrainedHome(home, titles, done, settings)


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
