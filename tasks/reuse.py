"""How a task says that it found its result whole and did nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar, cast

from prefect.states import Completed

T = TypeVar("T")


def cached(value: T, folder: Path) -> T:
    """Return a completed state named Cached; Prefect hands the value on to whoever asks for the task's result."""
    return cast(T, Completed(name="Cached", message=f"reused {folder.name}", data=value))
