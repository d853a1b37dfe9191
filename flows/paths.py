"""Where the home folder is."""

from __future__ import annotations

import os
import stat
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
    """Return the absolute home folder: as given, else GENREFLOW_HOME, else ./data.

    Raises GenreflowError for a folder of somebody else's that everybody may write into.
    """
    path = Path(home or os.environ.get("GENREFLOW_HOME") or DEFAULT_HOME).absolute()
    _check_owner(path)
    return path


def _check_owner(path: Path) -> None:
    # Such as one that waits under a name that is easy to guess in /tmp: its models would run as whoever opens them.
    if not path.exists() or not hasattr(os, "geteuid"):
        return
    status = path.stat()
    if status.st_uid not in (os.geteuid(), 0) and status.st_mode & stat.S_IWOTH:
        raise GenreflowError(
            f"{path}: belongs to another user and everybody may write into it, and what lies in a home runs as code; "
            f"choose another --home, or let its owner run chmod o-w on it"
        )
