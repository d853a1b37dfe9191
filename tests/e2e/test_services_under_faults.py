"""A training run whose MLflow or Prefect is away, cut off, frozen, slow or locked: every row is whole, none is doubled.

Faults begin at random moments of the run. Short by default, and not all of it; GENREFLOW_LONG=1 tries each 20 times:
eight outages of a minute and twelve of 1 to 20 s, answers that are late by 2 to 5 s ten times and by up to 1 s ten
times, with the pauses between attempts that users have. That takes hours, mostly of waiting.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from harness import TrainedHome
from lines import Fault, Line, Server, cut, frozen, locked, mlflow_server, prefect_server, slow, strike
from prefect import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from tracked import Tracked, read_tracked
from trainers import copy_stages, results, retry

from conf import names
from conf.names import Corpus
from conf.operation import Track
from flows.session import RETRIES_OF_REQUESTS
from flows.train import train
from tasks.behaviour import check_behaviour
from tasks.champion import connect
from tasks.registry import promote_best
from tasks.runs import experiment_id, new_run
from tasks.system_metrics import watched_machine
from tasks.tracking import close_parent, log_recipe, open_parent

LONG = bool(os.environ.get("GENREFLOW_LONG"))
TRIES = range(20 if LONG else 1)
LONG_ONLY = pytest.mark.skipif(not LONG, reason="takes its time: set GENREFLOW_LONG=1")
# Kinds of outage by turns. A frozen server takes connections, and carries out what was asked for after the asker has
# given up.
OUTAGES: dict[str, list[tuple[Fault, float]]] = {
    "lost": [(cut, 60.0), (frozen, 75.0), (cut, 60.0), (frozen, 60.0)],
    "locked": [(locked, 60.0)],
}
CORPUS: Corpus = "summary"
TRACKING_TASKS = (open_parent, log_recipe, check_behaviour, promote_best, close_parent)
# A run that is ended is to be gone within ten seconds.
SOON = 10.0
QUICK = Path(names.__file__).with_name("quick.yaml")


@dataclass
class Rig:
    """Hold a home whose fits are whole, a server, and the line to it."""

    service: str
    home: Path
    server: Server
    track: Track

    @cached_property
    def answers(self) -> int:
        """Return how many answers the server gives to a run that nothing disturbs."""
        before = self.server.line.answers
        assert self.train("undisturbed").is_completed()
        return self.server.line.answers - before

    @cached_property
    def undisturbed(self) -> Tracked:
        """Return what such a run logs."""
        assert self.answers
        return self.tracked("undisturbed")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.line.port}"

    @property
    def database(self) -> Path:
        """Return the home's own store."""
        return self.home / "mlflow" / "mlflow.db"

    def train(self, name: str, conf: str | Path = "quick") -> Any:
        """Train in an experiment of its own; returns the flow's state."""
        overrides = [f"track.experiment={name}", f"track.model={name}", "train.recipes=[linear]"]
        settings: dict[Any, Any] = {PREFECT_CLIENT_MAX_RETRIES: int(RETRIES_OF_REQUESTS)}
        if self.service == "mlflow":
            overrides += [f"track.uri={self.address}"]
        else:
            settings |= {PREFECT_API_URL: f"{self.address}/api"}
        with temporary_settings(settings):
            return train(conf, overrides, self.home, corpus=CORPUS, return_state=True)

    def tracked(self, name: str) -> Tracked:
        """Read what was logged in an experiment, past the line."""
        track = self.track.model_copy(update={"experiment": name, "model": name})
        if self.service == "mlflow":
            track = track.model_copy(update={"uri": f"http://127.0.0.1:{self.server.port}"})
            return read_tracked(self.home, track, CORPUS, self.server.database)
        return read_tracked(self.home, track, CORPUS, self.database)


@contextlib.contextmanager
def suite_server(_: Path) -> Iterator[Server]:
    """Stand in for a Prefect server of one's own with the suite's: the line to it can be cut."""
    with get_client(sync_client=True) as client:
        port = client.api_url.port
    assert port
    yield Server(port, 0, Path(), Line(port))


@pytest.fixture(scope="module", params=["mlflow", "prefect"] if LONG else ["mlflow"])
def rig(
    request: pytest.FixtureRequest, trained_home: TrainedHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("faults")
    home = copy_stages(trained_home.path, folder / "home")
    serve = {"mlflow": mlflow_server, "prefect": prefect_server if LONG else suite_server}[request.param]
    with serve(folder) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        if not LONG:
            for task in TRACKING_TASKS:
                patch.setattr(task, "retry_delay_seconds", 0.5)
        yield Rig(request.param, home, server, trained_home.settings.track)


@pytest.mark.parametrize("attempt", TRIES)
# In short, test_mlflow_outage.py tells of a line that is cut, and tasks/test_mlflow_store.py of a locked store.
@LONG_ONLY
@pytest.mark.parametrize("outage", OUTAGES)
def test_outage_costs_a_run_time_and_nothing_else(rig: Rig, outage: str, attempt: int) -> None:
    name, before = f"{outage}-{attempt}", results(rig.home)
    draw = random.Random(f"{rig.service} {name}")
    kinds = OUTAGES[outage]
    fault, longest = kinds[attempt % len(kinds)]
    seconds = (longest if attempt % 5 < 2 else draw.uniform(1, 20)) if LONG else 1.0
    struck = strike(rig.server, fault, draw.randrange(rig.answers), seconds)
    state = rig.train(name)
    struck.join()
    assert state.is_completed(), state.message
    assert rig.tracked(name) == rig.undisturbed
    assert results(rig.home) == before


@LONG_ONLY
@pytest.mark.parametrize("attempt", TRIES)
def test_slow_answers_are_waited_for(rig: Rig, attempt: int) -> None:
    name = f"slow-{attempt}"
    late = (2.0, 5.0) if attempt % 4 < 2 else (0.2, 1.0)
    with slow(rig.server, late, trickle=attempt % 2 == 1):
        state = rig.train(name)
    assert state.is_completed(), state.message
    assert rig.tracked(name) == rig.undisturbed


@LONG_ONLY
@pytest.mark.parametrize("attempt", TRIES)
@pytest.mark.parametrize("rig", ["mlflow"], indirect=True)
def test_server_away_at_the_start_is_told_and_the_same_command_runs_later(rig: Rig, attempt: int) -> None:
    name = f"away-{attempt}"
    with cut(rig.server):
        state = rig.train(name)
    assert state.name == "Failed"
    assert f"MLflow store {rig.address} does not answer: Connection refused; start it, or name another" in state.message
    assert rig.train(name).is_completed()
    assert rig.tracked(name) == rig.undisturbed


@LONG_ONLY
@pytest.mark.parametrize("attempt", TRIES)
@pytest.mark.parametrize("rig", ["prefect"], indirect=True)
def test_locked_store_of_the_home_is_waited_for(rig: Rig, attempt: int) -> None:
    name = f"home-{attempt}"
    draw = random.Random(name)
    seconds = (60.0 if attempt % 5 < 2 else draw.uniform(1, 20)) if LONG else 1.0
    struck = strike(rig.server._replace(database=rig.database), locked, draw.randrange(rig.answers), seconds)
    state = rig.train(name)
    struck.join()
    assert state.is_completed(), state.message
    assert rig.tracked(name) == rig.undisturbed


@LONG_ONLY
@pytest.mark.parametrize("attempt", TRIES)
@pytest.mark.parametrize("rig", ["prefect"], indirect=True)
def test_store_that_stays_locked_is_named_and_the_same_command_runs_later(
    rig: Rig, attempt: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"stays-{attempt}"
    for task in TRACKING_TASKS:
        monkeypatch.setattr(task, "retries", 0)
    with locked(rig.server._replace(database=rig.database)):
        state = rig.train(name)
    assert state.name == "Failed"
    assert (
        f"MLflow store sqlite:///{rig.database} does not answer: (sqlite3.OperationalError) database is"
        in state.message
    )
    assert rig.train(name).is_completed()
    assert rig.tracked(name) == rig.undisturbed


@pytest.mark.parametrize("rig", ["mlflow"], indirect=True)
def test_run_that_is_ended_does_not_wait_for_a_frozen_server(rig: Rig) -> None:
    track = rig.track.model_copy(update={"uri": rig.address})
    client = connect(rig.home, track)
    run = new_run(client, experiment_id(client, rig.home, track, CORPUS), "watched", {"kind": "watched"})

    with contextlib.ExitStack() as thawed, pytest.raises(KeyboardInterrupt), watched_machine([run]):
        thawed.enter_context(frozen(rig.server))
        began = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - began < SOON


@LONG_ONLY
@pytest.mark.parametrize("rig", ["mlflow"], indirect=True)
def test_configuration_edited_before_a_retry_is_logged_as_another_run(rig: Rig, tmp_path: Path) -> None:
    edited, quick = tmp_path / "mine.yaml", QUICK.read_text()
    edited.write_text(f"{quick}promote: {{resamples: 300}}\n")
    # The parent's parameters are there, which MLflow lets nobody change, and its tags are not.
    rig.server.line.cut_at = b'"data_fingerprint"'
    state = rig.train("edited", edited)
    assert "does not answer" in state.message
    rig.server.line.mend()
    edited.write_text(f"{quick}promote: {{resamples: 400}}\n")
    again = retry(state.state_details.flow_run_id)
    assert again.is_completed(), again.message
    tracked = rig.tracked("edited")
    ended = [("linear", "FINISHED", False), ("pipeline", "FAILED", True), ("pipeline", "FINISHED", False)]
    assert tracked.rows == [*ended, ("prior", "FINISHED", False)]
    resamples = [tracked.params[name]["promote.resamples"] for name in ("pipeline", "pipeline 2")]
    assert resamples == ["300", "400"]


@pytest.mark.parametrize("attempt", TRIES)
@pytest.mark.parametrize("rig", ["prefect"], indirect=True)
def test_prefect_that_stays_away_is_told_in_one_line_and_the_same_command_runs_later(rig: Rig, attempt: int) -> None:
    command = [sys.executable, "-P", "-m", "flows.cli", "prepare", "--conf", "quick", "--home", str(rig.home)]
    environment = {**os.environ, "PREFECT_API_URL": f"{rig.address}/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    # A command asks about thirty times.
    begin = rig.server.line.answers + random.Random(attempt).randrange(1, 20)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as lost:
        while rig.server.line.answers < begin and lost.poll() is None:
            time.sleep(0.005)
        with cut(rig.server):
            _, error = lost.communicate(timeout=300)
    # Prefect itself may say a line more when it ends.
    (told,) = (line for line in error.splitlines() if line.startswith("error: "))
    assert lost.returncode == 1
    assert told.startswith(f"error: the Prefect server ({rig.address}/api) does not answer any more: ")
    assert "Traceback" not in error
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
