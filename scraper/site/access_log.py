"""The access log of the local movie site: one JSON object a request, and never a key."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from urllib.parse import unquote_plus

from scraper.site.titles import SiteError

# Query parameters that carry a key: OMDb's, and TMDB's where a client sends no token.
KEY_PARAMETERS = ("apikey", "api_key")


class AccessLog:
    """Append requests to a file, or to none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._log: TextIO | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Keep the file open; raises SiteError naming it when it cannot be written."""
        if self._path is None:
            yield
            return
        try:
            log = self._path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise SiteError(f"{self._path}: access log cannot be written: {error.strerror}") from None
        with log:
            self._log = log
            try:
                yield
            finally:
                self._log = None

    def note(self, path: str, status: int | None, fault: str | None) -> None:
        """Append one request; path may have a query, of which keys are left out."""
        if self._log is None:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {"time": time, "path": leave_out_keys(path), "status": status, "fault": fault}
        self._log.write(json.dumps(entry) + "\n")


def leave_out_keys(path: str) -> str:
    """Return a path with its query, as sent, without the parameters that carry a key."""
    plain, _, query = path.partition("?")
    kept = [part for part in query.split("&") if not _carries_key(part)]
    return f"{plain}?{'&'.join(kept)}" if any(kept) else plain


def _carries_key(part: str) -> bool:
    return unquote_plus(part.partition("=")[0]).strip().lower() in KEY_PARAMETERS
