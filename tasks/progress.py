"""Progress where a person waits: bars on a terminal, otherwise a log line with counts now and then."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tasks.logic.printable import printable
from tasks.terminal import open_console

SECONDS_BETWEEN_LINES = 20.0

Advance = Callable[..., None]
Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]

console = open_console(stderr=True)
_bars = Progress(
    TextColumn("{task.description:<28}", markup=False),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TextColumn("{task.fields[note]}", markup=False),
    console=console,
    transient=True,
)
_lock = threading.Lock()
_open = 0


@contextlib.contextmanager
def bar(label: str, total: int, logger: Logger) -> Iterator[Advance]:
    """Yield advance(done, note="", new_total=None) for a piece of work of `total` steps, or as it says later."""
    global _open
    task = None
    if console.is_terminal:
        with _lock:
            _open += 1
            if _open == 1:
                _bars.start()
            task = _bars.add_task(printable(label), total=total, note="")
    last = time.monotonic()

    def advance(done: int, note: str = "", new_total: int | None = None) -> None:
        nonlocal last, total
        total = new_total or total
        if task is not None:
            _bars.update(task, completed=done, total=total, note=note)
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            logger.info("%s: %d of %d %s", label, done, total, note)

    try:
        yield advance
    finally:
        if task is not None:
            with _lock:
                _bars.remove_task(task)
                _open -= 1
                if _open == 0:
                    _bars.stop()
