"""What the shared fixtures hand out: a home that a pipeline run has filled, and a command's answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    import pyarrow as pa

    from conf.data import Prepare
    from conf.names import Corpus
    from conf.schema import Settings
    from flows.pipeline import Pipelined
    from tasks.corpus import StoredCorpus


# What the shared home was trained with: sentence needs packages that the tests do without.
RECIPES = ["bilstm", "blend", "characters", "linear", "prior", "seed"]


Returned = TypeVar("Returned")


class Answer(NamedTuple):
    """Hold what a command left: its exit code, standard output and standard error."""

    code: object
    out: str
    err: str


class PageTold(NamedTuple):
    """Hold what Prefect's page of a pipeline run shows: names of it and its subflows, artifacts by key, log lines."""

    names: list[str]
    artifacts: dict[str, str]
    lines: list[str]


@dataclass(frozen=True)
class TrainedHome:
    """Hold a home that one pipeline run has filled over HTTP, the titles served, what the run returned and showed."""

    path: Path
    titles: pa.Table
    done: Pipelined
    settings: Settings
    page: PageTold

    @property
    def known_summaries(self) -> set[str]:
        """Return the ids of titles with a summary that the summary models know, by either of their texts."""
        # Prefect reads its settings when it is imported, which a task's module does.
        from tasks.corpus import read_titles

        own, other = (read_titles(self.done.corpora[name]).query("fitted") for name in ("summary", "synopsis"))
        table = self.titles.to_pandas()
        fitted = {*own["title_id"], *other.query("split == 'train'")["title_id"]}
        return fitted & set(table.loc[table["summary"].notna(), "title_id"])


def in_time(
    call: Callable[[], Returned], seconds: float = 1.0, clock: Callable[[], float] = time.thread_time
) -> Returned:
    """Return what a call returns that takes less of the processor's time than this.

    What is slow is slow every time, what others on the machine slow down is not: it may take longer twice.
    """
    for _ in range(3):
        started = clock()
        returned = call()
        took = clock() - started
        if took < seconds:
            return returned
    raise AssertionError(f"took {took:.2f} s of the processor; expected less than {seconds:g} s")


def value_of(outcome: Any) -> Any:
    """Return the value of a task's function; one that found its result whole returns a state."""
    return getattr(outcome, "data", outcome)


def prepare(home: Path, corpus: Corpus, settings: Prepare, block_titles: int = 1_000) -> StoredCorpus:
    """Do the prepare stage outside a flow."""
    from tasks.blocks import plan_blocks
    from tasks.cleaning import clean_block
    from tasks.corpus import prepare_corpus

    planned = plan_blocks(home, corpus, settings, block_titles)
    blocks = [value_of(clean_block.fn(home, block, settings, None)) for block in planned]
    stored: StoredCorpus = value_of(prepare_corpus.fn(home, corpus, settings, blocks))
    return stored


def states_of(flow_run_id: str) -> dict[str, str | None]:
    """Return the state's name of every task run that the flow run and its subflows made, by task run name."""
    return {run.name: run.state_name for run in task_runs_of(flow_run_id)}


def edges_of(flow_run_id: str) -> dict[str, set[str]]:
    """Return, by task run name, the names of the task runs from which its inputs came, as the run's graph shows it."""
    runs = task_runs_of(flow_run_id)
    names = {run.id: run.name for run in runs}
    return {
        run.name: {names[each.id] for inputs in run.task_inputs.values() for each in inputs if hasattr(each, "id")}
        for run in runs
    }


def task_runs_of(flow_run_id: str) -> list[Any]:
    """Return every task run that the flow run and its subflows made."""
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterParentFlowRunId

    parent = FlowRunFilterParentFlowRunId(any_=[flow_run_id])
    with get_client(sync_client=True) as prefect:
        flows = prefect.read_flow_runs(flow_run_filter=FlowRunFilter(parent_flow_run_id=parent))
        ids = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(flow_run_id), *(flow.id for flow in flows)]))
        return prefect.read_task_runs(flow_run_filter=ids)
