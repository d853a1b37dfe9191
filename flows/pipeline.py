"""The whole way of the data, one line a step:

titles -> raw titles -> corpora (summary, synopsis) -> data report -> vectors -> models -> champions
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from prefect import flow, get_run_logger
from prefect.states import Completed
from pydantic import BaseModel

from conf.names import Corpus, VectorsOf
from flows.collect import collect
from flows.embed import embed
from flows.home import open_home, value_of
from flows.notices import FAILURE_HOOKS
from flows.parameters import Conf, run_name
from flows.prepare import prepare
from flows.train import Trained, train
from tasks.corpus import StoredCorpus
from tasks.crawl import Collected
from tasks.data_report import check_reports, compare_data, why_skipped
from tasks.embedding import StoredVectors


class Pipelined(BaseModel, frozen=True):
    """Hold what every stage of a pipeline run gave; skipped tells why it did not train, where it did not."""

    collected: Collected | None
    corpora: dict[Corpus, StoredCorpus]
    vectors: dict[VectorsOf, StoredVectors] = {}
    trained: dict[Corpus, Trained] = {}
    skipped: str | None = None


@flow(name="pipeline", flow_run_name=run_name, validate_parameters=True, **FAILURE_HOOKS)
def pipeline(conf: Conf = "base", overrides: list[str] | None = None, home: Path | None = None) -> Pipelined:
    """Collect titles, prepare both corpora, fit Word2Vec, train and evaluate the recipes, log and promote.

    It stops before training where new titles are unlike those of the last training, and skips it (state Skipped) where
    too few are new; nightly of the configuration says when.

    Args:
        conf: a shipped configuration, or the path of a YAML file that names what differs from base.
        overrides: values changed for this run, each dotted.key=value, such as embed.epochs=10.
        home: folder of all data, results and stores; by default GENREFLOW_HOME or ./data.
    """
    logger = get_run_logger()
    with open_home(conf, overrides or [], home, tracked=True) as (settings, path):
        collected = collect(conf, overrides, home)
        after_collect: Any = {"wait_for": [collected]}
        corpora = cast(dict[Corpus, StoredCorpus], prepare(conf, overrides, home, **after_collect))
        for name, corpus in corpora.items():
            logger.info(
                "%s: %d titles of %d records, %d genres", name, corpus.titles, corpus.records, len(corpus.genres)
            )
        reports = [value_of(compare_data(path, settings, corpus)) for corpus in corpora.values()]
        check_reports(path, reports)
        if skipped := why_skipped(reports):
            done = Pipelined(collected=collected, corpora=corpora, skipped=skipped)
            return cast(Pipelined, Completed(name="Skipped", message=skipped, data=done))
        vectors = embed(conf, overrides, home, corpora)
        trained = train(conf, overrides, home, corpora, vectors)
        for name, outcome in trained.items():
            logger.info("%s: %d recipes; %s", name, len(outcome.runs), outcome.promotion.reason)
        return Pipelined(collected=collected, corpora=corpora, vectors=vectors, trained=trained)
