"""A run whose process was killed and that Prefect gave up on, started again: nothing stored is made again.

GENREFLOW_LONG=1 gives up 20 runs, each killed at a random moment. Without it one run that is killed and goes on is that
of test_retried_runs.py.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from harness import TrainedHome
from prefect import get_client
from prefect.states import Cancelled, Cancelling, Crashed, Failed, Paused, Running, Scheduled
from tracked import Tracked, read_tracked
from trainers import PREPARED, Trainer, copy_stages, results, retry

from conf.names import Corpus

LONG = bool(os.environ.get("GENREFLOW_LONG"))
CORPUS: Corpus = "summary"
# What Prefect's server, a worker or somebody on its page make of a run that is heard of no more; Running: nothing yet.
GIVEN_UP: list[Any] = [
    Crashed(), Cancelled(), Paused(timeout_seconds=1), Scheduled(name="Late"), Cancelling(), Failed(), Running(),
]  # fmt: skip


@pytest.mark.skipif(not LONG, reason="takes its time: set GENREFLOW_LONG=1")
@pytest.mark.parametrize("attempt", range(20))
def test_run_that_was_given_up_redoes_nothing_stored(trained_home: TrainedHome, tmp_path: Path, attempt: int) -> None:
    home, draw, state = tmp_path / "home", random.Random(attempt), GIVEN_UP[attempt % len(GIVEN_UP)]
    copy_stages(trained_home.path, home, PREPARED)
    trainer = Trainer(tmp_path / "trainer.log")
    trainer.read()
    trainer.start(home)
    # From its start to the fits, or from the fits to the champion.
    wait_until(home / "runs.json" if draw.random() < 0.3 else home / "evaluations", trainer)
    time.sleep(draw.uniform(0, 20))
    trainer.kill()
    run = UUID(json.loads((home / "runs.json").read_text())[-1]["flow_run"])
    stored = results(home)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, state, force=True)
    again = retry(run, "Late" if state.name == "Late" else "AwaitingRetry")
    assert again.is_completed(), again.message
    assert stored.items() <= results(home).items()
    check_whole(home, trained_home, run)


def wait_until(path: Path, trainer: Trainer) -> None:
    deadline = time.monotonic() + 180
    while not path.exists():
        assert trainer.process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def check_whole(home: Path, trained_home: TrainedHome, run: UUID) -> None:
    tracked = read_tracked(home, trained_home.settings.track, CORPUS, home / "mlflow" / "mlflow.db")
    assert tracked.rows == [(name, "FINISHED", False) for name in ("linear", "pipeline", "prior")]
    assert [model[0] for model in tracked.models] == ["READY"]
    assert tracked.versions == [("1", ["candidate", "champion"], "linear")]
    whole = read_tracked(
        trained_home.path, trained_home.settings.track, CORPUS, trained_home.path / "mlflow" / "mlflow.db"
    )
    for name in ("linear", "prior"):
        assert figures(tracked, name) == figures(whole, name)


def figures(tracked: Tracked, name: str) -> dict[str, list[tuple[int, float]]]:
    # What a fit took is never the same twice, and only a candidate's behaviour is tested.
    points = tracked.points[name]
    return {key: each for key, each in points.items() if key != "seconds" and not key.startswith("behaviour/")}
