"""Fit one recipe in a process of its own: `python -m tasks.fitting SPEC.json`, progress as JSON lines on stdout.

Seeds are global and TensorFlow keeps its memory, so no two fits share a process.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel

from conf.names import Corpus, Recipe
from tasks import saved_recipe, store
from tasks.recipes import FITS, Fitting, joined, labelled, labelled_elsewhere, texts_of

MODEL = "model"
PROBABILITIES = "probabilities.npz"
HISTORY = "history.json"
SCORED_SPLITS = ("validation", "selection", "test")


class FitSpec(BaseModel, frozen=True):
    """Say what is fitted on what, which splits get probabilities, and where files go (folders of this machine).

    others is a table of train titles' texts in the other corpus, others_genres are the genres modelled there.
    """

    recipe: Recipe
    corpus: Corpus
    titles: Path
    genres: list[str]
    others: Path | None = None
    others_genres: list[str] = []
    vectors: Path | None
    folder: Path
    kept: Path | None = None
    random_seed: int
    settings: dict[str, Any]
    splits: tuple[str, ...] = SCORED_SPLITS


def fit(spec: FitSpec) -> None:
    """Fit the recipe on the fitted train titles; write its model, probabilities by split, and loss by epoch."""
    frame = pd.read_parquet(spec.titles)
    folder = spec.folder / MODEL
    folder.mkdir(parents=True)
    fitted = {split: frame[frame["fitted"] & (frame["split"] == split)] for split in ("train", "validation")}
    train = labelled(fitted["train"], spec.genres)
    titles = {title for rows in fitted.values() for title in rows["title_id"]}
    if spec.others:
        others, weight = pd.read_parquet(spec.others), spec.settings["other_texts"]
        train = joined(train, labelled_elsewhere(others, spec.genres, weight, spec.others_genres))
        titles |= set(others["title_id"])
    probabilities, history = FITS[spec.recipe](
        Fitting(
            train=train,
            validation=labelled(fitted["validation"], spec.genres),
            settings=spec.settings,
            folder=folder,
            random_seed=spec.random_seed,
            vectors=spec.vectors,
            kept=spec.kept,
            report=_report,
        )
    )
    saved_recipe.save_fitted_titles(folder, titles)
    by_split = {split: probabilities(texts_of(frame[frame["split"] == split])) for split in spec.splits}
    saved_recipe.save_arrays(spec.folder / PROBABILITIES, by_split)
    (spec.folder / HISTORY).write_text(json.dumps(history))


def _report(done: int, total: int, note: str, figures: dict[str, float] | None = None) -> None:
    sys.stdout.write(json.dumps({"done": done, "total": total, "note": note, "figures": figures}) + "\n")
    sys.stdout.flush()


def _follow_starter() -> None:
    """End this process soon after the one that started it, however that one ends: nobody else wants the fit."""
    starter = os.getppid()

    def watch() -> None:
        while os.getppid() == starter:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _follow_starter()
    spec = FitSpec.model_validate_json(Path(sys.argv[1]).read_bytes())
    try:
        with store.named_refusal(spec.folder):
            fit(spec)
    except store.StoreError as error:
        sys.exit(str(error))
