"""The home's lock between two processes: the second stops with a message, and a killed holder leaves it free."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.store import StoreError, lock_home

HOLD = """
import sys, time
from pathlib import Path
from tasks.store import lock_home
with lock_home(Path(sys.argv[1]), 0):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that holds the lock on tmp_path."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_second_process_stops_and_names_the_holder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    waits: list[str] = []
    expected = rf"in use by another run \(process {holder.pid}, since .*\); wait for it to end, or use another --home"
    with pytest.raises(StoreError, match=expected), lock_home(tmp_path, 0.2, waits.append):
        pass
    assert [f"process {holder.pid}" in told for told in waits] == [True]


def test_killed_holder_leaves_the_home_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with lock_home(tmp_path, 0):
        assert (tmp_path / "lock.json").exists()
