"""A running server of hand-written pages, and the configuration to crawl it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from title_pages import TitleServer

from conf.data import Collect
from conf.schema import load


@pytest.fixture
def server() -> Iterator[TitleServer]:
    with TitleServer() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the raw folder that a test crawls into."""
    return tmp_path / "raw" / "first"


@pytest.fixture
def collect(server: TitleServer) -> Callable[..., Collect]:
    """Build a collect section for the server, values changed by keyword."""

    def build(**changes: Any) -> Collect:
        plain = load("base").collect.model_dump() | {"fields": "texts"}
        return Collect.model_validate({**plain, "base_url": server.base_url, **changes})

    return build
