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
from tasks.behaviour import BehaviourReport
from tasks.corpus import StoredCorpus, read_titles
from tasks.evaluation import answer_split
from tasks.logic import metrics
from tasks.logic.decisions import Decision, decide
from tasks.logic.labels import to_matrix
from tasks.tracking import LoggedRun, Promotion, best_candidate, connect
from tasks.training import StoredModel

CHAMPION = "champion"
CANDIDATE = "candidate"


class NoChampionError(GenreflowError):
    """Say that no model has been promoted yet for a corpus, and what to run."""


class OldChampionError(GenreflowError):
    """Name a champion that does not carry what this version of genreflow needs to predict with it."""


def model_name(track: Track, corpus: Corpus) -> str:
    """Return the registered model's name for a corpus."""
    return f"{track.model}-{corpus}"


@task(task_run_name="challenge champion of {corpus.corpus}", cache_policy=NO_CACHE)
def promote_best(
    home: Path,
    settings: Settings,
    corpus: StoredCorpus,
    models: list[StoredModel],
    runs: list[LoggedRun],
    behaviour: BehaviourReport,
) -> Promotion:
    """Register the recipe that is best on validation and promote it where the selection titles say it is better.

    Without an incumbent it is promoted. One that fails the behaviour tests is refused in either case and challenges
    nobody. A recipe whose very evaluation is registered already challenges nobody again.
    """
    client = connect(home, settings.track)
    name = model_name(settings.track, corpus.corpus)
    best = best_candidate(runs)
    versions = _versions(client, name)
    known = _known(versions, best, behaviour)
    champion = find_champion(client, name)
    if known is not None:
        # A run that was killed between registering and promoting left a decision that nobody carried out.
        decided = known.tags.get("decision") == "promoted"
        if decided and behaviour.passed and _is_behind(champion, known):
            client.set_registered_model_alias(name, CHAMPION, known.version)
            champion = known
        promoted = champion is not None and champion.version == known.version
        reason = f"unchanged: this model is version {known.version} already" + (", the champion" if promoted else "")
        reason += "" if behaviour.passed else f"; {behaviour.reason}"
        return _told(corpus, name, known.version, best.recipe, promoted, reason)

    model = next(model for model in models if model.recipe == best.recipe)
    made = sum(int(v.tags.get("challenge", "0") != "0") for v in versions)
    challenge = 0
    if not behaviour.passed:
        promoted, reason = False, behaviour.reason
    elif champion is None:
        promoted, reason = True, "first model of its corpus: no incumbent to beat"
    else:
        challenge = made = made + 1
        promoted, reason = _challenge(home, settings, corpus, model, best, champion, name)
        reason += f"; challenge number {challenge} on the selection titles"
    tags = {
        "challenge": str(challenge),
        "decision": "promoted" if promoted else "refused",
        "reason": reason,
        "behaviour": behaviour.told,
        "behaviour_passed": "yes" if behaviour.passed else "no",
    }
    registered = _register(client, name, corpus, model, best, tags, made)
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
    """Load the corpus's champion as an MLflow pyfunc.

    Raises NoChampionError saying what to run where there is none, OldChampionError for one of an older genreflow.
    """
    client = connect(home, track)
    name = model_name(track, corpus)
    version = find_champion(client, name)
    if version is None:
        raise NoChampionError(f"no champion for the {corpus} corpus in this home yet: {_why_none(client, name)}")
    loaded = packaging.load_model(f"models:/{name}/{version.version}")
    card = loaded.unwrap_python_model().card
    card["model"] = f"{name} version {version.version}"
    missing = [key for key in Decision.__annotations__ if key not in card]
    if missing:
        raise OldChampionError(
            f"{card['model']} was made by an older genreflow (its card lacks {', '.join(missing)}): "
            f"train in another home, or take the alias {CHAMPION} off it and train again"
        )
    return loaded


def _why_none(client: Any, name: str) -> str:
    # Without a champion nothing else keeps a candidate back.
    refused = [version for version in _versions(client, name) if version.tags.get("behaviour_passed") == "no"]
    if not refused:
        return "train one first (genreflow demo, or genreflow run)"
    last = refused[0]
    return (
        f"{name} version {last.version} ({last.tags['recipe']}) was refused, {last.tags['reason']}; "
        f"behaviour.csv of its MLflow run {last.run_id} tells every case"
    )


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
    mine = _columns(answer_split(model, best.evaluation, "selection"), corpus.genres, common)
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
    return decide(model.probabilities(titles["text"].tolist()), model.card)


def _columns(chosen: np.ndarray, genres: list[str], common: list[str]) -> np.ndarray:
    return chosen[:, [genres.index(genre) for genre in common]]


def _versions(client: Any, name: str) -> list[Any]:
    """List all versions of a registered model, the newest first."""
    return sorted(client.search_model_versions(f"name = '{name}'"), key=lambda version: -int(version.version))


def _known(versions: list[Any], best: LoggedRun, behaviour: BehaviourReport) -> Any | None:
    """Return the newest version of this very evaluation, None where it shall challenge.

    That is also so of one that only the behaviour tests kept back, once it passes them (other cases or shares).
    """
    same = [version for version in versions if version.tags.get("evaluation") == best.evaluation.fingerprint]
    if behaviour.passed:
        same = [version for version in same if version.tags.get("behaviour_passed") != "no"]
    return same[0] if same else None


def _is_behind(champion: Any | None, version: Any) -> bool:
    return champion is None or int(champion.version) < int(version.version)


def _register(
    client: Any,
    name: str,
    corpus: StoredCorpus,
    model: StoredModel,
    best: LoggedRun,
    decided: dict[str, str],
    challenges: int,
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
        f"Behaviour tests: {decided['behaviour']}. Challenges made on the selection titles: {challenges}. "
        f"{decided['reason']}"
    )
    tags = {
        "recipe": best.recipe,
        "evaluation": evaluation.fingerprint,
        **decided,
        "sources": ", ".join(corpus.sources),
        "genre_sources": ", ".join(corpus.genre_sources),
        "terms": "; ".join(model.terms) or "not stated",
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
