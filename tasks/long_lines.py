"""Lines of a file of any size in constant memory: one that is too long is passed over, not read whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import AnyStr, Protocol, TypeVar

# Of bytes, or of characters in a text: several times the longest text, which FIELD_CHARACTERS of text_files bounds.
LONGEST_LINE = 2**24
TOO_LONG = f"a line of more than {LONGEST_LINE:,} bytes"


Content_co = TypeVar("Content_co", str, bytes, covariant=True)


class Lines(Protocol[Content_co]):
    """Name what is read from: a file opened as bytes or as text."""

    def readline(self, size: int = -1, /) -> Content_co:
        """Return the rest of a line, or so much of it."""


def read_line(stream: Lines[AnyStr], longest: int = LONGEST_LINE) -> tuple[AnyStr, bool]:
    """Return the next line, and if it is whole; of a longer one than `longest` its beginning, the rest passed over."""
    line = stream.readline(longest)
    if len(line) < longest or line.endswith(_ends(line)):
        return line, True
    rest = line
    while rest and not rest.endswith(_ends(rest)):
        rest = stream.readline(longest)
    return line, False


def read_lines(stream: Lines[AnyStr]) -> Iterator[tuple[AnyStr, bool]]:
    """Yield each line, and if it is whole (read_line)."""
    while (read := read_line(stream))[0]:
        yield read


def _ends(line: AnyStr) -> tuple[AnyStr, ...]:
    return ("\n", "\r") if isinstance(line, str) else (b"\n",)
