"""The command line. Every command imports what it needs when it runs, so that --help is instant."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from conf.errors import GenreflowError
from conf.names import Corpus

app = typer.Typer(
    name="genreflow",
    help="Collect movie plots, train genre models on them, and predict with the best one.",
    epilog="Start with: genreflow demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


Conf = Annotated[
    Path,
    typer.Option(
        "--conf",
        metavar="NAME|FILE",
        help="Shipped configuration (base, demo, quick, seed, imdb, wikipedia, tmdb, omdb) or a YAML file.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one configuration value, e.g. --set embed.epochs=10. Repeatable.",
    ),
]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        envvar="GENREFLOW_HOME",
        help="Folder of all data, results and stores. \\[default: ./data]",
    ),
]
OneCorpus = Annotated[Corpus | None, typer.Option("--corpus", help="One corpus only.")]
Json = Annotated[bool, typer.Option("--json", help="Print figures as JSON.")]


@app.command(epilog="Example: genreflow demo --home /tmp/demo")
def demo(
    quick: Annotated[bool, typer.Option("--quick", help="About a minute: few titles, tiny networks.")] = False,
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Run everything on generated titles: local movie site, crawl, both corpora, all recipes, MLflow."""
    from flows import report, session

    conf = Path("quick" if quick else "demo")
    settings = session.set_up(conf, overrides, home)
    with session.local_site(settings) as base_url:
        from flows.home import value_of
        from flows.pipeline import pipeline

        done = value_of(pipeline(conf, [*(overrides or []), f"collect.base_url={base_url}"], home))
        report.pipeline(done, settings, home, json_output=as_json)


@app.command(epilog="Example: genreflow run --conf imdb --home mine")
def run(conf: Conf = Path("base"), overrides: Overrides = None, home: Home = None, as_json: Json = False) -> None:
    """Run the whole pipeline: collect (if ids are set), prepare, embed, train, log, promote."""
    from flows import report, session

    settings = session.set_up(conf, overrides, home)
    from flows.home import value_of
    from flows.pipeline import pipeline

    report.pipeline(value_of(pipeline(conf, overrides or [], home)), settings, home, json_output=as_json)


@app.command(epilog="Example: genreflow collect --set collect.ids=ids.txt --set collect.base_url=http://127.0.0.1:8700")
def collect(conf: Conf = Path("base"), overrides: Overrides = None, home: Home = None, as_json: Json = False) -> None:
    """Crawl titles into raw/; a crawl that was cut short goes on where it stopped."""
    from conf.schema import load
    from flows import report, session

    settings = load(conf, overrides or [])
    if settings.collect.ids is None and settings.import_.inbox is None:
        raise GenreflowError(
            "nothing to collect: collect.ids is not set; name a list of ids, e.g. --set collect.ids=ids.txt "
            "(also .parquet with title_id, or IMDb's title.basics.tsv.gz)"
        )
    if settings.collect.ids is not None:
        from scraper.spiders.known import ready_spider

        # Sooner than a Prefect server is started for it.
        ready_spider(settings.collect)
    session.set_up(conf, overrides, home)
    from flows.collect import collect as flow

    collected = flow(conf, overrides or [], home)
    if collected is not None:
        report.stage(collected, as_json)
    elif as_json:
        # What came out of the inbox is told by the log.
        report.as_json(None)


@app.command(
    "import",
    epilog="Example: genreflow import titles.csv | genreflow import MovieSummaries/ --source cmu | "
    "genreflow import mine.jsonl --source my.yaml",
)
def import_(
    file: Annotated[
        Path,
        typer.Argument(help="Titles file (CSV, TSV, JSON lines, Parquet) or the folder of a data set, as downloaded."),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="NAME|FILE.yaml",
            help="What the file is: titles, kaggle-imdb, cmu, mm-imdb, mpst, or a mapping of your own. "
            "\\[default: recognised by its columns]",
        ),
    ] = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Put titles that you already have into raw/, without a crawl; then `genreflow run` trains on them."""
    from conf.schema import load
    from flows import report
    from flows.paths import home_path
    from scraper.importers.files import import_file
    from tasks import store

    settings = load(conf, overrides or [])
    path = home_path(home)
    with store.lock_home(path, settings.run.wait_seconds), report.importing(file) as advance:
        told = import_file(
            file,
            path / "raw",
            source=source,
            genres=settings.prepare.genres,
            max_bad_share=settings.import_.max_bad_share,
            part_titles=settings.import_.part_titles,
            on_progress=advance,
        )
    report.imported(file, told, as_json)


@app.command(epilog="Example: genreflow parse pages/ --home mine")
def parse(
    path: Annotated[Path, typer.Argument(help="A stored page or a folder of them (.html, .json, also with .gz).")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what the pages tell and store nothing.")] = False,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Turn stored IMDb pages of any era into raw records; then `genreflow run` trains on them."""
    from conf.schema import load
    from flows import report
    from flows.paths import home_path
    from scraper.importers.page_files import parse_pages, store_parsed
    from tasks import store

    settings = load(conf, overrides or [])
    with report.importing(path) as advance:
        parsed = parse_pages(path, advance)
    if not dry_run:
        home_folder = home_path(home)
        with store.lock_home(home_folder, settings.run.wait_seconds):
            parsed = store_parsed(parsed, home_folder / "raw", settings.import_.part_titles)
    report.parsed(path, parsed, as_json)


@app.command(
    epilog="Example: genreflow titles title.basics.tsv.gz --output ids.txt, "
    "or genreflow titles title.basics.tsv.gz --join --home mine"
)
def titles(
    file: Annotated[
        Path, typer.Argument(help="IMDb's title.basics.tsv or .tsv.gz (developer.imdb.com/non-commercial-datasets).")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="File for the ids, one a line. \\[default: standard output]")
    ] = None,
    join: Annotated[
        bool,
        typer.Option("--join", help="Complete genres, year and type of the titles in raw/ instead; drops no genre."),
    ] = False,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Select title ids from IMDb's title.basics (collect.select says which), or join it to the titles held."""
    from conf.schema import load
    from flows import report
    from flows.paths import home_path
    from scraper.basics import Counted, IdsError, select_ids
    from scraper.ids import explain_select
    from scraper.importers.title_basics import join_basics
    from tasks import store

    settings = load(conf, overrides or [])
    if join:
        path = home_path(home)
        with store.lock_home(path, settings.run.wait_seconds), report.importing(file) as advance:
            joined = join_basics(file, path / "raw", advance)
        report.joined(file, joined, as_json)
        return
    counted = Counted()
    with report.importing(file) as advance:
        ids = "".join(f"{title_id}\n" for title_id in select_ids(file, settings.collect.select, counted, advance))
    if not ids:
        raise IdsError(f"{file}: no title id in it{explain_select(file, settings.collect.select)} (collect.select)")
    if output is not None:
        store.write_bytes(output, ids.encode())
    report.selected(file, ids, counted.rows, output, as_json)


@app.command(epilog="Example: genreflow show tt0133093 --home mine")
def show(
    title_id: Annotated[str, typer.Argument(help="An IMDb title id, such as tt0133093.")],
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show one title as its sources tell it, joined: texts, genres, and who gave them under which terms."""
    from conf.schema import load
    from flows import report
    from flows.paths import home_path
    from tasks.records import describe_title

    settings = load(conf, overrides or [])
    report.title(describe_title(home_path(home) / "raw", title_id, settings.prepare), as_json)


@app.command(epilog="Example: genreflow prepare --conf seed")
def prepare(conf: Conf = Path("base"), overrides: Overrides = None, home: Home = None, as_json: Json = False) -> None:
    """Clean, filter, label and split what raw/ holds into the corpora; prints what was dropped and why."""
    from flows import report, session

    session.set_up(conf, overrides, home)
    from flows.prepare import prepare as flow

    report.corpora(flow(conf, overrides or [], home), as_json)


@app.command(epilog="Example: genreflow embed --set embed.epochs=10")
def embed(conf: Conf = Path("base"), overrides: Overrides = None, home: Home = None, as_json: Json = False) -> None:
    """Fit Word2Vec on each corpus's train titles."""
    from flows import report, session

    session.set_up(conf, overrides, home)
    from flows.embed import embed as flow

    report.stages(flow(conf, overrides or [], home), as_json)


@app.command(epilog="Example: genreflow train --conf seed --corpus summary --set train.processes=1")
def train(
    corpus: OneCorpus = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Fit, evaluate and log every recipe; the best one challenges the champion."""
    from flows import report, session

    settings = session.set_up(conf, overrides, home)
    from flows.train import train as flow

    report.trained(flow(conf, overrides or [], home, corpus=corpus), settings, home, json_output=as_json)


@app.command(epilog="Example: genreflow study --home mine --corpus synopsis --set study.trials=20")
def study(
    corpus: OneCorpus = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Search the bilstm recipe's values on the validation titles; a study that was cut short goes on."""
    from flows import report, session

    session.set_up(conf, overrides, home)
    from flows.study import study as flow

    report.studied(flow(conf, overrides or [], home, corpus), as_json)


@app.command(epilog="Example: genreflow evaluate --titles titles.parquet --corpus summary --json")
def evaluate(
    titles: Annotated[
        Path,
        typer.Option("--titles", help="Labelled titles (Parquet: title_id, genres, summary or synopsis)."),
    ],
    corpus: Annotated[Corpus, typer.Option("--corpus", help="Whose champion is scored.")] = "summary",
    include_train: Annotated[bool, typer.Option("--include-train", help="Score titles seen in fitting, too.")] = False,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Score the champion on any labelled titles file."""
    from conf.schema import load
    from flows import report, session

    settings = load(conf, overrides or [])
    session.quiet()
    from flows.paths import home_path
    from tasks.answers import score_titles

    report.scored(
        score_titles(
            home_path(home), settings.track, corpus, titles, include_train=include_train, train=settings.train
        ),
        as_json,
    )


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
    from flows import report, session

    settings = load(conf, overrides or [])
    session.quiet()
    from flows.paths import home_path
    from tasks.tracking import leaderboard

    names = [corpus] if corpus else list(settings.prepare.corpora)
    report.leaderboards({name: leaderboard(home_path(home), settings.track, name) for name in names}, as_json)


@app.command(
    epilog='Example: genreflow predict "A retired detective hunts a killer." --explain, '
    "or genreflow predict --input plots.parquet"
)
def predict(
    text: Annotated[str | None, typer.Argument(help="One plot in English.")] = None,
    corpus: Annotated[
        Corpus | None,
        typer.Option("--corpus", help="Whose champion predicts. \\[default: by the text's length]"),
    ] = None,
    source: Annotated[Path | None, typer.Option("--input", help="Parquet file of texts instead of one text.")] = None,
    target: Annotated[
        Path | None,
        typer.Option("--output", help="File to write with --input. \\[default: predictions/ in the home]"),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Genres shown at least, chosen or not.")] = 5,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show which words of TEXT speak for each predicted genre.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option("--explain-html", metavar="FILE", help="Write that as an HTML page.")
    ] = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Predict genres with probabilities from the champion of the right corpus."""
    from conf.schema import load
    from flows import report, session
    from flows.paths import home_path

    settings = load(conf, overrides or [])
    if (text is None) == (source is None):
        raise GenreflowError("expected either one TEXT or --input FILE.parquet; see genreflow predict --help")
    if (explain or page) and source is not None:
        raise GenreflowError("--explain and --explain-html take one TEXT, not --input FILE.parquet")
    session.quiet()
    path = home_path(home)
    if source is not None:
        from tasks.answers import predict_file

        name = corpus or "summary"
        written = target or path / "predictions" / f"{source.stem}-{name}.parquet"
        rows = predict_file(path, settings.track, name, source, written)
        report.written(rows, written, as_json)
        return
    from tasks.answers import corpus_of, predict_text

    assert text is not None
    name = corpus or corpus_of(text, settings.prepare)
    figures = predict_text(path, settings.track, name, text, explain=explain or page is not None)
    if page is not None:
        from tasks import store
        from tasks.logic.explanation_page import render

        store.write_bytes(page, render(figures).encode())
    report.predicted(figures, top, as_json, explain=explain, page=page)


@app.command(
    epilog="Example: genreflow site --titles titles.parquet --port 8700 --latency-ms 50 --faults 503=0.03,429=0.02"
)
def site(
    titles: Annotated[
        Path | None,
        typer.Option("--titles", help="Titles file to serve (Parquet). \\[default: generated titles]"),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 8700,
    latency_ms: Annotated[float, typer.Option("--latency-ms", min=0, help="Pause before every answer.")] = 0.0,
    faults: Annotated[
        str, typer.Option("--faults", help="Faults: shares, e.g. 503=0.03,maxlag=0.1; quota=100 (OMDb); challenge.")
    ] = "",
    access_log: Annotated[
        Path | None, typer.Option("--access-log", help="File that one JSON object a request is appended to.")
    ] = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
) -> None:
    """Serve titles as IMDb-shaped pages and as four public APIs, on this machine only, until Ctrl-C."""
    from conf.schema import load
    from flows import report
    from scraper.site.faults import parse_faults
    from scraper.site.generator import generate_titles
    from scraper.site.server import read_titles, serve

    settings = load(conf, overrides or []).site
    table = read_titles(titles) if titles else generate_titles(settings.titles, settings.random_seed)
    serve(
        table,
        port=port,
        latency_ms=latency_ms,
        faults=parse_faults(faults),
        random_seed=settings.random_seed,
        access_log=access_log,
        generated=titles is None,
        on_ready=lambda bound: report.serving(table.num_rows, bound),
    )


@app.command(epilog="Example: genreflow ui --prefect-port 4200 --mlflow-port 5000")
def ui(
    prefect_port: Annotated[int, typer.Option("--prefect-port", min=1, max=65535)] = 4200,
    mlflow_port: Annotated[int, typer.Option("--mlflow-port", min=1, max=65535)] = 5000,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
) -> None:
    """Start Prefect's and MLflow's pages over the home, print their addresses, stop both on Ctrl-C."""
    from conf.schema import load
    from flows import servers, session
    from flows.paths import home_path

    settings = load(conf, overrides or [])
    session.quiet()
    servers.serve_pages(home_path(home), settings.track, prefect_port, mlflow_port)


@app.command(epilog="Example: genreflow clean --keep 5 --home mine, then the same with --delete")
def clean(
    keep: Annotated[
        int, typer.Option("--keep", min=1, help="Newest pipeline runs, versions and results that stay.")
    ] = 5,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove what is listed, instead of listing it only.")
    ] = False,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List old results, runs and models that no champion and nothing kept needs, with their bytes; --delete removes."""
    from conf.schema import load
    from flows import report, session
    from flows.paths import home_path
    from tasks import store, upkeep

    settings = load(conf, overrides or [])
    session.quiet()
    path = home_path(home)
    if not path.is_dir():
        raise GenreflowError(f"{path}: no such folder; expected a home (--home)")
    with store.lock_home(path, settings.run.wait_seconds), report.working("looking for what nobody needs"):
        unneeded = upkeep.find_unneeded(path, settings, keep)
        if delete:
            upkeep.remove(path, settings, unneeded)
    report.cleaned(unneeded, delete, as_json)


@app.command(epilog="Example: genreflow deploy --home mine, then genreflow worker --home mine")
def deploy(home: Home = None, as_json: Json = False) -> None:
    """Set up schedules and on-demand runs on a Prefect server: work pool, its queue, and every deployment."""
    from flows import report, session
    from flows.paths import home_path

    session.quiet()
    path = home_path(home)
    from flows import deploy

    address = deploy.connect_server(path)
    with report.working("deploying"):
        names = deploy.deploy(path)
    report.deployed(names, path, address, as_json)


@app.command(epilog="Example: genreflow worker --home mine")
def worker(
    conf: Conf = Path("base"),
    overrides: Overrides = None,
    home: Home = None,
) -> None:
    """Run what the deployments schedule, until Ctrl-C; first marks runs that a kill or an outage left open."""
    from conf.schema import load
    from flows import deploy, session
    from flows.paths import home_path

    settings = load(conf, overrides or [])
    session.quiet()
    path = home_path(home)
    deploy.connect_server(path)
    from flows.recovery import mark_left_runs

    mark_left_runs(path, settings.track)
    deploy.run_worker()


def main() -> None:
    """Run the command line; errors that a user can mend print one line and end with their exit code."""
    try:
        app()
    except (GenreflowError, OSError) as error:
        if os.environ.get("GENREFLOW_DEBUG"):
            raise
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        sys.exit(getattr(error, "exit_code", 1))


if __name__ == "__main__":
    main()
