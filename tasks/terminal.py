"""Consoles on which a text from anywhere is a text: no markup of Rich, no code that a terminal acts upon."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
from rich.segment import Segment

from tasks.logic.printable import printable

WIDE = 160


def open_console(**options: Any) -> Console:
    """Return a console that styles what has a style of its own, and shows every other text as it is.

    Where nobody's terminal ends, in a pipe or a file, lines are WIDE characters long (COLUMNS says otherwise).
    """
    console = Console(markup=False, **options)
    if not console.is_terminal and "COLUMNS" not in os.environ and "width" not in options:
        console.width = WIDE
    console.push_render_hook(_Printable())
    return console


class _Printable(RenderHook):
    """Write out the control characters in whatever is printed."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Shown(each) for each in renderables]


class _Shown:
    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        for text, style, control in console.render(self._renderable, options):
            yield Segment(text if control else printable(text), style, control)
