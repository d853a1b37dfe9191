"""Task that registers a corpus's best recipe and decides, on the selection titles alone, if it becomes champion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from conf.schema import Settings
from tasks.behaviour import BehaviourReport
from tasks.cards import log_card, make_card
from tasks.champion import CANDIDATE, connect, find_champion, load_champion, model_name, versions_of
from tasks.corpus import StoredCorpus, read_titles
from tasks.evaluation import answer_split, read_figures
from tasks.logic import metrics
from tasks.logic.decisions import decide
from tasks.logic.labels import to_matrix
from tasks.logic.markdown import plain_text
from tasks.logic.notes import told
from tasks.moves import LONGEST_DESCRIPTION, ROLLED_BACK, move_champion, read_moves, was_carried_out
from tasks.packaging import requirements
from tasks.retries import TRACKING_RETRIES
from tasks.runs import code_tags
from tasks.tracking import LoggedRun, Promotion, best_candidate
from tasks.training import StoredModel


@task(task_run_name="challenge champion of {corpus.corpus}", cache_policy=NO_CACHE, **TRACKING_RETRIES)
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
    versions = versions_of(client, name)
    known = _known(versions, best, behaviour)
    champion = find_champion(client, name)
    if known is not None:
        # A run that was killed between registering and promoting left a decision that nobody carried out. One that was
        # carried out and then taken back stays so.
        left = behaviour.passed and _is_left(client, name, known, champion)
        if left:
            move_champion(client, name, int(known.version), "pipeline", known.tags["reason"])
            champion = known
        promoted = champion is not None and champion.version == known.version
        reason = f"unchanged: this model is version {known.version} already" + (", the champion" if promoted else "")
        if ROLLED_BACK in known.tags:
            reason += f"; it was rolled back: {known.tags[ROLLED_BACK]}"
        reason += "" if behaviour.passed else f"; {behaviour.reason}"
        if known.version == versions[0].version:
            # A run that was killed between registering and this left them out.
            _mark_candidate(client, name, best, int(known.version), known.tags["decision"], known.tags["reason"])
        return _told(corpus, name, known.version, best.recipe, promoted, reason, decided=left)

    model = next(model for model in models if model.recipe == best.recipe)
    # Numbered one after the other; older versions may be gone.
    made = max((int(v.tags.get("challenge", "0")) for v in versions), default=0)
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
    provenance = {
        "MLflow run": best.shown_run_id, "data": corpus.fingerprint, "evaluation": best.evaluation.fingerprint,
        **code_tags(), "requirements": " ".join(requirements(model)),
    }  # fmt: skip
    decided = {**tags, "challenges": str(made)}
    card = make_card(settings, corpus, model, read_figures(best.evaluation), behaviour, decided, provenance)
    # Before the version, so that no version is without one.
    log_card(client, best, card)
    registered = _register(client, name, corpus, model, best, tags, made)
    _mark_candidate(client, name, best, registered, tags["decision"], reason)
    if promoted:
        move_champion(client, name, registered, "pipeline", reason)
    return _told(corpus, name, registered, best.recipe, promoted, reason)


def _mark_candidate(client: Any, name: str, best: LoggedRun, version: int, decision: str, reason: str) -> None:
    if "decision" not in client.get_run(best.shown_run_id).data.tags:
        client.set_tag(best.shown_run_id, "decision", f"version {version} {decision}: {reason}")
    client.set_registered_model_alias(name, CANDIDATE, version)


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


def _known(versions: list[Any], best: LoggedRun, behaviour: BehaviourReport) -> Any | None:
    """Return the newest version of this very evaluation, None where it shall challenge.

    That is also so of one that only the behaviour tests kept back, once it passes them (other cases or shares).
    """
    same = [version for version in versions if version.tags.get("evaluation") == best.evaluation.fingerprint]
    if behaviour.passed:
        same = [version for version in same if version.tags.get("behaviour_passed") != "no"]
    return same[0] if same else None


def _is_left(client: Any, name: str, version: Any, champion: Any | None) -> bool:
    """Say whether a version was to be promoted and never was, and no later one either."""
    number = int(champion.version) if champion else None
    behind = number is None or number < int(version.version)
    decided = version.tags.get("decision") == "promoted"
    return decided and behind and not was_carried_out(read_moves(client, name), int(version.version), number)


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
    micro = told(evaluation.test_f1_micro, evaluation.interval_f1_micro)
    macro = told(evaluation.test_f1_macro, evaluation.interval_f1_macro)
    # Without marks of Markdown: lists of versions show the first words as they are.
    scored = (
        f"{best.recipe}: test micro-F1 {micro}, macro-F1 {macro} on {evaluation.test_titles:,} titles and "
        f"{len(corpus.genres)} genres, filter {corpus.filter}."
    )
    origin = {
        "sources": ", ".join(corpus.sources),
        "genre_sources": ", ".join(corpus.genre_sources),
        "terms": "; ".join(model.terms) or "not stated",
        "retrieved": " to ".join(corpus.retrieved or ("not stated",)),
    }
    texts = (
        f"Texts from {plain_text(origin['sources'])}, genres named by {plain_text(origin['genre_sources'])}, "
        f"retrieved {origin['retrieved']}"
    )
    behaved = f"Behaviour tests: {decided['behaviour']}. Challenges made on the selection titles: {challenges}."
    became = f"{decided['decision'].capitalize()}: {decided['reason']}."
    parts = (scored, f"{texts}. Terms: {plain_text(origin['terms'])}.", behaved, became)
    description = "\n\n".join(parts)[:LONGEST_DESCRIPTION]
    tags = {
        "recipe": best.recipe,
        "evaluation": evaluation.fingerprint,
        **decided,
        **origin,
    }
    assert best.model_uri is not None
    version = client.create_model_version(
        name, best.model_uri, run_id=best.shown_run_id, tags=tags, description=description,
        model_id=best.model_uri.removeprefix("models:/"),
    )  # fmt: skip
    return int(version.version)


def _told(
    corpus: StoredCorpus, name: str, version: int, recipe: str, promoted: bool, reason: str, *, decided: bool = True
) -> Promotion:
    get_run_logger().info("%s version %s (%s): %s", name, version, recipe, reason)
    return Promotion(
        corpus=corpus.corpus,
        name=name,
        version=int(version),
        recipe=recipe,
        promoted=promoted,
        reason=reason,
        decided=decided,
    )
