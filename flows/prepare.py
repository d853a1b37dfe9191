"""Flow: raw titles into a labelled, split corpus each."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger
from prefect.futures import as_completed

from conf.names import Corpus
from conf.schema import Settings
from flows.home import open_home, value_of
from flows.runners import runner_of
from tasks import progress
from tasks.blocks import CleanedBlock, plan_blocks
from tasks.cleaning import clean_block, open_cleaners
from tasks.corpus import StoredCorpus, find_corpus, prepare_corpus


@flow(name="prepare", flow_run_name="prepare {conf}", validate_parameters=True)
def prepare(
    conf: str = "base", overrides: list[str] | None = None, home: str | None = None
) -> dict[Corpus, StoredCorpus]:
    """Clean, filter, label and split every corpus of the configuration.

    conf: name of a shipped configuration or a YAML file. overrides: dotted.key=value, one value each.
    home: folder of all results, by default GENREFLOW_HOME or ./data.
    """
    with open_home(conf, overrides or [], home) as (settings, path):
        return {
            corpus: value_of(prepare_corpus(path, corpus, settings.prepare, blocks))
            for corpus, blocks in _clean(path, settings).items()
        }


def _clean(home: Path, settings: Settings) -> dict[Corpus, list[CleanedBlock]]:
    """Clean what raw/ holds of every corpus that is not stored yet, as many blocks at a time as run.processes says."""
    plans = {
        corpus: plan_blocks(home, corpus, settings.prepare, settings.run.block_titles)
        for corpus in settings.prepare.corpora
        if not find_corpus(home, corpus, settings.prepare)
    }
    planned = [block for blocks in plans.values() for block in blocks]
    titles = sum(block.titles for block in planned)
    left = sum(block.titles for block in planned if not block.folder.exists())
    with (
        open_cleaners(settings.run, left) as cleaners,
        runner_of(settings.run) as runner,
        progress.bar("clean", titles, get_run_logger()) as advance,
    ):
        futures = {
            runner.submit(
                clean_block, {"home": home, "block": block, "settings": settings.prepare, "cleaners": cleaners}
            ): block
            for block in planned
        }
        done = 0
        for future in as_completed(list(futures)):
            done += futures[future].titles
            advance(done)
        cleaned = {block.folder: future.result() for future, block in futures.items()}
    return {corpus: [cleaned[block.folder] for block in plans.get(corpus, [])] for corpus in settings.prepare.corpora}
