"""How each recipe is fitted: texts, genres and settings in; saved model, probabilities and losses by epoch out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from conf.training import BiLstm, Linear, SeedNetwork, Sentence
from tasks import saved_recipe, sentences
from tasks.logic import bilstm, linear, networks, sequences
from tasks.logic.labels import to_matrix
from tasks.logic.names import learn_names
from tasks.logic.text import Texts
from tasks.saved_recipe import Probabilities

# report(done, total, note, figures=None): how far a fit is, in its own steps, and an epoch's figures.
Report = Callable[..., None]


class Labelled(NamedTuple):
    """Hold texts of titles, their genres, uint8 (texts, genres), and what a text counts for a genre, float (the same).

    A text of the other corpus counts less than one of the corpus's own, and nothing for a genre not modelled there.
    """

    texts: Texts
    truth: np.ndarray
    weights: np.ndarray


class Fitting(NamedTuple):
    """Hold what a recipe is fitted with: train and validation titles, settings, and where its files go.

    vectors is the folder of the Word2Vec that the recipe reads, kept that of results that outlive a fit; both only
    where the recipe needs them.
    """

    train: Labelled
    validation: Labelled
    settings: dict[str, Any]
    folder: Path
    random_seed: int
    vectors: Path | None
    kept: Path | None
    report: Report


def labelled(frame: pd.DataFrame, genres: Sequence[str]) -> Labelled:
    """Return the texts and genres of a corpus's rows; each counts 1."""
    truth = to_matrix(frame["genres"], genres)
    return Labelled(texts_of(frame), truth, np.ones(truth.shape))


def labelled_elsewhere(
    frame: pd.DataFrame, genres: Sequence[str], weight: float, modelled_there: Sequence[str]
) -> Labelled:
    """Return the texts and genres of the other corpus's rows; each counts weight for the genres modelled there."""
    named = frame["genres"].map(lambda of_title: [genre for genre in of_title if genre in genres])
    counts = [weight if genre in modelled_there else 0.0 for genre in genres]
    return Labelled(texts_of(frame), to_matrix(named, genres), np.tile(counts, (len(frame), 1)))


def joined(first: Labelled, second: Labelled) -> Labelled:
    """Return the texts of both, one after the other."""
    texts = Texts([*first.texts.raw, *second.texts.raw], [*first.texts.words, *second.texts.words])
    return Labelled(texts, np.vstack([first.truth, second.truth]), np.vstack([first.weights, second.weights]))


def texts_of(frame: pd.DataFrame) -> Texts:
    """Return what recipes read of a corpus's rows."""
    return Texts(frame["text"].tolist(), frame["tokens"].tolist())


def fit_linear(given: Fitting) -> tuple[Probabilities, networks.History]:
    """Fit the recipes linear and characters, TF-IDF with a logistic regression a genre."""
    settings = Linear.model_validate(given.settings)
    genres = given.train.truth.shape[1]
    texts = given.train.texts.words if settings.unit == "words" else given.train.texts.raw
    model = linear.fit_linear(
        texts,
        given.train.truth,
        given.train.weights,
        **settings.model_dump(exclude={"other_texts"}),
        random_seed=given.random_seed,
        on_genre=lambda done: given.report(done, genres, "genres"),
    )
    saved_recipe.save_linear(given.folder, model)
    return lambda texts: linear.linear_probabilities(model, getattr(texts, model.terms.reads)), {}


def fit_seed(given: Fitting) -> tuple[Probabilities, networks.History]:
    """Fit the study's network for its number of epochs."""
    settings = SeedNetwork.model_validate(given.settings)
    vocabulary, vectors = _vectors(given)
    numbers = sequences.numbers_of(vocabulary)
    rows = sequences.number_words(given.train.texts.words, numbers)
    length = min(max(len(row) for row in rows), settings.max_words)
    networks.make_repeatable(given.random_seed)
    network = networks.build_seed(
        vectors,
        given.train.truth.shape[1],
        length,
        units=settings.units,
        dropout=settings.dropout,
        learning_rate=settings.learning_rate,
    )
    history = networks.fit_padded(
        network,
        rows,
        given.train.truth,
        (sequences.number_words(given.validation.texts.words, numbers), given.validation.truth),
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        on_epoch=_on_epoch(given.report, 0, settings.epochs, "val_loss"),
    )
    saved_recipe.save_seed(given.folder, network, vocabulary)
    return lambda texts: networks.seed_probabilities(network, sequences.number_words(texts.words, numbers)), history


def fit_bilstm(given: Fitting) -> tuple[Probabilities, networks.History]:
    """Fit the members of a bilstm, networks of one shape and different seeds; their losses are averaged by epoch."""
    settings = BiLstm.model_validate(given.settings)
    texts, truth, weights = given.train.texts.words, given.train.truth, given.train.weights
    vocabulary, vectors = _common_words(texts, *_vectors(given), settings.min_titles)
    start = linear.fit_linear(
        texts,
        truth,
        weights,
        unit="words",
        ngrams=settings.ngrams,
        min_titles=settings.min_titles,
        max_terms=settings.max_terms,
        c=settings.start_c,
        random_seed=given.random_seed,
    )
    reading = {"window": settings.window, "max_words": settings.max_words}
    numbers = sequences.numbers_of(vocabulary)
    train = bilstm.read(texts, numbers, start.terms, **reading)
    validation = bilstm.read(given.validation.texts.words, numbers, start.terms, **reading)
    members, histories = [], []
    for member in range(settings.members):
        seed = given.random_seed + member
        networks.make_repeatable(seed)
        network = bilstm.build_bilstm(vectors * settings.vector_scale, start, random_seed=seed, **_shape(settings))
        bilstm.compile_for(
            network,
            np.average(truth, axis=0, weights=weights),
            learning_rate=settings.learning_rate,
            label_smoothing=settings.label_smoothing,
            focal_gamma=settings.focal_gamma,
            rare_weight=settings.rare_weight,
        )
        histories.append(
            bilstm.fit_bilstm(
                network,
                train,
                (truth, weights),
                (validation, given.validation.truth),
                window=settings.window,
                term_scale=settings.term_scale,
                batch_size=settings.batch_size,
                epochs=settings.epochs,
                patience=settings.patience,
                rate_factor=settings.rate_factor,
                rate_patience=settings.rate_patience,
                random_seed=seed,
                on_epoch=_on_epoch(
                    given.report, member * settings.epochs, settings.members * settings.epochs, "val_entropy"
                ),
            )
        )
        members.append(bilstm.without_optimizer(network))
    saved_recipe.save_bilstm(given.folder, members, vocabulary, start.terms, term_scale=settings.term_scale, **reading)
    reader = saved_recipe.bilstm_reader(members, numbers, start.terms, term_scale=settings.term_scale, **reading)
    return reader, _mean_history(histories)


def fit_sentence(given: Fitting) -> tuple[Probabilities, networks.History]:
    """Fit a logistic regression a genre on frozen sentence vectors; vectors once made are kept."""
    settings = Sentence.model_validate(given.settings)
    assert given.kept is not None
    encoder = sentences.open_encoder(
        settings.model, given.kept / "sentences" / f"{sentences.model_digest(settings.model)[:12]}.npz"
    )
    names = learn_names(given.train.texts.raw)
    reader = sentences.Reader(encoder, names)
    features = reader.read(given.train.texts.raw, lambda done, total: given.report(done, total, "train texts"))
    encoder.save()
    head = LogisticRegression(C=settings.c, random_state=given.random_seed, max_iter=1000)
    weights, intercepts = linear.fit_heads(head, features, given.train.truth, given.train.weights)
    saved_recipe.save_sentence(given.folder, settings.model, names, weights, intercepts)

    def probabilities(texts: Texts) -> np.ndarray:
        found = reader.read(texts.raw, lambda done, total: given.report(done, total, "texts"))
        encoder.save()
        return linear.logistic(found @ weights.T + intercepts)

    return probabilities, {}


FITS: dict[str, Callable[[Fitting], tuple[Probabilities, networks.History]]] = {
    "seed": fit_seed,
    "linear": fit_linear,
    "characters": fit_linear,
    "bilstm": fit_bilstm,
    "sentence": fit_sentence,
}


def _shape(settings: BiLstm) -> dict[str, Any]:
    names = ("units", "window", "pooling", "joint_units", "word_dropout", "vector_dropout", "dropout", "term_scale")
    return {name: getattr(settings, name) for name in names}


def _vectors(given: Fitting) -> tuple[list[str], np.ndarray]:
    if given.vectors is None:
        raise ValueError("the recipe needs Word2Vec vectors; got none")
    return saved_recipe.read_vectors(given.vectors)


def _common_words(
    texts: Sequence[str], vocabulary: Sequence[str], vectors: np.ndarray, min_titles: int
) -> tuple[list[str], np.ndarray]:
    titles = Counter(word for text in texts for word in set(text.split()))
    kept = [i for i, word in enumerate(vocabulary) if titles[word] >= min_titles]
    return [vocabulary[i] for i in kept], vectors[kept]


def _on_epoch(report: Report, before: int, total: int, loss: str) -> networks.OnEpoch:
    return lambda epoch, figures: report(before + epoch, total, f"validation loss {figures[loss]:.4f}", figures)


def _mean_history(histories: Sequence[networks.History]) -> networks.History:
    """Average losses by epoch; an epoch that not every member ran is averaged over those that did."""
    longest = max(len(history["train"]) for history in histories)
    return {
        split: [
            float(np.mean([history[split][epoch] for history in histories if epoch < len(history[split])]))
            for epoch in range(longest)
        ]
        for split in ("train", "validation")
    }
