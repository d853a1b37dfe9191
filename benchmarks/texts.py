"""The texts that benchmarks of single stages are measured on: a titles file's, or generated ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from scraper.site.generator import generate_titles

TitlesFile = Annotated[
    Path | None,
    typer.Option("--titles", envvar="GENREFLOW_TITLES", help="Titles file; without one, generated titles."),
]
Rounds = Annotated[int, typer.Option(min=1, help="Rounds; the median of their ratios counts.")]
Generated = Annotated[int, typer.Option(min=100, help="Generated titles where no file is named.")]


def read_all(titles: Path | None, generated: int) -> list[str]:
    """Return every summary, then every synopsis, of the file or of so many generated titles."""
    table = pd.read_parquet(titles) if titles else generate_titles(generated, 11).to_pandas()
    return [text for column in ("summary", "synopsis") for text in table[column].dropna()]
