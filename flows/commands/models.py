"""Commands that compare what was trained."""

from __future__ import annotations

from pathlib import Path

import typer

from flows.commands.options import Conf, Home, Json, OneCorpus, Overrides

app = typer.Typer()


@app.command(epilog="Example: genreflow compare --corpus synopsis --json")
def compare(
    corpus: OneCorpus = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show the leaderboard of every recipe that was trained, from MLflow."""
    from conf.schema import load
    from flows import session
    from flows.report import models

    settings = load(conf, overrides or [])
    session.quiet()
    from flows.paths import home_path
    from tasks.leaderboard import leaderboard

    names = [corpus] if corpus else list(settings.prepare.corpora)
    models.leaderboards({name: leaderboard(home_path(home), settings.track, name) for name in names}, as_json)
