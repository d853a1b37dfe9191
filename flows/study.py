"""Flow: corpora and vectors into the best values of the bilstm recipe, searched on validation titles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote

from conf.names import Corpus
from flows.embed import embed
from flows.home import open_home
from flows.notices import FAILURE_HOOKS
from flows.parameters import Conf, run_name
from flows.prepare import prepare
from flows.recovery import end_early
from flows.train import submit_others
from tasks.study import Studied, run_study
from tasks.training import vectors_for

# Threads only wait: the trials' fits run in processes of their own, as many at once as train.processes says.
THREADS: Any = ThreadPoolTaskRunner(max_workers=4)


@flow(name="study", flow_run_name=run_name, validate_parameters=True, **FAILURE_HOOKS, task_runner=THREADS)
def study(
    conf: Conf = "base", overrides: list[str] | None = None, home: Path | None = None, corpus: Corpus | None = None
) -> dict[Corpus, Studied]:
    """Search the bilstm recipe's values for every corpus of the configuration; goes on where it was cut short.

    Args:
        conf: a shipped configuration, or the path of a YAML file that names what differs from base.
        overrides: values changed for this run, each dotted.key=value, such as embed.epochs=10.
        home: folder of all data, results and stores; by default GENREFLOW_HOME or ./data.
        corpus: this one only; both are prepared all the same, since Word2Vec may read both.
    """
    with open_home(conf, overrides or [], home, tracked=True) as (settings, path):
        prepared = prepare(conf, overrides, home)
        embedded = embed(conf, overrides, home, prepared)
        searches: dict[Corpus, Any] = {}
        try:
            for name, stored in prepared.items():
                if corpus in (None, name):
                    vectors = vectors_for("bilstm", name, settings.train, embedded)
                    values: list[Any] = [quote(value) for value in (path, settings, stored, vectors)]
                    values.append(submit_others(path, settings, prepared, name, ["bilstm"]))
                    searches[name] = run_study.submit(*values)
            return {name: search.result() for name, search in searches.items()}
        except BaseException as error:
            end_early(path, settings.track, str(flow_run.id), error, list(searches.values()))
            raise
