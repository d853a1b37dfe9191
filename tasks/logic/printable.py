"""Texts as a terminal may show them: what would move its cursor, colour it or turn its lines round is written out."""

from __future__ import annotations

import re

# Control characters but for line feed and tab, marks that override a text's direction, and halves of surrogate pairs.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return a text with the characters that a terminal acts upon written as \\x1b or \\u202e."""
    return _HIDDEN.sub(_written, text.replace("\r\n", "\n"))


def printable_json(text: str) -> str:
    """Return JSON with the characters that a terminal acts upon as JSON escapes: the same values."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
