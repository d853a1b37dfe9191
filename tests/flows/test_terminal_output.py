"""What the command line prints of names that others chose: text, never markup or a code that a terminal acts upon."""

import io
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import Answer
from prefect.logging.handlers import PrefectConsoleHandler
from rich.markdown import Markdown
from rich.table import Table

from flows.report import answers, models, tables
from flows.session import has_news
from tasks.terminal import WIDE, open_console

HOSTILE = "[bold red]x[/] [/nothing] [link=file:///etc/passwd]y[/link] \x1b]0;owned\x1b[2J\x9b31m \u202eevil"
SHOWN = "[bold red]x[/] [/nothing] [link=file:///etc/passwd]y[/link] \\x1b]0;owned\\x1b[2J\\x9b31m \\u202eevil"
# What Rich itself sends to style what it prints: colours, and nothing else.
STYLES = re.compile(r"\x1b\[[0-9;]*m")


def printed(*renderables: object) -> str:
    stream = io.StringIO()
    console = open_console(file=stream, force_terminal=True, width=400)
    for each in renderables:
        console.print(each)
    return STYLES.sub("", stream.getvalue())


def test_text_is_printed_as_it_is() -> None:
    assert printed(HOSTILE).strip() == SHOWN


def test_cells_heads_and_titles_of_tables_are_printed_as_they_are() -> None:
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE)
    told = printed(table)
    assert told.count(SHOWN) == 3 and "\x1b" not in told


def test_card_sends_a_terminal_nothing_but_styles() -> None:
    assert "\x1b]0" not in printed(Markdown(HOSTILE)) and "\x9b" not in printed(Markdown(HOSTILE))


def test_explanation_of_a_hostile_text_is_printed_as_it_is() -> None:
    assert printed(answers.coloured(HOSTILE, [])).strip() == SHOWN


@pytest.mark.parametrize("markdown", [False, True])
def test_reports_show_hostile_names_as_text(markdown: bool, capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(HOSTILE, (HOSTILE,), [(HOSTILE,)], words=(HOSTILE,), markdown=markdown)
    assert "\x1b" not in capsys.readouterr().out


def test_json_of_hostile_names_holds_no_code_of_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    models.moved(HOSTILE, _Move(), json_output=True)
    told = capsys.readouterr().out
    assert json.loads(told)["model"] == HOSTILE
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", told)


class _Move:
    def model_dump(self) -> dict[str, str]:
        return {}


def test_commands_show_a_hostile_title_as_text(genreflow: Callable[..., Answer], tmp_path: Path) -> None:
    row = {"title_id": "tt0000001", "title": HOSTILE, "genres": [HOSTILE, "Drama"], "summary": f"{HOSTILE} " * 20}
    file = tmp_path / "[red]titles[b]\x1b[2J.parquet"
    pq.write_table(pa.Table.from_pylist([row]), file)
    home = tmp_path / "home"
    imported = genreflow("import", file, "--home", home)
    assert (imported.code, "[red]titles[b]\\x1b[2J" in imported.out) == (0, True)
    shown = genreflow("show", "tt0000001", "--home", home)
    told = genreflow("show", "tt0000001", "--home", home, "--json")
    refused = genreflow("import", tmp_path / "\x1b[2Jno.csv", "--home", home)
    assert (shown.code, told.code, refused.code) == (0, 0, 1)
    assert SHOWN in shown.out and json.loads(told.out)["title"] == HOSTILE
    for printed_ in (*imported[1:], *shown[1:], *told[1:], *refused[1:]):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", printed_)


def test_log_lines_of_a_run_show_a_hostile_file_name_as_text() -> None:
    stream = io.StringIO()
    handler = PrefectConsoleHandler()
    handler.console = open_console(file=stream)
    handler.emit(logging.LogRecord("flows", logging.INFO, "f.py", 1, "%s: 1 row", (HOSTILE,), None))
    assert stream.getvalue().strip() == f"{SHOWN}: 1 row"


@pytest.mark.parametrize(("columns", "width"), [(None, WIDE), ("90", 90)])
def test_lines_in_a_pipe_are_wide(columns: str | None, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    stream = io.StringIO()
    open_console(file=stream).print("word " * 100)
    assert max(len(line.rstrip()) + 1 for line in stream.getvalue().splitlines()) in range(width - 4, width + 1)


@pytest.mark.parametrize(
    ("message", "debug", "shown"),
    [
        ("Running hook 'tell_failure' in response to entering state 'Failed'", "", False),
        ("Hook 'tell_failure' finished running successfully", "", False),
        ("Hook 'tell_failure' finished running successfully", "1", True),
        ("An error was encountered while running hook 'tell_failure'", "", True),
        ("Finished in state Completed()", "", True),
    ],
)
def test_hooks_that_ran_are_no_news(message: str, debug: str, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENREFLOW_DEBUG", raising=False)
    if debug:
        monkeypatch.setenv("GENREFLOW_DEBUG", debug)
    record = logging.LogRecord("prefect.flow_runs", logging.INFO, __file__, 1, message, None, None)
    assert has_news(record) is shown
