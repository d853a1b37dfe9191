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

    Raises GenreflowError for a folder of somebody else's that everybody may write into, and for a path that cannot be
    part of a database's address.
    """
    path = Path(home or os.environ.get("GENREFLOW_HOME") or DEFAULT_HOME).absolute()
    if "?" in str(path) or "%" in str(path):
        # MLflow's and Prefect's databases would be made at another place, outside the home.
        raise GenreflowError(f"{path}: a home's path may hold no ? and no %; choose another --home")
    _check_owner(path)
    return path


def _check_owner(path: Path) -> None:
    # Such as one that waits under a name that is easy to guess in /tmp: its models would run as whoever opens them.
    if not hasattr(os, "geteuid"):
        return
    try:
        status = path.stat()
    except OSError:
        # Nothing is there yet, or nothing can be: whoever makes or opens it says so.
        return
    if status.st_uid not in (os.geteuid(), 0) and status.st_mode & stat.S_IWOTH:
        raise GenreflowError(
            f"{path}: belongs to another user and everybody may write into it, and what lies in a home runs as code; "
            f"choose another --home, or let its owner run chmod o-w on it"
        )
