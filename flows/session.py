"""What a command sets up before Prefect and MLflow are imported."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil

from conf.errors import GenreflowError
from conf.operation import without_login
from conf.schema import Settings, load
from flows.paths import home_path

SERVER_NOTE = "prefect-server"
# Pauses double from two seconds: a Prefect server may be away for two minutes before a run gives up. Its own default
# is 5, one minute.
RETRIES_OF_REQUESTS = "6"
# The database of Prefect's embedded server takes 9 MB in a new home, and what a run keeps besides is more than that.
LEAST_FREE_BYTES = 32 * 2**20
# A server in trouble takes seconds for an answer; one that is not there says so at once.
_ANSWER_SECONDS = 15
_STOP_SECONDS = 5
_OF_A_HOOK = re.compile(r"Running hook '|Hook '.*' finished running successfully")


class ServerAwayError(GenreflowError):
    """Say which Prefect server does not answer, and what to do."""


def quiet() -> None:
    """Switch off telemetry and start-up chatter; what the user has set in the environment stays."""
    for name, value in {
        "DO_NOT_TRACK": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        # The tasks that log are tried again, with longer pauses and a line in the run's log. What MLflow asks again by
        # itself, because an answer was lost, it would do twice: a run, a model's version.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
        # It would print a line a run between the figures of --json.
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    }.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Batches of many lengths make it warn of every function compiled again.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def set_up(
    conf: str | Path,
    overrides: list[str] | None,
    home: Path | None,
    *,
    collected: bool = False,
    reads: bool = False,
    tracked: bool = False,
) -> Settings:
    """Make ready for flows: check the configuration and the home, choose Prefect's server, tidy the log.

    What would fail is told before a Prefect server is started. collected: they crawl, if ids are set; reads: they need
    titles, of that crawl, the inbox or the home; tracked: they log to MLflow, and a store outside the home must answer.

    The server is that in PREFECT_API_URL, else that of `genreflow ui` over this home, else an embedded one whose
    database is in the home. Call it before Prefect is imported. Raises ConfigError, GenreflowError for a home
    that cannot be used, what the spider or the list of ids says that cannot be had, NoTitlesError, TrackingError, or
    ServerAwayError for a server in PREFECT_API_URL that does not answer.
    """
    settings = load(conf, overrides or [])
    quiet()
    path = home_path(home)
    if tracked:
        from tasks.champion import check_store

        check_store(path, settings.track)
    address = os.environ.get("PREFECT_API_URL")
    if address:
        check_server(address)
    _check_titles(settings, path / "raw", collected=collected, reads=reads)
    try:
        (path / "prefect").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GenreflowError(
            f"{path}: cannot be used as the home folder ({error.strerror}); choose another --home"
        ) from None
    if not address:
        running = running_server(path)
        if running:
            os.environ["PREFECT_API_URL"] = running
        os.environ.setdefault("PREFECT_HOME", str(path / "prefect"))
        if not running:
            _check_room(Path(os.environ["PREFECT_HOME"]))
        os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "true")
        # It has no pages, so no page may ask it.
        os.environ.setdefault("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", "http://127.0.0.1")
        # The default of 20 s is too short on a busy machine.
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", RETRIES_OF_REQUESTS)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end_with_children)
    _tidy_logs()
    return settings


def _check_titles(settings: Settings, raw: Path, *, collected: bool, reads: bool) -> None:
    if collected and settings.collect.ids is not None:
        from scraper.ids import check_ids
        from scraper.spiders.known import ready_spider

        ready_spider(settings.collect)
        check_ids(settings.collect)
    elif reads and not (collected and collects(settings)):
        from tasks.records import check_raw

        check_raw(raw)


def collects(settings: Settings) -> bool:
    """Say whether the collect flow has anything to do."""
    return settings.collect.ids is not None or settings.import_.inbox is not None


def _check_room(folder: Path) -> None:
    """Raise GenreflowError where the embedded server cannot write: it says so with a traceback, minutes later."""
    if folder.is_dir() and not os.access(folder, os.W_OK):
        raise GenreflowError(
            f"{folder}: Prefect's database goes there, and it cannot be written; choose another --home"
        )
    if folder.is_dir() and (free := shutil.disk_usage(folder).free) < LEAST_FREE_BYTES:
        raise GenreflowError(
            f"{folder}: No space left on device: {free / 2**20:.1f} MB free where Prefect's database goes, expected "
            f"{LEAST_FREE_BYTES / 2**20:.0f} MB; make room (genreflow clean --delete), or choose another --home"
        )


@contextlib.contextmanager
def local_site(settings: Settings) -> Iterator[str]:
    """Serve the generated titles on a free port of this machine; yields the base URL."""
    from scraper.site.generator import generate_titles
    from scraper.site.server import running_site

    with running_site(generate_titles(settings.site.titles, settings.site.random_seed)) as base_url:
        yield base_url


def running_server(home: Path) -> str | None:
    """Return the API address of the Prefect server that `genreflow ui` keeps over this home, if it answers."""
    note = home / SERVER_NOTE
    address = note.read_text().strip() if note.exists() else ""
    return address if address and server_answers(address) else None


def check_server(address: str) -> None:
    """Raise ServerAwayError where no Prefect server answers at an API's address (PREFECT_API_URL)."""
    if not server_answers(address):
        raise ServerAwayError(
            f"no Prefect server answers at {without_login(address)} (PREFECT_API_URL); start it, or unset the variable"
        )


def server_answers(address: str) -> bool:
    """Say whether a Prefect server answers at an API's address; one that asks for a login does."""
    try:
        with urlopen(f"{address.rstrip('/')}/health", timeout=_ANSWER_SECONDS):
            return True
    except HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False


def lost_server(error: BaseException | None) -> GenreflowError | None:
    """Return an error of Prefect's that says its server was lost as one that tells what to do; None for any other.

    The embedded one is lost with the room on its disk.
    """
    from httpx import HTTPStatusError, TransportError

    while error is not None:
        gone = isinstance(error, TransportError) or "ephemeral Prefect API server" in str(error)
        if gone or (isinstance(error, HTTPStatusError) and error.response.status_code >= 500):
            if "PREFECT_API_URL" not in os.environ:
                try:
                    _check_room(Path(os.environ["PREFECT_HOME"]))
                except GenreflowError as no_room:
                    return no_room
            reason = str(error).partition("\n")[0] or type(error).__name__
            address = without_login(os.environ.get("PREFECT_API_URL", "started by this command"))
            return ServerAwayError(
                f"the Prefect server ({address}) does not answer any more: {reason}; give the same command again when "
                "it does: what was made is kept"
            )
        error = error.__cause__ or error.__context__
    return None


def _end_with_children(signum: int, _: object) -> None:
    """End this process by a signal, with what it started: Prefect leaves its embedded server behind otherwise."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()
    for child in psutil.wait_procs(children, _STOP_SECONDS)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


def _tidy_logs() -> None:
    """Share one console between log lines and progress bars; leave tracebacks and hooks that ran to Prefect's page.

    The error itself is printed by the command line, once, and a hook says itself what it does.
    """
    from prefect.logging.configuration import setup_logging
    from prefect.logging.handlers import PrefectConsoleHandler

    from tasks import progress

    setup_logging()
    for logger in (logging.getLogger(), logging.getLogger("prefect")):
        for handler in logger.handlers:
            if isinstance(handler, PrefectConsoleHandler):
                handler.console = progress.console
                handler.addFilter(has_news)


def has_news(record: logging.LogRecord) -> bool:
    """Say whether the terminal shows a record; GENREFLOW_DEBUG shows Prefect's tracebacks and hooks, too."""
    if "GENREFLOW_DEBUG" in os.environ or not record.name.startswith("prefect"):
        return True
    return not (record.exc_info or _OF_A_HOOK.match(record.getMessage()))
