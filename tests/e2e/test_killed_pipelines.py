"""A pipeline that is killed again and again, whole process group: started again it ends as if nobody had.

Short by default (one home, three kills, the suite's Prefect server); GENREFLOW_LONG=1 kills fifty times over all stages
1,000 titles and every recipe, each home with a Prefect server of its own that is killed with it (about an hour).
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
from home_state import differences, leftovers, state_of
from killed_rounds import STAGES, Kill, Rounds, genreflow
from prefect import get_client

from conf.schema import load

LONG = bool(os.environ.get("GENREFLOW_LONG"))
TITLES, KILLS, HOMES_AT_ONCE = (1000, 50, 2) if LONG else (150, 3, 1)
# Seconds for a start of the command on a very busy machine.
LIMIT = 3000.0 if LONG else 1000.0
RECIPES = ["seed", "linear", "characters", "bilstm", "blend"] if LONG else ["linear"]
MOST_KILLS_A_ROUND = 8
# Tiny, since each killed fit is made again; what is compared is that it is the same one.
PLAN = [
    f"site.titles={TITLES}",
    f"train.recipes=[{','.join(RECIPES)}]",
    f"prepare.min_genre_titles={TITLES // 10}",
    "embed.epochs=2",
    "train.bootstrap.resamples=50",
    *(f"train.seed.{corpus}.epochs=1" for corpus in ("summary", "synopsis")),
    *(f"train.bilstm.{corpus}.epochs=1" for corpus in ("summary", "synopsis")),
    *(f"train.{recipe}.{corpus}.max_terms=3000" for recipe in ("linear", "characters", "bilstm")
      for corpus in ("summary", "synopsis")),
]  # fmt: skip

logger = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """One home's kills, and how it differs from the undisturbed one and from a tidy one in the end."""

    home: str
    kills: list[Kill]
    wrong: list[str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the titles from a process that is never killed."""
    command = genreflow("site", "--port", 0, "--conf", "quick", f"--set=site.titles={TITLES}")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split(" at ")[1].split("/title/")[0]
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of the killed commands; what they leave in the folder of temporary files is not ours."""
    names = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("temporary"))}
    if LONG:
        names["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "600"
        return {name: value for name, value in names.items() if name != "PREFECT_HOME"}
    request.getfixturevalue("prefect_server")
    with get_client(sync_client=True) as client:
        return {**names, "PREFECT_API_URL": str(client.api_url)}


@pytest.fixture(scope="module")
def outcomes(site: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    room = tmp_path_factory.mktemp("killed")
    settings = [*PLAN, f"collect.base_url={site}"]

    def command(home: Path) -> list[str]:
        return genreflow("run", "--conf", "quick", "--home", home, *(f"--set={each}" for each in settings))

    rounds = Rounds(command, environment, 2 * (len(RECIPES) + 1), room)
    seconds = rounds.undisturbed(room / "undisturbed", LIMIT)
    logger.info("undisturbed: %s", {stage: round(took, 1) for stage, took in seconds.items()})
    track = load("quick").track
    expected = state_of(room / "undisturbed", track)
    assert leftovers(room / "undisturbed", track) == []
    made: list[Outcome] = []
    lock = threading.Lock()

    def killed() -> int:
        return sum(len(outcome.kills) for outcome in made)

    def kill_homes(worker: int) -> None:
        number = 0
        while killed() < KILLS:
            number += 1
            home = room / f"home-{worker}-{number}"
            draw = random.Random(home.name)
            kills = []
            for kill in rounds.round(home, stages_of(draw, KILLS - killed()), seconds, draw, LIMIT):
                logger.info("%s: %s", home.name, kill)
                kills.append(kill)
            # MLflow's store is one for a process.
            with lock:
                wrong = [*differences(expected, state_of(home, track)), *leftovers(home, track)]
                made.append(Outcome(home.name, kills, wrong))
            logger.info("%s: %d kills, %d in all, wrong: %s", home.name, len(kills), killed(), wrong)

    with ThreadPoolExecutor(HOMES_AT_ONCE) as pool:
        list(pool.map(kill_homes, range(HOMES_AT_ONCE)))
    logger.info("under way at the kills: %s", stages_under_way(made))
    return made


def stages_of(draw: random.Random, left: int) -> list[str]:
    """Draw the stages in which a home is killed, in the order of the data's way."""
    if not LONG:
        return ["collect", "train", "register"]
    # Every stage is as likely, however short; training has most of the results.
    drawn = draw.choices([*STAGES, "train"], k=min(left, draw.randint(MOST_KILLS_A_ROUND - 2, MOST_KILLS_A_ROUND)))
    return sorted(drawn, key=STAGES.index)


def stages_under_way(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(stage for outcome in outcomes for kill in outcome.kills for stage in kill.under_way)


@pytest.mark.timeout(8 * 3600 if LONG else 1800)
def test_killed_pipeline_ends_as_an_undisturbed_one(outcomes: list[Outcome]) -> None:
    assert {outcome.home: outcome.wrong for outcome in outcomes if outcome.wrong} == {}


def test_it_was_killed_as_often_as_planned_and_in_every_stage(outcomes: list[Outcome]) -> None:
    assert sum(len(outcome.kills) for outcome in outcomes) >= KILLS
    if LONG:
        assert set(stages_under_way(outcomes)) == set(STAGES)


def test_only_a_crawl_outlives_the_process_group(outcomes: list[Outcome]) -> None:
    assert {name for outcome in outcomes for kill in outcome.kills for name in kill.survivors} <= {"scraper.crawl"}
