"""Task that registers a corpus's best recipe and decides, on the selection titles alone, if it becomes champion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from conf.errors import GenreflowError
from conf.names import Corpus
from conf.schema import Settings, Track
from tasks import packaging
from tasks.corpus import StoredCorpus, read_titles
from tasks.logic import metrics
from tasks.logic.labels import to_matrix
from tasks.logic.thresholds import predict
from tasks.tracking import LoggedRun, Promotion, connect
from tasks.training import StoredModel, read_probabilities

CHAMPION = "champion"
CANDIDATE = "candidate"


class NoChampionError(GenreflowError):
    """Say that no model has been promoted yet for a corpus, and what to run."""


def model_name(track: Track, corpus: Corpus) -> str:
    """Return the registered model's name for a corpus."""
    return f"{track.model}-{corpus}"


@task(task_run_name="challenge champion of {corpus.corpus}", cache_policy=NO_CACHE)
def promote_best(
    home: Path, settings: Settings, corpus: StoredCorpus, models: list[StoredModel], runs: list[LoggedRun]
) -> Promotion:
    """Register the recipe that is best on validation and promote it where the selection titles say it is better.

    Without an incumbent it is promoted. A recipe whose very evaluation is registered already challenges nobody.
    """
    client = connect(home, settings.track)
    name = model_name(settings.track, corpus.corpus)
    best = max((run for run in runs if run.model_uri), key=lambda run: run.evaluation.validation_f1_micro)
    versions = _versions(client, name)
    known = [v for v in versions if v.tags.get("evaluation") == best.evaluation.fingerprint]
    champion = find_champion(client, name)
    if known:
        # A run that was killed between registering and promoting left a decision that nobody carried out.
        if known[0].tags.get("decision") == "promoted" and _is_behind(champion, known[0]):
            client.set_registered_model_alias(name, CHAMPION, known[0].version)
            champion = known[0]
        promoted = champion is not None and champion.version == known[0].version
        reason = f"unchanged: this model is version {known[0].version} already" + (", the champion" if promoted else "")
        return _told(corpus, name, known[0].version, best.recipe, promoted, reason)

    model = next(model for model in models if model.recipe == best.recipe)
    if champion is None:
        promoted, reason, challenges = True, "first model of its corpus: no incumbent to beat", 0
    else:
        challenges = 1 + sum(int(v.tags.get("challenge", "0") != "0") for v in versions)
        promoted, reason = _challenge(home, settings, corpus, model, best, champion, name)
        reason += f"; challenge number {challenges} on the selection titles"
    registered = _register(client, name, corpus, best, challenges, reason, promoted=promoted)
    client.set_registered_model_alias(name, CANDIDATE, registered)
    if promoted:
        client.set_registered_model_alias(name, CHAMPION, registered)
    return _told(corpus, name, registered, best.recipe, promoted, reason)


def find_champion(client: Any, name: str) -> Any | None:
    """Return the registered version that carries the alias champion, None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def load_champion(home: Path, track: Track, corpus: Corpus) -> Any:
    """Load the corpus's champion as an MLflow pyfunc; raises NoChampionError saying what to run where there is none."""
    import mlflow

    client = connect(home, track)
    name = model_name(track, corpus)
    version = find_champion(client, name)
    if version is None:
        raise NoChampionError(
            f"no champion for the {corpus} corpus in this home yet: train one first (genreflow demo, or genreflow run)"
        )
    with packaging.MODEL_CODE:
        loaded = mlflow.pyfunc.load_model(f"models:/{name}/{version.version}")
    loaded.unwrap_python_model().card["model"] = f"{name} version {version.version}"
    return loaded


def _challenge(
    home: Path,
    settings: Settings,
    corpus: StoredCorpus,
    model: StoredModel,
    best: LoggedRun,
    champion: Any,
    name: str,
) -> tuple[bool, str]:
    incumbent = load_champion(home, settings.track, corpus.corpus).unwrap_python_model()
    common = [genre for genre in corpus.genres if genre in incumbent.card["genres"]]
    frame = read_titles(corpus)
    selection = frame[frame["split"] == "selection"]
    if not common:
        return False, f"{best.recipe} has no genre in common with version {champion.version}: nothing to compare"
    truth = to_matrix([[name for name in names if name in common] for names in selection["genres"]], common)
    mine = _columns(predict(read_probabilities(model)["selection"], best.evaluation.threshold), corpus.genres, common)
    theirs = _columns(_predict_texts(incumbent, selection), incumbent.card["genres"], common)
    compared = metrics.paired_bootstrap(
        truth, mine, theirs, resamples=settings.promote.resamples, random_seed=settings.train.random_seed
    )
    better = compared["share_better"] >= settings.promote.level
    reason = (
        f"{best.recipe} against version {champion.version}: micro-F1 {compared['difference']:+.4f} "
        f"[{compared['low']:+.4f}, {compared['high']:+.4f}] on {len(selection)} selection titles and "
        f"{len(common)} common genres, better in {compared['share_better']:.1%} of resamples, "
        f"{settings.promote.level:.0%} needed"
    )
    get_run_logger().info("%s: %s", name, reason)
    return bool(better), reason


def _predict_texts(model: Any, titles: pd.DataFrame) -> np.ndarray:
    return predict(model.probabilities(titles["text"].tolist()), model.card["threshold"])


def _columns(chosen: np.ndarray, genres: list[str], common: list[str]) -> np.ndarray:
    return chosen[:, [genres.index(genre) for genre in common]]


def _versions(client: Any, name: str) -> list[Any]:
    return list(client.search_model_versions(f"name = '{name}'"))


def _is_behind(champion: Any | None, version: Any) -> bool:
    return champion is None or int(champion.version) < int(version.version)


def _register(
    client: Any, name: str, corpus: StoredCorpus, best: LoggedRun, challenges: int, reason: str, *, promoted: bool
) -> int:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=f"Movie genres from the {corpus.corpus} of a title.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    evaluation = best.evaluation
    low, high = evaluation.interval_f1_micro
    description = (
        f"{best.recipe}: test micro-F1 {evaluation.test_f1_micro:.4f} [{low:.4f}, {high:.4f}], macro-F1 "
        f"{evaluation.test_f1_macro:.4f} on {evaluation.test_titles} titles, filter {corpus.filter}. "
        f"Challenges made on the selection titles: {challenges}. {reason}"
    )
    tags = {
        "recipe": best.recipe,
        "evaluation": evaluation.fingerprint,
        "challenge": str(challenges),
        "decision": "promoted" if promoted else "refused",
        "sources": ", ".join(corpus.sources),
        "genre_sources": ", ".join(corpus.genre_sources),
        "terms": "; ".join(corpus.terms) or "not stated",
        "retrieved": " to ".join(corpus.retrieved or ("not stated",)),
    }
    assert best.model_uri is not None
    version = client.create_model_version(
        name, best.model_uri, run_id=best.run_id, tags=tags, description=description,
        model_id=best.model_uri.removeprefix("models:/"),
    )  # fmt: skip
    return int(version.version)


def _told(corpus: StoredCorpus, name: str, version: int, recipe: str, promoted: bool, reason: str) -> Promotion:
    get_run_logger().info("%s version %s (%s): %s", name, version, recipe, reason)
    return Promotion(
        corpus=corpus.corpus, name=name, version=int(version), recipe=recipe, promoted=promoted, reason=reason
    )
