"""The linear recipe: TF-IDF of words and word pairs, one logistic regression a genre; arrays, no pickle."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression


@dataclass(frozen=True)
class LinearModel:
    """Hold terms (t), their inverse document frequencies (t,), weights (genres, t) and intercepts (genres,)."""

    ngrams: int
    terms: list[str]
    idf: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    @functools.cached_property
    def vectorizer(self) -> TfidfVectorizer:
        """Return the fitted vectorizer, rebuilt from the arrays once."""
        vectorizer = _vectorizer(self.ngrams, vocabulary={term: i for i, term in enumerate(self.terms)})
        vectorizer.idf_ = self.idf
        return vectorizer


def fit_linear(
    texts: Sequence[str],
    truth: np.ndarray,
    *,
    ngrams: int,
    min_titles: int,
    max_terms: int | None,
    c: float,
    random_seed: int,
    on_genre: Callable[[int], None] | None = None,
) -> LinearModel:
    """Fit one L2-regularised logistic regression a genre on sublinear TF-IDF of space-joined texts.

    truth is (titles, genres), 0 or 1, each genre with both values present. Raises ValueError from scikit-learn
    when no term stands in min_titles texts.
    """
    vectorizer = _vectorizer(ngrams, min_df=min_titles, max_features=max_terms)
    features = vectorizer.fit_transform(texts)
    weights = np.empty((truth.shape[1], features.shape[1]), dtype=np.float32)
    intercepts = np.empty(truth.shape[1], dtype=np.float64)
    for genre in range(truth.shape[1]):
        regression = LogisticRegression(C=c, solver="liblinear", random_state=random_seed)
        regression.fit(features, truth[:, genre])
        weights[genre], intercepts[genre] = regression.coef_[0], regression.intercept_[0]
        if on_genre:
            on_genre(genre + 1)
    return LinearModel(ngrams, list(vectorizer.get_feature_names_out()), vectorizer.idf_, weights, intercepts)


def linear_probabilities(model: LinearModel, texts: Sequence[str]) -> np.ndarray:
    """Return the probability of each genre for space-joined texts: float64 (titles, genres)."""
    scores = model.vectorizer.transform(texts) @ model.weights.T.astype(np.float64) + model.intercepts
    return np.asarray(1.0 / (1.0 + np.exp(-scores)))


def _vectorizer(ngrams: int, **options: Any) -> TfidfVectorizer:
    return TfidfVectorizer(
        tokenizer=str.split,
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, ngrams),
        sublinear_tf=True,
        **options,
    )
