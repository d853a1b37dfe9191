"""What is wrong with a page that gives no record."""

from __future__ import annotations

from conf.errors import GenreflowError


class PageError(GenreflowError):
    """Say that a page carries none of the data that its layout should, and what was looked for."""


class BlockedError(PageError):
    """Say that the answer is a bot challenge, not a page."""
