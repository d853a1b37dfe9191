"""Task of the train stage: a corpus and its vectors in, one fitted recipe out."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.errors import GenreflowError
from conf.names import Corpus, Recipe
from conf.schema import Train
from tasks import progress, store
from tasks.corpus import TITLES, StoredCorpus, read_titles
from tasks.embedding import StoredVectors
from tasks.fitting import HISTORY, PROBABILITIES, SCORED_SPLITS, FitSpec
from tasks.logic.labels import prior_only, to_matrix
from tasks.reuse import cached
from tasks.saved_recipe import save_arrays

VERSION = 1
NEEDS_VECTORS: frozenset[str] = frozenset({"seed", "bilstm"})


class StoredModel(BaseModel, frozen=True):
    """Summarise a fitted recipe: where its files are, how long it took, how many epochs it ran."""

    corpus: Corpus
    recipe: Recipe | Literal["prior"]
    folder: Path
    fingerprint: str
    seconds: float
    epochs: int
    reused: bool = False


class FitError(GenreflowError):
    """Say which fit failed and with what last words."""


@task(task_run_name="train {recipe} on {corpus.corpus}", cache_policy=NO_CACHE)
def fit_recipe(
    home: Path, corpus: StoredCorpus, vectors: StoredVectors, recipe: Recipe, settings: Train
) -> StoredModel:
    """Fit one recipe in a process of its own into models/<corpus>-<recipe>-<fingerprint>/.

    Raises FitError with the process's last lines when it fails.
    """
    logger = get_run_logger()
    section = getattr(getattr(settings, recipe), corpus.corpus)
    needed = vectors if recipe in NEEDS_VECTORS else None
    fingerprint = store.fingerprint(
        step="train",
        version=VERSION,
        recipe=recipe,
        corpus=corpus.fingerprint,
        vectors=needed.fingerprint if needed else None,
        settings=section,
        seed=settings.random_seed,
    )
    folder = home / "models" / f"{corpus.corpus}-{recipe}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(StoredModel(folder=folder, **found.summary, reused=True), folder)

    with store.new_result(folder, step="train", version=VERSION, fingerprint=fingerprint) as draft:
        spec = FitSpec(
            recipe=recipe,
            corpus=corpus.corpus,
            titles=corpus.folder / TITLES,
            genres=corpus.genres,
            vectors=needed.folder if needed else None,
            folder=draft.folder,
            random_seed=settings.random_seed,
            settings=section.model_dump(mode="json"),
        )
        steps = getattr(section, "epochs", len(corpus.genres))
        with _slots(settings.processes), progress.bar(f"{recipe} {corpus.corpus}", steps, logger) as bar:
            seconds = _fit_in_process(spec, bar)
        history = json.loads((draft.folder / HISTORY).read_text())
        draft.summary = {
            "corpus": corpus.corpus,
            "recipe": recipe,
            "fingerprint": fingerprint,
            "seconds": round(seconds, 1),
            "epochs": len(history.get("train", ())),
        }
    stored = StoredModel(folder=folder, **draft.summary)
    logger.info("%s %s: fitted in %.1f s, %d epochs", corpus.corpus, recipe, stored.seconds, stored.epochs)
    return stored


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
    with store.new_result(folder, step="train", version=VERSION, fingerprint=fingerprint) as draft:
        rows = {split: np.tile(scores, (corpus.splits[split], 1)) for split in SCORED_SPLITS}
        save_arrays(draft.folder / PROBABILITIES, rows)
        (draft.folder / HISTORY).write_text("{}")
        draft.summary = {
            "corpus": corpus.corpus, "recipe": "prior", "fingerprint": fingerprint, "seconds": 0.0, "epochs": 0
        }  # fmt: skip
    return StoredModel(folder=folder, **draft.summary)


def read_probabilities(model: StoredModel) -> dict[str, np.ndarray]:
    """Read a fitted recipe's probabilities: float64 (titles, genres) for validation, selection and test."""
    with np.load(model.folder / PROBABILITIES, allow_pickle=False) as arrays:
        return {split: arrays[split] for split in SCORED_SPLITS}


def read_history(model: StoredModel) -> dict[str, list[float]]:
    """Read a fitted recipe's loss by epoch; empty for recipes without epochs."""
    history: dict[str, list[float]] = json.loads((model.folder / HISTORY).read_text())
    return history


@functools.cache
def _slots(processes: int) -> threading.Semaphore:
    return threading.Semaphore(processes)


def _fit_in_process(spec: FitSpec, advance: progress.Advance) -> float:
    """Run tasks.fitting on the spec, pass its progress on, and return the seconds it took."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, (Path(scratch) / "errors").open("w+") as errors:
        spec_file = Path(scratch) / "spec.json"
        spec_file.write_text(spec.model_dump_json())
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tasks.fitting", str(spec_file)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **_one_thread()},
        )
        try:
            for line in process.stdout or ():
                told = _progress_line(line)
                if told:
                    advance(told["done"], told.get("note", ""))
            code = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if code:
            errors.seek(0)
            last = errors.read().strip().splitlines()[-20:] or ["(it said nothing)"]
            get_run_logger().error("fitting %s on %s:\n%s", spec.recipe, spec.corpus, "\n".join(last))
            raise FitError(f"fitting {spec.recipe} on {spec.corpus} ended with exit code {code}: {last[-1]}")
    return time.monotonic() - started


def _progress_line(line: str) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and "done" in told else None


def _one_thread() -> dict[str, str]:
    # One fit uses about one core whatever it is given; two side by side use two better than one does.
    return {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
