"""Flow: raw titles into a labelled, split corpus each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.futures import PrefectFuture, as_completed
from prefect.utilities.annotations import quote

from conf.names import Corpus
from conf.schema import Settings
from flows.home import open_home, value_of
from flows.notices import FAILURE_HOOKS
from flows.parameters import Conf, run_name
from flows.runners import lost_workers_named, runner_of
from tasks import progress
from tasks.blocks import CleanedBlock, plan_blocks
from tasks.cleaning import clean_block, open_cleaners
from tasks.corpus import StoredCorpus, find_corpus, prepare_corpus
from tasks.records import survey_raw


@flow(name="prepare", flow_run_name=run_name, validate_parameters=True, **FAILURE_HOOKS)
def prepare(
    conf: Conf = "base", overrides: list[str] | None = None, home: Path | None = None
) -> dict[Corpus, StoredCorpus]:
    """Clean, filter, label and split every corpus of the configuration.

    Args:
        conf: a shipped configuration, or the path of a YAML file that names what differs from base.
        overrides: values changed for this run, each dotted.key=value, such as embed.epochs=10.
        home: folder of all data, results and stores; by default GENREFLOW_HOME or ./data.
    """
    with open_home(conf, overrides or [], home) as (settings, path):
        for fault in survey_raw(path / "raw", settings.prepare).faults:
            get_run_logger().warning("%s; left out (prepare.damaged_parts)", fault)
        cleaned = _clean(path, settings)
        prepared = {}
        for corpus in settings.prepare.corpora:
            # Quoted, so that the graph on Prefect's page shows the tasks' own edges and none by equal strings inside.
            given: list[Any] = [quote(path), quote(corpus), quote(settings.prepare), cleaned.get(corpus, [])]
            prepared[corpus] = value_of(prepare_corpus(*given))
        return prepared


def _clean(home: Path, settings: Settings) -> dict[Corpus, list[PrefectFuture[CleanedBlock]]]:
    """Clean what raw/ holds of every corpus that is not stored yet, as many blocks at a time as run.processes says.

    Returns the done futures of each such corpus's blocks, in the order of plan_blocks; raises what a block raised.
    """
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
        lost_workers_named(settings.run),
    ):
        futures = {
            corpus: [
                runner.submit(
                    clean_block, {"home": home, "block": block, "settings": settings.prepare, "cleaners": cleaners}
                )
                for block in blocks
            ]
            for corpus, blocks in plans.items()
        }
        every = [future for of_corpus in futures.values() for future in of_corpus]
        block_of = dict(zip(every, planned, strict=True))
        done = 0
        for future in as_completed(every):
            done += block_of[future].titles
            advance(done)
        for future in every:
            future.result()
    return futures
