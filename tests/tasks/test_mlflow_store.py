"""MLflow's store: one clear line within seconds where it cannot be used, and made once by whoever comes first."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from sqlalchemy.exc import OperationalError

from conf.schema import dump, load
from tasks import mlflow_store
from tasks.champion import connect
from tasks.mlflow_store import StoreAwayError, TrackingError, is_away
from tasks.runs import experiment_id

TRACK = load("quick").track
Ask = Callable[[str], Any]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that connects to a store by its URI, whatever proxy this machine has."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return lambda uri: connect(tmp_path, TRACK.model_copy(update={"uri": uri}))


@pytest.fixture
def silent() -> Iterator[int]:
    """Listen on a port and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed(silent: int) -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def answering() -> Iterator[Callable[[int, str], str]]:
    """Return a function that starts a server of one status and body, and gives its address."""
    servers = []

    def start(status: int, body: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("scheme", ["http", "postgresql", "postgresql+psycopg", "mysql"])
def test_store_that_is_not_there_is_named_at_once_and_without_its_password(ask: Ask, closed: int, scheme: str) -> None:
    began = time.monotonic()
    with pytest.raises(StoreAwayError) as raised:
        ask(f"{scheme}://me:secret@127.0.0.1:{closed}/mlflow")
    assert time.monotonic() - began < 5
    assert str(raised.value) == (
        f"MLflow store {scheme}://127.0.0.1:{closed}/mlflow does not answer: Connection refused; "
        "start it, or name another one in track.uri"
    )


def test_server_that_takes_the_connection_and_says_nothing_is_not_waited_for(
    ask: Ask, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_store, "ANSWER_SECONDS", 1)
    with pytest.raises(StoreAwayError, match="does not answer: no answer within 1 s; start it"):
        ask(f"http://127.0.0.1:{silent}")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_in_trouble_is_away(ask: Ask, answering: Any, status: int) -> None:
    with pytest.raises(StoreAwayError, match=f"does not answer: too many {status} error responses"):
        ask(answering(status, "<html>Bad gateway</html>"))


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, "<html>\n<body>Hello</body></html>", "the response body was not in a valid JSON format"),
        (404, "<html>Not found</html>", "failed with error code 404 != 200"),
        (401, "You are not authenticated.", "it asks for a login; set MLFLOW_TRACKING_USERNAME"),
        (403, '{"error_code": "PERMISSION_DENIED", "message": "no"}', "it asks for a login"),
    ],
)
def test_answer_that_will_not_change_is_told_in_one_line(
    ask: Ask, answering: Any, status: int, body: str, told: str
) -> None:
    with pytest.raises(TrackingError, match="cannot be used: ") as raised:
        ask(answering(status, body))
    assert not is_away(raised.value)
    assert told in str(raised.value)
    assert "<html>" not in str(raised.value)


@pytest.mark.parametrize(
    ("message", "code", "away"),
    [
        ("API request to endpoint /x failed with error code 502 != 200", "INTERNAL_ERROR", True),
        ("API request to endpoint /x failed with error code 504 != 200", "DEADLINE_EXCEEDED", True),
        ("slow down", "REQUEST_LIMIT_EXCEEDED", True),
        ("API request to endpoint /x failed with error code 500 != 200", "INTERNAL_ERROR", False),
        ("no such run", "RESOURCE_DOES_NOT_EXIST", False),
    ],
)
def test_answer_of_a_proxy_whose_server_is_gone_may_pass(message: str, code: str, away: bool) -> None:
    error = MlflowException(message)
    error.error_code = code
    assert is_away(error) == away


def test_server_behind_a_proxy_is_asked_through_it(
    ask: Ask, answering: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTP_PROXY", answering(200, '{"experiments": []}'))
    assert ask("http://mlflow.invalid:5000") is not None


@pytest.mark.parametrize("uri", ["foo://bar", "http://127.0.0.1:port", "mlruns", "postgresql+foo://127.0.0.1"])
def test_address_that_can_never_be_used_is_named(ask: Ask, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_store, "_reach", lambda *_: None)
    with pytest.raises(TrackingError, match="cannot be used: ") as raised:
        ask(uri)
    assert f"MLflow store {uri} " in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(importlib.util.find_spec("psycopg") is not None, reason="psycopg is installed")
def test_missing_driver_says_what_brings_it(ask: Ask, silent: int) -> None:
    with pytest.raises(TrackingError, match=r"No module named 'psycopg'; pip install 'genreflow\[production\]'"):
        ask(f"postgresql://127.0.0.1:{silent}/mlflow")


def test_file_that_is_no_database_is_named(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with pytest.raises(TrackingError, match=f"MLflow store {uri} cannot be used: .*file is not a database"):
        ask(uri)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "mysql", "sqlite", None])
def test_files_stay_in_the_home_where_the_store_is_a_database(scheme: str | None, tmp_path: Path) -> None:
    made: dict[str, Any] = {}

    class Client:
        def get_experiment_by_name(self, _: str) -> None:
            return None

        def create_experiment(self, name: str, artifact_location: str | None) -> str:
            made[name] = artifact_location
            return "1"

    track = TRACK.model_copy(update={"uri": scheme and f"{scheme}://db.example/mlflow"})
    experiment_id(Client(), tmp_path, track, "summary")
    assert made == {"genreflow/summary": (tmp_path / "mlflow" / "artifacts" / "summary").as_uri()}
    experiment_id(Client(), tmp_path, TRACK.model_copy(update={"uri": "https://mlflow.example"}), "summary")
    assert made == {"genreflow/summary": None}


def test_password_of_the_store_is_in_no_logged_configuration(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("track: {uri: 'postgresql://me:se@cret@db.example/mlflow'}")
    settings = load(file)
    assert settings.track.uri == "postgresql://me:se@cret@db.example/mlflow"
    assert dump(settings)["track"]["uri"] == "postgresql://db.example/mlflow"


@pytest.mark.parametrize(
    ("message", "code", "away"),
    [
        ("API request to http://h/api/2.0/mlflow/runs/create failed with exception refused", None, True),
        ("Failures while downloading:\n##### File a #####\nAPI request to http://h/a failed", None, True),
        ("(psycopg.OperationalError) server closed the connection", TEMPORARILY_UNAVAILABLE, True),
        ("API request to endpoint /api/2.0/mlflow/runs/create failed with error code 404 != 200", None, False),
        ("Changing param values is not allowed", None, False),
    ],
)
def test_outage_is_told_from_a_refusal(message: str, code: int | None, away: bool) -> None:
    error = MlflowException(message, code) if code else MlflowException(message)
    assert is_away(error) is away


@pytest.mark.parametrize(
    ("answer", "away"),
    [
        ('connection failed: FATAL:  password authentication failed for user "me"', False),
        ('connection failed: FATAL:  database "mlflow" does not exist', False),
        ("connection failed: FATAL:  no pg_hba.conf entry for host", False),
        ("connection failed: FATAL:  the database system is starting up", True),
        ("connection failed: FATAL:  sorry, too many clients already", True),
        ("database is locked", True),
    ],
)
def test_database_that_refuses_is_told_from_one_that_is_away(answer: str, away: bool) -> None:
    assert is_away(OperationalError("SELECT 1", None, Exception(answer))) is away


CONNECT = """
import sys
from pathlib import Path
import mlflow
from conf.schema import load
from tasks.champion import connect
print("ready", flush=True)
sys.stdin.readline()
home, name = sys.argv[1:]
connect(Path(home), load("quick").track).create_experiment(name)
"""


def test_two_processes_make_a_store_together(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", CONNECT, str(tmp_path), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("first", "second")
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    names = {each.name for each in connect(tmp_path, TRACK).search_experiments()}
    assert names == {"Default", "first", "second"}


def test_store_that_was_cut_short_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr("mlflow.store.db.utils._upgrade_db", interrupt)
        connect(tmp_path, TRACK)
    assert list((tmp_path / "mlflow").glob("*.db")) == []
    assert connect(tmp_path, TRACK).get_experiment_by_name("Default") is not None


def interrupt(_: object) -> None:
    raise KeyboardInterrupt
