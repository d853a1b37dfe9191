"""Prefect's and MLflow's own pages over a home folder, for `genreflow ui`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from conf.errors import GenreflowError
from conf.names import CORPORA, MLFLOW_NOTE
from conf.operation import Track, without_login
from flows.session import SERVER_NOTE, running_server
from tasks.champion import connect
from tasks.mlflow_store import store_uri
from tasks.runs_table import address_of_runs
from tasks.terminal import open_console

START_SECONDS = 180
HOST = "127.0.0.1"


class PortTakenError(GenreflowError):
    """Name a port that another process listens on, and the option that changes it."""


class ServerError(GenreflowError):
    """Name a server that did not come up, and its log, or one that is up already."""


def serve_pages(home: Path, track: Track, prefect_port: int, mlflow_port: int) -> None:
    """Start both servers, wait until they answer, print their addresses, and stop both on Ctrl-C or SIGTERM.

    Raises PortTakenError or ServerError; whatever was started is stopped.
    """
    if running := running_server(home):
        raise ServerError(f"genreflow ui runs over {home} already: its pages are at {running.removesuffix('/api')}")
    elsewhere = without_login(track.uri) if track.uri and track.uri.startswith("http") else None
    ports = {"--prefect-port": prefect_port} | ({} if elsewhere else {"--mlflow-port": mlflow_port})
    for option, port in ports.items():
        if not is_free(port):
            raise PortTakenError(f"port {port} is taken by another process; choose another with {option}")
    home.mkdir(parents=True, exist_ok=True)
    notes = [home / SERVER_NOTE, home / MLFLOW_NOTE]
    api = f"http://{HOST}:{prefect_port}/api"
    pages = elsewhere or f"http://{HOST}:{mlflow_port}"
    open_console().print("starting both servers, which takes some seconds ...")
    started: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if not elsewhere:
            # A server makes the home's store in place, where a run that starts meanwhile would fail.
            connect(home, track)
        started.append(_start_prefect(home, prefect_port, api))
        if not elsewhere:
            started.append(_start_mlflow(home, track, mlflow_port))
            _wait(started[1], f"{pages}/health", home / "mlflow-server.log")
        _wait(started[0], f"{api}/health", home / "prefect-server.log")
        notes[0].write_text(api)
        notes[1].write_text(pages)
        console = open_console()
        console.print(f"Prefect  http://{HOST}:{prefect_port}   flow runs, graphs, artifacts", highlight=False)
        console.print(f"MLflow   {pages}   runs, plots, registered models", highlight=False)
        for corpus, address in _tables(home, track).items():
            console.print(f"         {address}   every recipe, {corpus}", highlight=False, soft_wrap=True)
        console.print("Ctrl-C stops both.")
        while all(process.poll() is None for process in started):
            time.sleep(0.5)
        raise ServerError(f"a server stopped by itself; see {home}/prefect-server.log and {home}/mlflow-server.log")
    except KeyboardInterrupt:
        open_console().print("stopping")
    finally:
        for note in notes:
            note.unlink(missing_ok=True)
        for process in started:
            _stop(process)


def _tables(home: Path, track: Track) -> dict[str, str]:
    """Return the address of each corpus's table of runs, where there are any."""
    client = connect(home, track)
    experiments = {corpus: client.get_experiment_by_name(f"{track.experiment}/{corpus}") for corpus in CORPORA}
    return {
        corpus: address_of_runs(home, track, experiment.experiment_id)
        for corpus, experiment in experiments.items()
        if experiment
    }


def _start_prefect(home: Path, port: int, api: str) -> subprocess.Popen[bytes]:
    environment = {
        "PREFECT_HOME": os.environ.get("PREFECT_HOME", str(home / "prefect")),
        # On another port than 4200 the page would ask 4200 for its data (Prefect issue 18025).
        "PREFECT_SERVER_UI_API_URL": api,
        # By default any page that is open in a browser here may ask the server to run something.
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port},http://localhost:{port}",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    return _start(command, environment, home / "prefect-server.log")


def _start_mlflow(home: Path, track: Track, port: int) -> subprocess.Popen[bytes]:
    (home / "mlflow").mkdir(exist_ok=True)
    uri = store_uri(home, track)
    artifacts = (home / "mlflow" / "artifacts").as_uri()
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port)]
    environment = {
        # Whoever lists processes sees a command's words, and so a database's password among them.
        "MLFLOW_BACKEND_STORE_URI": uri,
        # Seven processes of 250 MB each, for jobs over language models' traces.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    # A line a request is a fifth of a megabyte a night.
    command += ["--default-artifact-root", artifacts, "--uvicorn-opts=--log-level=warning"]
    return _start(command, environment, home / "mlflow-server.log")


def _start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"a server ended with exit code {process.returncode} before it answered; see {log}")
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    raise ServerError(f"no answer from {url} within {START_SECONDS} s; see {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def is_free(port: int) -> bool:
    """Say whether a server can listen on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
