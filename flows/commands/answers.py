"""Commands that ask a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conf.errors import GenreflowError
from conf.names import Corpus
from flows.commands.options import Conf, Home, Json, Overrides

app = typer.Typer()


# What may be asked of a file.
FILES = "FILE.csv, .tsv, .jsonl or .parquet"


@app.command(
    epilog='Examples:\n\ngenreflow predict "A retired detective hunts a killer." --explain\n\n'
    "genreflow predict --input plots.csv --output genres.parquet --thresholds global\n\n"
    'genreflow predict "A storm cuts off a lighthouse." --model models:/genreflow-summary/2'
)
def predict(
    text: Annotated[str | None, typer.Argument(help="One plot in English.")] = None,
    corpus: Annotated[
        Corpus | None,
        typer.Option(
            "--corpus",
            help="Whose champion predicts. \\[default: by the text's length; summary for a file]",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="FOLDER|URI",
            help="Any model that genreflow has logged instead of the champion: its folder, or models:/... or "
            "runs:/... of the home's MLflow store.",
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="CSV, TSV, JSON lines or Parquet file instead of one text: column text (or one named like the "
            "corpus), and title_id or id to be carried over.",
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE.parquet",
            help="File to write with --input. \\[default: predictions/ in the home]",
        ),
    ] = None,
    thresholds: Annotated[
        str,
        typer.Option(
            "--thresholds",
            metavar="global|per_genre|NUMBER",
            help="From which probability on a genre is predicted. \\[default: as the model was trained to]",
            show_default=False,
        ),
    ] = "",
    top: Annotated[int, typer.Option("--top", min=1, help="Genres of TEXT shown at least, chosen or not.")] = 5,
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
    """Predict genres with probabilities: of one text, or of every text of a file."""
    from conf.schema import load
    from flows import session
    from flows.paths import home_path
    from flows.report import answers, terminal

    settings = load(conf, overrides or [])
    if (text is None) == (source is None):
        raise GenreflowError(f"expected either one TEXT or --input {FILES}; see genreflow predict --help")
    if text is not None and not text.strip():
        raise GenreflowError("TEXT is empty; expected one plot in English")
    if (explain or page) and source is not None:
        raise GenreflowError(f"--explain and --explain-html take one TEXT, not --input {FILES}")
    if corpus and model:
        raise GenreflowError("expected --corpus or --model, not both: a model has a corpus of its own")
    session.quiet()
    path = home_path(home)
    if source is not None:
        from tasks.file_answers import predict_file

        with terminal.predicting(source) as advance:
            told = predict_file(
                path,
                settings.track,
                corpus or "summary",
                source,
                target,
                model=model,
                thresholds=thresholds,
                on_progress=advance,
            )
        answers.written(told, as_json)
        return
    from tasks.answers import corpus_of, predict_text

    assert text is not None
    figures = predict_text(
        path,
        settings.track,
        corpus or corpus_of(text, settings.prepare),
        text,
        model=model,
        thresholds=thresholds,
        explain=explain or page is not None,
    )
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
