"""Flow: raw titles into a labelled, split corpus each."""

from __future__ import annotations

from prefect import flow

from conf.names import Corpus
from flows.home import open_home, value_of
from tasks.corpus import StoredCorpus, prepare_corpus


@flow(name="prepare", flow_run_name="prepare {conf}", validate_parameters=True)
def prepare(
    conf: str = "base", overrides: list[str] | None = None, home: str | None = None
) -> dict[Corpus, StoredCorpus]:
    """Clean, filter, label and split every corpus of the configuration.

    conf: name of a shipped configuration or a YAML file. overrides: dotted.key=value, one value each.
    home: folder of all results, by default GENREFLOW_HOME or ./data.
    """
    with open_home(conf, overrides or [], home) as (settings, path):
        seed = settings.train.random_seed
        return {
            corpus: value_of(prepare_corpus(path, corpus, settings.prepare, seed))
            for corpus in settings.prepare.corpora
        }
