"""Which split a title belongs to: a matter of its id alone, so a title never moves and corpora agree."""

from __future__ import annotations

import hashlib
from typing import Literal

Split = Literal["train", "validation", "selection", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "selection", "test")

# Per cent of the titles below which each split ends: 70 train, 8 validation, 7 selection, 15 test.
_ENDS: tuple[tuple[int, Split], ...] = ((70, "train"), (78, "validation"), (85, "selection"))


def split_of(title_id: str) -> Split:
    """Return the split of a title: the first 8 bytes of the SHA-256 of its id, big-endian, modulo 100.

    0-69 is train, 70-77 validation, 78-84 selection, 85-99 test.
    """
    digest = hashlib.sha256(title_id.encode()).digest()
    bucket = int.from_bytes(digest[:8], "big") % 100
    return next((split for end, split in _ENDS if bucket < end), "test")
