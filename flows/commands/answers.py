"""Commands that ask a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conf.errors import GenreflowError
from conf.names import Corpus
from flows.commands.options import Conf, Home, Json, Overrides

app = typer.Typer()


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
    from flows import session
    from flows.paths import home_path
    from flows.report import answers

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
        answers.written(rows, written, as_json)
        return
    from tasks.answers import corpus_of, predict_text

    assert text is not None
    name = corpus or corpus_of(text, settings.prepare)
    figures = predict_text(path, settings.track, name, text, explain=explain or page is not None)
    if page is not None:
        from tasks import store
        from tasks.logic.explanation_page import render

        store.write_bytes(page, render(figures).encode())
    answers.predicted(figures, top, as_json, explain=explain, page=page)


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
    from flows import session
    from flows.report import answers

    settings = load(conf, overrides or [])
    session.quiet()
    from flows.paths import home_path
    from tasks.answers import score_titles

    answers.scored(
        score_titles(
            home_path(home), settings.track, corpus, titles, include_train=include_train, train=settings.train
        ),
        as_json,
    )
