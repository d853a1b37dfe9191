"""The models that genreflow is measured against: texts and genres in, a function from texts to probabilities out.

Each is what its own users would fit: it reads the texts as they stand, by its library's own way of finding words.
"""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from tasks import sentences

Probabilities = Callable[[Sequence[str]], np.ndarray]


class Given(NamedTuple):
    """Hold what a peer is fitted with: texts and genres, uint8 (titles, genres), of train and validation titles.

    kept is the folder of sentence vectors that were made before.
    """

    texts: Sequence[str]
    truth: np.ndarray
    validation_texts: Sequence[str]
    validation_truth: np.ndarray
    settings: Mapping[str, Any]
    random_seed: int
    kept: Path


class Peer(NamedTuple):
    """Describe a peer: how it is fitted, which values are searched, and which are tried first, the customary ones.

    by_chance says that another random seed gives another model. install is empty where genreflow's own packages do.
    """

    name: str
    fit: Callable[[Given], Probabilities]
    space: Mapping[str, BaseDistribution]
    customary: Mapping[str, Any]
    by_chance: bool = False
    available: Callable[[], bool] = lambda: True
    install: str = ""


def fit_tfidf(given: Given) -> Probabilities:
    """Fit scikit-learn's TF-IDF and one logistic regression a genre."""
    chosen = given.settings
    vectorizer = TfidfVectorizer(
        ngram_range=(1, chosen["longest_ngram"]),
        min_df=chosen["min_titles"],
        sublinear_tf=chosen["sublinear"],
        stop_words=chosen["stop_words"],
    )
    regression = LogisticRegression(
        C=chosen["c"], class_weight=chosen["class_weight"], solver="liblinear", random_state=given.random_seed
    )
    heads = OneVsRestClassifier(regression).fit(vectorizer.fit_transform(given.texts), given.truth)
    return lambda texts: np.asarray(heads.predict_proba(vectorizer.transform(texts)))


class NaiveBayesSvm(ClassifierMixin, BaseEstimator):
    """Classify by a linear SVM on features times their naive Bayes log-count ratio (Wang and Manning 2012, NBSVM).

    beta interpolates between weights that are all the same, 0, and those of the SVM, 1 (the paper's equation 4).
    """

    def __init__(self, c: float = 1.0, alpha: float = 1.0, beta: float = 0.25, random_seed: int = 0) -> None:
        self.c, self.alpha, self.beta, self.random_seed = c, alpha, beta, random_seed

    def fit(self, features: Any, truth: np.ndarray) -> NaiveBayesSvm:
        """Fit on features (titles, n-grams), none below 0, and truth (titles,) of two values."""
        counts = MultinomialNB(alpha=self.alpha).fit(features, truth).feature_log_prob_
        ratio = counts[1] - counts[0]
        # liblinear solves the dual by coordinates drawn at random, which is why it takes a seed.
        svm = LinearSVC(C=self.c, random_state=self.random_seed).fit(features.multiply(ratio).tocsr(), truth)
        weights = svm.coef_[0]
        self.weights_ = ratio * ((1 - self.beta) * np.abs(weights).mean() + self.beta * weights)
        self.intercept_ = float(svm.intercept_[0])
        self.classes_ = svm.classes_
        return self

    def decision_function(self, features: Any) -> np.ndarray:
        """Return the margin of each title (titles,)."""
        return np.asarray(features @ self.weights_ + self.intercept_)

    def predict(self, features: Any) -> np.ndarray:
        """Return the class of each title (titles,)."""
        return np.asarray(self.classes_[(self.decision_function(features) > 0).astype(int)])


def fit_nbsvm(given: Given) -> Probabilities:
    """Fit an NB-SVM a genre on n-grams that stand in a text or not, its margins made probabilities (Platt 1999)."""
    chosen = given.settings
    vectorizer = CountVectorizer(
        ngram_range=(1, chosen["longest_ngram"]), min_df=chosen["min_titles"], binary=True, dtype=np.float64
    )
    svm = NaiveBayesSvm(chosen["c"], chosen["alpha"], chosen["beta"], given.random_seed)
    heads = OneVsRestClassifier(CalibratedClassifierCV(svm, method="sigmoid", cv=3, ensemble=False))
    heads.fit(vectorizer.fit_transform(given.texts), given.truth)
    return lambda texts: np.asarray(heads.predict_proba(vectorizer.transform(texts)))


def fit_fasttext(given: Given) -> Probabilities:
    """Fit fastText's supervised model with one independent logistic loss a genre ("ova"), on one thread."""
    import fasttext

    genres = given.truth.shape[1]
    with tempfile.TemporaryDirectory() as room:
        file = Path(room) / "train.txt"
        with file.open("w", encoding="utf-8") as stream:
            for text, row in zip(given.texts, given.truth, strict=True):
                labels = " ".join(f"__label__{genre}" for genre in np.flatnonzero(row))
                stream.write(f"{labels} {_set_marks_apart(text)}\n")
        # More threads write the same weights at once: no two fits are then alike.
        model = fasttext.train_supervised(
            str(file), loss="ova", thread=1, seed=given.random_seed, bucket=500_000, verbose=0, **given.settings
        )

    def probabilities(texts: Sequence[str]) -> np.ndarray:
        found = np.zeros((len(texts), genres))
        for row, text in enumerate(texts):
            labels, values = model.predict(_set_marks_apart(text), k=-1)
            found[row, [int(label.removeprefix("__label__")) for label in labels]] = values
        # fastText adds 0.00001 to each, also to 1.
        return np.clip(found, 0.0, 1.0)

    return probabilities


def fit_minilm(given: Given) -> Probabilities:
    """Fit one logistic regression a genre on frozen sentence vectors of all-MiniLM-L6-v2."""
    encoder = sentences.open_encoder("auto", given.kept / f"{sentences.model_digest('auto')[:12]}.npz")

    def encode(texts: Sequence[str]) -> np.ndarray:
        vectors = encoder.encode(texts)
        encoder.save()
        return vectors

    regression = LogisticRegression(C=given.settings["c"], class_weight=given.settings["class_weight"], max_iter=2000)
    heads = OneVsRestClassifier(regression).fit(encode(given.texts), given.truth)
    return lambda texts: np.asarray(heads.predict_proba(encode(texts)))


def fit_conv1d(given: Given) -> Probabilities:
    """Fit the network of Keras's example "Text classification from scratch", one sigmoid a genre.

    The example's embedding, two strided convolutions, maximum and dense layer; it ends where the validation loss no
    longer falls. Seeds are global, so this needs a process of its own.
    """
    import keras
    from keras import layers

    from tasks.logic.networks import make_repeatable

    chosen = given.settings
    make_repeatable(given.random_seed)
    reading = layers.TextVectorization(max_tokens=20_000, output_sequence_length=chosen["words"])
    reading.adapt(np.array(given.texts))
    words = keras.Input((chosen["words"],), dtype="int64")
    x = layers.Embedding(20_000, chosen["size"])(words)
    x = layers.Dropout(chosen["dropout"])(x)
    for _ in range(2):
        x = layers.Conv1D(chosen["filters"], chosen["width"], strides=3, activation="relu")(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dense(chosen["filters"], activation="relu")(x)
    x = layers.Dropout(chosen["dropout"])(x)
    network = keras.Model(words, layers.Dense(given.truth.shape[1], activation="sigmoid")(x))
    network.compile(optimizer=keras.optimizers.Adam(chosen["learning_rate"]), loss="binary_crossentropy")
    network.fit(
        np.asarray(reading(np.array(given.texts))),
        given.truth,
        validation_data=(np.asarray(reading(np.array(given.validation_texts))), given.validation_truth),
        batch_size=32,
        epochs=15,
        verbose=0,
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)],
    )
    return lambda texts: np.asarray(network.predict(np.asarray(reading(np.array(texts))), verbose=0), np.float64)


def _set_marks_apart(text: str) -> str:
    # As fastText's own tutorial prepares texts; a line is a title there.
    return " ".join(re.sub(r"([.!?,'\"/()])", r" \1 ", text.lower()).split())


_C = FloatDistribution(0.1, 100.0, log=True)
_CLASS_WEIGHT = CategoricalDistribution([None, "balanced"])

PEERS = (
    Peer(
        "TF-IDF + logistic regression",
        fit_tfidf,
        {
            "longest_ngram": IntDistribution(1, 2),
            "min_titles": IntDistribution(2, 5),
            "sublinear": CategoricalDistribution([False, True]),
            "stop_words": CategoricalDistribution([None, "english"]),
            "class_weight": _CLASS_WEIGHT,
            "c": _C,
        },
        {
            "longest_ngram": 1,
            "min_titles": 2,
            "sublinear": True,
            "stop_words": "english",
            "class_weight": None,
            "c": 1.0,
        },
    ),
    Peer(
        "NB-SVM",
        fit_nbsvm,
        {
            "longest_ngram": IntDistribution(1, 3),
            "min_titles": IntDistribution(2, 5),
            "alpha": FloatDistribution(0.1, 10.0, log=True),
            "beta": FloatDistribution(0.1, 1.0),
            "c": FloatDistribution(0.001, 10.0, log=True),
        },
        {"longest_ngram": 2, "min_titles": 2, "alpha": 1.0, "beta": 0.25, "c": 1.0},
    ),
    Peer(
        "fastText",
        fit_fasttext,
        {
            "lr": FloatDistribution(0.05, 1.0, log=True),
            "epoch": IntDistribution(5, 50),
            "dim": CategoricalDistribution([50, 100, 200]),
            "wordNgrams": IntDistribution(1, 2),
            "minCount": IntDistribution(1, 5),
        },
        {"lr": 0.5, "epoch": 25, "dim": 100, "wordNgrams": 2, "minCount": 1},
        by_chance=True,
        available=lambda: importlib.util.find_spec("fasttext") is not None,
        install="pip install fasttext-community",
    ),
    Peer(
        "MiniLM + logistic regression",
        fit_minilm,
        {"c": _C, "class_weight": _CLASS_WEIGHT},
        {"c": 1.0, "class_weight": None},
        available=lambda: sentences.is_available("auto"),
        install=sentences.INSTALL,
    ),
    Peer(
        "Conv1D (Keras)",
        fit_conv1d,
        {
            "words": CategoricalDistribution([250, 500]),
            "size": CategoricalDistribution([64, 128]),
            "filters": CategoricalDistribution([64, 128]),
            "width": CategoricalDistribution([3, 5, 7]),
            "dropout": FloatDistribution(0.2, 0.6),
            "learning_rate": FloatDistribution(0.0003, 0.003, log=True),
        },
        {"words": 500, "size": 128, "filters": 128, "width": 7, "dropout": 0.5, "learning_rate": 0.001},
        by_chance=True,
    ),
)
