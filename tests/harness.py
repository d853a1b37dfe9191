"""What the shared fixtures hand out: a home that a pipeline run has filled, and a command's answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

    from conf.schema import Settings
    from flows.pipeline import Pipelined


# What the shared home was trained with: sentence needs packages that the tests do without.
RECIPES = ["bilstm", "blend", "characters", "linear", "prior", "seed"]


class Answer(NamedTuple):
    """Hold what a command left: its exit code, standard output and standard error."""

    code: object
    out: str
    err: str


@dataclass(frozen=True)
class TrainedHome:
    """Hold a home that one pipeline run has filled over HTTP, the titles served, and what the run returned."""

    path: Path
    titles: pa.Table
    done: Pipelined
    settings: Settings

    @property
    def known_summaries(self) -> set[str]:
        """Return the ids of titles with a summary that the summary models know, by either of their texts."""
        # Prefect reads its settings when it is imported, which a task's module does.
        from tasks.corpus import read_titles

        own, other = (read_titles(self.done.corpora[name]).query("fitted") for name in ("summary", "synopsis"))
        table = self.titles.to_pandas()
        fitted = {*own["title_id"], *other.query("split == 'train'")["title_id"]}
        return fitted & set(table.loc[table["summary"].notna(), "title_id"])
