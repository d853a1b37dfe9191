"""The Keras networks: the study's (seed) and the masked, bucketed one (bilstm). Keras is imported when first used."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tasks.logic import sequences

History = dict[str, list[float]]
OnEpoch = Callable[[int, dict[str, float]], None]


def make_repeatable(random_seed: int) -> None:
    """Set every seed that Keras, NumPy and Python use, and ask TensorFlow for deterministic kernels.

    Seeds are global to the process, so a fit has a process of its own.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(random_seed)
    tf.config.experimental.enable_op_determinism()


def accept_unmasked_maximum() -> None:
    """Silence Keras's warning that the maximum over words ignores the mask.

    A masked LSTM repeats its last output at the end, and gives 0 where it has not begun: neither adds a maximum
    beyond 0 that the text did not give.
    """
    warnings.filterwarnings("ignore", message="Layer 'global_max_pooling1d.*mask")


def build_seed(
    vectors: np.ndarray,
    genres: int,
    length: int,
    *,
    units: Sequence[int],
    dropout: float,
    learning_rate: float,
) -> Any:
    """Build the 2020 study's network: frozen vectors (words, size), BiLSTM layers, dropout, batch norm, sigmoid.

    Input is int32 (titles, length) padded with 0 at the end and, as in the study, read without a mask.
    """
    import keras
    from keras import layers

    words = layers.Input((length,), dtype="int32", name="words")
    x = _embedding(vectors, trainable=False, mask_zero=False)(words)
    for i, size in enumerate(units):
        x = layers.Bidirectional(layers.LSTM(size, return_sequences=i < len(units) - 1))(x)
        x = layers.Dropout(dropout)(x)
    x = layers.BatchNormalization()(x)
    network = keras.Model(words, layers.Dense(genres, activation="sigmoid", name="genres")(x), name="seed")
    network.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="binary_crossentropy")
    return network


def build_bilstm(
    vectors: np.ndarray,
    genres: int,
    genre_shares: np.ndarray,
    *,
    units: int,
    word_dropout: float,
    dropout: float,
    learning_rate: float,
) -> Any:
    """Build the masked network: fine-tuned vectors, one BiLSTM read at every word, mean and maximum over words.

    Input is int32 (titles, any length) padded with 0 at the end; padding is masked. The mean of the word vectors
    is a second, short way round the recurrence. genre_shares (genres,) set the output bias, so that training
    starts from the prior.
    """
    import keras
    from keras import layers

    accept_unmasked_maximum()
    words = layers.Input((None,), dtype="int32", name="words")
    embedded = _embedding(vectors, trainable=True, mask_zero=True)(words)
    dropped = layers.SpatialDropout1D(word_dropout)(embedded)
    read = layers.Bidirectional(layers.LSTM(units, return_sequences=True))(dropped)
    pooled = layers.Concatenate()(
        [
            layers.GlobalAveragePooling1D()(read),
            layers.GlobalMaxPooling1D()(read),
            layers.GlobalAveragePooling1D()(dropped),
        ]
    )
    prior = np.log(genre_shares / (1.0 - genre_shares))
    output = layers.Dense(
        genres, activation="sigmoid", name="genres", bias_initializer=keras.initializers.Constant(prior)
    )
    network = keras.Model(words, output(layers.Dropout(dropout)(pooled)), name="bilstm")
    network.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="binary_crossentropy")
    return network


def fit_padded(
    network: Any,
    rows: Sequence[np.ndarray],
    truth: np.ndarray,
    validation: tuple[Sequence[np.ndarray], np.ndarray],
    *,
    batch_size: int,
    epochs: int,
    on_epoch: OnEpoch,
) -> History:
    """Fit on rows padded to the network's input length for a set number of epochs, as the study did.

    truth is (titles, genres). Returns train and validation loss by epoch.
    """
    length = network.input_shape[1]
    fitted = network.fit(
        sequences.pad(rows, length),
        truth,
        validation_data=(sequences.pad(validation[0], length), validation[1]),
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=[_progress(on_epoch)],
    )
    return _history(fitted)


def fit_bucketed(
    network: Any,
    rows: Sequence[np.ndarray],
    truth: np.ndarray,
    validation: tuple[Sequence[np.ndarray], np.ndarray],
    *,
    buckets: Sequence[int],
    batch_size: int,
    epochs: int,
    patience: int,
    random_seed: int,
    on_epoch: OnEpoch,
) -> History:
    """Fit on batches of like length until the validation loss has not fallen for `patience` epochs.

    The learning rate is halved after an epoch without progress; the best epoch's weights are restored. Rows
    without a known word are left out. truth is (titles, genres). Returns train and validation loss by epoch.
    """
    import keras

    fitted = network.fit(
        _bucketed_batches(rows, truth, buckets, batch_size, np.random.default_rng(random_seed)),
        validation_data=_bucketed_batches(*validation, buckets, batch_size, None),
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[
            keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_lr=1e-5),
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience, restore_best_weights=True),
            _progress(on_epoch),
        ],
    )
    return _history(fitted)


def network_probabilities(
    network: Any, rows: Sequence[np.ndarray], buckets: Sequence[int], batch_size: int = 256
) -> np.ndarray:
    """Return each genre's probability, float64 (titles, genres); a row is padded to the least bucket that holds it.

    A row without words gets what the output layer says of features that are all 0: a mean over no word is none.
    """
    _, bias = network.get_layer("genres").get_weights()
    nothing_read = 1.0 / (1.0 + np.exp(-bias.astype(np.float64)))
    found = np.tile(nothing_read, (len(rows), 1))
    for length, indices in sequences.batches(rows, buckets, batch_size):
        batch = sequences.pad([rows[i] for i in indices], length)
        read = np.array([len(rows[i]) > 0 for i in indices])
        found[indices[read]] = np.asarray(network.predict_on_batch(batch), dtype=np.float64)[read]
    return found


def _embedding(vectors: np.ndarray, *, trainable: bool, mask_zero: bool) -> Any:
    from keras import initializers, layers

    table = np.vstack([np.zeros((1, vectors.shape[1]), np.float32), vectors])
    layer = layers.Embedding(
        *table.shape, trainable=trainable, mask_zero=mask_zero, embeddings_initializer=initializers.Zeros()
    )
    layer.build((None, None))
    # Set afterwards, so that the saved layer's config does not repeat the whole table as its initializer.
    layer.set_weights([table])
    return layer


def _bucketed_batches(
    rows: Sequence[np.ndarray],
    truth: np.ndarray,
    buckets: Sequence[int],
    batch_size: int,
    random_generator: np.random.Generator | None,
) -> Any:
    import keras

    kept = np.flatnonzero([len(row) > 0 for row in rows])
    rows, truth = [rows[int(i)] for i in kept], truth[kept].astype(np.float32)

    class Batches(keras.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__()
            self.on_epoch_end()

        def on_epoch_end(self) -> None:
            self.batches = list(sequences.batches(rows, buckets, batch_size, random_generator))
            # Keras takes the shape of every batch from the first two: they must differ where any do.
            other = next((i for i, batch in enumerate(self.batches) if batch[0] != self.batches[0][0]), 0)
            if other > 1:
                self.batches[1], self.batches[other] = self.batches[other], self.batches[1]

        def __len__(self) -> int:
            return len(self.batches)

        def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
            length, indices = self.batches[i]
            return sequences.pad([rows[j] for j in indices], length), truth[indices]

    return Batches()


def _progress(on_epoch: OnEpoch) -> Any:
    import keras

    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, {k: float(v) for k, v in logs.items()})
    )


def _history(fitted: Any) -> History:
    return {
        "train": [float(v) for v in fitted.history["loss"]],
        "validation": [float(v) for v in fitted.history["val_loss"]],
    }
