"""The bilstm recipe's network: a bidirectional LSTM over Word2Vec vectors, word n-grams beside it in the same network.

Keras is imported when first used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from tasks.logic.linear import LinearModel, Terms
from tasks.logic.networks import History, OnEpoch, build_optimizer, embedding, history_of, report_epochs
from tasks.logic.sequences import like_lengths, number_words, pad, read_windows

# Lengths are rounded up to this many words, or n-grams, so that few shapes of batches are compiled.
_STEP = 8
_TERM_STEP = 32
_PREDICTED_AT_ONCE = 128


class Reading(NamedTuple):
    """Hold texts as the network reads them: rows of word numbers, and the weights of their n-grams (texts, terms)."""

    rows: list[np.ndarray]
    terms: csr_matrix


def read(words: Sequence[str], numbers: Mapping[str, int], terms: Terms, window: int, max_words: int) -> Reading:
    """Read space-joined texts: known words, of very long texts evenly spread windows, and all known n-grams."""
    rows = [read_windows(row, window, max_words) for row in number_words(words, numbers)]
    return Reading(rows, terms.weigh(words))


def build_bilstm(
    vectors: np.ndarray,
    start: LinearModel,
    *,
    units: int,
    window: int,
    pooling: str,
    joint_units: int,
    word_dropout: float,
    vector_dropout: float,
    dropout: float,
    term_scale: float,
    random_seed: int,
) -> Any:
    """Build the network; vectors (words, size) are where the embedding starts, to be fine-tuned.

    The recurrent path reads every word in windows and is pooled over all of them: by attention, each genre its own
    ("attention"), by mean and maximum ("mean_max"), or both. The n-grams' weights start from a regularised linear
    model (start), which the rare genres need: early stopping leaves them no time to grow. With joint_units, all
    genres' probabilities correct each genre's logit through a hidden layer of that size (after Xun et al. 2020).
    Inputs are words int32 (titles, length), terms int32 and weights float32 (titles, n-grams); the output is
    probabilities (titles, genres).
    """
    import keras
    from keras import layers, ops

    from tasks.logic import layers as ours

    genres = len(start.intercepts)
    words = layers.Input((None,), dtype="int32", name="words")
    terms = layers.Input((None,), dtype="int32", name="terms")
    weights = layers.Input((None,), dtype="float32", name="weights")
    known = ops.not_equal(words, 0)
    embedded = ours.WordDropout(word_dropout, random_seed)(embedding(vectors, trainable=True)(words))
    embedded = layers.SpatialDropout1D(vector_dropout, seed=random_seed + 1)(embedded)
    read = ours.WindowedBiLSTM(units, window)(embedded, known)
    wide = ours.TermScores(len(start.terms.terms), genres)
    scores = [wide(terms, weights)]
    if pooling in ("attention", "both"):
        kept = layers.Dropout(dropout, seed=random_seed + 2)(read)
        scores.append(ours.GenreAttention(genres)(kept, known))
    if pooling in ("mean_max", "both"):
        pooled = layers.Dropout(dropout, seed=random_seed + 3)(ours.MaskedPooling()(read, known))
        scores.append(layers.Dense(genres, use_bias=False)(pooled))
    bias = ours.GenreBias(name="bias")
    logits = bias(layers.Add()(scores))
    if joint_units:
        hidden = layers.Dense(joint_units, activation="elu")(layers.Activation("sigmoid")(logits))
        logits = layers.Add()([logits, layers.Dense(genres, kernel_initializer="zeros")(hidden)])
    network = keras.Model([words, terms, weights], layers.Activation("sigmoid")(logits), name="bilstm")
    nothing = np.zeros((1, genres), np.float32)
    wide.set_weights([np.vstack([nothing, start.weights.T / term_scale])])
    bias.set_weights([start.intercepts.astype(np.float32)])
    return network


def compile_for(
    network: Any,
    genre_shares: np.ndarray,
    *,
    learning_rate: float,
    label_smoothing: float,
    focal_gamma: float,
    rare_weight: float,
) -> None:
    """Compile the network with binary cross-entropy, changed as asked; genre_shares (genres,) are the train titles'.

    label_smoothing moves targets that far to the genre's share: a genre that is not listed may be missing.
    focal_gamma is that of Lin et al. 2017. rare_weight weighs positives by (1 / share) ** rare_weight, mean 1.
    """
    import keras
    from keras import ops

    shares = genre_shares.astype(np.float32)
    weights = (1.0 / shares) ** rare_weight
    weights = (weights / weights.mean()).astype(np.float32)

    def loss(truth: Any, predicted: Any) -> Any:
        sure = ops.clip(predicted, 1e-6, 1.0 - 1e-6)
        # PyTorch multiplies no tensor by an array.
        dtype = keras.backend.standardize_dtype(sure.dtype)
        target = truth * (1.0 - label_smoothing) + label_smoothing * ops.convert_to_tensor(shares, dtype)
        positive = target * ops.log(sure) * ops.convert_to_tensor(weights, dtype)
        entropy = -(positive + (1.0 - target) * ops.log(1.0 - sure))
        # A value a title and genre: Keras multiplies them by what they count.
        return entropy * ops.power(ops.abs(truth - sure), focal_gamma) if focal_gamma else entropy

    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=loss,
        metrics=[
            keras.metrics.BinaryCrossentropy(name="entropy"),
            keras.metrics.AUC(curve="PR", name="average_precision"),
        ],
    )
    build_optimizer(network)


def fit_bilstm(
    network: Any,
    reading: Reading,
    targets: tuple[np.ndarray, np.ndarray],
    validation: tuple[Reading, np.ndarray],
    *,
    window: int,
    term_scale: float,
    batch_size: int,
    epochs: int,
    patience: int,
    rate_factor: float,
    rate_patience: int,
    random_seed: int,
    on_epoch: OnEpoch,
) -> History:
    """Fit on batches of like length until the validation cross-entropy has not fallen for `patience` epochs.

    The learning rate is multiplied by rate_factor after rate_patience epochs without progress; the best epoch's
    weights are restored. targets are the genres and what each counts, both (texts, genres); validation texts all
    count 1. Returns train and validation cross-entropy by epoch.
    """
    import keras

    random_generator = np.random.default_rng(random_seed)
    monitor = {"monitor": "val_entropy", "mode": "min"}
    fitted = network.fit(
        _batches(reading, window, term_scale, batch_size, targets, random_generator),
        validation_data=_batches(validation[0], window, term_scale, _PREDICTED_AT_ONCE, validation[1:]),
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[
            keras.callbacks.ReduceLROnPlateau(factor=rate_factor, patience=rate_patience, min_lr=1e-5, **monitor),
            keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True, **monitor),
            report_epochs(on_epoch),
        ],
    )
    return history_of(fitted, "entropy")


def bilstm_probabilities(network: Any, reading: Reading, window: int, term_scale: float) -> np.ndarray:
    """Return each genre's probability for texts: float64 (texts, genres)."""
    found = np.empty((len(reading.rows), network.output_shape[-1]))
    for indices in like_lengths(reading.rows, _PREDICTED_AT_ONCE):
        inputs = inputs_of(reading, indices, window, term_scale)
        found[indices] = np.asarray(network.predict_on_batch(inputs), dtype=np.float64)
    return found


def without_optimizer(network: Any) -> Any:
    """Return the network as it predicts: the optimizer's state is twice its weights, and nobody needs it again."""
    import keras

    return keras.Model(network.inputs, network.outputs[0], name=network.name)


def inputs_of(reading: Reading, indices: np.ndarray, window: int, term_scale: float) -> list[np.ndarray]:
    """Return a batch of texts as the network's inputs: words, terms (n-gram i as i + 1) and their weights, padded."""
    rows = [reading.rows[int(i)] for i in indices]
    length = _rounded(max(len(row) for row in rows), _STEP)
    if length > window:
        length = _rounded(length, window)
    chosen = reading.terms[indices]
    counts = np.diff(chosen.indptr)
    terms = np.zeros((len(rows), _rounded(int(counts.max()), _TERM_STEP)), np.int32)
    weights = np.zeros(terms.shape, np.float32)
    at = (np.repeat(np.arange(len(rows)), counts), np.arange(chosen.nnz) - np.repeat(chosen.indptr[:-1], counts))
    terms[at], weights[at] = chosen.indices + 1, chosen.data * term_scale
    return [pad(rows, length), terms, weights]


def _widened(inputs: list[np.ndarray], other: list[np.ndarray], window: int) -> list[np.ndarray]:
    """Return the inputs with more padding where they are as wide as the other batch's."""
    length = inputs[0].shape[1]
    steps = (_STEP if length < window else window, _TERM_STEP, _TERM_STEP)
    return [
        np.pad(mine, ((0, 0), (0, step))) if mine.shape[1] == theirs.shape[1] else mine
        for mine, theirs, step in zip(inputs, other, steps, strict=True)
    ]


def _rounded(size: int, step: int) -> int:
    return max(-(-size // step), 1) * step


def _batches(
    reading: Reading,
    window: int,
    term_scale: float,
    batch_size: int,
    targets: tuple[np.ndarray, ...],
    random_generator: np.random.Generator | None = None,
) -> Any:
    import keras

    values = [each.astype(np.float32) for each in targets]

    class Batches(keras.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__()
            self.on_epoch_end()

        def on_epoch_end(self) -> None:
            self.batches = list(like_lengths(reading.rows, batch_size, random_generator))

        def __len__(self) -> int:
            return len(self.batches)

        def __getitem__(self, i: int) -> tuple[Any, ...]:
            inputs = inputs_of(reading, self.batches[i], window, term_scale)
            if i == 1:
                # Keras takes for fixed what the first two batches have in common.
                first = inputs_of(reading, self.batches[0], window, term_scale)
                inputs = _widened(inputs, first, window)
            return tuple(inputs), *(each[self.batches[i]] for each in values)

    return Batches()
