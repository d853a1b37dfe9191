"""What a run's page in Prefect shows beside its log, under stable keys: tables, pictures, links, a task's progress.

These are notes on work that is kept elsewhere: where Prefect's server is away they are logged as missing, and the work
goes on.
"""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from httpx import TransportError
from prefect import get_run_logger
from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

# Every look of the board is a request to Prefect's server.
SECONDS_BETWEEN_LOOKS = 2.0


def show_table(rows: Sequence[dict[str, Any]], key: str, description: str) -> None:
    """Show rows as a table on the run's page."""
    with _missing_logged(key):
        create_table_artifact(list(rows), key=key, description=description)


def show_image(file: Path, key: str, description: str) -> None:
    """Show a PNG on the run's page; it is kept by Prefect's server itself, which serves no files."""
    with _missing_logged(key):
        address = f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
        create_image_artifact(address, key=key, description=description)


def show_link(address: str, text: str, key: str, description: str) -> None:
    """Show a link on the run's page."""
    with _missing_logged(key):
        create_link_artifact(address, link_text=text, key=key, description=description)


class Board:
    """Show the progress of a task on its run's page, as an artifact under a stable key."""

    def __init__(self, key: str, description: str) -> None:
        self._key = key
        self._artifact: Any = None
        self._shown = time.monotonic()
        with _missing_logged(key):
            self._artifact = create_progress_artifact(0.0, key=key, description=description)

    def show(self, per_cent: float, last: bool = False) -> None:
        """Show the share that is done (0 to 100), no more often than SECONDS_BETWEEN_LOOKS unless it is the last."""
        if self._artifact and (last or time.monotonic() - self._shown >= SECONDS_BETWEEN_LOOKS):
            self._shown = time.monotonic()
            with _missing_logged(self._key):
                update_progress_artifact(self._artifact, min(100.0, per_cent))


@contextlib.contextmanager
def _missing_logged(key: str) -> Iterator[None]:
    try:
        yield
    except TransportError as error:
        get_run_logger().warning("%s is not shown, Prefect's server does not answer: %s", key, error)
