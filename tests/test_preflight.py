"""What cannot be had is told in one line before a Prefect server is started, and leaves no home behind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Answer

Run = Callable[..., Answer]


def assert_told_early(answer: Answer, home: Path, told: str, code: int = 1) -> None:
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(f"error: {told}")
    assert len(answer.err.splitlines()) == 1
    assert not home.exists()


def test_nothing_to_collect_says_what_to_set(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("collect", "--home", tmp_path / "home")
    assert_told_early(answer, tmp_path / "home", "nothing to collect: collect.ids is not set; name a list of ids, e.g.")


@pytest.mark.parametrize("command", ["run", "prepare", "embed", "train", "study"])
def test_without_titles_a_command_says_how_to_get_some_before_it_starts_a_server(
    genreflow: Run, tmp_path: Path, command: str
) -> None:
    home = tmp_path / "home"
    told = f"no titles in {home}/raw: name what to collect (--set collect.ids=ids.txt) or import a file"
    assert_told_early(genreflow(command, "--home", home), home, told)


@pytest.mark.parametrize("command", ["run", "collect"])
@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ("collect.ids=nothere.txt", 1, "nothere.txt: no such file; expected a list of title ids"),
        ("collect.ids=site", 1, "http://127.0.0.1:9/ids.txt does not answer"),
        ("collect.spider=mine:Spider", 1, "collect.spider 'mine:Spider' cannot be loaded"),
        ("collect.base_url=https://www.imdb.com", 2, "crawling www.imdb.com needs collect.contact"),
    ],
)
def test_what_cannot_be_crawled_is_told_before_a_server_is_started(
    genreflow: Run, tmp_path: Path, command: str, given: str, code: int, told: str
) -> None:
    sets = ["--set", "collect.ids=generated", "--set", "collect.base_url=http://127.0.0.1:9", "--set", given]
    answer = genreflow(command, "--home", tmp_path / "home", *sets)
    assert_told_early(answer, tmp_path / "home", told, code)


def test_the_demo_leaves_a_home_of_other_titles_alone(genreflow: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("title_id,genres,summary\ntt0000001,Drama,A storm cuts off a lighthouse.\n")
    genreflow("import", file, "--home", tmp_path / "home")
    answer = genreflow("demo", "--quick", "--home", tmp_path / "home")
    told = f"error: {tmp_path}/home/raw holds titles that are not generated (file:mine); generated ones go into a home"
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(told)
    assert not (tmp_path / "home" / "prefect").exists()


def test_an_empty_text_is_refused(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("predict", " \n", "--home", tmp_path / "home")
    assert_told_early(answer, tmp_path / "home", "TEXT is empty; expected one plot in English")


def test_a_second_ui_says_where_the_first_ones_pages_are(
    genreflow: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.servers.running_server", lambda home: "http://127.0.0.1:4200/api")
    home = tmp_path / "home"
    told = f"genreflow ui runs over {home} already: its pages are at http://127.0.0.1:4200\n"
    assert_told_early(genreflow("ui", "--home", home), home, told)
