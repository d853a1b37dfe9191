"""The command line. Every command imports what it needs when it runs, so that --help is instant."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from conf.errors import GenreflowError
from flows.commands import answers, models, pipeline, services, titles
from tasks.logic.printable import printable

app = typer.Typer(
    name="genreflow",
    epilog="Start with: genreflow demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for group in (pipeline, titles, answers, models, services):
    app.add_typer(group.app)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"genreflow {version('genreflow')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", help="Show genreflow's version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Collect movie plots, train genre models on them, and predict with the best one."""


def main() -> None:
    """Run the command line; errors that a user can mend print one line and end with their exit code."""
    try:
        app()
    except (GenreflowError, OSError) as error:
        if os.environ.get("GENREFLOW_DEBUG"):
            raise
        _tell(error)
        sys.exit(getattr(error, "exit_code", 1))
    except Exception as error:
        from flows.session import lost_server

        lost = lost_server(error)
        if lost is None or os.environ.get("GENREFLOW_DEBUG"):
            raise
        _tell(lost)
        sys.exit(lost.exit_code)


def _tell(error: Exception) -> None:
    sys.stderr.write(f"error: {printable(' '.join(str(error).split()))}\n")


if __name__ == "__main__":
    main()
