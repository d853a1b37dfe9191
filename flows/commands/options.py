"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conf.names import Corpus

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
