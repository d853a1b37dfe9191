"""Moves of the champion: by a run, by hand and back, each on record; and those that are refused.

GENREFLOW_LONG=1 lets a promotion die before and after each of its writes, and not before three of them only.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from conf.schema import Settings
from tasks import moves, upkeep
from tasks.champion import ModelError, connect
from tasks.moves import MoveError, history, promote, roll_back

NAME = "genreflow-summary"
WRITES = ("create_", "set_", "update_", "log_", "delete_")
# A promotion writes so often. The short ones: the version is there, the move is on record, only the alias is missing.
LONG = bool(os.environ.get("GENREFLOW_LONG"))
DEADLY = range(1, 13) if LONG else (6, 9, 12)


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let hand-made versions open; returns which were opened."""
    opened: list[str] = []
    monkeypatch.setattr(moves, "open_version", lambda _, version: opened.append(str(version)))
    return opened


@pytest.fixture
def three(challenge: Any, opens: list[str]) -> None:
    """Register three versions, each of which took the alias from the one before."""
    for name, right in (("linear", 0.05), ("characters", 0.3), ("bilstm", 0.9)):
        assert challenge(**{name: right}).promoted


def champion(home: Path, settings: Settings) -> int:
    return int(connect(home, settings.track).get_model_version_by_alias(NAME, "champion").version)


def told(home: Path, settings: Settings) -> list[tuple[int, int | None, str]]:
    return [(move.version, move.before, move.how) for move in history(home, settings.track, "summary")]


def standings(home: Path, settings: Settings) -> list[str | None]:
    """Return the tag that the runs of the versions carry, in the order of the versions."""
    client = connect(home, settings.track)
    versions = sorted(client.search_model_versions(f"name = '{NAME}'"), key=lambda version: int(version.version))
    return [client.get_run(version.run_id).data.tags.get("standing") for version in versions]


def test_runs_moves_are_on_record(home: Path, settings: Settings, three: None) -> None:
    assert told(home, settings) == [(1, None, "pipeline"), (2, 1, "pipeline"), (3, 2, "pipeline")]
    assert "no incumbent to beat" in history(home, settings.track, "summary")[0].reason
    assert standings(home, settings) == ["former champion", "former champion", "champion"]


def test_record_is_a_list_in_the_models_description(home: Path, settings: Settings, three: None) -> None:
    lines = connect(home, settings.track).get_registered_model(NAME).description.splitlines()
    assert lines[0] == "Movie genres from the summary of a title."
    assert [line.partition(": ")[2].partition(":")[0] for line in lines[4:]] == [
        "version 3 in place of 2 (pipeline)", "version 2 in place of 1 (pipeline)",
        "version 1 in place of none (pipeline)",
    ]  # fmt: skip


def test_version_is_promoted_by_hand_with_its_reason(
    home: Path, settings: Settings, three: None, opens: list[str]
) -> None:
    move = promote(home, settings.track, "summary", "1", "fewer wrong comedies", force=False)
    assert (move.version, move.before, move.how, move.reason) == (1, 3, "by hand", "fewer wrong comedies")
    assert (champion(home, settings), opens) == (1, ["1"])
    assert standings(home, settings) == ["champion", "former champion", "former champion"]


def test_move_by_hand_is_told_where_people_look(home: Path, settings: Settings, three: None) -> None:
    roll_back(home, settings.track, "summary", "calls wars comedies")
    client = connect(home, settings.track)
    for number, expected in ((2, "champion since"), (3, "rolled back, until")):
        version = client.get_model_version(NAME, str(number))
        told = version.description.splitlines()[-1]
        assert told.lower().startswith(expected)
        assert told.endswith("(rollback): calls wars comedies.")
        assert f"version {number} {expected}" in client.get_run(version.run_id).data.tags["decision"]


def test_candidate_is_promoted_where_no_version_is_named(
    home: Path, settings: Settings, challenge: Any, opens: Any
) -> None:
    challenge(linear=0.5)
    assert not challenge(linear=0.05).promoted
    assert promote(home, settings.track, "summary", None, "tried on our own films", force=False).version == 2
    assert champion(home, settings) == 2


def test_rollback_goes_back_and_then_further_back(home: Path, settings: Settings, three: None) -> None:
    assert roll_back(home, settings.track, "summary", "calls wars comedies").version == 2
    assert roll_back(home, settings.track, "summary", "so does this").version == 1
    assert told(home, settings)[3:] == [(2, 3, "rollback"), (1, 2, "rollback")]
    with pytest.raises(MoveError, match="version 1 replaced no other champion: nothing to go back to"):
        roll_back(home, settings.track, "summary", "and this")
    assert champion(home, settings) == 1


def test_moves_of_two_homes_at_the_same_moment_are_both_on_record(
    home: Path, settings: Settings, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(home, settings.track)
    before = moves.read_moves(client, NAME)
    with monkeypatch.context() as patch:
        patch.setattr(moves, "read_moves", lambda *_: list(before))
        for version in (1, 2):
            moves.move_champion(client, NAME, version, "by hand", "of its own home")
    assert told(home, settings)[:3] == [(1, None, "pipeline"), (2, 1, "pipeline"), (3, 2, "pipeline")]
    assert {move[0] for move in told(home, settings)[3:]} == {1, 2}


def test_rolled_back_model_is_not_promoted_again_by_the_next_run(
    home: Path, settings: Settings, three: None, challenge: Any
) -> None:
    roll_back(home, settings.track, "summary", "calls wars comedies")
    promotion = challenge(bilstm=0.9)
    assert (promotion.version, promotion.promoted) == (3, False)
    assert promotion.reason == "unchanged: this model is version 3 already; it was rolled back: calls wars comedies"
    assert champion(home, settings) == 2
    promote(home, settings.track, "summary", "3", "it was the subtitles", force=False)
    assert challenge(bilstm=0.9).reason == "unchanged: this model is version 3 already, the champion"


def test_model_replaced_by_hand_is_not_promoted_again_by_the_next_run(
    home: Path, settings: Settings, three: None, challenge: Any
) -> None:
    promote(home, settings.track, "summary", "1", "smaller", force=False)
    assert not challenge(bilstm=0.9).promoted
    assert champion(home, settings) == 1


class Killed(BaseException):
    """Stand for the death of the process: nothing that the product catches."""


@pytest.mark.parametrize("deadly", DEADLY)
@pytest.mark.parametrize("made", [False, True] if LONG else [False])
def test_promotion_that_died_at_any_of_its_writes_ends_as_one_that_did_not(
    home: Path, settings: Settings, challenge: Any, opens: Any, monkeypatch: pytest.MonkeyPatch, made: bool, deadly: int
) -> None:
    challenge(linear=0.05)
    with monkeypatch.context() as killed:
        die_at_write(killed, deadly, made)
        with pytest.raises(Killed):
            challenge(bilstm=0.9)
    challenge(bilstm=0.9)
    client = connect(home, settings.track)
    versions = client.search_model_versions(f"name = '{NAME}'")
    assert {int(each.version): (each.status, each.tags["recipe"], each.tags["decision"]) for each in versions} == {
        1: ("READY", "linear", "promoted"),
        2: ("READY", "bilstm", "promoted"),
    }
    assert {key: int(value) for key, value in client.get_registered_model(NAME).aliases.items()} == {
        "candidate": 2,
        "champion": 2,
    }
    assert told(home, settings) == [(1, None, "pipeline"), (2, 1, "pipeline")]
    assert standings(home, settings) == ["former champion", "champion"]


def die_at_write(monkeypatch: pytest.MonkeyPatch, deadly: int, made: bool) -> None:
    """End what asks MLflow for the write of this number, once recipes' runs are there, before or after it is made."""
    done = 0

    def dying(name: str, original: Any) -> Any:
        def write(*arguments: Any, **named: Any) -> Any:
            nonlocal done
            done += name not in ("create_run", "create_logged_model")
            dies = done == deadly and name not in ("create_run", "create_logged_model")
            if dies and not made:
                raise Killed(name)
            try:
                return original(*arguments, **named)
            finally:
                if dies:
                    raise Killed(name)

        return write

    for name in dir(MlflowClient):
        if name.startswith(WRITES):
            monkeypatch.setattr(MlflowClient, name, dying(name, getattr(MlflowClient, name)))


def test_rollback_that_was_cut_is_made_again_and_goes_no_further(
    home: Path, settings: Settings, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed, pytest.raises(OSError, match="killed"):
        killed.setattr("mlflow.MlflowClient.set_registered_model_alias", fail)
        roll_back(home, settings.track, "summary", "calls wars comedies")
    assert roll_back(home, settings.track, "summary", "calls wars comedies").version == 2
    assert champion(home, settings) == 2
    assert told(home, settings)[3:] == [(2, 3, "rollback")]
    assert standings(home, settings) == ["former champion", "champion", "rolled back"]


def fail(*_: Any, **__: Any) -> None:
    raise OSError("killed")


def test_rollbacks_after_a_promotion_by_hand_come_to_an_end(home: Path, settings: Settings, three: None) -> None:
    promote(home, settings.track, "summary", "1", "smaller", force=False)
    assert [roll_back(home, settings.track, "summary", "worse").version for _ in range(3)] == [3, 2, 1]
    with pytest.raises(MoveError, match="nothing to go back to"):
        roll_back(home, settings.track, "summary", "worse")


def test_descriptions_stay_within_what_databases_have_room_for(home: Path, settings: Settings, three: None) -> None:
    for number in ("1", "2", "1", "2"):
        promote(home, settings.track, "summary", number, "a long story " * 200, force=False)
    client = connect(home, settings.track)
    told_of = [client.get_registered_model(NAME), *(client.get_model_version(NAME, number) for number in "123")]
    assert all(len(each.description) <= 5000 for each in told_of)


def test_version_that_misbehaves_is_refused_unless_forced(
    home: Path, settings: Settings, challenge: Any, opens: Any
) -> None:
    challenge(linear=0.3)
    challenge(behaves=False, bilstm=0.9)
    expected = r"version 2 failed the behaviour tests \(minimum 14/20, .*\): not promoted; --force"
    with pytest.raises(MoveError, match=expected):
        promote(home, settings.track, "summary", "2", "better", force=False)
    assert champion(home, settings) == 1
    assert promote(home, settings.track, "summary", "2", "better", force=True).version == 2


def test_version_that_does_not_open_is_refused(
    home: Path, settings: Settings, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, version: str) -> None:
        raise ModelError(f"{name} version {version}: linear.npz is missing")

    monkeypatch.setattr(moves, "open_version", broken)
    for move in (lambda: promote(home, settings.track, "summary", "1", "x", force=True),
                 lambda: roll_back(home, settings.track, "summary", "x")):  # fmt: skip
        with pytest.raises(ModelError, match="is missing"):
            move()
    assert (champion(home, settings), len(told(home, settings))) == (3, 3)


@pytest.mark.parametrize(
    ("version", "expected"), [(7, "no version 7; its versions are 1, 2, 3"), (3, "champion already")]
)
def test_version_that_cannot_be_promoted_is_named(
    home: Path, settings: Settings, three: None, version: str, expected: str
) -> None:
    with pytest.raises(MoveError, match=expected):
        promote(home, settings.track, "summary", version, "x", force=False)


def test_home_without_a_model_says_what_to_run(home: Path, settings: Settings) -> None:
    assert history(home, settings.track, "summary") == []
    with pytest.raises(MoveError, match="no version of genreflow-summary is registered: train first"):
        roll_back(home, settings.track, "summary", "x")


def test_cleaning_leaves_what_a_rollback_goes_back_to(home: Path, settings: Settings, three: None) -> None:
    promote(home, settings.track, "summary", "1", "smaller", force=False)
    client = connect(home, settings.track)
    versions = sorted(client.search_model_versions(f"name = '{NAME}'"), key=lambda version: -int(version.version))
    client.delete_registered_model_alias(NAME, "candidate")
    kept = upkeep._kept_versions(client, NAME, versions, keep=1)
    assert sorted(int(version.version) for version in kept) == [1, 3]
