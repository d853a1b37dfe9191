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
    epilog="Examples:\n\ngenreflow compare --corpus synopsis --where filter=base\n\n"
    "genreflow compare champion linear --corpus summary\n\ngenreflow compare --markdown > leaderboard.md"
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
        typer.Option(
            "--where", metavar="KEY=VALUE", help="Only runs with this conf key, parameter or tag. Repeatable."
        ),
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
    if runs and len(runs) != 2:
        raise GenreflowError(f"expected two runs to set side by side; got {' '.join(runs)}")
    if runs and where:
        raise GenreflowError("expected two runs or --where, which chooses rows of the leaderboard; got both")
    session.quiet()
    from flows.paths import existing_home

    path = existing_home(home)
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
    if where and not any(boards.values()):
        raise GenreflowError(f"no run has {' and '.join(where)}; genreflow compare without --where shows all")
    models.leaderboards(boards, as_json, markdown)


@app.command(
    epilog="Examples:\n\ngenreflow card --corpus summary\n\ngenreflow card 3 --corpus summary --output card.md"
)
def card(
    version: Annotated[
        str | None, typer.Argument(help="Version (3 or v3), champion or candidate. \\[default: champion]")
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
    from flows.paths import existing_home
    from tasks.cards import read_card

    told = read_card(existing_home(home), settings.track, corpus, version)
    if output is not None:
        from tasks import store

        store.write_bytes(output, told.encode())
    models.card(told, output)


@app.command(
    epilog='Examples:\n\ngenreflow promote 3 --corpus summary --reason "better on short plots"\n\n'
    'genreflow promote --rollback --corpus summary --reason "calls every war film a comedy"\n\n'
    "genreflow promote --history"
)
def promote(
    version: Annotated[
        str | None, typer.Argument(help="Version to make champion (3 or v3). \\[default: candidate]")
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
    from flows.paths import existing_home
    from tasks import moves, store
    from tasks.champion import model_name

    path = existing_home(home)
    if history and (version or rollback or force or reason):
        raise GenreflowError("expected --history alone, or with --corpus: it changes nothing")
    if history:
        names = [corpus] if corpus else list(settings.prepare.corpora)
        told = {model_name(settings.track, name): moves.history(path, settings.track, name) for name in names}
        models.moves(told, as_json)
        return
    if corpus is None:
        raise GenreflowError("expected --corpus summary or --corpus synopsis: each has a champion of its own")
    if not (reason and reason.strip()):
        raise GenreflowError('expected --reason "...": it is kept with the model')
    if rollback and force:
        raise GenreflowError("expected --rollback without --force: what was champion may be so again")
    if rollback and version is not None:
        raise GenreflowError(f"expected either a version or --rollback; got {version} and --rollback")
    with store.lock_home(path, settings.run.wait_seconds):
        if rollback:
            move = moves.roll_back(path, settings.track, corpus, reason)
        else:
            move = moves.promote(path, settings.track, corpus, version, reason, force=force)
    models.moved(model_name(settings.track, corpus), move, as_json)
