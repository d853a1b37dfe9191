"""What all reports share: JSON for programs, bars and names for people."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tasks.logic.printable import printable, printable_json
from tasks.terminal import open_console


def as_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    told = json.dumps(value, indent=1, ensure_ascii=False, default=_plain)
    sys.stdout.write(printable_json(told) + "\n")


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that something is under way whose end nobody can tell."""
    console = open_console(stderr=True)
    with console.status(what) if console.is_terminal else contextlib.nullcontext():
        yield


def importing(file: Path) -> contextlib.AbstractContextManager[Callable[[int, int], None]]:
    """Show a bar, per cent and the time left while a file is imported; what is counted is the file's own matter."""
    return _reading(f"import {file.name}")


def predicting(file: Path) -> contextlib.AbstractContextManager[Callable[[int, int], None]]:
    """Show a bar, per cent, rows a second and the time left while a file of texts is predicted."""
    return _reading(f"predict {file.name}", _RowsASecond())


@contextlib.contextmanager
def _reading(what: str, *more: ProgressColumn) -> Iterator[Callable[[int, int], None]]:
    """Yield advance(done, total) of a bar; a total of 0 means that nobody knows it yet."""
    told = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    console = open_console(stderr=True)
    with Progress(
        *told, *more, TimeRemainingColumn(compact=True),
        console=console, transient=True, disable=not console.is_terminal,
    ) as bars:  # fmt: skip
        task = bars.add_task(printable(what), total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total or None)


class _RowsASecond(ProgressColumn):
    """Show how many rows are done, and how many a second."""

    def render(self, task: Task) -> Text:
        """Return what the bar shows of a task; nobody knows its speed before its second step."""
        speed = "" if task.speed is None else f", {task.speed:,.0f} a second"
        return Text(f"{task.completed:,.0f} rows{speed}")


def command() -> str:
    """Return how the command line was called: by its name where the shell finds it, else by its path."""
    if shutil.which("genreflow"):
        return "genreflow"
    return os.path.relpath(sys.argv[0])


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
