"""The recipes that were trained, as MLflow keeps them: ranked, chosen by conf key, and set against the champion."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from conf.errors import GenreflowError
from conf.names import Corpus
from conf.schema import Settings
from conf.section import nearest_hint
from tasks.champion import CHAMPION, connect, find_champion, model_name, versions_of
from tasks.logic import metrics
from tasks.logic.labels import to_matrix
from tasks.mlflow_store import is_away
from tasks.moves import ROLLED_BACK, read_moves
from tasks.runs import find_runs, is_whole

Row = dict[str, Any]
# Tags that say what a recipe's figures rest on, beside the configuration.
_MADE_OF = ("data_fingerprint", "genreflow.version", "mlflow.source.git.commit")


class CompareError(GenreflowError):
    """Say which run or key cannot be compared, and what there is."""


def leaderboard(home: Path, settings: Settings, corpus: Corpus, where: Sequence[str] = ()) -> list[Row]:
    """List the corpus's finished recipe runs, best test micro-F1 first; a reused row only once.

    where keeps the rows of which all KEY=VALUE hold. against_champion tells by how much micro-F1 differs from the
    champion's on the test titles and genres that both have (difference, low, high, share_better, titles), None without
    a champion or where a row's titles cannot be read. Raises CompareError for a key that no row has.
    """
    rows = read_rows(home, settings, corpus)
    kept = [row for row in rows if all(_holds(row, condition, rows) for condition in where)]
    champion = next((row for row in rows if row["standing"] == CHAMPION), None)
    if champion:
        for row in kept:
            with contextlib.suppress(CompareError):
                row["against_champion"] = compare_predictions(row, champion, settings)
    return kept


def read_rows(home: Path, settings: Settings, corpus: Corpus) -> list[Row]:
    """List the rows of a leaderboard without differences, for which files would be read.

    conf holds what of the configuration, the data and the code made a row, tags whatever else marks its run.
    """
    client = connect(home, settings.track)
    found = client.get_experiment_by_name(f"{settings.track.experiment}/{corpus}")
    if not found:
        return []
    parents = {run.info.run_id: run for run in find_runs(client, found.experiment_id, kind="pipeline")}
    runs = find_runs(client, found.experiment_id, kind="recipe")
    rows = [
        _row(run, parents.get(run.data.tags["mlflow.parentRunId"]))
        for run in runs
        if is_whole(run) and "reused_from" not in run.data.tags
    ]
    _add_versions(client, model_name(settings.track, corpus), rows)
    return sorted(rows, key=lambda row: -row["f1_micro"])


def compare_predictions(a: Row, b: Row, settings: Settings, average: str = "micro") -> dict[str, float] | None:
    """Compare the F1 of two rows on the test titles and genres that both have, by a paired bootstrap.

    Returns what logic.metrics.paired_bootstrap does and titles; None where they have none in common. Raises
    CompareError naming titles that cannot be read.
    """
    ours, theirs = (_read_predictions(row["artifacts"]) for row in (a, b))
    titles = ours.index.intersection(theirs.index)
    genres = [genre for genre in a["genre_list"] if genre in b["genre_list"]]
    if titles.empty or not genres:
        return None
    return {**compare_answers(ours.loc[titles], theirs.loc[titles], genres, settings, average), "titles": len(titles)}


def compare_answers(
    ours: pd.DataFrame, theirs: pd.DataFrame, genres: Sequence[str], settings: Settings, average: str = "micro"
) -> dict[str, float]:
    """Compare the F1 of two answers to the same titles: frames of the genres, actual and predicted, by title id.

    Genres outside the list count on neither side. Returns what logic.metrics.paired_bootstrap does.
    """
    theirs = theirs.loc[ours.index]
    truth, first, second = (
        to_matrix([[name for name in names if name in genres] for names in column], genres)
        for column in (ours["actual"], ours["predicted"], theirs["predicted"])
    )
    return metrics.paired_bootstrap(
        truth, first, second, settings.train.bootstrap.resamples, settings.train.random_seed,
        settings.train.bootstrap.level, "macro" if average == "macro" else "micro",
    )  # fmt: skip


# The champion's are asked for again and again.
@functools.lru_cache(maxsize=2)
def _read_predictions(artifacts: str) -> pd.DataFrame:
    """Read a run's test titles: lists of genres, actual and predicted, by title id."""
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        text = mlflow.artifacts.load_text(f"{artifacts}/test_titles.csv")
    except (MlflowException, OSError) as error:
        if is_away(error):
            raise
        raise CompareError(f"{artifacts}/test_titles.csv cannot be read: {error}") from None
    frame = pd.read_csv(io.StringIO(text), index_col="title_id", dtype=str, keep_default_na=False)
    return frame.map(lambda told: told.split(", ") if told else [])


def _row(run: Any, parent: Any | None) -> Row:
    figures, tags = run.data.metrics, run.data.tags
    above = parent.data if parent else None
    made_of = {key: tags[key] for key in _MADE_OF if key in tags}
    return {
        "recipe": tags["recipe"],
        "f1_micro": figures["test.f1_micro"],
        "f1_micro_low": figures["test.f1_micro_low"],
        "f1_micro_high": figures["test.f1_micro_high"],
        "f1_macro": figures["test.f1_macro"],
        "f1_macro_low": figures["test.f1_macro_low"],
        "f1_macro_high": figures["test.f1_macro_high"],
        "threshold": figures["threshold"],
        "titles": int(figures["test.titles"]),
        "genres": len(tags["genres"].split(",")),
        "filter": tags["filter"],
        "data": tags["data_fingerprint"][:12],
        "commit": tags.get("mlflow.source.git.commit", "")[:12],
        "run_id": run.info.run_id,
        "started": run.info.start_time,
        "evaluation": tags["evaluation"],
        "genre_list": tags["genres"].split(","),
        "artifacts": run.info.artifact_uri,
        "metrics": figures,
        "conf": (above.params if above else {}) | run.data.params | made_of,
        "tags": {key: value for key, value in tags.items() if not key.startswith("mlflow.")},
        "version": None,
        "standing": None,
        "against_champion": None,
    }


def _add_versions(client: Any, name: str, rows: list[Row]) -> None:
    """Tell of each row that was registered its newest version, the champion's first, and what became of it."""
    versions = versions_of(client, name)
    if not versions:
        return
    champion = find_champion(client, name)
    moved = {move.version for move in read_moves(client, name)}
    newest: dict[str, Any] = {}
    for version in versions:
        newest.setdefault(version.tags.get("evaluation", ""), version)
    if champion:
        newest[champion.tags.get("evaluation", "")] = champion
    for row in rows:
        if version := newest.get(row["evaluation"]):
            standing = CHAMPION if champion and version.version == champion.version else _standing(version, moved)
            row |= {"version": int(version.version), "standing": standing}


def _standing(version: Any, moved: set[int]) -> str | None:
    """Say what became of a version that is not the champion."""
    if ROLLED_BACK in version.tags:
        return "rolled back"
    decision: str | None = version.tags.get("decision")
    return f"former {CHAMPION}" if int(version.version) in moved or decision == "promoted" else decision


def _holds(row: Row, condition: str, rows: list[Row]) -> bool:
    key, equals, wanted = condition.partition("=")
    if not equals or not key:
        raise CompareError(f"--where {condition!r}: expected KEY=VALUE, such as recipe=blend or embed.epochs=30")
    if not any(key in _values(each) for each in rows):
        known = sorted({name for each in rows for name in _values(each)})
        raise CompareError(f"--where {condition!r}: no run has the key {key!r}{nearest_hint(key, known)}")
    told = str(_values(row).get(key))
    return told == wanted or (_number(told) is not None and _number(told) == _number(wanted))


def _values(row: Row) -> dict[str, Any]:
    return (
        row["tags"]
        | row["conf"]
        | {key: row[key] for key in ("recipe", "filter", "data", "commit", "version", "standing")}
    )


def _number(told: str) -> float | None:
    try:
        return float(told)
    except ValueError:
        return None
