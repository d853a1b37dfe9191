"""Task of the train stage: a corpus and its vectors in, one fitted recipe out."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.names import Corpus, Recipe, VectorsOf
from conf.training import Train
from tasks import progress, sentences, store
from tasks.corpus import TITLES, StoredCorpus, read_titles
from tasks.embedding import StoredVectors
from tasks.fit_process import fit_in_process, slots
from tasks.fitting import HISTORY, MODEL, PROBABILITIES, SCORED_SPLITS, FitSpec
from tasks.logic import blending
from tasks.logic.labels import prior_only, to_matrix
from tasks.other_texts import OtherTexts
from tasks.reuse import cached
from tasks.saved_recipe import MEMBERS, read_fitted_titles, save_arrays, save_blend, save_fitted_titles

VERSION = 3
NETWORKS: frozenset[str] = frozenset({"seed", "bilstm"})


class StoredModel(BaseModel, frozen=True):
    """Summarise a fitted recipe: where its files are, how long it took, how many epochs it ran.

    terms are those of all texts it was fitted on. weights holds a blend's members and what each weighs; it is empty for
    other recipes.
    """

    corpus: Corpus
    recipe: Recipe | Literal["prior"]
    folder: Path
    fingerprint: str
    seconds: float
    epochs: int
    terms: list[str]
    weights: dict[str, float] = {}
    reused: bool = False


def recipes_to_train(settings: Train, corpus: Corpus, logger: Any) -> list[Recipe]:
    """List the recipes that can be trained here, members before their blend; logs which cannot, and why.

    sentence needs packages that are not part of genreflow; a blend needs two members that are trained.
    """
    recipes: list[Recipe] = [recipe for recipe in settings.recipes if recipe != "blend"]
    model = getattr(settings.sentence, corpus).model
    if "sentence" in recipes and model == "auto" and not sentences.is_available(model):
        logger.info("%s: sentence is left out, its packages are not installed (%s)", corpus, sentences.INSTALL)
        recipes.remove("sentence")
    if "blend" in settings.recipes:
        wanted = getattr(settings.blend, corpus).members
        missing = [member for member in wanted if member not in recipes]
        if missing:
            logger.info("%s: the blend goes without %s, not trained here", corpus, ", ".join(missing))
        if len(wanted) - len(missing) >= 2:
            recipes.append("blend")
        else:
            logger.warning("%s: no blend, it needs two members of %s that are trained", corpus, ", ".join(wanted))
    return recipes


def vectors_for(
    recipe: Recipe, corpus: Corpus, settings: Train, vectors: Mapping[VectorsOf, StoredVectors]
) -> StoredVectors | None:
    """Return the vectors that a recipe starts from: the corpus's own, or those of both corpora; None without any."""
    if recipe not in NETWORKS:
        return None
    both = recipe == "bilstm" and getattr(settings.bilstm, corpus).vectors == "both"
    return vectors["both"] if both and "both" in vectors else vectors[corpus]


def reads_others(recipe: Recipe, corpus: Corpus, settings: Train) -> bool:
    """Say whether a recipe is to be fitted on the other corpus's texts, too."""
    return getattr(getattr(getattr(settings, recipe), corpus), "other_texts", 0.0) > 0


@task(task_run_name="train {recipe} on {corpus.corpus}", cache_policy=NO_CACHE)
def fit_recipe(
    home: Path,
    corpus: StoredCorpus,
    vectors: StoredVectors | None,
    others: OtherTexts | None,
    recipe: Recipe,
    settings: Train,
) -> StoredModel:
    """Fit one recipe in a process of its own into models/<corpus>-<recipe>-<fingerprint>/.

    Raises FitError with the process's last line when it fails.
    """
    logger = get_run_logger()
    section = getattr(getattr(settings, recipe), corpus.corpus)
    fingerprint = store.fingerprint(
        step="train",
        version=VERSION,
        recipe=recipe,
        corpus=corpus.fingerprint,
        vectors=vectors.fingerprint if vectors else None,
        others=others.fingerprint if others else None,
        model=sentences.model_digest(section.model) if recipe == "sentence" else None,
        settings=section,
        seed=settings.random_seed,
    )
    folder = home / "models" / f"{corpus.corpus}-{recipe}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(StoredModel(folder=folder, **found.summary, reused=True), folder)

    inputs = [source.folder for source in (corpus, vectors, others) if source]
    with store.new_result(folder, step="train", version=VERSION, fingerprint=fingerprint, inputs=inputs) as draft:
        spec = FitSpec(
            recipe=recipe,
            corpus=corpus.corpus,
            titles=corpus.folder / TITLES,
            genres=corpus.genres,
            others=others.folder / TITLES if others else None,
            others_genres=others.genres if others else [],
            vectors=vectors.folder if vectors else None,
            folder=draft.folder,
            kept=home,
            random_seed=settings.random_seed,
            settings=section.model_dump(mode="json"),
        )
        with slots(settings.processes), progress.bar(f"{recipe} {corpus.corpus}", 1, logger) as bar:
            seconds = fit_in_process(spec, lambda told: bar(told["done"], told["note"], told["total"]))
        history = json.loads((draft.folder / HISTORY).read_text())
        draft.summary = {
            "corpus": corpus.corpus,
            "recipe": recipe,
            "fingerprint": fingerprint,
            "seconds": round(seconds, 1),
            "epochs": len(history.get("train", ())),
            "terms": sorted({term for source in (corpus, vectors, others) if source for term in source.terms}),
        }
    stored = StoredModel(folder=folder, **draft.summary)
    logger.info("%s %s: fitted in %.1f s, %d epochs", corpus.corpus, recipe, stored.seconds, stored.epochs)
    return stored


@task(task_run_name="blend on {corpus.corpus}", cache_policy=NO_CACHE)
def fit_blend(home: Path, corpus: StoredCorpus, models: list[StoredModel]) -> StoredModel:
    """Find the weights of fitted recipes' mean on the validation titles, into models/<corpus>-blend-<fingerprint>/."""
    fingerprint = store.fingerprint(
        step="train", version=VERSION, recipe="blend", members={model.recipe: model.fingerprint for model in models}
    )
    folder = home / "models" / f"{corpus.corpus}-blend-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(StoredModel(folder=folder, **found.summary, reused=True), folder)

    started = time.monotonic()
    rows = read_titles(corpus).query("split == 'validation'")
    # A validation title that nearly duplicates a selection or test text would tune the weights to them.
    tuned = rows["fitted"].to_numpy()
    truth = to_matrix(rows["genres"], corpus.genres)[tuned]
    members = [read_probabilities(model) for model in models]
    found_weights = blending.find_weights([each["validation"][tuned] for each in members], truth)
    weighed: dict[str, float] = {
        model.recipe: weight for model, weight in zip(models, found_weights, strict=True) if weight > 0
    }
    inputs = [corpus.folder, *(model.folder for model in models)]
    with store.new_result(folder, step="train", version=VERSION, fingerprint=fingerprint, inputs=inputs) as draft:
        mixed = {split: blending.mix([each[split] for each in members], found_weights) for split in SCORED_SPLITS}
        save_arrays(draft.folder / PROBABILITIES, mixed)
        (draft.folder / HISTORY).write_text("{}")
        for model in models:
            if model.recipe in weighed:
                shutil.copytree(model.folder / MODEL, draft.folder / MODEL / MEMBERS / model.recipe)
        save_blend(draft.folder / MODEL, weighed)
        fitted = {title for model in models for title in read_fitted_titles(model.folder / MODEL)}
        save_fitted_titles(draft.folder / MODEL, fitted)
        draft.summary = {
            "corpus": corpus.corpus, "recipe": "blend", "fingerprint": fingerprint,
            "seconds": round(time.monotonic() - started, 1), "epochs": 0, "weights": weighed,
            "terms": sorted({term for model in models for term in model.terms}),
        }  # fmt: skip
    told = ", ".join(f"{name} {weight:.2f}" for name, weight in weighed.items())
    get_run_logger().info("%s blend: %s", corpus.corpus, told)
    return StoredModel(folder=folder, **draft.summary)


@task(task_run_name="prior of {corpus.corpus}", cache_policy=NO_CACHE)
def fit_prior(home: Path, corpus: StoredCorpus) -> StoredModel:
    """Make the prior-only row: always the most frequent train genres; its threshold says how many."""
    fingerprint = store.fingerprint(step="train", version=VERSION, recipe="prior", corpus=corpus.fingerprint)
    folder = home / "models" / f"{corpus.corpus}-prior-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(StoredModel(folder=folder, **found.summary, reused=True), folder)

    frame = read_titles(corpus)
    train = frame.loc[frame["fitted"] & (frame["split"] == "train"), "genres"]
    scores = prior_only(to_matrix(train, corpus.genres))
    with store.new_result(
        folder, step="train", version=VERSION, fingerprint=fingerprint, inputs=[corpus.folder]
    ) as draft:
        rows = {split: np.tile(scores, (corpus.splits[split], 1)) for split in SCORED_SPLITS}
        save_arrays(draft.folder / PROBABILITIES, rows)
        (draft.folder / HISTORY).write_text("{}")
        draft.summary = {
            "corpus": corpus.corpus, "recipe": "prior", "fingerprint": fingerprint, "seconds": 0.0, "epochs": 0,
            "terms": corpus.terms,
        }  # fmt: skip
    return StoredModel(folder=folder, **draft.summary)


def read_probabilities(model: StoredModel) -> dict[str, np.ndarray]:
    """Read a fitted recipe's probabilities: float64 (titles, genres) for validation, selection and test."""
    with np.load(model.folder / PROBABILITIES, allow_pickle=False) as arrays:
        return {split: arrays[split] for split in SCORED_SPLITS}


def members_of(model: StoredModel) -> list[str]:
    """List the recipes that a blend was mixed of, those without weight, too; none for other recipes."""
    if model.recipe != "blend":
        return []
    manifest = store.read_manifest(model.folder)
    made_of = [Path(name) for name in manifest.inputs] if manifest else []
    # Manifests of an older genreflow name nothing; those that weigh are known in any case.
    return [each.name.split("-")[1] for each in made_of if each.parent.name == "models"] or list(model.weights)


def read_history(model: StoredModel) -> dict[str, list[float]]:
    """Read a fitted recipe's loss by epoch; empty for recipes without epochs."""
    history: dict[str, list[float]] = json.loads((model.folder / HISTORY).read_text())
    return history
