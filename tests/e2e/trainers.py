"""A process that trains as often as it is told to, and the homes that it trains in."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.flow_engine import run_flow
from prefect.states import Scheduled

from flows.train import train

PREPARED = ("raw", "cleaned", "corpora", "vectors", "others")
FITTED = (*PREPARED, "models", "evaluations", "behaviour")
# A process that has imported everything, and trains as often as it is told to.
TRAINER = """
import json, sys
from pathlib import Path
from flows.session import quiet
from flows.train import train
quiet()
print("ready", flush=True)
for line in sys.stdin:
    home, *overrides = json.loads(line)
    state = train("quick", [*overrides, "train.recipes=[linear]"], Path(home), corpus="summary", return_state=True)
    print(json.dumps([state.name, state.message]), flush=True)
"""


class Trainer:
    """Train in a process of its own on the suite's Prefect server."""

    def __init__(self, log: Path) -> None:
        with get_client(sync_client=True) as client:
            environment = {**os.environ, "PREFECT_API_URL": str(client.api_url), "PREFECT_LOGGING_TO_CONSOLE": "false"}
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", TRAINER],
                env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True,
                start_new_session=True,
            )  # fmt: skip

    def read(self) -> str:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            if line.startswith(("ready", "[")):
                return line
        raise AssertionError("the trainer has ended")

    def start(self, home: Path, *overrides: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([str(home), *overrides]) + "\n")
        self.process.stdin.flush()

    def outcome(self) -> tuple[str, str]:
        name, message = json.loads(self.read())
        return name, message or ""

    def kill(self) -> None:
        """Kill it with what it fits, as a machine does that goes down."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def copy_stages(source: Path, home: Path, stages: tuple[str, ...] = FITTED) -> Path:
    """Make a home that has these stages' results of another one, and has logged nothing; returns its folder."""
    for stage in stages:
        shutil.copytree(source / stage, home / stage)
    return home


def results(home: Path) -> dict[Path, int]:
    """Return when each result of a home was stored."""
    return {path: path.stat().st_mtime_ns for path in home.glob("*/*/manifest.json")}


def retry(run: UUID, name: str = "AwaitingRetry") -> Any:
    """Start a flow run again as a worker does after a click on Retry; returns its state."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, Scheduled(name=name), force=True)
        return run_flow(train, flow_run=client.read_flow_run(run), return_type="state")
