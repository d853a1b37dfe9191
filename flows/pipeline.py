"""The whole way of the data, one line a step:

titles -> raw titles -> corpora (summary, synopsis) -> vectors -> models -> champions
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from prefect import flow
from pydantic import BaseModel

from conf.names import Corpus, VectorsOf
from flows.collect import collect
from flows.embed import embed
from flows.home import open_home
from flows.parameters import Conf, run_name
from flows.prepare import prepare
from flows.train import Trained, train
from tasks.corpus import StoredCorpus
from tasks.crawl import Collected
from tasks.embedding import StoredVectors


class Pipelined(BaseModel, frozen=True):
    """Hold what every stage of a pipeline run gave."""

    collected: Collected | None
    corpora: dict[Corpus, StoredCorpus]
    vectors: dict[VectorsOf, StoredVectors]
    trained: dict[Corpus, Trained]


@flow(name="pipeline", flow_run_name=run_name, validate_parameters=True)
def pipeline(conf: Conf = "base", overrides: list[str] | None = None, home: Path | None = None) -> Pipelined:
    """Collect titles, prepare both corpora, fit Word2Vec, train and evaluate the recipes, log and promote.

    Args:
        conf: a shipped configuration, or the path of a YAML file that names what differs from base.
        overrides: values changed for this run, each dotted.key=value, such as embed.epochs=10.
        home: folder of all data, results and stores; by default GENREFLOW_HOME or ./data.
    """
    with open_home(conf, overrides or [], home):
        collected = collect(conf, overrides, home)
        after_collect: Any = {"wait_for": [collected]}
        corpora = cast(dict[Corpus, StoredCorpus], prepare(conf, overrides, home, **after_collect))
        vectors = embed(conf, overrides, home, corpora)
        trained = train(conf, overrides, home, corpora, vectors)
        return Pipelined(collected=collected, corpora=corpora, vectors=vectors, trained=trained)
