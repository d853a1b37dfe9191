"""Commands that serve pages, set up schedules, and tidy up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Conf, Home, Json, Overrides

app = typer.Typer()


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
        str,
        typer.Option(
            "--faults",
            help="Faults: shares of requests, e.g. 503=0.03,bomb=0.01; quota=100 (OMDb); robots=KIND or disallow; "
            "challenge. Kinds: 503, 429, 404, hang, truncate, reset, maxlag, close, trickle, empty, length, headers, "
            "charset, gzip, bomb, large, mime, loop, offsite, captcha, broken, nested, shape.",
        ),
    ] = "",
    access_log: Annotated[
        Path | None, typer.Option("--access-log", help="File that one JSON object a request is appended to.")
    ] = None,
    conf: Conf = Path("base"),
    overrides: Overrides = None,
) -> None:
    """Serve titles as IMDb-shaped pages and as four public APIs, on this machine only, until Ctrl-C."""
    from conf.schema import load
    from flows.report import services
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
        on_ready=lambda bound: services.serving(table.num_rows, bound),
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


@app.command(epilog="Examples:\n\ngenreflow deploy --home mine\n\ngenreflow worker --home mine")
def deploy(home: Home = None, as_json: Json = False) -> None:
    """Set up schedules and on-demand runs on a Prefect server: work pool, its queue, and every deployment."""
    from flows import session
    from flows.paths import home_path
    from flows.report import services, terminal

    session.quiet()
    path = home_path(home)
    from flows import deploy

    address = deploy.connect_server(path)
    with terminal.working("deploying"):
        names = deploy.deploy(path)
    services.deployed(names, path, address, as_json)


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


@app.command(
    epilog="Examples:\n\ngenreflow clean --keep 5 --home mine\n\ngenreflow clean --keep 5 --home mine --delete"
)
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
    from flows import session
    from flows.paths import existing_home
    from flows.report import services, terminal
    from tasks import store, upkeep

    settings = load(conf, overrides or [])
    session.quiet()
    path = existing_home(home)
    with store.lock_home(path, settings.run.wait_seconds), terminal.working("looking for what nobody needs"):
        unneeded = upkeep.find_unneeded(path, settings, keep)
        if delete:
            upkeep.remove(path, settings, unneeded)
    services.cleaned(unneeded, delete, as_json)


@app.command(epilog="Example: genreflow doctor --home mine")
def doctor(conf: Conf = Path("base"), overrides: Overrides = None, home: Home = None, as_json: Json = False) -> None:
    """Look at versions, ports, disk, titles, stores and champions; say what is wrong and what to type (exit code 1)."""
    from conf.schema import load
    from flows import doctor, session
    from flows.paths import home_path
    from flows.report import services, terminal

    settings = load(conf, overrides or [])
    session.quiet()
    path = home_path(home)
    with terminal.working("looking at packages, home, servers and stores"):
        findings = list(doctor.examine(path, settings))
    services.examined(findings, as_json)
    if any(each.state == "wrong" for each in findings):
        raise typer.Exit(1)
