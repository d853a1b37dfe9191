"""Trained recipes ranked, chosen by key, and set against the champion or one another on the same test titles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conf.schema import Settings
from tasks import packaging
from tasks.champion import connect
from tasks.comparison import compare_two
from tasks.corpus import StoredCorpus
from tasks.evaluation import read_figures
from tasks.leaderboard import CompareError, leaderboard
from tasks.tracking import LoggedRun, log_recipe

NAME = "genreflow-summary"
FIRST, SECOND = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"


@pytest.fixture
def logged(
    home: Path, settings: Settings, summaries: StoredCorpus, recipe: Any, open_run: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., LoggedRun]:
    """Return a function that logs a recipe of a certainty as a row, with changed settings where they are given."""
    monkeypatch.setattr(packaging, "log_model", lambda run_id, *_: f"models:/m-{run_id}")

    def log(name: str, right: float, run: str = FIRST, changed: Settings = settings) -> LoggedRun:
        return log_recipe.fn(home, changed, open_run(run), summaries, *recipe(name, right))

    return log


@pytest.fixture
def champion(home: Path, settings: Settings, logged: Any) -> LoggedRun:
    """Log a recipe and make it the champion."""
    run: LoggedRun = logged("linear", 0.3)
    client = connect(home, settings.track)
    client.create_registered_model(NAME)
    tags = {"evaluation": run.evaluation.fingerprint, "decision": "promoted"}
    client.create_model_version(NAME, str(run.evaluation.folder), run_id=run.run_id, tags=tags)
    client.set_registered_model_alias(NAME, "champion", "1")
    return run


def test_rows_stand_against_the_champion(home: Path, settings: Settings, champion: LoggedRun, logged: Any) -> None:
    better, worse = logged("bilstm", 0.6), logged("seed", 0.05)
    rows = leaderboard(home, settings, "summary")
    assert [row["run_id"] for row in rows] == [better.run_id, champion.run_id, worse.run_id]
    assert [(row["version"], row["standing"]) for row in rows] == [(None, None), (1, "champion"), (None, None)]
    told = [row["against_champion"] for row in rows]
    test = champion.evaluation.test_titles
    for row, difference in zip((better, champion, worse), told, strict=True):
        expected = row.evaluation.test_f1_micro - champion.evaluation.test_f1_micro
        assert difference["difference"] == pytest.approx(expected, abs=1e-12)
        assert difference["titles"] == test
    assert told[0]["low"] > 0 > told[2]["high"]


def test_row_that_is_half_logged_is_no_row(home: Path, settings: Settings, champion: LoggedRun, logged: Any) -> None:
    half = logged("bilstm", 0.6)
    connect(home, settings.track).delete_tag(half.run_id, "evaluation")
    assert [row["run_id"] for row in leaderboard(home, settings, "summary")] == [champion.run_id]


def test_row_whose_titles_are_gone_stands_without_a_difference(
    home: Path, settings: Settings, champion: LoggedRun, logged: Any
) -> None:
    better = logged("bilstm", 0.6)
    place = connect(home, settings.track).get_run(better.run_id).info.artifact_uri
    Path(place.removeprefix("file://"), "test_titles.csv").unlink()
    first, second = leaderboard(home, settings, "summary")
    assert (first["run_id"], first["against_champion"]) == (better.run_id, None)
    assert second["against_champion"] is not None
    with pytest.raises(CompareError, match=r"test_titles\.csv cannot be read"):
        compare_two(home, settings, "summary", "champion", better.run_id)


def test_without_a_champion_rows_stand_alone(home: Path, settings: Settings, logged: Any) -> None:
    logged("linear", 0.3)
    assert [row["against_champion"] for row in leaderboard(home, settings, "summary")] == [None]


def test_rows_are_chosen_by_conf_key_parameter_or_tag(home: Path, settings: Settings, logged: Any) -> None:
    linear, _ = logged("linear", 0.3), logged("seed", 0.1)
    c = settings.train.linear.summary.c
    for where in (["recipe=linear"], [f"c={c:.3f}"], ["recipe=linear", "filter=base", "embed.negative=20"]):
        assert [row["run_id"] for row in leaderboard(home, settings, "summary", where)] == [linear.run_id]
    assert leaderboard(home, settings, "summary", ["recipe=blend"]) == []


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("embed.epoch=3", "no run has the key 'embed.epoch'; did you mean 'embed.epochs'"),
        ("recipe", "expected KEY=VALUE"),
    ],
)
def test_key_that_no_run_has_is_named(home: Path, settings: Settings, logged: Any, where: str, expected: str) -> None:
    logged("linear", 0.3)
    with pytest.raises(CompareError, match=expected):
        leaderboard(home, settings, "summary", [where])


def test_two_runs_stand_side_by_side(home: Path, settings: Settings, champion: LoggedRun, logged: Any) -> None:
    better = logged("bilstm", 0.6)
    side = compare_two(home, settings, None, better.run_id[:8], "champion")
    assert (side.a["run_id"], side.b["run_id"], side.corpus) == (better.run_id, champion.run_id, "summary")
    ours, theirs = read_figures(better.evaluation)["test"], read_figures(champion.evaluation)["test"]
    for average in ("micro", "macro"):
        difference = side.difference[average]
        assert difference is not None
        assert difference["difference"] == pytest.approx(ours[f"f1_{average}"] - theirs[f"f1_{average}"], abs=1e-12)
    (row,) = (row for row in side.figures if row["figure"] == "test.lrap")
    assert (row["a"], row["b"]) == (ours["lrap"], theirs["lrap"])
    sizes = [abs(row["difference"]) for row in side.genres]
    assert sizes == sorted(sizes, reverse=True)
    (genre,) = (row for row in side.genres if row["genre"] == "Drama")
    assert genre["a"] == ours["per_genre"]["Drama"]["f1"]


def test_only_keys_that_may_change_a_figure_are_told_to_differ(home: Path, settings: Settings, logged: Any) -> None:
    logged("linear", 0.3)
    changed = settings.model_copy(
        update={
            "run": settings.run.model_copy(update={"wait_seconds": 77.0}),
            "embed": settings.embed.model_copy(update={"negative": 7}),
            "train": settings.train.model_copy(
                update={"bilstm": settings.train.bilstm.model_copy(
                    update={"summary": settings.train.bilstm.summary.model_copy(update={"units": 5})})}
            ),
        }
    )  # fmt: skip
    second = logged("characters", 0.4, SECOND, changed)
    rows = {row["key"]: (row["a"], row["b"]) for row in compare_two(
        home, settings, "summary", second.run_id, "linear").conf}  # fmt: skip
    assert rows["recipe"] == ("characters", "linear")
    assert not [key for key in rows if key.startswith(("run.", "train.bilstm."))]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("linear", "blend"), "no finished run 'blend': expected the first characters"),
        (("linear", "linear"), "are the same run"),
        (("linear", "v4"), "no finished run 'v4'"),
    ],
)
def test_run_that_cannot_be_compared_is_named(
    home: Path, settings: Settings, logged: Any, asked: tuple[str, str], expected: str
) -> None:
    logged("linear", 0.3)
    with pytest.raises(CompareError, match=expected):
        compare_two(home, settings, None, *asked)
