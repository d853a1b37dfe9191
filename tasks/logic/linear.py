"""TF-IDF and one logistic regression a genre: the recipes linear (words) and characters; arrays, no pickle."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

Unit = Literal["words", "characters"]


@dataclass(frozen=True)
class Terms:
    """Hold the n-grams that a model knows (t) and their inverse document frequencies (t,).

    unit "words" reads space-joined words, "characters" raw texts, each n-gram inside one word; ngrams is the
    shortest and the longest n-gram.
    """

    unit: Unit
    ngrams: tuple[int, int]
    terms: list[str]
    idf: np.ndarray

    @property
    def reads(self) -> Literal["words", "raw"]:
        """Return which of Texts the terms are found in."""
        return "words" if self.unit == "words" else "raw"

    @functools.cached_property
    def vectorizer(self) -> TfidfVectorizer:
        """Return the fitted vectorizer, rebuilt from the arrays once."""
        vectorizer = _vectorizer(self.unit, self.ngrams, vocabulary={term: i for i, term in enumerate(self.terms)})
        vectorizer.idf_ = self.idf
        return vectorizer

    def weigh(self, texts: Sequence[str]) -> csr_matrix:
        """Return sublinear TF-IDF, each row of length 1: float64 (texts, t)."""
        return self.vectorizer.transform(texts)


@dataclass(frozen=True)
class LinearModel:
    """Hold the terms (t), weights (genres, t) and intercepts (genres,)."""

    terms: Terms
    weights: np.ndarray
    intercepts: np.ndarray

    @functools.cached_property
    def by_term(self) -> np.ndarray:
        """Return the weights as products read them, float64 (t, genres); turning them costs far more than one text."""
        return np.ascontiguousarray(self.weights.T, dtype=np.float64)


def fit_linear(
    texts: Sequence[str],
    truth: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    unit: Unit,
    ngrams: tuple[int, int],
    min_titles: int,
    max_terms: int | None,
    c: float,
    random_seed: int,
    on_genre: Callable[[int], None] | None = None,
) -> LinearModel:
    """Fit one L2-regularised logistic regression a genre on the sublinear TF-IDF of texts.

    truth is (titles, genres), 0 or 1, each genre with both values present. weights (titles, genres) say what a text
    counts for a genre, 0: nothing is known of it; by default all count 1. Raises ValueError from scikit-learn when no
    term stands in min_titles texts.
    """
    vectorizer = _vectorizer(unit, ngrams, min_df=min_titles, max_features=max_terms)
    features = vectorizer.fit_transform(texts)
    regression = LogisticRegression(C=c, solver="liblinear", random_state=random_seed)
    terms = Terms(unit, ngrams, list(vectorizer.get_feature_names_out()), vectorizer.idf_)
    return LinearModel(terms, *fit_heads(regression, features, truth, weights, on_genre))


def fit_heads(
    regression: LogisticRegression,
    features: Any,
    truth: np.ndarray,
    weights: np.ndarray | None = None,
    on_genre: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the regression once a genre on features (titles, f); truth and weights are those of fit_linear.

    Returns coefficients float32 (genres, f) and intercepts float64 (genres,).
    """
    coefficients = np.empty((truth.shape[1], features.shape[1]), dtype=np.float32)
    intercepts = np.empty(truth.shape[1], dtype=np.float64)
    for genre in range(truth.shape[1]):
        counts = np.ones(len(truth)) if weights is None else weights[:, genre]
        # liblinear refuses titles that count nothing. All of them are not copied.
        rows = np.flatnonzero(counts)
        chosen = features if len(rows) == len(truth) else features[rows]
        regression.fit(chosen, truth[rows, genre], sample_weight=counts[rows])
        coefficients[genre], intercepts[genre] = regression.coef_[0], regression.intercept_[0]
        if on_genre:
            on_genre(genre + 1)
    return coefficients, intercepts


def linear_probabilities(model: LinearModel, texts: Sequence[str]) -> np.ndarray:
    """Return the probability of each genre for texts of the terms' unit: float64 (titles, genres)."""
    return logistic(model.terms.weigh(texts) @ model.by_term + model.intercepts)


def logistic(scores: np.ndarray) -> np.ndarray:
    """Return probabilities for logits of any shape, float64."""
    return np.asarray(expit(np.asarray(scores, dtype=np.float64)))


def _vectorizer(unit: Unit, ngrams: tuple[int, int], **options: Any) -> TfidfVectorizer:
    reading: dict[str, Any] = (
        {"tokenizer": str.split, "token_pattern": None, "lowercase": False}
        if unit == "words"
        else {"analyzer": "char_wb", "lowercase": True}
    )
    return TfidfVectorizer(ngram_range=ngrams, sublinear_tf=True, **reading, **options)
