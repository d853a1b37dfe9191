"""Where the home folder is."""

from __future__ import annotations

import os
from pathlib import Path

from conf.errors import GenreflowError

DEFAULT_HOME = "data"


def existing_home(home: str | Path | None) -> Path:
    """Return the home folder of a command that only reads what is there; raises GenreflowError where there is none."""
    path = home_path(home)
    if not path.is_dir():
        raise GenreflowError(f"{path}: no such folder; expected a home (--home)")
    return path


def home_path(home: str | Path | None) -> Path:
    """Return the absolute home folder: as given, else GENREFLOW_HOME, else ./data."""
    return Path(home or os.environ.get("GENREFLOW_HOME") or DEFAULT_HOME).absolute()
