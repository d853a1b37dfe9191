"""Keras layers of the bilstm recipe. Importing this module imports Keras; registered, so that safe mode reads them.

`known` is bool (titles, length): True at a word, False at padding, which stands at the end.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

NAME = "genreflow"
# Added to what padding scores: its share becomes 0, without an infinity that would make gradients NaN.
_NOWHERE = -1e9


@keras.saving.register_keras_serializable(NAME)
class WindowedBiLSTM(layers.Layer):
    """Read a text both ways in windows of so many words, and give what was read at each word.

    Input is embedded words, float32 (titles, length, size), and known; length is at most the window or a multiple of
    it. Windows are read side by side, each from a fresh state, so a long text takes no more steps than one window.
    Output is float32 (titles, length, 2 x units).

    The forward LSTM has read a window's words before it comes to padding; for the backward one the words are turned
    round, padding still at the end. So neither needs Keras's mask, which doubles the time of a step on a CPU, and
    what is read at a word is what masked LSTMs give.
    """

    def __init__(self, units: int, window: int, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.window = units, window
        self.forwards = layers.LSTM(units, return_sequences=True, name="forwards")
        self.backwards = layers.LSTM(units, return_sequences=True, name="backwards")

    def build(self, embedded_shape: Any, known_shape: Any) -> None:
        self.forwards.build((None, None, embedded_shape[-1]))
        self.backwards.build((None, None, embedded_shape[-1]))

    def call(self, embedded: Any, known: Any) -> Any:
        length, size = ops.shape(embedded)[1], embedded.shape[-1]
        # A length that is known must stay a number: JAX and PyTorch reshape by nothing else.
        step = min(length, self.window) if isinstance(length, int) else ops.minimum(length, self.window)
        read = ops.reshape(embedded, (-1, step, size))
        words = ops.sum(ops.cast(ops.reshape(known, (-1, step)), "int32"), axis=1, keepdims=True)
        position = ops.expand_dims(ops.arange(step), 0)
        turned = ops.expand_dims(ops.where(position < words, words - 1 - position, position), -1)
        forwards = self.forwards(read)
        backwards = ops.take_along_axis(self.backwards(ops.take_along_axis(read, turned, axis=1)), turned, axis=1)
        both = ops.concatenate([forwards, backwards], axis=-1)
        return ops.reshape(both, (-1, length, 2 * self.units))

    def compute_output_shape(self, embedded_shape: Any, known_shape: Any) -> Any:
        return (*embedded_shape[:2], 2 * self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "window": self.window}


@keras.saving.register_keras_serializable(NAME)
class MaskedPooling(layers.Layer):
    """Pool over a text's words: their mean and their maximum side by side; zeros for a text without words.

    Input is float32 (titles, length, size) and known; output float32 (titles, 2 x size).
    """

    def call(self, read: Any, known: Any) -> Any:
        kept = ops.expand_dims(ops.cast(known, read.dtype), -1)
        words = ops.sum(kept, axis=1)
        mean = ops.sum(read * kept, axis=1) / ops.maximum(words, 1.0)
        highest = ops.max(read + (1.0 - kept) * _NOWHERE, axis=1)
        return ops.concatenate([mean, ops.where(words > 0, highest, 0.0)], axis=-1)

    def compute_output_shape(self, read_shape: Any, known_shape: Any) -> Any:
        return (read_shape[0], 2 * read_shape[-1])


@keras.saving.register_keras_serializable(NAME)
class GenreAttention(layers.Layer):
    """Let every genre look at the words that matter to it, and score what it saw (Mullenbach et al. 2018, CAML).

    Input is float32 (titles, length, size) and known; output float32 logits (titles, genres), 0 without words.
    """

    def __init__(self, genres: int, **options: Any) -> None:
        super().__init__(**options)
        self.genres = genres

    def build(self, read_shape: Any, known_shape: Any) -> None:
        size = read_shape[-1]
        self.looks = self.add_weight((size, self.genres), initializer="glorot_uniform", name="looks")
        self.scores = self.add_weight((size, self.genres), initializer="glorot_uniform", name="scores")

    def call(self, read: Any, known: Any) -> Any:
        kept = ops.expand_dims(ops.cast(known, read.dtype), -1)
        share = ops.softmax(ops.matmul(read, self.looks) + (1.0 - kept) * _NOWHERE, axis=1)
        return ops.sum(share * kept * ops.matmul(read, self.scores), axis=1)

    def compute_output_shape(self, read_shape: Any, known_shape: Any) -> Any:
        return (read_shape[0], self.genres)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "genres": self.genres}


@keras.saving.register_keras_serializable(NAME)
class TermScores(layers.Layer):
    """Score a text's n-grams, the wide path beside the recurrent one (Cheng et al. 2016, wide and deep).

    Input is n-gram numbers, int32 (titles, n-grams), 0 for none, and what each weighs, float32 of the same shape;
    output float32 logits (titles, genres).
    """

    def __init__(self, terms: int, genres: int, **options: Any) -> None:
        super().__init__(**options)
        self.terms, self.genres = terms, genres

    def build(self, numbers_shape: Any, weights_shape: Any) -> None:
        self.scores = self.add_weight((self.terms + 1, self.genres), initializer="zeros", name="scores")

    def call(self, numbers: Any, weights: Any) -> Any:
        return ops.sum(ops.take(self.scores, numbers, axis=0) * ops.expand_dims(weights, -1), axis=1)

    def compute_output_shape(self, numbers_shape: Any, weights_shape: Any) -> Any:
        return (numbers_shape[0], self.genres)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "terms": self.terms, "genres": self.genres}


@keras.saving.register_keras_serializable(NAME)
class GenreBias(layers.Layer):
    """Add a bias a genre to logits, float32 (titles, genres)."""

    def build(self, scores_shape: Any) -> None:
        self.bias = self.add_weight((scores_shape[-1],), initializer="zeros", name="bias")

    def call(self, scores: Any) -> Any:
        return scores + self.bias


@keras.saving.register_keras_serializable(NAME)
class WordDropout(layers.Layer):
    """Hide whole words in training, each with the same chance; input and output are float32 (titles, length, size)."""

    def __init__(self, rate: float, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self.rate, self.seed = rate, seed
        self.random = keras.random.SeedGenerator(seed)

    def call(self, embedded: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return embedded
        kept = keras.random.uniform((*ops.shape(embedded)[:2], 1), seed=self.random) >= self.rate
        return embedded * ops.cast(kept, embedded.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
