"""Flow: corpora and vectors into fitted, evaluated, logged recipes, and a champion each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote
from pydantic import BaseModel

from conf.names import Corpus, Recipe, VectorsOf
from conf.schema import Settings
from flows.embed import embed
from flows.home import open_home
from flows.notices import FAILURE_HOOKS, tell_promotion
from flows.parameters import Conf, run_name
from flows.prepare import prepare
from flows.recovery import end_early
from tasks.behaviour import check_behaviour
from tasks.corpus import StoredCorpus
from tasks.embedding import StoredVectors
from tasks.evaluation import evaluate_recipe
from tasks.other_texts import find_other_texts
from tasks.registry import promote_best
from tasks.system_metrics import watched_machine
from tasks.tracking import LoggedRun, ParentRun, Promotion, close_parent, log_recipe, open_parent
from tasks.training import (
    StoredModel,
    fit_blend,
    fit_prior,
    fit_recipe,
    reads_others,
    recipes_to_train,
    vectors_for,
)


class Trained(BaseModel, frozen=True):
    """Hold what training a corpus gave: its parent run, a run a recipe, and the promotion's outcome."""

    corpus: StoredCorpus
    parent: ParentRun
    models: list[StoredModel]
    runs: list[LoggedRun]
    promotion: Promotion


# Threads only wait here: fits run in processes of their own, as many at once as train.processes says.
THREADS: Any = ThreadPoolTaskRunner(max_workers=32)


@flow(
    name="train",
    flow_run_name=run_name,
    validate_parameters=True,
    **FAILURE_HOOKS,
    task_runner=THREADS,
)
def train(
    conf: Conf = "base",
    overrides: list[str] | None = None,
    home: Path | None = None,
    corpora: dict[Corpus, StoredCorpus] | None = None,
    vectors: dict[VectorsOf, StoredVectors] | None = None,
    corpus: Corpus | None = None,
) -> dict[Corpus, Trained]:
    """Fit, evaluate and log every recipe on every corpus, then let each corpus's best challenge its champion.

    Args:
        conf: a shipped configuration, or the path of a YAML file that names what differs from base.
        overrides: values changed for this run, each dotted.key=value, such as embed.epochs=10.
        home: folder of all data, results and stores; by default GENREFLOW_HOME or ./data.
        corpora: what prepare returned; made here where it is not given.
        vectors: what embed returned; made here where it is not given.
        corpus: this one only; both are prepared all the same, since recipes also learn from the other one's texts.
    """
    with open_home(conf, overrides or [], home, tracked=True) as (settings, path):
        prepared = corpora or prepare(conf, overrides, home)
        embedded = vectors or embed(conf, overrides, home, prepared)
        asked = [name for name in prepared if corpus in (None, name)]
        started: dict[Corpus, Started] = {}
        # Asked for once: Prefect's server tells it, which may be away later on.
        run = str(flow_run.root_flow_run_id)
        try:
            # The longest fits begin first, so that none is left alone at the end.
            for name in reversed(asked):
                started[name] = _start(path, settings, run, prepared, name, embedded)
            parents = [each.parent.result().run_id for each in started.values()]
            with watched_machine(parents):
                trained = {name: _finish(prepared[name], started[name]) for name in asked}
        except BaseException as error:
            futures = [future for each in started.values() for future in each.all()]
            end_early(path, settings.track, run, error, futures)
            raise
        for done in trained.values():
            tell_promotion(settings.notify, done.promotion, get_run_logger())
        return trained


class Started(NamedTuple):
    """Hold the futures of one corpus's tasks, in the order of the data's way; others is None where no recipe asks."""

    others: Any
    parent: Any
    models: list[Any]
    evaluations: list[Any]
    runs: list[Any]
    behaviour: Any
    promotion: Any
    closed: Any

    def all(self) -> list[Any]:
        """List every future of the corpus."""
        results = (*self.models, *self.evaluations, *self.runs)
        others = [self.others] if self.others else []
        return [*others, self.parent, *results, self.behaviour, self.promotion, self.closed]


def _start(
    path: Path,
    settings: Settings,
    run: str,
    prepared: dict[Corpus, StoredCorpus],
    name: Corpus,
    vectors: dict[VectorsOf, StoredVectors],
) -> Started:
    corpus = prepared[name]
    # Quoted, so that the graph on Prefect's page shows the tasks' own edges and none by equal strings inside.
    home, conf, pipeline_run = map(_quoted, (path, settings, run))
    data, own_vectors = map(_quoted, (corpus, vectors[corpus.corpus]))
    train_conf: Any = quote(settings.train)
    parent: Any = open_parent.submit(home, conf, pipeline_run, data, own_vectors)
    models: list[Any] = [fit_prior.submit(home, data)]
    fits: dict[Recipe, Any] = {}
    recipes = recipes_to_train(settings.train, name, get_run_logger())
    others = submit_others(path, settings, prepared, name, recipes)
    for recipe in recipes:
        if recipe == "blend":
            members = getattr(settings.train.blend, name).members
            fits[recipe] = fit_blend.submit(home, data, [fits[member] for member in members if member in fits])
        else:
            read: Any = quote(vectors_for(recipe, name, settings.train, vectors))
            besides = others if reads_others(recipe, name, settings.train) else None
            fits[recipe] = fit_recipe.submit(home, data, read, besides, recipe, train_conf)
    models += fits.values()
    evaluations: list[Any] = [evaluate_recipe.submit(home, data, model, train_conf) for model in models]
    runs: list[Any] = [
        log_recipe.submit(home, conf, parent, data, model, evaluation)
        for model, evaluation in zip(models, evaluations, strict=True)
    ]
    behaviour: Any = check_behaviour.submit(home, conf, data, runs)
    promotion: Any = promote_best.submit(home, conf, data, models, runs, behaviour)
    closed = close_parent.submit(home, conf, parent, runs, promotion)
    return Started(others, parent, models, evaluations, runs, behaviour, promotion, closed)


def submit_others(
    home: Path, settings: Settings, prepared: dict[Corpus, StoredCorpus], name: Corpus, recipes: Sequence[Recipe]
) -> Any:
    """Submit the task that finds the other corpus's texts for a corpus; None where no recipe asks or there is none."""
    other = next((each for corpus, each in prepared.items() if corpus != name), None)
    if other is None or not any(reads_others(recipe, name, settings.train) for recipe in recipes):
        return None
    values: list[Any] = [quote(value) for value in (home, prepared[name], other, settings.prepare)]
    return find_other_texts.submit(*values)


def _quoted(value: Any) -> Any:
    return quote(value)


def _finish(corpus: StoredCorpus, started: Started) -> Trained:
    """Wait for a corpus's tasks in the order of the data's way, so that the first error is the one that is raised."""
    if started.others:
        started.others.result()
    parent = started.parent.result()
    models = [future.result() for future in started.models]
    for evaluation in started.evaluations:
        evaluation.result()
    runs = [future.result() for future in started.runs]
    started.behaviour.result()
    promotion = started.promotion.result()
    started.closed.result()
    return Trained(corpus=corpus, parent=parent, models=models, runs=runs, promotion=promotion)
