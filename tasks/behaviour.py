"""Task that puts a corpus's candidate through the behaviour tests, and tells what promotion needs to know of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.cases import load_cases
from conf.names import Corpus
from conf.schema import Settings
from tasks import store
from tasks.champion import connect, load_model
from tasks.corpus import StoredCorpus
from tasks.logic import behaviour
from tasks.logic.behaviour import Bools, Case, Floats, Kind, Result, Tally
from tasks.logic.labels import to_matrix
from tasks.logic.spreadsheets import to_csv
from tasks.retries import TRACKING_RETRIES
from tasks.reuse import cached
from tasks.runs import log_batches
from tasks.tracking import LoggedRun, best_candidate

VERSION = 1
RESULTS = "behaviour.csv"


class BehaviourReport(BaseModel, frozen=True):
    """Summarise a candidate's behaviour tests: every kind's count, and the share of it that promotion needs."""

    corpus: Corpus
    recipe: str
    folder: Path
    fingerprint: str
    tallies: dict[Kind, Tally]
    needed: dict[Kind, float]
    reused: bool = False

    @property
    def passed(self) -> bool:
        """Return whether every kind reaches its share."""
        return not self._shortfalls()

    @property
    def told(self) -> str:
        """Return the results in a few words, such as minimum 18/20, direction 0.91, invariance 0.97."""
        plain = self.tallies["minimum"]
        shares = [f"{kind} {self.tallies[kind].share:.2f}" for kind in behaviour.KINDS if kind != "minimum"]
        return ", ".join([f"minimum {plain.passed}/{plain.asked}", *shares])

    @property
    def reason(self) -> str:
        """Return in words what the candidate lacks, or that it lacks nothing."""
        lacks = "; ".join(self._shortfalls())
        return f"{behaviour.FAILED}: {lacks}" if lacks else f"behaviour tests passed: {self.told}"

    def _shortfalls(self) -> list[str]:
        lacks = [behaviour.shortfall(kind, self.tallies[kind], self.needed[kind]) for kind in behaviour.KINDS]
        return [lack for lack in lacks if lack]


@task(task_run_name="behaviour of candidate on {corpus.corpus}", cache_policy=NO_CACHE, **TRACKING_RETRIES)
def check_behaviour(home: Path, settings: Settings, corpus: StoredCorpus, runs: list[LoggedRun]) -> BehaviourReport:
    """Put the recipe that is best on validation through the behaviour tests and log the results to its run.

    The model is opened as MLflow serves it, so what is tested is what would be promoted. Results are kept in
    behaviour/<corpus>-<recipe>-.../; the shares needed are no part of them and are judged anew each time.
    """
    client = connect(home, settings.track)
    best = best_candidate(runs)
    cases = load_cases()
    fingerprint = store.fingerprint(
        step="behaviour",
        version=VERSION,
        evaluation=best.evaluation.fingerprint,
        cases=cases,
        tolerance=settings.behaviour.tolerance,
    )
    folder = home / "behaviour" / f"{corpus.corpus}-{best.recipe}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        summary = found.summary
    else:
        made = behaviour.make_cases(cases, corpus.corpus)
        results = _test_model(str(best.model_uri), made, settings.behaviour.tolerance)
        inputs = (best.evaluation.folder,)
        with store.new_result(
            folder, step="behaviour", version=VERSION, fingerprint=fingerprint, inputs=inputs
        ) as draft:
            (draft.folder / RESULTS).write_text(to_csv(behaviour.table(results)), encoding="utf-8")
            tallies = {kind: dataclasses.asdict(tally) for kind, tally in behaviour.count(results).items()}
            draft.summary = {"corpus": corpus.corpus, "recipe": best.recipe, "tallies": tallies}
        summary = draft.summary
    needed = {kind: getattr(settings.behaviour, kind) for kind in behaviour.KINDS}
    report = BehaviourReport(**summary, folder=folder, fingerprint=fingerprint, needed=needed, reused=bool(found))
    _log_once(client, best.shown_run_id, report)
    get_run_logger().info("%s %s: %s", corpus.corpus, best.recipe, report.reason)
    return cached(report, folder) if found else report


def _test_model(uri: str, cases: list[Case], tolerance: float) -> list[Result]:
    model = load_model(uri).unwrap_python_model()
    return behaviour.run_cases(cases, lambda texts: _predict(model, texts), model.card["genres"], tolerance)


def _predict(model: Any, texts: list[str]) -> tuple[Floats, Bools]:
    # Through the model's own answer: which genres a probability makes is the model's business.
    answer = model.predict(None, pd.DataFrame({"text": texts}))
    genres = model.card["genres"]
    probabilities = np.array([[row[genre] for genre in genres] for row in answer["probabilities"]], np.float64)
    return probabilities, to_matrix(answer["genres"], genres).astype(bool)


def _log_once(client: Any, run_id: str, report: BehaviourReport) -> None:
    """Log shares and cases to the candidate's run; a retried task finds them there."""
    if client.get_run(run_id).data.tags.get("behaviour_tests") == report.fingerprint:
        return
    client.log_artifact(run_id, str(report.folder / RESULTS))
    shares = {f"behaviour/{kind}": tally.share for kind, tally in report.tallies.items()}
    # The fingerprint marks the tests as logged, so it is written after everything else.
    log_batches(client, run_id, metrics=shares, tags={"behaviour": report.told, "behaviour_tests": report.fingerprint})
