"""What an interface of the local movie site gives back: a status, a body and headers, with no network in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol

from scraper.site.titles import Catalogue, SiteTitle


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold one answer of an interface."""

    body: str
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Api(Protocol):
    """Describe what each module of an interface offers."""

    def answer(self, catalogue: Catalogue, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        """Answer a GET request; query and headers are decoded, and a header's name may stand in any case."""

    def fail(self, status: int) -> Reply:
        """Return the error that the interface sends with an HTTP status of 429 or 503."""


def reply_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a value as JSON."""
    return Reply(json.dumps(value, ensure_ascii=False, separators=(",", ":")), status, headers=headers or {})


def draw_point(title_id: str, trait: str) -> float:
    """Return a title's point from 0 to 1 for a trait: titles below a share of s make up that share of all."""
    digest = hashlib.blake2b(f"{trait}/{title_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def number(title_id: str) -> int:
    """Return the number in an id."""
    return int(title_id.removeprefix("tt"))


def release_date(title: SiteTitle) -> date | None:
    """Return the day a title came out, which all interfaces tell alike; None where its year is not known."""
    if title.year is None or not date.min.year <= title.year <= date.max.year:
        return None
    return date(title.year, 1, 1) + timedelta(days=int(draw_point(title.title_id, "release") * 365))
