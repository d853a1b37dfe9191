"""A store of MLflow's that is away is found out before any work: before a crawl, and before a Prefect server starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Answer

from conf.schema import load
from flows.embed import embed
from flows.pipeline import pipeline
from flows.prepare import prepare
from flows.study import study
from flows.train import train
from tasks.champion import check_store

# Port 1 is nobody's.
AWAY = "track.uri=http://127.0.0.1:1"
TOLD = "MLflow store http://127.0.0.1:1 does not answer: Connection refused; start it, or name another one in track.uri"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("command", ["demo", "run", "train", "study"])
def test_command_stops_before_a_prefect_server_is_started(
    command: str, tmp_path: Path, genreflow: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    answer = genreflow(command, "--set", AWAY, "--home", tmp_path)
    assert (answer.code, answer.err) == (1, f"error: {TOLD}\n")
    assert list(tmp_path.rglob("*.db")) == []


@pytest.mark.parametrize("flow", [pipeline, train, study])
def test_flow_stops_before_it_works(flow: Any, prefect_server: None, tmp_path: Path) -> None:
    state = flow("quick", [AWAY, "collect.base_url=http://127.0.0.1:1"], tmp_path, return_state=True)
    assert state.name == "Failed"
    assert TOLD in state.message
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize("flow", [prepare, embed])
def test_flow_that_logs_nothing_does_not_ask(flow: Any, prefect_server: None, tmp_path: Path) -> None:
    state = flow("quick", [AWAY], tmp_path, return_state=True)
    assert "no titles" in state.message


def test_store_in_the_home_is_made_only_when_it_is_needed(tmp_path: Path) -> None:
    check_store(tmp_path, load("quick").track)
    assert list(tmp_path.iterdir()) == []
