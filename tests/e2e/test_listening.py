"""Everything that listens, started for real: on this machine alone, and deaf to what other sites' pages ask.

GENREFLOW_LONG=1 starts `genreflow ui`, a Dask cluster, a worker and a model behind HTTP, too, and looks twenty times.
"""

import ipaddress
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from conf.schema import load
from scraper.site.server import SiteError, serve

LONG = bool(os.environ.get("GENREFLOW_LONG"))
LOOKS = 20
long_only = pytest.mark.skipif(not LONG, reason="part of the long version (GENREFLOW_LONG=1)")
START_SECONDS = 400
EVIL = "http://evil.example"


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextmanager
def started(log: Path, *command: object, **environment: str) -> Iterator[psutil.Process]:
    # As in an activated environment: MLflow starts uvicorn by its name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with log.open("w") as stream:
        process = psutil.Popen(
            [sys.executable, "-P", "-m", *map(str, command)], stdout=stream, stderr=subprocess.STDOUT, cwd=log.parent,
            env={**os.environ, **environment, "PATH": path, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
    try:
        yield process
    finally:
        tree = process.children(recursive=True) if process.poll() is None else []
        if process.poll() is None:
            process.terminate()
        process.wait(60)
        for each in psutil.wait_procs(tree, 10)[1]:
            each.kill()


def wait_until(happened: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


def listening(process: psutil.Process) -> set[str]:
    """Return the addresses that a process and its children take connections and datagrams on."""
    found = set()
    for each in (process, *process.children(recursive=True)):
        try:
            connections = each.net_connections("inet")
        except psutil.NoSuchProcess:
            continue
        found |= {
            c.laddr.ip for c in connections
            if c.status == psutil.CONN_LISTEN or (c.type == socket.SOCK_DGRAM and c.laddr and not c.raddr)
        }  # fmt: skip
    return found


def beyond_loopback(addresses: set[str]) -> set[str]:
    return {each for each in addresses if not ipaddress.ip_address(each.removeprefix("::ffff:")).is_loopback}


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, str | None]:
    """Return an answer's status and the origin that it lets read it."""
    request = Request(url, body, {name.replace("_", "-"): value for name, value in headers.items()}, method=method)
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers.get("Access-Control-Allow-Origin")
    except HTTPError as error:
        return error.code, error.headers.get("Access-Control-Allow-Origin")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[psutil.Process, int, int]]:
    """Start `genreflow ui`; yields it with the ports of Prefect and MLflow."""
    room = tmp_path_factory.mktemp("pages")
    prefect, mlflow = free_ports(2)
    ports = ("--prefect-port", prefect, "--mlflow-port", mlflow)
    with started(room / "ui.log", "flows.cli", "ui", "--home", room / "home", *ports) as process:
        wait_until(lambda: "Ctrl-C stops both" in (room / "ui.log").read_text(), room / "ui.log")
        yield process, prefect, mlflow


@long_only
def test_pages_listen_on_this_machine_alone(pages: tuple[psutil.Process, int, int]) -> None:
    for _ in range(LOOKS):
        found = listening(pages[0])
        assert (bool(found), beyond_loopback(found)) == (True, set())
        time.sleep(0.5)


@long_only
def test_pages_of_other_sites_cannot_make_prefect_run_anything(pages: tuple[psutil.Process, int, int]) -> None:
    flows = f"http://127.0.0.1:{pages[1]}/api/flows/"
    wanted = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type"}
    assert ask(flows, "OPTIONS", Origin=EVIL, **wanted) == (400, None)
    own = f"http://localhost:{pages[1]}"
    assert ask(flows, "OPTIONS", Origin=own, **wanted) == (200, own)
    # What a browser sends without asking first.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        status, origin = ask(flows, "POST", json.dumps({"name": "evil"}).encode(), Origin=EVIL, Content_Type=kind)
        assert (status, origin) == (422, None)


@long_only
def test_pages_of_other_sites_cannot_ask_mlflow_by_any_name(pages: tuple[psutil.Process, int, int]) -> None:
    search = f"http://127.0.0.1:{pages[2]}/api/2.0/mlflow/experiments/search"
    for headers in ({"Origin": EVIL}, {"Host": "evil.example"}):
        status, origin = ask(search, "POST", b'{"max_results": 1}', Content_Type="application/json", **headers)
        assert (status, origin) == (403, None)


@long_only
def test_every_server_is_told_to_tell_nobody_of_its_use(pages: tuple[psutil.Process, int, int]) -> None:
    off = {"DO_NOT_TRACK": "true", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    for each in pages[0].children(recursive=True):
        assert off.items() <= each.environ().items(), each.cmdline()


@long_only
def test_mlflow_takes_no_tasks_from_a_queue(pages: tuple[psutil.Process, int, int]) -> None:
    assert not [each for each in pages[0].children(recursive=True) if "huey" in " ".join(each.cmdline())]


def test_embedded_server_listens_on_this_machine_alone(prefect_server: None) -> None:
    found = listening(psutil.Process())
    assert (bool(found), beyond_loopback(found)) == (True, set())


def test_local_site_listens_on_this_machine_alone(tmp_path: Path) -> None:
    with started(tmp_path / "log", "flows.cli", "site", "--port", 0, "--set", "site.titles=3") as process:
        wait_until(lambda: "titles at" in (tmp_path / "log").read_text(), tmp_path / "log")
        assert listening(process) == {"127.0.0.1"}


def test_local_site_refuses_to_serve_the_network() -> None:
    with pytest.raises(SiteError, match=r"serves 127.0.0.1 only, never the network; got host '0.0.0.0'"):
        serve(None, port=0, host="0.0.0.0")  # type: ignore[arg-type]


@long_only
def test_dask_cluster_listens_on_this_machine_alone(prefect_server: None) -> None:
    from flows.runners import runner_of

    runner: object = runner_of(load("quick", ["run.runner=dask"]).run)
    with runner.cluster_class(**runner.cluster_kwargs):  # type: ignore[attr-defined]
        found = listening(psutil.Process())
    assert (len(found) > 0, beyond_loopback(found)) == (True, set())


@long_only
def test_worker_listens_nowhere(pages: tuple[psutil.Process, int, int], tmp_path: Path) -> None:
    home, api = tmp_path / "home", f"http://127.0.0.1:{pages[1]}/api"
    with started(tmp_path / "deploy", "flows.cli", "deploy", "--home", home, PREFECT_API_URL=api) as process:
        assert process.wait(START_SECONDS) == 0, (tmp_path / "deploy").read_text()
    with started(tmp_path / "log", "flows.cli", "worker", "--home", home, PREFECT_API_URL=api) as process:
        wait_until(lambda: "prefect" in process.cmdline() and asks(process, pages[1]), tmp_path / "log")
        assert listening(process) == set()


def asks(process: psutil.Process, port: int) -> bool:
    return any(each.raddr and each.raddr.port == port for each in process.net_connections("inet"))


MODEL = """
import mlflow

class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input

mlflow.models.set_model(Echo())
"""


@long_only
def test_served_model_listens_on_this_machine_alone(tmp_path: Path) -> None:
    import mlflow

    (tmp_path / "echo.py").write_text(MODEL)
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=str(tmp_path / "echo.py"), pip_requirements=[])
    (port,) = free_ports(1)
    serve_model = ("mlflow", "models", "serve", "-m", tmp_path / "model", "--env-manager", "local", "-p", port)
    with started(tmp_path / "log", *serve_model) as process:
        wait_until(lambda: bool(listening(process)), tmp_path / "log")
        assert beyond_loopback(listening(process)) == set()
