"""What a command sets up before Prefect and MLflow are imported."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from conf.errors import GenreflowError
from conf.schema import Settings, load
from flows.paths import home_path

SERVER_NOTE = "prefect-server"
# Pauses double from two seconds: a Prefect server may be away for two minutes before a run gives up. Its own default
# is 5, one minute.
RETRIES_OF_REQUESTS = "6"
# The database of Prefect's embedded server takes 9 MB in a new home, and what a run keeps besides is more than that.
LEAST_FREE_BYTES = 32 * 2**20


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


def set_up(conf: str | Path, overrides: list[str] | None, home: Path | None, *, tracked: bool = False) -> Settings:
    """Make ready for flows: check the configuration and the home, choose Prefect's server, tidy the log.

    tracked says that they log to MLflow: a store outside the home must answer before a Prefect server is started.

    The server is that in PREFECT_API_URL, else that of `genreflow ui` over this home, else an embedded one whose
    database is in the home. Call it before Prefect is imported. Raises ConfigError, GenreflowError for a home
    that cannot be used, or TrackingError.
    """
    settings = load(conf, overrides or [])
    quiet()
    path = home_path(home)
    try:
        (path / "prefect").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GenreflowError(
            f"{path}: cannot be used as the home folder ({error.strerror}); choose another --home"
        ) from None
    if tracked:
        from tasks.champion import check_store

        check_store(path, settings.track)
    if "PREFECT_API_URL" not in os.environ:
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
    _tidy_logs()
    return settings


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


def server_answers(address: str) -> bool:
    """Say whether a Prefect server answers at an API's address."""
    try:
        with urlopen(f"{address}/health", timeout=3):
            return True
    except (OSError, ValueError):
        return False


def _tidy_logs() -> None:
    """Share one console between log lines and progress bars, and leave tracebacks to Prefect's page.

    The error itself is printed by the command line, once.
    """
    from prefect.logging.configuration import setup_logging
    from prefect.logging.handlers import PrefectConsoleHandler

    from tasks import progress

    setup_logging()
    for logger in (logging.getLogger(), logging.getLogger("prefect")):
        for handler in logger.handlers:
            if isinstance(handler, PrefectConsoleHandler):
                handler.console = progress.console
                handler.addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    return not (record.exc_info and record.name.startswith("prefect")) or "GENREFLOW_DEBUG" in os.environ
