"""Commands that compare what was trained, and decide which model is champion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conf.errors import GenreflowError
from conf.names import Corpus
from flows.commands.options import Conf, Home, Json, OneCorpus, Overrides

app = typer.Typer()


@app.command(
    epilog="Example: genreflow compare --corpus synopsis --where filter=base | "
    "genreflow compare champion linear --corpus summary | genreflow compare --markdown > leaderboard.md"
)
def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN RUN]",
            help="Two runs to set side by side: an id's first characters, v3, champion, or a recipe (its newest).",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="KEY=VALUE", help="Only runs with this conf key or tag. Repeatable."),
    ] = None,
    corpus: OneCorpus = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print tables in Markdown.")] = False,
) -> None:
    """Show the leaderboard of every recipe that was trained, with differences to the champion; or two runs."""
    from conf.schema import load
    from flows import session
    from flows.report import models, terminal

    settings = load(conf, overrides or [])
    if as_json and markdown:
        raise GenreflowError("expected one of --json and --markdown")
    if runs and (len(runs) != 2 or where):
        raise GenreflowError(f"expected two runs to set side by side, without --where; got {' '.join(runs)}")
    session.quiet()
    from flows.paths import home_path

    path = home_path(home)
    if runs:
        from tasks.comparison import compare_two

        with terminal.working("comparing"):
            side = compare_two(path, settings, corpus, *runs)
        models.side_by_side(side, as_json, markdown)
        return
    from tasks.leaderboard import leaderboard

    names = [corpus] if corpus else list(settings.prepare.corpora)
    with terminal.working("comparing"):
        boards = {name: leaderboard(path, settings, name, where or ()) for name in names}
    models.leaderboards(boards, as_json, markdown, filtered=bool(where))


@app.command(epilog="Example: genreflow card --corpus summary | genreflow card 3 --corpus summary --output card.md")
def card(
    version: Annotated[
        int | None, typer.Argument(min=1, help="Version of the registered model. \\[default: the champion]")
    ] = None,
    corpus: Annotated[Corpus, typer.Option("--corpus", help="Whose model.")] = "summary",
    output: Annotated[Path | None, typer.Option("--output", help="File for the card. \\[default: terminal]")] = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
) -> None:
    """Show a model's card: use, data and its limits, figures with intervals, calibration, behaviour, licences."""
    from conf.schema import load
    from flows import session
    from flows.report import models

    settings = load(conf, overrides or [])
    session.quiet()
    from flows.paths import home_path
    from tasks.cards import read_card

    told = read_card(home_path(home), settings.track, corpus, version)
    if output is None:
        models.card(told)
    else:
        from tasks import store

        store.write_bytes(output, told.encode())


@app.command(
    epilog='Example: genreflow promote 3 --corpus summary --reason "better on short plots" | '
    'genreflow promote --rollback --corpus summary --reason "calls every war film a comedy" | '
    "genreflow promote --history"
)
def promote(
    version: Annotated[
        int | None, typer.Argument(min=1, help="Version to make champion. \\[default: the candidate]")
    ] = None,
    corpus: OneCorpus = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; it is kept with the model.")] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Make the version champion that the present one replaced.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Promote a version that failed the behaviour tests, too.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Show who was champion when and why, and change nothing.")
    ] = False,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make a registered version champion by hand, or take the last promotion back; every move keeps its reason."""
    from conf.schema import load
    from flows import session
    from flows.report import models

    settings = load(conf, overrides or [])
    session.quiet()
    from flows.paths import home_path
    from tasks import moves, store
    from tasks.champion import model_name

    path = home_path(home)
    if history:
        names = [corpus] if corpus else list(settings.prepare.corpora)
        told = {model_name(settings.track, name): moves.history(path, settings.track, name) for name in names}
        models.moves(told, as_json)
        return
    if corpus is None:
        raise GenreflowError("expected --corpus summary or --corpus synopsis: each has a champion of its own")
    if not (reason and reason.strip()):
        raise GenreflowError('expected --reason "...": it is kept with the model')
    if rollback and version is not None:
        raise GenreflowError(f"expected either a version or --rollback; got {version} and --rollback")
    with store.lock_home(path, settings.run.wait_seconds):
        if rollback:
            move = moves.roll_back(path, settings.track, corpus, reason)
        else:
            move = moves.promote(path, settings.track, corpus, version, reason, force=force)
    models.moved(model_name(settings.track, corpus), move, as_json)
