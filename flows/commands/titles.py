"""Commands that put titles into raw/, choose them, or show one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Conf, Home, Json, Overrides

app = typer.Typer()


@app.command(
    "import",
    epilog="Examples:\n\ngenreflow import titles.csv\n\ngenreflow import MovieSummaries/ --source cmu\n\n"
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
    from flows.paths import home_path
    from flows.report import terminal, titles
    from scraper.importers.files import import_file
    from scraper.importers.shapes import recognise
    from tasks import store

    settings = load(conf, overrides or [])
    path = home_path(home)
    # No home is made for a file that is none.
    recognise(file, source)
    with store.lock_home(path, settings.run.wait_seconds), terminal.importing(file) as advance:
        told = import_file(
            file,
            path / "raw",
            source=source,
            genres=settings.prepare.genres,
            max_bad_share=settings.import_.max_bad_share,
            part_titles=settings.import_.part_titles,
            on_progress=advance,
        )
    titles.imported(file, told, as_json)


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
    from flows.paths import home_path
    from flows.report import terminal, titles
    from scraper.importers.page_files import parse_pages, store_parsed
    from tasks import store

    settings = load(conf, overrides or [])
    with terminal.importing(path) as advance:
        parsed = parse_pages(path, advance)
    if not dry_run:
        home_folder = home_path(home)
        with store.lock_home(home_folder, settings.run.wait_seconds):
            parsed = store_parsed(parsed, home_folder / "raw", settings.import_.part_titles)
    titles.parsed(path, parsed, as_json)


@app.command(
    epilog="Examples:\n\ngenreflow titles title.basics.tsv.gz --output ids.txt\n\n"
    "genreflow titles title.basics.tsv.gz --join --home mine"
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
    from flows.paths import home_path
    from flows.report import terminal, titles
    from scraper.basics import Counted, IdsError, select_ids
    from scraper.ids import explain_select
    from scraper.importers.title_basics import join_basics
    from tasks import store

    settings = load(conf, overrides or [])
    if join:
        path = home_path(home)
        with store.lock_home(path, settings.run.wait_seconds), terminal.importing(file) as advance:
            joined = join_basics(file, path / "raw", advance)
        titles.joined(file, joined, as_json)
        return
    counted = Counted()
    with terminal.importing(file) as advance:
        ids = "".join(f"{title_id}\n" for title_id in select_ids(file, settings.collect.select, counted, advance))
    if not ids:
        raise IdsError(f"{file}: no title id in it{explain_select(file, settings.collect.select)} (collect.select)")
    if output is not None:
        store.write_bytes(output, ids.encode())
    titles.selected(file, ids, counted.rows, output, as_json)


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
    from flows.paths import home_path
    from flows.report import titles
    from tasks.records import describe_title

    settings = load(conf, overrides or [])
    titles.title(describe_title(home_path(home) / "raw", title_id, settings.prepare), as_json)
