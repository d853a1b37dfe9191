"""Flow: corpora into Word2Vec vectors, one model a corpus and one of both."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from conf.names import Corpus, VectorsOf
from flows.home import open_home, value_of
from flows.notices import FAILURE_HOOKS
from flows.parameters import Conf, run_name
from flows.prepare import prepare
from tasks.corpus import StoredCorpus
from tasks.embedding import StoredVectors, fit_word2vec


@flow(name="embed", flow_run_name=run_name, validate_parameters=True, **FAILURE_HOOKS)
def embed(
    conf: Conf = "base",
    overrides: list[str] | None = None,
    home: Path | None = None,
    corpora: dict[Corpus, StoredCorpus] | None = None,
) -> dict[VectorsOf, StoredVectors]:
    """Fit Word2Vec on the train titles of every corpus of the configuration, and once on those of both.

    Args:
        conf: a shipped configuration, or the path of a YAML file that names what differs from base.
        overrides: values changed for this run, each dotted.key=value, such as embed.epochs=10.
        home: folder of all data, results and stores; by default GENREFLOW_HOME or ./data.
        corpora: what prepare returned; made here where it is not given.
    """
    with open_home(conf, overrides or [], home) as (settings, path):
        prepared = corpora or prepare(conf, overrides, home)
        corpora_of: dict[VectorsOf, list[StoredCorpus]] = {name: [corpus] for name, corpus in prepared.items()}
        if len(prepared) > 1:
            corpora_of["both"] = list(prepared.values())
        return {
            texts: value_of(fit_word2vec(path, texts, chosen, settings.embed, settings.train.random_seed))
            for texts, chosen in corpora_of.items()
        }
