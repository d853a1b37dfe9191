"""A pipeline run on a real Prefect server and worker that fails, is killed and loses its server, and is retried.

One run goes through all three, as a user would see it on the page: a fault in training (with GENREFLOW_LONG=1), an
attempt whose worker and processes are killed while it trains, and a retry in whose training the server is away for 5
seconds, with GENREFLOW_LONG=1 for a minute. In short, its page alone is looked at.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from lines import free_port

TITLES = 200
LONG = bool(os.environ.get("GENREFLOW_LONG"))
LONG_ONLY = pytest.mark.skipif(not LONG, reason="part of the long version (GENREFLOW_LONG=1)")
OUTAGE_SECONDS = 60 if LONG else 5
RECIPES = ["seed"]
KEPT = ("collect", "prepare", "embed")
CORPORA = ("summary", "synopsis")
CHROMIUM = shutil.which("chromium")


@dataclass
class Seen:
    """What was seen after each attempt: the run's state and message, its tasks' states, and MLflow's runs."""

    states: dict[str, tuple[str, str]] = field(default_factory=dict)
    tasks: dict[str, dict[str, str]] = field(default_factory=dict)
    tracked: dict[str, list[tuple[str, str, str, str]]] = field(default_factory=dict)
    server: str = ""
    run: str = ""
    run_name: str = ""
    deployment: str = ""
    after_worker_start: tuple[str, str] = ("", "")
    tracked_after_worker_start: list[tuple[str, str, str, str]] = field(default_factory=list)


class Rig:
    """A Prefect server and a worker of one home, each a process of its own in a session of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.environment = {**os.environ, "PREFECT_API_URL": self.api, "PREFECT_HOME": str(home / "prefect")}
        self.environment |= {"PREFECT_WORKER_QUERY_SECONDS": "2", "PREFECT_SERVER_UI_API_URL": self.api}
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, log: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.home / log).open("ab") as stream:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", *arguments], env=self.environment, cwd=self.home,
                stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        return process

    def start_server(self) -> subprocess.Popen[bytes]:
        import httpx

        server = self.start("server.log", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port))

        def answers() -> bool:
            assert server.poll() is None, (self.home / "server.log").read_text()
            try:
                return bool(httpx.get(f"{self.api}/health").is_success)
            except httpx.TransportError:
                return False

        wait_until(answers, 120)
        return server

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker.log", "flows.cli", "worker", "--home", str(self.home / "home"))

    def close(self) -> None:
        for process in self.started:
            kill_tree(process)


def wait_until(holds: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.5)
    return found


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started, as a machine does that goes down."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    for each in family:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
    process.kill()
    process.wait()


def fits_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the processes that fit a recipe for a run of this worker."""
    return [each for each in psutil.Process(process.pid).children(recursive=True) if is_fit(each)]


def is_fit(process: psutil.Process) -> bool:
    try:
        return "tasks.fitting" in process.cmdline()
    except psutil.Error:
        return False


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    from scraper.site.generator import generate_titles
    from scraper.site.server import running_site

    rig = Rig(tmp_path_factory.mktemp("retried"))
    home = rig.home / "home"
    home.mkdir()
    try:
        with running_site(generate_titles(TITLES, 11)) as base_url:
            server = rig.start_server()
            subprocess.run([sys.executable, "-P", "-m", "flows.cli", "deploy", "--home", str(home)],
                           env=rig.environment, check=True)  # fmt: skip
            worker = rig.start_worker()
            yield go_through(rig, server, worker, home, base_url)
    finally:
        rig.close()


def go_through(
    rig: Rig, server: subprocess.Popen[bytes], worker: subprocess.Popen[bytes], home: Path, base_url: str
) -> Seen:
    from prefect import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    overrides = [
        f"collect.base_url={base_url}", f"site.titles={TITLES}", f"train.recipes=[{','.join(RECIPES)}]",
        "train.seed.summary.epochs=8",
    ]  # fmt: skip
    seen = Seen(server=rig.api.removesuffix("/api"))
    with temporary_settings({PREFECT_API_URL: rig.api}), get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("pipeline/pipeline")
        if LONG:
            # A file where the models' folder belongs: no fit can be stored.
            (home / "models").write_text("in the way")
        parameters = {"conf": "quick", "overrides": overrides}
        run = client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id

        def state() -> tuple[str, str]:
            found = client.read_flow_run(run).state
            assert found is not None
            return str(found.name), found.message or ""

        def ended() -> bool:
            return state()[0] in ("Completed", "Failed", "Crashed")

        def note(attempt: str) -> None:
            seen.states[attempt] = state()
            seen.tasks[attempt] = task_states(client, run)
            seen.tracked[attempt] = tracked_runs(home)

        def trains() -> bool:
            return bool(fits_of(worker)) and any(status == "RUNNING" for *_, status, _ in tracked_runs(home))

        if LONG:
            wait_until(ended, 180)
            note("failed")
            (home / "models").unlink()
            retry(rig, run)
        wait_until(trains, 180)
        kill_tree(worker)
        note("killed")
        worker = rig.start_worker()
        wait_until(ended, 60)
        seen.after_worker_start, seen.tracked_after_worker_start = state(), tracked_runs(home)

        retry(rig, run)
        wait_until(trains, 120)
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        time.sleep(OUTAGE_SECONDS)
        rig.start_server()
        wait_until(ended, 180)
        note("ended")
        seen.run, seen.run_name, seen.deployment = str(run), client.read_flow_run(run).name, str(deployment.id)
    return seen


def retry(rig: Rig, run: UUID) -> None:
    """Ask for a retry as the button on the run's page does."""
    import httpx

    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
    answer = httpx.post(f"{rig.api}/flow_runs/{run}/set_state", json={"state": state, "force": True})
    assert answer.json()["status"] == "ACCEPT", answer.text


def task_states(client: Any, run: UUID) -> dict[str, str]:
    """Return the state's name of each task of the newest run of each flow below a run."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterParentFlowRunId

    parent = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))
    flows = sorted(client.read_flow_runs(flow_run_filter=parent), key=lambda flow: flow.created)
    newest = FlowRunFilter(id=FlowRunFilterId(any_=list({flow.flow_id: flow.id for flow in flows}.values())))
    return {task.name: str(task.state_name) for task in client.read_task_runs(flow_run_filter=newest)}


def tracked_runs(home: Path) -> list[tuple[str, str, str, str]]:
    """List MLflow's runs: corpus, recipe (or pipeline), status, and the reason of one that failed or was killed."""
    from conf.schema import load
    from tasks.champion import connect

    client = connect(home, load().track)
    found = [client.get_experiment_by_name(f"genreflow/{corpus}") for corpus in CORPORA]
    runs = client.search_runs([each.experiment_id for each in found if each])
    rows = [(run.data.tags, run.info.status) for run in runs]
    return sorted(
        (tags["corpus"], tags.get("recipe", tags["kind"]), status, tags.get("failure", "")) for tags, status in rows
    )


@LONG_ONLY
def test_fault_in_training_fails_the_run_and_says_why(seen: Seen) -> None:
    name, message = seen.states["failed"]
    assert name == "Failed"
    assert "models" in message
    assert {status for *_, status, _ in seen.tracked["failed"]} == {"FAILED"}
    assert all("models" in reason for *_, reason in seen.tracked["failed"])


def test_killed_run_is_marked_by_the_next_worker_with_the_reason(seen: Seen) -> None:
    assert seen.states["killed"][0] == "Running"
    name, message = seen.after_worker_start
    assert name == "Crashed"
    assert "was killed, or its machine went down" in message
    open_ones = [row for row in seen.tracked["killed"] if row[2] == "RUNNING"]
    marked = [row for row in seen.tracked_after_worker_start if row[2] == "KILLED"]
    assert len(marked) == len(open_ones) > 0
    assert all("was killed" in reason for *_, reason in marked)


def test_retried_run_completes_in_spite_of_an_outage(seen: Seen) -> None:
    assert seen.states["ended"][0] == "Completed"


@pytest.mark.parametrize("attempt", ["killed", "ended"] if LONG else ["ended"])
def test_retry_redoes_nothing_that_is_whole(seen: Seen, attempt: str) -> None:
    stages = {name: state for name, state in seen.tasks[attempt].items() if name.startswith(KEPT)}
    assert {name.split()[0] for name in stages} == set(KEPT)
    assert set(stages.values()) == {"Cached"}, stages


def test_mlflow_has_one_parent_a_corpus_and_each_recipe_once(seen: Seen) -> None:
    expected = [(corpus, name) for corpus in CORPORA for name in sorted(["pipeline", "prior", *RECIPES])]
    assert [row[:2] for row in seen.tracked["ended"]] == expected
    assert {row[2:] for row in seen.tracked["ended"]} == {("FINISHED", "")}


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium")
@pytest.mark.parametrize("page", ["dashboard", "run", "artifacts", "form"] if LONG else ["run"])
def test_page_shows_what_it_is_for(seen: Seen, page: str, tmp_path: Path) -> None:
    path, expected = {
        "dashboard": ("dashboard", ["Flow Runs", "genreflow"]),
        "run": (f"runs/flow-run/{seen.run}", [seen.run_name, "Completed", "home", "Subflow Runs"]),
        "artifacts": ("artifacts", ["crawl-report", "crawl-progress", *(
            f"{corpus}-{what}" for corpus in CORPORA for what in ("drops", "leaderboard", "threshold-curve", "mlflow")
        )]),
        "form": (f"deployments/deployment/{seen.deployment}/run", [
            "a shipped configuration, or the path of a YAML file", "values changed for this run", "folder of all data",
        ]),
    }[page]  # fmt: skip
    address = f"{seen.server}/v2/{path}"
    # The server tells of artifacts and runs a moment after they are made.
    for _ in range(3):
        told = open_page(address, tmp_path)
        missing = [word for word in expected if word not in told]
        if not missing:
            break
    assert missing == []


def open_page(address: str, profile: Path) -> str:
    """Return what a page's document holds once it has asked the server for its data."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command += ["--window-size=1500,1300", "--virtual-time-budget=10000", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
