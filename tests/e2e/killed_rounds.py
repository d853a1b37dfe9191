"""A command that is killed in the middle of a stage, as a machine does that goes down, and started again.

A moment is drawn by stage, since the short ones would be missed by the clock alone: what a run has logged tells which
stages are under way.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psutil

from tasks.store import RUNNING_PREFIX

# In the order of the data's way.
STAGES = (
    "start", "collect", "prepare", "embed", "train", "evaluate", "track", "behaviour", "register", "close", "end",
)  # fmt: skip
# What all that a command starts carries in its environment, wherever it goes.
MARK = "GENREFLOW_TEST_ROUND"
_FINISHED = re.compile(r"Task run '(.+?)' - Finished in state")
_POLL_SECONDS = 0.02
# A crawl is a session of its own and writes its last part when its starter is gone: its time-out, seven seconds, and
# those that a busy machine adds.
_CRAWL_SECONDS = 60.0


class Kill(NamedTuple):
    """Tell of one kill: the stages under way, seconds after the wished one began, and whether the crawl was spared."""

    wished: str
    under_way: tuple[str, ...]
    after: float
    with_crawl: bool
    survivors: tuple[str, ...]


class Attempt:
    """One start of the command in a session of its own, its output in a log."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path, runs: int) -> None:
        self.mark, self.log, self._runs = uuid4().hex, log, runs
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                command, env={**environment, MARK: self.mark}, stdout=stream, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def ended(self) -> bool:
        return self.process.poll() is not None

    def told(self) -> str:
        return self.log.read_text(errors="replace")

    def under_way(self) -> tuple[str, ...]:
        """Return the stages under way, by what the command has logged; recipes of one stage mix with the next."""
        told = self.told()
        if "Beginning flow run" not in told:
            return ("start",)
        done = _FINISHED.findall(told)

        def count(*words: str) -> int:
            return sum(name.startswith(words) for name in done)

        for stage, words, goal in (("collect", "collect ", 1), ("prepare", "prepare ", 2), ("embed", "embed ", 3)):
            if count(words) < goal:
                return (stage,)
        fitted, evaluated, tracked = count("train ", "prior ", "blend "), count("evaluate "), count("log ")
        behaved, registered, closed = count("behaviour "), count("challenge "), count("close ")
        under_way = {
            "train": fitted < self._runs,
            "evaluate": evaluated < fitted,
            "track": tracked < evaluated,
            "behaviour": self._is_through(told) and behaved < 2,
            "register": registered < behaved,
            "close": closed < registered,
            "end": closed == 2,
        }
        return tuple(stage for stage, holds in under_way.items() if holds)

    def _is_through(self, told: str) -> bool:
        """Say whether every recipe of one corpus is tracked."""
        rows = re.findall(r"Task run 'log \w+ on (\w+)' - Finished", told)
        return max((rows.count(corpus) for corpus in ("summary", "synopsis")), default=0) >= self._runs // 2

    def kill(self, wished: str, after: float, with_crawl: bool) -> Kill:
        """Kill the whole process group, and the crawl of a session of its own with it or not."""
        under_way = self.under_way()
        os.killpg(self.process.pid, signal.SIGKILL)
        left = marked(self.mark)
        if with_crawl:
            for each in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        self.process.wait()
        names = tuple(sorted(filter(None, map(_module_of, left))))
        return Kill(wished, under_way, after, with_crawl, names)

    def close(self) -> None:
        if not self.ended():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def marked(mark: str) -> list[psutil.Process]:
    """Return every process that carries the mark, in whatever session it is."""
    return [each for each in psutil.process_iter() if _carries(each, mark)]


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _module_of(process: psutil.Process) -> str:
    try:
        words = process.cmdline()
    except psutil.Error:
        # It is dying.
        return ""
    return words[words.index("-m") + 1] if "-m" in words else " ".join(words[:3])


def all_gone(mark: str, seconds: float = _CRAWL_SECONDS) -> list[str]:
    """Wait until no process carries the mark; returns what still does after so long."""
    deadline = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return [_module_of(each) for each in left]


class Rounds:
    """Kill a command at drawn moments of drawn stages until it ends, each round in a home of its own.

    runs is how many recipes all corpora have together, seconds how long each stage takes an undisturbed run.
    """

    def __init__(
        self, command: Callable[[Path], list[str]], environment: Mapping[str, str], runs: int, logs: Path
    ) -> None:
        self._command, self._environment, self._runs, self._logs = command, environment, runs, logs

    def undisturbed(self, home: Path, limit: float) -> dict[str, float]:
        """Run the command through and return how many seconds each stage takes at a stretch, in the mean."""
        attempt = self._start(home, 0)
        stretches: dict[str, list[float]] = {}
        before: tuple[str, ...] = ()
        try:
            begun = last = time.monotonic()
            while not attempt.ended():
                now, under_way = time.monotonic(), attempt.under_way()
                assert now - begun < limit, attempt.told()[-2000:]
                for stage in under_way:
                    told = stretches.setdefault(stage, [])
                    if stage in before:
                        told[-1] += now - last
                    else:
                        told.append(0.0)
                before, last = under_way, now
                time.sleep(_POLL_SECONDS)
        finally:
            attempt.close()
        assert attempt.process.returncode == 0, attempt.told()[-4000:]
        return {stage: sum(told) / len(told) for stage, told in stretches.items()}

    def round(
        self, home: Path, stages: list[str], seconds: Mapping[str, float], draw: random.Random, limit: float
    ) -> Iterator[Kill]:
        """Kill the command once in each stage, in this order, then let it end; a stage that is past yields no kill."""
        marks = []
        for number, stage in enumerate(stages, 1):
            attempt = self._start(home, number)
            marks.append(attempt.mark)
            try:
                kill = self._kill_in(attempt, stage, home, seconds, draw, limit)
            finally:
                attempt.close()
            if kill is None:
                assert attempt.process.returncode == 0, attempt.told()[-4000:]
                break
            yield kill
        else:
            self._end(home, len(stages) + 1, marks, limit)
        left = [name for mark in marks for name in all_gone(mark)]
        assert left == [], f"left running: {left}"

    def _start(self, home: Path, number: int) -> Attempt:
        log = self._logs / f"{home.name}-{number}.log"
        return Attempt(self._command(home), self._environment, log, self._runs)

    def _end(self, home: Path, number: int, marks: list[str], limit: float) -> None:
        attempt = self._start(home, number)
        marks.append(attempt.mark)
        try:
            attempt.process.wait(limit)
        finally:
            attempt.close()
        assert attempt.process.returncode == 0, attempt.told()[-4000:]

    def _kill_in(
        self, attempt: Attempt, stage: str, home: Path, seconds: Mapping[str, float], draw: random.Random, limit: float
    ) -> Kill | None:
        deadline = time.monotonic() + limit
        wait = draw.random() * seconds.get(stage, 0.5)
        with_crawl = draw.random() < 0.5
        begun = None
        while not attempt.ended():
            now = time.monotonic()
            assert now < deadline, attempt.told()[-2000:]
            if begun is None and has_begun(stage, attempt.under_way(), home):
                begun = now
            if begun is not None and now - begun >= wait:
                return attempt.kill(stage, round(now - begun, 2), with_crawl)
            time.sleep(_POLL_SECONDS)
        return None


def has_begun(stage: str, under_way: tuple[str, ...], home: Path) -> bool:
    """Say whether a stage is under way, in training with a model half made, or past: what is whole is soon through."""
    if stage in under_way:
        return stage != "train" or any((home / "models").glob(RUNNING_PREFIX + "*"))
    return any(STAGES.index(each) > STAGES.index(stage) for each in under_way)


def genreflow(*arguments: object) -> list[str]:
    """Return the command line as a user types it, of this environment."""
    return [sys.executable, "-P", "-m", "flows.cli", *map(str, arguments)]
