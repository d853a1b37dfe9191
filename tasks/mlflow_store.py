"""An MLflow store as it is opened: made whole before anyone sees it, and asked with patience of seconds, not minutes.

Nothing of Prefect is imported here.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from filelock import FileLock

from conf.errors import GenreflowError
from conf.operation import Track, without_login
from tasks import store

SERVERS = {"http": 80, "https": 443}
DATABASES = {"postgresql": 5432, "mysql": 3306}
# How a database lets in one at a time, for as long as a transaction or connection lasts; with the wait's limit.
_ALONE = {
    "postgresql": ("SET LOCAL lock_timeout = '300s'", "SELECT pg_advisory_xact_lock(7341902)"),
    "mysql": ("SELECT GET_LOCK('genreflow', 300)",),
}
# What a database says that is there and lets nobody in: no use in trying again.
_CLOSED = ("authentication failed", "no pg_hba.conf entry", "does not exist", "Access denied", "Unknown database")
# MLflow itself waits for minutes: for a connection, and for an answer on it.
REACH_SECONDS = 5
ANSWER_SECONDS = 15
# How MLflow calls an answer that it is busy, and one of a proxy whose server is gone.
_PASSING = ("TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED")
_GATEWAY = "failed with error code 502"
# How sqlite says that its disk takes nothing.
_FULL = ("database or disk is full", "attempt to write a readonly database", "disk I/O error")
_LOGIN = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


class TrackingError(GenreflowError):
    """Say which MLflow store could not be used and what it answered."""


class StoreAwayError(TrackingError):
    """Say which MLflow store did not answer, which may pass."""


def is_away(error: BaseException | None) -> bool:
    """Tell whether an error says that MLflow's store was away or busy, which may pass; what it refused will not."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import ConnectionError, Timeout
    from sqlalchemy.exc import OperationalError

    if takes_nothing(error):
        return False
    if isinstance(error, MlflowException):
        # How MLflow tells that a request had no answer, also inside a list of files that could not be had; its error
        # code is that of many other faults. The second is that of a database which is locked or gone.
        return "API request to http" in error.message or error.error_code in _PASSING or _GATEWAY in error.message
    if isinstance(error, OperationalError) and any(refusal in str(error) for refusal in _CLOSED):
        return False
    return isinstance(error, (StoreAwayError, ConnectionError, Timeout, OperationalError))


def takes_nothing(error: BaseException | None) -> bool:
    """Tell whether an error says that the disk of a sqlite store is full or read-only: trying again makes no room."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    told = isinstance(error, (MlflowException, SQLAlchemyError))
    return told and any(refusal in str(error) for refusal in _FULL)


def keeps_files(uri: str | None) -> bool:
    """Tell whether the store at a URI takes files, too; a database has no room for them, and they stay in the home."""
    return uri is not None and _scheme(uri) not in (*DATABASES, "mssql", "sqlite")


def home_database(home: Path) -> Path:
    """Return where a home's own sqlite store is."""
    return home / "mlflow" / "mlflow.db"


def store_uri(home: Path, track: Track) -> str:
    """Return the address of the configured store, by default the home's own."""
    return track.uri or f"sqlite:///{home_database(home)}"


def _make_store(database: Path) -> None:
    """Make a sqlite store, unless it is there; processes and threads that come meanwhile wait for it.

    MLflow makes the tables in place, one after the other, where two at a time fail and a kill leaves half of them.
    """
    if database.exists():
        return
    from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_suffix(".lock")):
        if database.exists():
            return
        # A name of its own each time: MLflow keeps its connection to an address, also where making failed.
        with store.scratch_folder(database.parent, uuid4().hex) as scratch:
            made = scratch / database.name
            SqlAlchemyStore(f"sqlite:///{made}", DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH).engine.dispose()
            store.write_bytes(database, made.read_bytes())


def open_store(uri: str) -> Any:
    """Return a client of the store at a URI that has answered; raises StoreAwayError or TrackingError."""
    import mlflow
    from sqlalchemy import make_url

    with _named(uri):
        scheme = _scheme(uri)
        if scheme in SERVERS:
            _ask_server(uri, SERVERS[scheme])
            return mlflow.MlflowClient(uri)
        if scheme == "sqlite" and (database := make_url(uri).database) and not database.startswith((":", "file:")):
            _make_store(Path(database))
        with _ask_database(uri, DATABASES[scheme]) if scheme in DATABASES else contextlib.nullcontext():
            client = mlflow.MlflowClient(uri)
            client.search_experiments(max_results=1)
    return client


@contextlib.contextmanager
def _named(uri: str) -> Iterator[None]:
    """Turn what goes wrong with a store into one line that names it, and no password."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except OSError as error:
        raise _away(uri, error.strerror or str(error)) from None
    except ModuleNotFoundError as error:
        raise _refused(uri, f"{error}; pip install 'genreflow[production]' brings PostgreSQL's driver") from None
    except (MlflowException, SQLAlchemyError, ValueError) as error:
        if is_away(error):
            raise _away(uri, reason_of(error)) from None
        raise _refused(uri, reason_of(error)) from None


def _scheme(uri: str) -> str:
    # Without the driver of a database.
    return urlsplit(uri).scheme.partition("+")[0]


def _away(uri: str, reason: str) -> StoreAwayError:
    mend = "" if uri.startswith("sqlite") else "; start it, or name another one in track.uri"
    return StoreAwayError(without_login(f"MLflow store {uri} does not answer: {reason}{mend}"))


def _refused(uri: str, reason: str) -> TrackingError:
    return TrackingError(without_login(f"MLflow store {uri} cannot be used: {reason} (track.uri)"))


def reason_of(error: Exception) -> str:
    """Return what went wrong in one sentence: MLflow and SQLAlchemy go on with bodies, statements and links."""
    from requests.exceptions import RequestException
    from urllib3.exceptions import TimeoutError

    if getattr(error, "error_code", None) in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return f"it asks for a login; {_LOGIN}"
    cause = error.__context__
    if isinstance(cause, RequestException) and cause.args:
        # MLflow's error repeats that of requests, which repeats urllib3's.
        reason = getattr(cause.args[0], "reason", cause.args[0])
        return f"no answer within {ANSWER_SECONDS} s" if isinstance(reason, TimeoutError) else str(reason)
    return str(error).strip().partition("\n")[0].partition(". ")[0]


def _ask_server(uri: str, port: int) -> None:
    """Ask an MLflow server its shortest question, once."""
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request_safe
    from requests.utils import get_environ_proxies, select_proxy

    parts = urlsplit(uri)
    # A proxy may be the only way there; it is asked with the question.
    if parts.hostname and not select_proxy(uri, get_environ_proxies(uri)):
        _reach(parts.hostname, parts.port or port)
    question: dict[str, Any] = {"json": {"max_results": 1}, "timeout": ANSWER_SECONDS, "max_retries": 0}
    http_request_safe(get_default_host_creds(uri), "/api/2.0/mlflow/experiments/search", "POST", **question)


@contextlib.contextmanager
def _ask_database(uri: str, port: int) -> Iterator[None]:
    """Open a database once, and be the only one that does so; without a host it is a socket of this machine.

    Where it is empty MLflow makes its tables on the way, where two at a time fail.
    """
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.pool import NullPool

    url = make_url(uri)
    if url.host:
        _reach(url.host, url.port or port)
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": ANSWER_SECONDS})
    with engine.connect() as connection:
        for statement in _ALONE[_scheme(uri)]:
            connection.execute(text(statement))
        yield


def _reach(host: str, port: int) -> None:
    with socket.create_connection((host, port), REACH_SECONDS):
        pass
