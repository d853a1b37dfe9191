"""The MLflow model, from code: raw texts in, genres and probabilities out. Weights and tables are artifacts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import set_model

from tasks.logic.calibration import apply_calibration
from tasks.logic.decisions import decide
from tasks.logic.explanation import Explanation, explain, explained_genres, read_passage
from tasks.logic.labels import to_genres
from tasks.logic.text import read_texts
from tasks.saved_recipe import open_recipe, read_fitted_titles

CARD = "model.json"


class GenreModel(mlflow.pyfunc.PythonModel):
    """Predict movie genres with everything that training used: cleaning, vocabulary, weights, thresholds."""

    def load_context(self, context: Any) -> None:
        """Read the artifacts: the recipe's files, model.json, and the ids of the titles fitted on."""
        folder = Path(context.artifacts["model"])
        self.card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        self.fitted_titles = read_fitted_titles(folder)
        self._stop_words = frozenset(self.card["stop_words"])
        self._recipe = open_recipe(folder)

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Return each genre's calibrated probability, float64 (texts, genres).

        Raises TypeError naming the row of a non-text.
        """
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"row {row}: expected a text, got {text!r}")
        read = read_texts(texts, self._stop_words)
        return apply_calibration(self._recipe(read), self.card["calibration"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return a row a text: genres at or above the model's thresholds, and every genre's probability."""
        probabilities = self.probabilities(model_input["text"].tolist())
        names = self.card["genres"]
        chosen = decide(probabilities, self.card)
        return pd.DataFrame(
            {
                "genres": to_genres(chosen, names),
                "probabilities": [dict(zip(names, row, strict=True)) for row in probabilities.tolist()],
            },
            index=model_input.index,
        )

    def explain(self, text: str) -> Explanation:
        """Return how much each word of a text adds to the logit of its genres, or of the most probable one.

        The logits are the calibrated ones. Raises TypeError for a non-text.
        """
        names = self.card["genres"]
        probabilities = self.probabilities([text])
        (predicted,) = to_genres(decide(probabilities, self.card), names)
        genres = explained_genres(dict(zip(names, probabilities[0].tolist(), strict=True)), predicted)
        passage = read_passage(text, self._stop_words)
        added = self._recipe.contributions(passage, [names.index(genre) for genre in genres])
        return explain(passage, added * self.card["calibration"]["slope"], genres)


set_model(GenreModel())
