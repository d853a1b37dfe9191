"""The 2020 study's Keras network (seed), and what all networks need. Keras is imported when first used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tasks.logic import sequences

History = dict[str, list[float]]
# Called after each epoch, counted from 1, with Keras's figures of it.
OnEpoch = Callable[[int, dict[str, float]], None]


def build_optimizer(network: Any) -> None:
    """Make what an optimizer keeps a weight before the first step: TensorFlow traces a step twice that makes it."""
    network.optimizer.build(network.trainable_variables)


def make_repeatable(random_seed: int) -> None:
    """Set every seed that Keras, NumPy and Python use, and ask TensorFlow for deterministic kernels.

    Seeds are global to the process, so a fit has a process of its own. On Keras's other backends only seeds are set.
    """
    import keras

    keras.utils.set_random_seed(random_seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


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
    x = embedding(vectors, trainable=False)(words)
    for i, size in enumerate(units):
        x = layers.Bidirectional(layers.LSTM(size, return_sequences=i < len(units) - 1))(x)
        x = layers.Dropout(dropout)(x)
    x = layers.BatchNormalization()(x)
    network = keras.Model(words, layers.Dense(genres, activation="sigmoid", name="genres")(x), name="seed")
    network.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="binary_crossentropy")
    build_optimizer(network)
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
        callbacks=[report_epochs(on_epoch)],
    )
    return history_of(fitted, "loss")


def seed_probabilities(network: Any, rows: Sequence[np.ndarray], batch_size: int = 256) -> np.ndarray:
    """Return each genre's probability, float64 (titles, genres), for rows padded to the network's input length."""
    padded = sequences.pad(rows, network.input_shape[1])
    found = [network.predict_on_batch(padded[i : i + batch_size]) for i in range(0, len(rows), batch_size)]
    return np.concatenate([np.asarray(each, dtype=np.float64) for each in found])


def embedding(vectors: np.ndarray, *, trainable: bool) -> Any:
    """Return an embedding layer that starts from vectors (words, size); number 0, padding, starts from zeros."""
    from keras import initializers, layers

    table = np.vstack([np.zeros((1, vectors.shape[1]), np.float32), vectors])
    layer = layers.Embedding(*table.shape, trainable=trainable, embeddings_initializer=initializers.Zeros())
    layer.build((None, None))
    # Set afterwards, so that the saved layer's config does not repeat the whole table as its initializer.
    layer.set_weights([table])
    return layer


def report_epochs(on_epoch: OnEpoch) -> Any:
    """Return a Keras callback that hands each epoch's figures on."""
    import keras

    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, {name: float(value) for name, value in logs.items()})
    )


def history_of(fitted: Any, loss: str) -> History:
    """Return train and validation loss of that name by epoch."""
    return {
        "train": [float(value) for value in fitted.history[loss]],
        "validation": [float(value) for value in fitted.history[f"val_{loss}"]],
    }
