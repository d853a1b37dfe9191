"""Task of the study: the bilstm recipe's values searched on validation titles; every trial is kept, none twice."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.names import Corpus
from conf.schema import Settings
from conf.training import BiLstm, Range
from tasks import progress, store, study_runs
from tasks.corpus import TITLES, StoredCorpus, read_titles
from tasks.embedding import StoredVectors
from tasks.fit_process import fit_in_process, slots
from tasks.fitting import PROBABILITIES, FitSpec
from tasks.logic.labels import to_matrix
from tasks.logic.metrics import score_ranking
from tasks.logic.spreadsheets import to_csv
from tasks.other_texts import OtherTexts
from tasks.retries import TRACKING_RETRIES

VERSION = 1
TABLE = "trials.csv"
# What marks a trial: what it changes in the configuration, and the number of the trial that it tries again.
CHANGED = "changed"
AGAIN = "again"
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


class Studied(BaseModel, frozen=True):
    """Summarise a study: where its trials are kept, how many there are by state, and the best one's values."""

    corpus: Corpus
    folder: Path
    trials: dict[str, int]
    best: int
    value: float
    values: dict[str, Any]


@task(task_run_name="study bilstm on {corpus.corpus}", cache_policy=NO_CACHE, **TRACKING_RETRIES)
def run_study(
    home: Path, settings: Settings, corpus: StoredCorpus, vectors: StoredVectors, others: OtherTexts | None
) -> Studied:
    """Search bilstm's values for a corpus until the study has its trials or has used its hours.

    A trial fits one network on the train titles and is valued by its validation titles alone: the mean of micro-
    and macro-averaged precision, which needs no threshold. The study goes on where a former run of the same data
    and settings stopped; a trial that was cut short is tried again. Raises FitError for a fit that fails.
    """
    logger = get_run_logger()
    section: BiLstm = getattr(settings.train.bilstm, corpus.corpus)
    fingerprint = store.fingerprint(
        step="study",
        version=VERSION,
        corpus=corpus.fingerprint,
        vectors=vectors.fingerprint,
        others=others.fingerprint if others else None,
        settings=section,
        space=settings.study.space,
        seed=settings.train.random_seed,
    )
    folder = home / "studies" / f"{corpus.corpus}-{fingerprint[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    search = _open(folder, settings)
    _ask_first(search, section, settings)
    parent = study_runs.open_study(home, settings, corpus, fingerprint)
    trial_of = _Trial(folder, settings, corpus, vectors, others)

    def trial_told(_: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        value = f"{trial.value:.4f}" if trial.state == TrialState.COMPLETE else trial.state.name.lower()
        logger.info("%s trial %d: %s, %s", corpus.corpus, trial.number, value, _changes(trial, section))
        study_runs.log_trial(home, settings, parent, _row(trial), _epochs(trial))

    for trial in search.get_trials(states=_ENDED):
        # A run that was killed after a trial may not have logged it.
        study_runs.log_trial(home, settings, parent, _row(trial), _epochs(trial))
    with progress.bar(f"study {corpus.corpus}", settings.study.trials, logger) as advance:
        while True:
            done = search.get_trials(states=_ENDED)
            hours = sum((trial.duration.total_seconds() for trial in done if trial.duration), 0.0) / 3600
            advance(len(done), f"{hours:.2f} h")
            if len(done) >= settings.study.trials or hours >= settings.study.hours:
                break
            search.optimize(trial_of, n_trials=1, callbacks=[trial_told])
            _write_table(folder, search)
    study_runs.close_study(home, settings, parent, _row(search.best_trial), folder / TABLE)
    states = pd.Series([trial.state.name.lower() for trial in search.trials]).value_counts()
    return Studied(
        corpus=corpus.corpus,
        folder=folder,
        trials={str(state): int(count) for state, count in states.items()},
        best=search.best_trial.number,
        value=search.best_value,
        values=_values(search.best_trial),
    )


class _Trial:
    """Value one trial: a network fitted in a process of its own, ended early where the study prunes it."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        corpus: StoredCorpus,
        vectors: StoredVectors,
        others: OtherTexts | None,
    ) -> None:
        self.folder, self.settings, self.corpus = folder, settings, corpus
        self.vectors, self.others = vectors, others
        rows = read_titles(corpus).query("split == 'validation'")
        self.tuned = rows["fitted"].to_numpy()
        self.truth = to_matrix(rows["genres"], corpus.genres)[self.tuned]

    def __call__(self, trial: optuna.Trial) -> float:
        section: BiLstm = getattr(self.settings.train.bilstm, self.corpus.corpus)
        drawn = {
            name: _suggest(trial, name, values, getattr(section, name))
            for name, values in self.settings.study.space.items()
        }
        changed = trial.user_attrs.get(CHANGED)
        values = section.model_copy(update={**drawn, **(changed or {}), "members": 1})

        def follow(told: Mapping[str, Any]) -> None:
            figures = told["figures"]
            trial.report(figures["val_average_precision"], told["done"])
            trial.set_user_attr(f"epoch {told['done']}", [figures["entropy"], figures["val_entropy"]])
            if changed is None and trial.should_prune():
                raise optuna.TrialPruned

        with (
            store.scratch_folder(self.folder, str(trial.number)) as fit_folder,
            slots(self.settings.train.processes),
        ):
            started = time.monotonic()
            spec = FitSpec(
                recipe="bilstm",
                corpus=self.corpus.corpus,
                titles=self.corpus.folder / TITLES,
                genres=self.corpus.genres,
                others=self.others.folder / TITLES if self.others else None,
                others_genres=self.others.genres if self.others else [],
                vectors=self.vectors.folder,
                folder=fit_folder,
                random_seed=self.settings.train.random_seed,
                settings=BiLstm.model_validate(values.model_dump()).model_dump(mode="json"),
                splits=("validation",),
            )
            try:
                fit_in_process(spec, follow)
            finally:
                trial.set_user_attr("seconds", round(time.monotonic() - started, 1))
            with np.load(fit_folder / PROBABILITIES, allow_pickle=False) as arrays:
                probabilities = arrays["validation"][self.tuned]
        ranked = score_ranking(self.truth, probabilities, self.corpus.genres)
        micro, macro = ranked["map_micro"], ranked["map_macro"]
        trial.set_user_attr("average_precision_micro", micro)
        trial.set_user_attr("average_precision_macro", macro)
        return (micro + macro) / 2


def _open(folder: Path, settings: Settings) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(folder / "journal.log")))
    before = len(storage.get_all_trials(0)) if storage.get_all_studies() else 0
    study = optuna.create_study(
        study_name="bilstm",
        storage=storage,
        direction="maximize",
        load_if_exists=True,
        # A study that goes on must not draw again what it drew at its start.
        sampler=optuna.samplers.TPESampler(
            seed=settings.train.random_seed + before,
            n_startup_trials=len(settings.study.compared) + 1 + settings.study.random_trials,
            multivariate=True,
        ),
        pruner=optuna.pruners.PercentilePruner(
            100 - 100 * settings.study.pruned_share,
            n_startup_trials=settings.study.random_trials,
            n_warmup_steps=settings.study.unpruned_epochs,
        ),
    )
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    tried_again = [trial.user_attrs.get(AGAIN) for trial in study.trials]
    for trial in study.get_trials(states=(TrialState.FAIL,)):
        if trial.number not in tried_again:
            kept = {name: value for name, value in trial.user_attrs.items() if name == CHANGED}
            study.enqueue_trial(trial.params, user_attrs={**kept, AGAIN: trial.number})
    return study


def _ask_first(study: optuna.Study, section: BiLstm, settings: Settings) -> None:
    """Enqueue the configuration as it is and each change that is to be compared with it, unless they are there."""
    asked = [trial.user_attrs.get(CHANGED) for trial in study.trials]
    for changed in ({}, *settings.study.compared):
        if changed not in asked:
            values = section.model_copy(update=changed)
            study.enqueue_trial(
                {name: getattr(values, name) for name in settings.study.space}, user_attrs={CHANGED: changed}
            )


def _suggest(trial: optuna.Trial, name: str, values: Range | tuple[Any, ...], configured: Any) -> Any:
    if isinstance(values, Range):
        return trial.suggest_float(name, values.low, values.high, log=values.log)
    # The configuration as it is is one of the trials, so its value is one of the choices.
    return trial.suggest_categorical(name, values if configured in values else (*values, configured))


def _values(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    """Return the values of the space that a trial had, floats to four figures."""
    values = {**trial.params, **trial.user_attrs.get(CHANGED, {})}
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in values.items()}


def _changes(trial: optuna.trial.FrozenTrial, section: BiLstm) -> str:
    changed = {name: value for name, value in _values(trial).items() if getattr(section, name) != value}
    return ", ".join(f"{name} {value}" for name, value in changed.items()) or "the configuration as it is"


def _epochs(trial: optuna.trial.FrozenTrial) -> list[list[float]]:
    told = {int(name[6:]): losses for name, losses in trial.user_attrs.items() if name.startswith("epoch ")}
    return [told[epoch] for epoch in sorted(told)]


def _row(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    attributes = trial.user_attrs
    return {
        "trial": trial.number,
        "kind": "searched" if CHANGED not in attributes else "compared" if attributes[CHANGED] else "as it is",
        "state": trial.state.name.lower(),
        "value": trial.value if trial.state == TrialState.COMPLETE else None,
        "average_precision_micro": attributes.get("average_precision_micro"),
        "average_precision_macro": attributes.get("average_precision_macro"),
        "epochs": len(_epochs(trial)),
        "seconds": attributes.get("seconds"),
        **_values(trial),
    }


def _write_table(folder: Path, study: optuna.Study) -> None:
    rows = [_row(trial) for trial in study.trials if trial.state != TrialState.WAITING]
    store.write_bytes(folder / TABLE, to_csv(pd.DataFrame(rows).round(4)).encode())
