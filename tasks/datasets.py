"""The titles behind a run, as MLflow's datasets: one a split, with fingerprint, size, sources and their terms."""

from __future__ import annotations

import json
from typing import Any

from tasks.corpus import TITLES, StoredCorpus

# How MLflow calls what a split is for; selection is ours.
_CONTEXTS = {"train": "training", "validation": "validation", "selection": "selection", "test": "testing"}
# MLflow takes so many characters of a digest.
_DIGEST = 36


def log_datasets(client: Any, run_id: str, corpus: StoredCorpus) -> None:
    """Log a corpus's splits as the inputs of a run; logged again, they stay one each."""
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    columns = [ColSpec(DataType.string, name) for name in ("title_id", "text")]
    schema = Schema([*columns, ColSpec(Array(DataType.string), "genres")])
    shared = {
        "filter": corpus.filter,
        "genres": len(corpus.genres),
        "sources": corpus.sources,
        "genre_sources": corpus.genre_sources,
        "terms": corpus.terms or "not stated",
        "retrieved": corpus.retrieved or "not stated",
    }
    inputs = [
        DatasetInput(
            dataset=Dataset(
                name=f"{corpus.corpus}-{split}",
                digest=corpus.fingerprint[:_DIGEST],
                source_type="local",
                source=json.dumps({"uri": (corpus.folder / TITLES).as_uri()}),
                schema=json.dumps({"mlflow_colspec": schema.to_dict()}),
                profile=json.dumps({"titles": count, **shared}),
            ),
            tags=[InputTag("mlflow.data.context", _CONTEXTS[split])],
        )
        for split, count in corpus.splits.items()
    ]
    client.log_inputs(run_id, inputs)
