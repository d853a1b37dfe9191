"""A study's runs in MLflow: a parent a study, a child a trial; a study that goes on goes on in the same parent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.runtime import flow_run

from conf.schema import Settings
from tasks.champion import connect
from tasks.corpus import StoredCorpus
from tasks.runs import experiment_id, find_runs, log_batches, new_run, remove_run
from tasks.tracking import ParentRun

_FIGURES = ("value", "average_precision_micro", "average_precision_macro", "seconds", "epochs")


def open_study(home: Path, settings: Settings, corpus: StoredCorpus, fingerprint: str) -> ParentRun:
    """Open the study's parent run, or go on in it."""
    client = connect(home, settings.track)
    experiment = experiment_id(client, home, settings.track, corpus.corpus)
    found = find_runs(client, experiment, study=fingerprint, kind="study")
    tags = {"study": fingerprint, "kind": "study", "corpus": corpus.corpus, "data_fingerprint": corpus.fingerprint}
    run_id = found[0].info.run_id if found else new_run(client, experiment, "study of bilstm", tags)
    client.update_run(run_id, status="RUNNING")
    # Whose it is now: a study goes on in the same run, in another flow run.
    client.set_tag(run_id, "pipeline_run", str(flow_run.id))
    return ParentRun(corpus=corpus.corpus, experiment_id=experiment, run_id=run_id, pipeline_run=fingerprint)


def log_trial(
    home: Path, settings: Settings, parent: ParentRun, row: dict[str, Any], losses: list[list[float]]
) -> None:
    """Log a trial's values and validation figures as a child run, once; losses are [train, validation] by epoch."""
    client = connect(home, settings.track)
    mark = {"study": parent.pipeline_run, "trial": str(row["trial"])}
    for run in find_runs(client, parent.experiment_id, **mark):
        if run.info.status != "RUNNING":
            return
        remove_run(client, home, settings.track, run)
    tags = {
        **mark,
        "mlflow.parentRunId": parent.run_id,
        "kind": "trial",
        "state": row["state"],
        "trial_kind": row["kind"],
    }
    run_id = new_run(client, parent.experiment_id, f"trial {row['trial']:02d} {row['kind']}", tags)
    steps = [
        (f"{split}.loss", epoch, loss)
        for epoch, both in enumerate(losses, start=1)
        for split, loss in zip(("train", "validation"), both, strict=True)
    ]
    metrics = {f"study/{name}": float(row[name]) for name in _FIGURES if row[name] is not None}
    params = {name: value for name, value in row.items() if name not in ("trial", "kind", "state", *_FIGURES)}
    log_batches(client, run_id, params=params, metrics=metrics, steps=steps)
    client.set_terminated(run_id, {"complete": "FINISHED", "pruned": "KILLED"}.get(row["state"], "FAILED"))


def close_study(home: Path, settings: Settings, parent: ParentRun, best: dict[str, Any], table: Path) -> None:
    """Write the study's table and its best trial to the parent run and end it."""
    client = connect(home, settings.track)
    client.log_artifact(parent.run_id, str(table))
    told = (
        f"Best: trial {best['trial']}, mean of micro- and macro-averaged precision {best['value']:.4f} on validation."
    )
    log_batches(client, parent.run_id, metrics={"study/value": best["value"]}, tags={"mlflow.note.content": told})
    client.set_terminated(parent.run_id, "FINISHED")
