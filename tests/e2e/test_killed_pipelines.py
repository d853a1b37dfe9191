"""A pipeline that is killed again and again, whole process group: started again it ends as if nobody had.

GENREFLOW_LONG=1 kills fifty times over all stages 1,000 titles and every recipe of the quick configuration, each home
with a Prefect server of its own that is killed with it (about an hour on two idle cores). In short,
test_retried_runs.py kills a run and test_crashes.py every step of a stage.
"""

import logging
import os
import random
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from harness import RECIPES
from home_state import differences, leftovers, state_of
from killed_rounds import STAGES, Kill, Rounds, genreflow

from conf.schema import load

pytestmark = [
    pytest.mark.skipif("GENREFLOW_LONG" not in os.environ, reason="about an hour; GENREFLOW_LONG=1 runs it"),
    pytest.mark.timeout(8 * 3600),
]
KILLS, HOMES_AT_ONCE = 50, 2
# Seconds for a start of the command on a very busy machine.
LIMIT = 3000.0
MOST_KILLS_A_HOME = 8
CORPORA = ("summary", "synopsis")
# Tiny, since each killed fit is made again; what is compared is that it is the same one.
TINY = [
    "site.titles=1000",
    "prepare.min_genre_titles=100",
    "embed.epochs=2",
    "train.bootstrap.resamples=50",
    *(f"train.{recipe}.{corpus}.epochs=1" for recipe in ("seed", "bilstm") for corpus in CORPORA),
    *(f"train.{recipe}.{corpus}.max_terms=3000"
      for recipe in ("linear", "characters", "bilstm") for corpus in CORPORA),
]  # fmt: skip

logger = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """One home's kills, and how it differs from the undisturbed one and from a tidy one in the end."""

    home: str
    kills: list[Kill]
    wrong: list[str]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the titles from a process that is never killed."""
    titles = load("quick", TINY).site.titles
    command = genreflow("site", "--port", 0, "--conf", "quick", f"--set=site.titles={titles}")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split(" at ")[1].split("/title/")[0]
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of the killed commands; what they leave in the folder of temporary files is not ours."""
    names = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("temporary"))}
    names["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "600"
    return {name: value for name, value in names.items() if name != "PREFECT_HOME"}


@pytest.fixture(scope="module")
def outcomes(site: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    room = tmp_path_factory.mktemp("killed")

    def command(home: Path) -> list[str]:
        plan = [*TINY, f"collect.base_url={site}"]
        return genreflow("run", "--conf", "quick", "--home", home, *(f"--set={each}" for each in plan))

    rounds = Rounds(command, environment, len(CORPORA) * len(RECIPES), room)
    undisturbed = room / "undisturbed"
    seconds = rounds.undisturbed(undisturbed, LIMIT)
    logger.info("undisturbed: %s", {stage: round(took, 1) for stage, took in seconds.items()})
    return kill_homes(rounds, room, seconds, undisturbed)


def kill_homes(rounds: Rounds, room: Path, seconds: dict[str, float], undisturbed: Path) -> list[Outcome]:
    """Kill one home after the other, some at once, until there were so many kills."""
    track = load("quick").track
    expected = state_of(undisturbed, track)
    assert leftovers(undisturbed, track) == []
    made: list[Outcome] = []
    lock = threading.Lock()

    def left() -> int:
        return KILLS - sum(len(outcome.kills) for outcome in made)

    def kill_some(worker: int) -> None:
        number = 0
        while left() > 0:
            number += 1
            home = room / f"home-{worker}-{number}"
            draw = random.Random(home.name)
            kills = []
            for kill in rounds.round(home, stages_of(draw, left()), seconds, draw, LIMIT):
                logger.info("%s: %s", home.name, kill)
                kills.append(kill)
            # MLflow's store is one for a process.
            with lock:
                found = state_of(home, track)
                made.append(Outcome(home.name, kills, [*differences(expected, found), *leftovers(home, track)]))
            logger.info("%s: %d kills, %d to come, wrong: %s", home.name, len(kills), left(), made[-1].wrong)

    with ThreadPoolExecutor(HOMES_AT_ONCE) as pool:
        list(pool.map(kill_some, range(HOMES_AT_ONCE)))
    logger.info("under way at the kills: %s", stages_under_way(made))
    return made


def stages_of(draw: random.Random, left: int) -> list[str]:
    """Draw the stages in which a home is killed, in the order of the data's way."""
    # Every stage is as likely, however short; training has most of the results.
    drawn = draw.choices([*STAGES, "train"], k=min(left, draw.randint(MOST_KILLS_A_HOME - 2, MOST_KILLS_A_HOME)))
    return sorted(drawn, key=STAGES.index)


def stages_under_way(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(stage for outcome in outcomes for kill in outcome.kills for stage in kill.under_way)


def test_killed_pipeline_ends_as_an_undisturbed_one(outcomes: list[Outcome]) -> None:
    assert {outcome.home: outcome.wrong for outcome in outcomes if outcome.wrong} == {}


def test_it_was_killed_as_often_as_planned_and_in_every_stage(outcomes: list[Outcome]) -> None:
    assert sum(len(outcome.kills) for outcome in outcomes) >= KILLS
    assert set(stages_under_way(outcomes)) == set(STAGES)


def test_only_a_crawl_outlives_the_process_group(outcomes: list[Outcome]) -> None:
    assert {name for outcome in outcomes for kill in outcome.kills for name in kill.survivors} <= {"scraper.crawl"}
