"""Commands of the pipeline and its stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conf.errors import GenreflowError
from flows.commands.options import Conf, Home, Json, OneCorpus, Overrides

app = typer.Typer()


@app.command(epilog="Example: genreflow demo --home /tmp/demo")
def demo(
    quick: Annotated[bool, typer.Option("--quick", help="About two minutes: few titles, tiny networks.")] = False,
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Run everything on generated titles: local movie site, crawl, both corpora, all recipes, MLflow."""
    from flows import session
    from flows.paths import home_path
    from flows.report import training
    from scraper.raw import check_company

    conf = Path("quick" if quick else "demo")
    check_company(home_path(home) / "raw", generated=True)
    settings = session.set_up(conf, overrides, home, tracked=True)
    with session.local_site(settings) as base_url:
        from flows.home import value_of
        from flows.pipeline import pipeline

        done = value_of(pipeline(conf, [*(overrides or []), f"collect.base_url={base_url}"], home))
        training.pipeline(done, settings, home, json_output=as_json)


@app.command(epilog="Example: genreflow run --conf imdb --home mine")
def run(conf: Conf = Path("base"), overrides: Overrides = None, home: Home = None, as_json: Json = False) -> None:
    """Run the whole pipeline: collect (if ids are set), prepare, embed, train, log, promote."""
    from flows import session
    from flows.report import training

    settings = session.set_up(conf, overrides, home, reads=True, collected=True, tracked=True)
    from flows.home import value_of
    from flows.pipeline import pipeline

    training.pipeline(value_of(pipeline(conf, overrides or [], home)), settings, home, json_output=as_json)


@app.command(epilog="Example: genreflow collect --set collect.ids=ids.txt --set collect.base_url=http://127.0.0.1:8700")
def collect(conf: Conf = Path("base"), overrides: Overrides = None, home: Home = None, as_json: Json = False) -> None:
    """Crawl titles into raw/; a crawl that was cut short goes on where it stopped."""
    from conf.schema import load
    from flows import session
    from flows.report import terminal, training

    settings = load(conf, overrides or [])
    if not session.collects(settings):
        raise GenreflowError(
            "nothing to collect: collect.ids is not set; name a list of ids, e.g. --set collect.ids=ids.txt "
            "(also .parquet with title_id, or IMDb's title.basics.tsv.gz)"
        )
    session.set_up(conf, overrides, home, collected=True)
    from flows.collect import collect as flow

    collected = flow(conf, overrides or [], home)
    if collected is not None:
        training.stage(collected, as_json)
    elif as_json:
        # What came out of the inbox is told by the log.
        terminal.as_json(None)


@app.command(epilog="Example: genreflow prepare --conf seed")
def prepare(conf: Conf = Path("base"), overrides: Overrides = None, home: Home = None, as_json: Json = False) -> None:
    """Clean, filter, label and split what raw/ holds into the corpora; prints what was dropped and why."""
    from flows import session
    from flows.report import training

    session.set_up(conf, overrides, home, reads=True)
    from flows.prepare import prepare as flow

    training.corpora(flow(conf, overrides or [], home), as_json)


@app.command(epilog="Example: genreflow embed --set embed.epochs=10")
def embed(conf: Conf = Path("base"), overrides: Overrides = None, home: Home = None, as_json: Json = False) -> None:
    """Fit Word2Vec on each corpus's train titles."""
    from flows import session
    from flows.report import training

    session.set_up(conf, overrides, home, reads=True)
    from flows.embed import embed as flow

    training.stages(flow(conf, overrides or [], home), as_json)


@app.command(epilog="Example: genreflow train --conf seed --corpus summary --set train.processes=1")
def train(
    corpus: OneCorpus = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Fit, evaluate and log every recipe; the best one challenges the champion."""
    from flows import session
    from flows.report import training

    session.set_up(conf, overrides, home, reads=True, tracked=True)
    from flows.train import train as flow

    training.trained(flow(conf, overrides or [], home, corpus=corpus), json_output=as_json)


@app.command(epilog="Example: genreflow study --home mine --corpus synopsis --set study.trials=20")
def study(
    corpus: OneCorpus = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Search the bilstm recipe's values on the validation titles; a study that was cut short goes on."""
    from flows import session
    from flows.report import training

    session.set_up(conf, overrides, home, reads=True, tracked=True)
    from flows.study import study as flow

    training.studied(flow(conf, overrides or [], home, corpus), as_json)
