"""The whole way of the data, one line a step:

titles -> raw titles -> corpora (summary, synopsis) -> vectors -> models -> champions
"""

from __future__ import annotations

from typing import Any, cast

from prefect import flow
from pydantic import BaseModel

from conf.names import Corpus, VectorsOf
from flows.collect import collect
from flows.embed import embed
from flows.home import open_home
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


@flow(name="pipeline", flow_run_name="pipeline {conf}", validate_parameters=True)
def pipeline(conf: str = "base", overrides: list[str] | None = None, home: str | None = None) -> Pipelined:
    """Collect titles, prepare both corpora, fit Word2Vec, train and evaluate the recipes, log and promote.

    conf: name of a shipped configuration or a YAML file. overrides: dotted.key=value, one value each.
    home: folder of all results, by default GENREFLOW_HOME or ./data.
    """
    with open_home(conf, overrides or [], home):
        collected = collect(conf, overrides, home)
        after_collect: Any = {"wait_for": [collected]}
        corpora = cast(dict[Corpus, StoredCorpus], prepare(conf, overrides, home, **after_collect))
        vectors = embed(conf, overrides, home, corpora)
        trained = train(conf, overrides, home, corpora, vectors)
        return Pipelined(collected=collected, corpora=corpora, vectors=vectors, trained=trained)
