"""The card of each registered model: made when it is registered, kept with its run, asked for by version."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.names import Corpus
from conf.operation import Track
from conf.schema import Settings
from tasks.champion import CHAMPION, connect, model_name
from tasks.logic.model_card import Data, Judged, Model, render_card
from tasks.mlflow_store import is_away
from tasks.moves import MoveError, find_version

if TYPE_CHECKING:
    # Whoever reads a card needs nothing of Prefect.
    from tasks.behaviour import BehaviourReport
    from tasks.corpus import StoredCorpus
    from tasks.tracking import LoggedRun
    from tasks.training import StoredModel

CARD = "model_card.md"


def make_card(
    settings: Settings,
    corpus: StoredCorpus,
    model: StoredModel,
    figures: dict[str, Any],
    behaviour: BehaviourReport,
    decided: dict[str, str],
    provenance: dict[str, str],
) -> str:
    """Return the card of a model that is about to be registered; decided holds decision, reason and challenges."""
    from tasks.training import NETWORKS, members_of

    values = {
        key if recipe == model.recipe else f"{recipe}.{key}": value
        for recipe in (model.recipe, *model.weights)
        for key, value in getattr(getattr(settings.train, recipe), corpus.corpus).model_dump(mode="json").items()
    }
    if model.recipe == "blend":
        values["members"] = members_of(model)
    if {model.recipe, *model.weights} & NETWORKS:
        values |= {f"embed.{key}": value for key, value in settings.embed.model_dump(mode="json").items()}
    values |= {f"thresholds.{key}": value for key, value in settings.train.thresholds.model_dump(mode="json").items()}
    values["random_seed"] = settings.train.random_seed
    tallies = [(kind, tally.passed, tally.asked, behaviour.needed[kind]) for kind, tally in behaviour.tallies.items()]
    return render_card(
        model_name(settings.track, corpus.corpus),
        Data(
            corpus=corpus.corpus,
            filter=corpus.filter,
            splits=corpus.splits,
            fitted=corpus.fitted,
            near_duplicates=corpus.near_duplicates,
            drops=corpus.drops,
            genres_left_out=corpus.genres_left_out,
            sources=corpus.sources,
            genre_sources=corpus.genre_sources,
            terms=model.terms,
            retrieved=corpus.retrieved,
        ),
        Model(
            recipe=model.recipe,
            weights=model.weights,
            values=values,
            provenance=provenance,
        ),
        figures,
        Judged(
            behaviour=tallies,
            decision=decided["decision"],
            reason=decided["reason"],
            challenges=int(decided["challenges"]),
        ),
    )


def log_card(client: Any, run: LoggedRun, card: str) -> None:
    """Keep a model's card with its run and with the logged model itself, with which it travels."""
    client.log_text(run.shown_run_id, card, CARD)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / CARD
        file.write_text(card, encoding="utf-8")
        client.log_model_artifact(str(run.model_uri).removeprefix("models:/"), str(file))


def read_card(home: Path, track: Track, corpus: Corpus, version: str | None) -> str:
    """Return the card of a version, by default the champion's, with its number and what it is now above it.

    Raises MoveError where there is no such version or champion, or where it was registered without a card.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    client, name = connect(home, track), model_name(track, corpus)
    found = find_version(client, name, version or CHAMPION)
    aliases = [alias for alias, number in client.get_registered_model(name).aliases.items() if number == found.version]
    standing = f" ({', '.join(sorted(aliases))})" if aliases else ""
    try:
        card = mlflow.artifacts.load_text(f"{client.get_run(found.run_id).info.artifact_uri}/{CARD}")
    except (MlflowException, OSError) as error:
        if is_away(error):
            raise
        raise MoveError(f"{name} version {found.version} has no card ({error}); training it again makes one") from None
    return f"{name} version {found.version}{standing}\n\n{card}"
