"""Answers of a model: to one text, and a champion's scored against a file of labelled titles.

Nothing of Prefect is imported here: a first answer would wait for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from conf.data import Prepare
from conf.names import Corpus
from conf.operation import Track
from conf.training import Train
from tasks.asked_model import open_asked
from tasks.champion import load_champion
from tasks.logic import metrics
from tasks.logic.decisions import decide, tell_thresholds
from tasks.logic.labels import to_matrix
from tasks.logic.text import read_texts
from tasks.parquet_batches import open_packed, read_batches
from tasks.text_files import TitlesFileError, is_text, named_damage, read_parquet

ROWS_A_BATCH = 4096


def corpus_of(text: str, prepare: Prepare) -> Corpus:
    """Return the corpus a text belongs to by its length: synopsis from its least length up, else summary."""
    return "synopsis" if len(text) >= prepare.synopsis.min_chars else "summary"


def predict_text(
    home: Path,
    track: Track,
    corpus: Corpus,
    text: str,
    *,
    model: str | None = None,
    thresholds: str = "",
    explain: bool = False,
) -> dict[str, Any]:
    """Predict one text: genres, every genre's probability, thresholds, model, recipe.

    The model is the corpus's champion or the one named, which decides by the thresholds asked for
    (asked_model.open_asked). thresholds are those that decide (as tell_thresholds has them), threshold is the global
    one. words counts what is left of the text once it is cleaned; with 0 the model says the same of any such text.
    With explain, explanation tells what its words say of the genres predicted, or of the most probable one
    (logic.explanation.Explanation).
    """
    asked = open_asked(home, track, corpus, model=model, thresholds=thresholds)
    # Bytes of the command line that are no UTF-8 come as halves of surrogate pairs, which tables cannot hold.
    text = text.encode("utf-8", "replace").decode()
    row = asked.predict(None, pd.DataFrame({"text": [text]}), {"explain": explain}).iloc[0]
    told = {key: asked.card[key] for key in ("model", "recipe", "corpus", "threshold", "at_least_one")}
    told["thresholds"] = tell_thresholds(asked.card, asked.card["genres"])
    words = read_texts([text], frozenset(asked.card["stop_words"])).words[0].split()
    return {**row, "words": len(words), **told}


def score_titles(
    home: Path, track: Track, corpus: Corpus, source: Path, *, include_train: bool, train: Train
) -> dict[str, Any]:
    """Score the corpus's champion on a labelled titles file (Parquet: title_id, genres, summary and/or synopsis).

    Every row with a text counts, except ids that the model was fitted on (train and validation), unless
    include_train. Genres outside the model's list are reported, not scored. train says how the intervals are made.
    Raises TitlesFileError.
    """
    titles = _read_labelled(source, corpus)
    model = load_champion(home, track, corpus).unwrap_python_model()
    with_text = titles[titles[corpus].notna() & (titles[corpus].str.strip() != "")]
    seen = with_text["title_id"].isin(model.fitted_titles)
    scored = with_text if include_train else with_text[~seen]
    if scored.empty:
        raise TitlesFileError(
            f"{source}: no title is left to score: {len(titles)} rows, {len(with_text)} with a {corpus}, "
            f"{int(seen.sum())} of them seen in fitting (score those too with --include-train)"
        )
    names = model.card["genres"]
    labels = scored["genres"].map(lambda genres: [] if genres is None else list(genres))
    outside = labels.explode().dropna()
    outside = outside[~outside.isin(names)].value_counts()
    truth = to_matrix(labels.map(lambda genres: [genre for genre in genres if genre in names]), names)
    probabilities = _in_batches(model, scored[corpus].tolist())
    chosen = decide(probabilities, model.card)
    figures = metrics.score(truth, chosen, names) | metrics.score_ranking(truth, probabilities, names)
    return {
        **{key: value for key, value in figures.items() if isinstance(value, (int, float))},
        "intervals": metrics.intervals(
            truth, chosen, train.bootstrap.resamples, train.bootstrap.level, train.random_seed
        ),
        "left_out": 0 if include_train else int(seen.sum()),
        "without_text": len(titles) - len(with_text),
        "corpus": corpus,
        "model": model.card["model"],
        "recipe": model.card["recipe"],
        "thresholds": tell_thresholds(model.card, names),
        "genres_outside_model": {str(name): int(count) for name, count in outside.items()},
        "without_support": figures["without_support"],
        "per_genre": figures["per_genre"],
    }


def _in_batches(model: Any, texts: list[str]) -> np.ndarray:
    return np.vstack(
        [model.probabilities(texts[start : start + ROWS_A_BATCH]) for start in range(0, len(texts), ROWS_A_BATCH)]
    )


def _read_labelled(source: Path, corpus: Corpus) -> pd.DataFrame:
    file = read_parquet(source)
    expected = ["title_id", "genres", corpus]
    schema = pq.read_schema(source)
    missing = [name for name in expected if name not in schema.names]
    if missing:
        raise TitlesFileError(
            f"{source}: no column {', '.join(missing)}; expected {', '.join(expected)} "
            f"(it has {', '.join(schema.names)})"
        )
    if file.metadata.num_rows == 0:
        raise TitlesFileError(f"{source}: no rows; expected labelled titles")
    genres = schema.field("genres").type
    if not (pa.types.is_list(genres) or pa.types.is_large_list(genres)) or not is_text(genres.value_type):
        raise TitlesFileError(f"{source}: column genres is {genres}; expected a list of genre names a title")
    for name in ("title_id", corpus):
        if not is_text(schema.field(name).type):
            raise TitlesFileError(f"{source}: column {name} is {schema.field(name).type}; expected texts")
    with named_damage(source), open_packed(source) as packed:
        batches = read_batches(source, packed, ROWS_A_BATCH, expected, schema)
        return pa.Table.from_batches(batches, pa.schema([schema.field(name) for name in expected])).to_pandas()
