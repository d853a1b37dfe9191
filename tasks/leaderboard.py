"""The recipes that were trained, as MLflow keeps them: ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conf.names import Corpus
from conf.schema import Track
from tasks.champion import connect
from tasks.runs import find_runs


def leaderboard(home: Path, track: Track, corpus: Corpus) -> list[dict[str, Any]]:
    """List the corpus's finished recipe runs, best test micro-F1 first; a reused row only once."""
    client = connect(home, track)
    found = client.get_experiment_by_name(f"{track.experiment}/{corpus}")
    if not found:
        return []
    runs = find_runs(client, found.experiment_id, kind="recipe")
    rows = [_row(run) for run in runs if run.info.status == "FINISHED" and "reused_from" not in run.data.tags]
    return sorted(rows, key=lambda row: -row["f1_micro"])


def _row(run: Any) -> dict[str, Any]:
    metrics, tags = run.data.metrics, run.data.tags
    return {
        "recipe": tags["recipe"],
        "f1_micro": metrics["test.f1_micro"],
        "f1_micro_low": metrics["test.f1_micro_low"],
        "f1_micro_high": metrics["test.f1_micro_high"],
        "f1_macro": metrics["test.f1_macro"],
        "f1_macro_low": metrics["test.f1_macro_low"],
        "f1_macro_high": metrics["test.f1_macro_high"],
        "threshold": metrics["threshold"],
        "titles": int(metrics["test.titles"]),
        "genres": len(tags["genres"].split(",")),
        "filter": tags["filter"],
        "data": tags["data_fingerprint"][:12],
        "commit": tags.get("mlflow.source.git.commit", "")[:12],
        "run_id": run.info.run_id,
        "started": run.info.start_time,
    }
