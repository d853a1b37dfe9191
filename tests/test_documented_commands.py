"""Every genreflow command that README and docs show is one that the command line takes, with keys that there are."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from conf.schema import load, overlays
from flows.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
# Lines that tell of a command by placeholders, and the recipe that docs/extending.md adds.
LEFT_OUT = re.compile(r"\[OPTIONS\]|\.\.\.|COMMAND|svm")


def commands_of(page: Path) -> list[str]:
    """Return the command lines of a page's code blocks that call genreflow, lines that go on joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^ {4,}(?:\$ )?(?:[A-Z_]+=\S+ )?(genreflow .*)$", text, re.MULTILINE)
    calls = [call for line in lines for call in re.split(r" &&? ?", line)]
    return [call for call in calls if call.startswith("genreflow ") and not LEFT_OUT.search(call)]


SHOWN = [(page.name, line) for page in PAGES for line in commands_of(page)]


def test_pages_show_commands() -> None:
    assert len(SHOWN) > 60
    assert {"README.md", "tutorial.md", "commands.md"} <= {page for page, _ in SHOWN}


def take(line: str) -> None:
    _, name, *words = shlex.split(line, comments=True)
    command = COMMANDS[name]
    given = command.make_context(name, words).params
    if overrides := given.get("overrides"):
        conf = str(given.get("conf") or "base")
        load(conf if conf in overlays() else "base", list(overrides))


@pytest.mark.parametrize("line", sorted({line for _, line in SHOWN}))
def test_documented_command_is_taken(line: str) -> None:
    take(line)


@pytest.mark.parametrize(
    "line", ["genreflow trian", "genreflow train --confg quick", "genreflow train --set embed.epoch=1"]
)
def test_command_that_is_not_there_would_be_found(line: str) -> None:
    with pytest.raises(Exception, match=r"trian|confg|embed\.epoch"):
        take(line)
