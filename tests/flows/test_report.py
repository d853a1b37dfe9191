"""What the command line shows of one text's prediction, and while a file of texts is predicted."""

import functools
import io
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel
from rich.console import Console

from flows.report import answers, services, terminal, training


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that shows a prediction and returns the lines printed."""
    monkeypatch.setenv("COLUMNS", "120")

    def show(genres: list[str], thresholds: dict[str, Any]) -> list[str]:
        figures = {
            "model": "genreflow-summary version 1",
            "recipe": "linear",
            "genres": genres,
            "probabilities": {"Drama": 0.31, "War": 0.22},
            "words": 5,
            "thresholds": thresholds,
        }
        answers.predicted(figures, 5, json_output=False)
        return capsys.readouterr().out.splitlines()

    return show


EXPLANATION = {
    "text": "The ship at sea",
    "genres": {
        "War": {
            "words": [
                {"word": "ship", "weight": 1.0, "share": 0.8},
                {"word": "The", "weight": 0.0, "share": 0.0},
                {"word": "sea", "weight": -0.25, "share": -0.2},
            ],
            "spans": [
                {"start": 0, "end": 3, "word": "The", "weight": 0.0},
                {"start": 4, "end": 8, "word": "ship", "weight": 1.0},
                {"start": 12, "end": 15, "word": "sea", "weight": -0.25},
            ],
        }
    },
}


def test_words_are_coloured_by_what_they_say() -> None:
    shown = answers.coloured(EXPLANATION["text"], EXPLANATION["genres"]["War"]["spans"])
    assert shown.plain == "The ship at sea"
    assert [(span.start, span.end, span.style) for span in shown.spans] == [
        (4, 8, "bold reverse green"), (12, 15, "bold red"),
    ]  # fmt: skip


def test_an_explanation_reads_without_colours(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    answers.explained(Console(), {"probabilities": {"War": 0.22}, "explanation": EXPLANATION})
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "War 0.220", "The ship at sea", "for      ship +1.00 (80%)", "against  sea -0.25 (20%)",
    ]  # fmt: skip


def row_of(lines: list[str], genre: str) -> list[str]:
    (line,) = (line for line in lines if genre in line)
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_each_genre_stands_beside_its_threshold(shown: Any) -> None:
    lines = shown(["War"], {"rule": "per_genre", "values": {"Drama": 0.4, "War": 0.2}})
    assert row_of(lines, "Drama") == ["Drama", "0.310", "0.400", ""]
    assert row_of(lines, "War") == ["War", "0.220", "0.200", "predicted"]


def test_one_threshold_for_all_has_no_column(shown: Any) -> None:
    assert row_of(shown(["Drama"], {"rule": "global", "value": 0.3}), "Drama") == ["Drama", "0.310", "predicted"]


@pytest.mark.parametrize(
    ("thresholds", "told"),
    [
        ({"rule": "global", "value": 0.5}, "no genre reaches the threshold 0.500"),
        ({"rule": "per_genre", "values": {"Drama": 0.4, "War": 0.3}}, "no genre reaches its threshold"),
    ],
)
def test_a_text_without_a_genre_says_so(shown: Any, thresholds: dict[str, Any], told: str) -> None:
    assert shown([], thresholds)[-1] == told


def test_a_genre_below_its_threshold_says_why_it_is_predicted(shown: Any) -> None:
    lines = shown(["War"], {"rule": "per_genre", "values": {"Drama": 0.9, "War": 0.3}})
    assert row_of(lines, "War")[-1] == "predicted (nearest to its threshold)"


def test_a_bar_tells_rows_and_their_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    shown = functools.partial(Console, file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(terminal, "open_console", lambda **_: shown())
    with terminal.predicting(Path("[plots].csv")) as advance:
        for done in (0, 1_000, 2_000):
            advance(done, 8_000)
            time.sleep(0.15)
    assert re.search(r"predict \[plots\]\.csv .*25%.*2,000 rows, [0-9,]+ a second", screen.getvalue())


def test_no_bar_is_shown_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    with terminal.predicting(Path("plots.csv")) as advance:
        advance(1_000, 8_000)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("decided", "recipe", "expected"),
    [
        (True, "linear", ["summary version 2 (linear) promoted to champion: why", ""]),
        (False, "linear", ["summary version 2 (linear): why", ""]),
        (
            True,
            "blend",
            [
                "summary version 2 (blend) promoted to champion: why",
                "(blend is the best on validation titles; the table is of test titles)",
                "",
            ],
        ),
    ],
)
def test_what_became_of_the_candidate(
    decided: bool, recipe: str, expected: list[str], monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "_recipes", lambda *_: "table")
    runs = [
        SimpleNamespace(recipe=name, evaluation=SimpleNamespace(test_f1_micro=figure))
        for name, figure in (("linear", 0.6), ("blend", 0.5))
    ]
    told = {"name": "summary", "version": 2, "recipe": recipe, "promoted": True, "reason": "why", "decided": decided}
    trained = SimpleNamespace(runs=runs, promotion=SimpleNamespace(**told))
    training.trained({"summary": trained}, json_output=False)
    assert capsys.readouterr().out.splitlines() == ["table", *expected]


def test_summary_of_a_stage_tells_counts_and_facts_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    class Summary(BaseModel):
        stored: int = 3
        dropped: dict[str, int] = {"not_found": 2, "no_article": 1}
        failed: dict[str, int] = {}
        reused: bool = False

    training.stage(Summary(), json_output=False)
    assert [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines()] == [
        "3", "not_found 2, no_article 1", "none", "no",
    ]  # fmt: skip


def test_nothing_to_clean_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    services.cleaned([], deleted=False, json_output=False)
    assert capsys.readouterr().out.startswith("nothing to remove")
