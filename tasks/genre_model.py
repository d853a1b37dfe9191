"""The MLflow model, from code: raw texts in, genres and probabilities out. Weights and tables are artifacts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model

from tasks.logic.calibration import apply_calibration
from tasks.logic.decisions import decide, under
from tasks.logic.explanation import Explanation, explain, explained_genres, read_passage
from tasks.logic.labels import to_genres
from tasks.logic.params import read_params, tell_probabilities
from tasks.logic.text import read_texts
from tasks.saved_recipe import check_digests, open_recipe, read_fitted_titles

CARD = "model.json"


class GenreModel(mlflow.pyfunc.PythonModel):
    """Predict movie genres with everything that training used: cleaning, vocabulary, weights, thresholds."""

    def load_context(self, context: Any) -> None:
        """Read the artifacts, all as they were logged: the recipe's files, model.json, the titles fitted on."""
        folder = Path(context.artifacts["model"])
        check_digests(folder)
        self.card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        self.fitted_titles = read_fitted_titles(folder)
        self._stop_words = frozenset(self.card["stop_words"])
        self._recipe = open_recipe(folder)

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Return each genre's calibrated probability, float64 (texts, genres).

        Raises TypeError naming the row of a non-text, counted from 1.
        """
        check_texts(texts)
        read = read_texts(texts, self._stop_words)
        return apply_calibration(self._recipe(read), self.card["calibration"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return a row a text: its genres, the genres' probabilities, and what its words say of them where asked for.

        params are those of logic.params.Params. Raises MlflowException, which a server answers as a bad request,
        naming the row or the param, its value, and what was expected.
        """
        texts = model_input["text"].tolist()
        try:
            check_texts(texts)
            asked = read_params(params)
            decision = under(self.card, asked.thresholds)
        except (TypeError, ValueError) as error:
            # Of any other exception a server tells no message.
            raise MlflowException.invalid_parameter_value(str(error)) from error
        names = self.card["genres"]
        probabilities = self.probabilities(texts)
        chosen = decide(probabilities, decision)
        genres = to_genres(chosen, names)
        told: dict[str, list[Any]] = {
            "genres": genres,
            "probabilities": tell_probabilities(probabilities, chosen, names, asked.top),
        }
        if asked.explain:
            rows = zip(texts, tell_probabilities(probabilities, chosen, names, 0), genres, strict=True)
            told["explanation"] = [self._explain(*row) for row in rows]
        return pd.DataFrame(told, index=model_input.index)

    def _explain(self, text: str, probabilities: dict[str, float], predicted: list[str]) -> Explanation:
        """Return how much each word of a text adds to the calibrated logit of its genres, or of the likeliest one."""
        names = self.card["genres"]
        genres = explained_genres(probabilities, predicted)
        passage = read_passage(text, self._stop_words)
        added = self._recipe.contributions(passage, [names.index(genre) for genre in genres])
        return explain(passage, added * self.card["calibration"]["slope"], genres)


def check_texts(texts: Sequence[Any]) -> None:
    """Check that all are texts; raises TypeError naming the first row, counted from 1, that is none."""
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise TypeError(f"row {number}: expected a text, got {text!r}")


set_model(GenreModel())
