"""Where the home folder is."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_HOME = "data"


def home_path(home: str | Path | None) -> Path:
    """Return the absolute home folder: as given, else GENREFLOW_HOME, else ./data."""
    return Path(home or os.environ.get("GENREFLOW_HOME") or DEFAULT_HOME).absolute()
