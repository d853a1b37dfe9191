"""Gradient times input of a network that starts with an embedding. Keras and TensorFlow are imported when used."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np


class Gradients:
    """Tell how much a network's inputs add to a genre's logit (gradient x input, Shrikumar et al. 2016).

    The network is one of logic.networks or logic.bilstm: its first input is word numbers, its last layer a sigmoid.
    """

    def __init__(self, network: Any) -> None:
        self.network = network

    def __call__(self, inputs: Sequence[np.ndarray], columns: Sequence[int]) -> list[np.ndarray]:
        """Return what the first text of a batch's inputs adds to the logits of genres, each a column of the output.

        The first result is for its words, (length, genres): the products summed over each word's vector. Then come
        those of every input that holds real numbers, of the same shape as a row of it, genres as the last axis.
        """
        import tensorflow as tf

        tensors = [tf.constant(each[:1]) for each in inputs]
        found = [self._products(tensors, tf.constant(column)) for column in columns]
        return [np.stack(genres, axis=-1).astype(np.float64) for genres in zip(*found, strict=True)]

    @functools.cached_property
    def _products(self) -> Any:
        import keras
        import tensorflow as tf

        embedding = next(layer for layer in self.network.layers if isinstance(layer, keras.layers.Embedding))
        last = self.network.layers[-1]
        # From the word vectors on, up to what the last layer is given: behind the sigmoid a sure genre's gradient is 0.
        rest = keras.Model([*self.network.inputs, embedding.output], last.input)

        # Compiled, a gradient takes a thirtieth of the time: an LSTM's steps are many small operations. Told that
        # lengths differ, TensorFlow compiles it once.
        signature = [tf.TensorSpec(each.shape, each.dtype) for each in self.network.inputs]

        @tf.function(input_signature=[signature, tf.TensorSpec((), tf.int32)])
        def products(inputs: list[Any], column: Any) -> list[Any]:
            watched = [embedding(inputs[0]), *(each for each in inputs if each.dtype.is_floating)]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(watched)
                scores = rest([*inputs, watched[0]], training=False)
                if isinstance(last, keras.layers.Dense):
                    scores = tf.matmul(scores, last.kernel) + last.bias
                score = scores[0, column]
            words, *others = (
                (gradient * value)[0] for gradient, value in zip(tape.gradient(score, watched), watched, strict=True)
            )
            return [tf.reduce_sum(words, axis=-1), *others]

        return products
