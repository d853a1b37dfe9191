"""How many requests a host has had today: the daily cap's memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from tasks.store import write_json


class DailyQuota:
    """Count the requests of one day (UTC) in a file, so that a crawl started again goes on counting."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._day, self._used = self._read()

    def _read(self) -> tuple[str, int]:
        try:
            kept = json.loads(self._path.read_text())
            return str(kept["day"]), int(kept["requests"])
        except FileNotFoundError:
            return _today(), 0
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self._path}: expected the day and its requests: {error}") from None

    @property
    def used(self) -> int:
        """Return the requests counted today."""
        return self._used if self._day == _today() else 0

    def count(self) -> None:
        """Count one request and keep the count."""
        self._day, self._used = _today(), self.used + 1
        write_json(self._path, {"day": self._day, "requests": self._used})


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
