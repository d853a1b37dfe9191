"""The study as a command: real fits on generated titles, in a home that has everything else.

Short by default, one trial on one corpus; GENREFLOW_LONG=1 has two on both.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from harness import Answer, TrainedHome

from tasks.champion import connect
from tasks.runs import find_runs

LONG = "GENREFLOW_LONG" in os.environ
KINDS, COMPARED = (["as it is", "compared"], "{pooling: mean_max}") if LONG else (["as it is"], "")
ASKED = (
    "study", "--conf", "quick", "--set", "collect.ids=generated", "--set", f"study.trials={len(KINDS)}", "--set",
    f"study.compared=[{COMPARED}]",
)  # fmt: skip
ONE = () if LONG else ("--corpus", "summary")


@pytest.fixture(scope="module")
def home(trained_home: TrainedHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copied = tmp_path_factory.mktemp("studied") / "home"
    shutil.copytree(trained_home.path, copied)
    return copied


def test_a_study_tells_what_it_found_and_goes_on_where_it_is(
    home: Path, trained_home: TrainedHome, genreflow: Callable[..., Answer]
) -> None:
    answer = genreflow(*ASKED, *ONE, "--home", home)
    assert answer.code == 0
    for corpus in ("summary",) if ONE else ("summary", "synopsis"):
        assert f"{corpus}: {len(KINDS)} complete; best is trial" in answer.out
        rate = getattr(trained_home.settings.train.bilstm, corpus).learning_rate
        assert f"--set train.bilstm.{corpus}.learning_rate={rate}" in answer.out
        (table,) = home.glob(f"studies/{corpus}-*/trials.csv")
        assert pd.read_csv(table)["kind"].tolist() == KINDS
    again = genreflow(*ASKED, "--home", home, "--json", "--corpus", "summary")
    told = json.loads(again.out)
    assert list(told) == ["summary"]
    assert told["summary"]["trials"] == {"complete": len(KINDS)}
    client = connect(home, trained_home.settings.track)
    experiment = client.get_experiment_by_name("genreflow/summary").experiment_id
    assert len(find_runs(client, experiment, kind="trial")) == len(KINDS)
