"""Commands on trained models: leaderboards and two runs side by side, promotion by hand and back, and cards."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import RECIPES, Answer, TrainedHome

from tasks.champion import connect, find_champion

Run = Callable[..., Answer]


@pytest.fixture
def home(trained_home: TrainedHome, tmp_path: Path) -> Path:
    """Return a copy of the shared home's MLflow store, artifacts where they were."""
    shutil.copytree(trained_home.path / "mlflow", tmp_path / "home" / "mlflow",
                    ignore=shutil.ignore_patterns("artifacts"))  # fmt: skip
    return tmp_path / "home"


def test_leaderboard_holds_every_recipe(genreflow: Run, trained_home: TrainedHome) -> None:
    answer = genreflow("compare", "--home", trained_home.path, "--json")
    told = json.loads(answer.out)
    assert answer.code == 0
    assert {corpus: sorted(row["recipe"] for row in rows) for corpus, rows in told.items()} == {
        "summary": RECIPES,
        "synopsis": RECIPES,
    }
    for rows in told.values():
        (champion,) = (row for row in rows if row["standing"] == "champion")
        assert champion["against_champion"]["difference"] == 0
        for row in rows:
            expected = row["f1_micro"] - champion["f1_micro"]
            assert row["against_champion"]["difference"] == pytest.approx(expected, abs=1e-12)


def test_leaderboard_is_a_table_in_markdown(genreflow: Run, trained_home: TrainedHome) -> None:
    asked = ("compare", "--home", trained_home.path, "--corpus", "summary", "--where", "recipe=linear")
    lines = genreflow(*asked, "--markdown").out.splitlines()
    assert lines[0].startswith("### summary: filter base, ")
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| recipe", "| ---", "| linear"]
    assert "| linear" not in genreflow(*asked).out


def test_two_runs_stand_side_by_side(genreflow: Run, trained_home: TrainedHome) -> None:
    asked = ("compare", "seed", "linear", "--corpus", "summary", "--home", trained_home.path)
    told = json.loads(genreflow(*asked, "--json").out)
    assert (told["a"]["recipe"], told["b"]["recipe"]) == ("seed", "linear")
    assert told["difference"]["macro"]["titles"] == told["a"]["titles"]
    assert {row["key"] for row in told["conf"]} >= {"recipe", "units", "c"}
    shown = genreflow(*asked).out
    assert "micro-F1 of seed (" in shown
    assert "Genres that differ most" in shown


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("linear",), "expected two runs to set side by side; got linear"),
        (("linear", "seed", "--where", "recipe=seed"), "expected two runs or --where"),
        (("--where", "recipe=blent"), "no run has recipe=blent; genreflow compare without --where shows all"),
        (("linear", "none"), "no finished run 'none'"),
        (("--where", "embed.epoch=3"), "did you mean 'embed.epochs'"),
        (("--json", "--markdown"), "expected one of --json and --markdown"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    genreflow: Run, trained_home: TrainedHome, asked: tuple[str, ...], expected: str
) -> None:
    answer = genreflow("compare", *asked, "--home", trained_home.path)
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 1
    assert expected in answer.err


def test_champion_is_replaced_by_hand_and_put_back(genreflow: Run, home: Path, trained_home: TrainedHome) -> None:
    track = trained_home.settings.track
    client = connect(home, track)
    first = find_champion(client, "genreflow-summary")
    # A second version that opens: the first one's model again.
    client.create_model_version("genreflow-summary", first.source, first.run_id, model_id=first.model_id)
    asked = ("promote", "--corpus", "summary", "--home", home)

    answer = genreflow(*asked, "2", "--reason", "fewer wrong comedies")
    assert answer.out == "genreflow-summary version 2 is the champion in place of version 1 (by hand)\n"
    answer = genreflow(*asked, "--rollback", "--reason", "calls war films comedies", "--json")
    told = json.loads(answer.out)
    assert (told["version"], told["before"], told["how"]) == (1, 2, "rollback")
    assert int(find_champion(client, "genreflow-summary").version) == 1

    moves = json.loads(genreflow("promote", "--history", "--home", home, "--json").out)["genreflow-summary"]
    assert [(move["version"], move["how"]) for move in moves] == [(1, "pipeline"), (2, "by hand"), (1, "rollback")]
    assert "calls war films comedies" in genreflow("promote", "--history", "--home", home).out


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("2", "--reason", "x"), "expected --corpus summary or --corpus synopsis"),
        (("2", "--corpus", "summary"), "expected --reason"),
        (("2", "--corpus", "summary", "--reason", " "), "expected --reason"),
        (("2", "--corpus", "summary", "--reason", "x", "--rollback"), "expected either a version or --rollback"),
        (("9", "--corpus", "summary", "--reason", "x"), "genreflow-summary has no version 9; its versions are 1"),
        (("--history", "--rollback"), "expected --history alone"),
        (("--corpus", "summary", "--reason", "x", "--rollback"), "replaced no other champion: nothing to go back to"),
    ],
)
def test_refused_move_is_one_line_and_changes_nothing(
    genreflow: Run, home: Path, trained_home: TrainedHome, asked: tuple[str, ...], expected: str
) -> None:
    answer = genreflow("promote", *asked, "--home", home)
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 1
    assert expected in answer.err
    assert int(find_champion(connect(home, trained_home.settings.track), "genreflow-summary").version) == 1


def test_card_of_the_champion_or_of_a_version(genreflow: Run, home: Path, tmp_path: Path) -> None:
    shown = genreflow("card", "--corpus", "synopsis", "--home", home).out
    assert shown.startswith("genreflow-synopsis version 1 (candidate, champion)\n\n# genreflow-synopsis: ")
    file = tmp_path / "card.md"
    answer = genreflow("card", "v1", "--corpus", "synopsis", "--home", home, "--output", file)
    assert answer.out.endswith(f": card written to {file}\n")
    assert file.read_text() == shown
    answer = genreflow("card", "4", "--corpus", "synopsis", "--home", home)
    assert (
        answer.err
        == "error: genreflow-synopsis has no version 4; its versions are 1, its aliases candidate, champion\n"
    )


@pytest.mark.parametrize("command", [("compare",), ("card",), ("promote", "--history")])
def test_home_that_is_not_there_is_named_and_not_made(genreflow: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    answer = genreflow(*command, "--home", tmp_path / "none")
    assert (answer.code, answer.err) == (1, f"error: {tmp_path}/none: no such folder; expected a home (--home)\n")
    assert not (tmp_path / "none").exists()
