"""The bilstm's layers against Keras's own, and the network: padding, batches, fitting, repeatability.

Short by default; GENREFLOW_LONG=1 trains on another backend of Keras as well.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from tasks.logic import bilstm, networks
from tasks.logic.linear import fit_linear
from tasks.logic.sequences import numbers_of

WORDS = [f"w{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(60)]
WINDOW, SCALE = 8, 4.0


def texts_and_truth(count: int = 80, seed: int = 1, longest: int = WINDOW):
    """Make texts in which the first genre's words come from the vocabulary's first half, the second's from the rest."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((count, 2)) < 0.5).astype(np.uint8)
    texts = []
    for first, second in truth:
        pool = WORDS[:20] * int(first) + WORDS[40:] * int(second) + WORDS[20:40]
        texts.append(" ".join(rng.choice(pool, rng.integers(1, longest + 1))))
    return texts, truth


@pytest.fixture(scope="module")
def start():
    texts, truth = texts_and_truth()
    return fit_linear(texts, truth, unit="words", ngrams=(1, 2), min_titles=2, max_terms=None, c=1.0, random_seed=7)


def build(start, seed: int = 7, **changes):
    networks.make_repeatable(seed)
    vectors = np.random.default_rng(2).normal(size=(len(WORDS), 6)).astype(np.float32)
    options = {
        "units": 5, "window": WINDOW, "pooling": "both", "joint_units": 0, "word_dropout": 0.2, "vector_dropout": 0.2,
        "dropout": 0.2, "term_scale": SCALE, "random_seed": seed,
    }  # fmt: skip
    return bilstm.build_bilstm(vectors, start, **{**options, **changes})


def read(start, texts, max_words=32):
    return bilstm.read(texts, numbers_of(WORDS), start.terms, WINDOW, max_words)


def loss_of(values) -> float:
    return float(np.mean(values))


def fit(network, start, seed: int = 7, weight: float = 1.0, longest: int = WINDOW, **changes):
    """Fit; texts of one window by default, since TensorFlow compiles the network anew for each number of them."""
    texts, truth = texts_and_truth(longest=longest)
    validation_texts, validation_truth = texts_and_truth(40, 2, longest)
    bilstm.compile_for(
        network,
        truth.mean(axis=0),
        **{"learning_rate": 0.01, "label_smoothing": 0.0, "focal_gamma": 0.0, "rare_weight": 0.0, **changes},
    )
    told = []
    history = bilstm.fit_bilstm(
        network,
        read(start, texts),
        (truth, np.full(truth.shape, weight)),
        (read(start, validation_texts), validation_truth),
        window=WINDOW,
        term_scale=SCALE,
        batch_size=16,
        epochs=6,
        patience=2,
        rate_factor=0.5,
        rate_patience=1,
        random_seed=seed,
        on_epoch=lambda epoch, figures: told.append((epoch, figures["val_entropy"])),
    )
    return history, told


def test_a_window_is_read_as_kerass_masked_bidirectional_lstm_reads_it() -> None:
    import keras
    from keras import layers

    from tasks.logic.layers import WindowedBiLSTM

    networks.make_repeatable(3)
    embedded = np.random.default_rng(3).normal(size=(4, 8, 6)).astype(np.float32)
    known = np.arange(8) < np.array([[8], [5], [1], [0]])
    ours = WindowedBiLSTM(5, 8)
    ours.build(embedded.shape, known.shape)
    theirs = layers.Bidirectional(layers.LSTM(5, return_sequences=True))
    theirs.build(embedded.shape)
    theirs.set_weights(ours.get_weights())
    found = keras.ops.convert_to_numpy(ours(embedded, known))
    expected = keras.ops.convert_to_numpy(theirs(embedded, mask=known))
    assert found[known] == pytest.approx(expected[known], abs=1e-5)


def test_windows_are_read_apart() -> None:
    import keras

    from tasks.logic.layers import WindowedBiLSTM

    embedded = np.random.default_rng(3).normal(size=(2, 16, 6)).astype(np.float32)
    layer = WindowedBiLSTM(5, 8)
    both = keras.ops.convert_to_numpy(layer(embedded, np.ones((2, 16), bool)))
    second = keras.ops.convert_to_numpy(layer(embedded[:, 8:], np.ones((2, 8), bool)))
    assert both[:, 8:] == pytest.approx(second, abs=1e-6)


def test_pooling_and_attention_leave_padding_out() -> None:
    import keras

    from tasks.logic.layers import GenreAttention, MaskedPooling

    read = np.random.default_rng(3).normal(size=(1, 4, 3)).astype(np.float32)
    padded = np.concatenate([read, np.full((1, 4, 3), 9.0, np.float32)], axis=1)
    known = np.arange(8)[None] < 4
    for layer in (MaskedPooling(), GenreAttention(2)):
        expected = keras.ops.convert_to_numpy(layer(read, known[:, :4]))
        assert keras.ops.convert_to_numpy(layer(padded, known)) == pytest.approx(expected, abs=1e-5)
        assert not keras.ops.convert_to_numpy(layer(padded, np.zeros((1, 8), bool))).any()


def test_before_training_the_n_grams_say_what_the_linear_model_says(start) -> None:
    from tasks.logic.linear import linear_probabilities

    network = build(start, pooling="attention")
    attention = next(layer for layer in network.layers if layer.name.startswith("genre_attention"))
    looks, scores = attention.get_weights()
    attention.set_weights([looks, np.zeros_like(scores)])
    texts, _ = texts_and_truth(10, 5)
    found = bilstm.bilstm_probabilities(network, read(start, texts), WINDOW, SCALE)
    assert found == pytest.approx(linear_probabilities(start, texts), abs=1e-5)


@pytest.mark.parametrize("pooling", ["attention", "mean_max", "both"])
def test_what_stands_beside_a_text_changes_nothing(start, pooling) -> None:
    network = build(start, pooling=pooling, joint_units=3)
    texts = [" ".join(WORDS[:3]), "", "unheard", " ".join(WORDS * 2)]
    together = bilstm.bilstm_probabilities(network, read(start, texts), WINDOW, SCALE)
    alone = [bilstm.bilstm_probabilities(network, read(start, [text]), WINDOW, SCALE)[0] for text in texts]
    assert together == pytest.approx(np.array(alone), abs=1e-5)
    assert np.isfinite(together).all()


ON_JAX = """
import sys
import keras, numpy as np
from tasks.logic import bilstm, layers, networks
assert keras.backend.backend() == "jax"
networks.make_repeatable(7)
network = keras.saving.load_model(sys.argv[1], compile=False, safe_mode=True)
given = np.load(sys.argv[2])
inputs, truth = [given[name] for name in ("words", "terms", "weights")], given["truth"]
answers = network.predict_on_batch(inputs)
options = {"label_smoothing": 0.1, "focal_gamma": 1.0, "rare_weight": 0.5}
bilstm.compile_for(network, np.array([0.4, 0.2]), learning_rate=0.05, **options)
losses = [network.train_on_batch(inputs, truth) for _ in range(8)]
np.savez(sys.argv[3], answers=answers, losses=np.array(losses, float))
"""


@pytest.mark.skipif("GENREFLOW_LONG" not in os.environ, reason="JAX compiles long: set GENREFLOW_LONG=1")
def test_another_backend_of_keras_answers_alike_and_trains(start, tmp_path) -> None:
    pytest.importorskip("jax", reason="needs the dependency group `backend`")
    network = build(start, joint_units=3)
    texts, truth = texts_and_truth(16)
    # Longer than a window, so that windows are read side by side.
    inputs = bilstm.inputs_of(read(start, [*texts, " ".join(WORDS)]), np.arange(17), WINDOW, SCALE)
    model, given, found = (tmp_path / name for name in ("network.keras", "given.npz", "found.npz"))
    network.save(model)
    named = dict(zip(("words", "terms", "weights"), inputs, strict=True))
    np.savez(given, **named, truth=np.vstack([truth, [1, 0]]).astype(np.float32))
    subprocess.run(
        [sys.executable, "-c", ON_JAX, str(model), str(given), str(found)],
        # Compiled in a hurry: it runs for a moment.
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_backend_optimization_level=0"},
        check=True,
    )
    told = np.load(found)
    assert told["answers"] == pytest.approx(np.asarray(network.predict_on_batch(inputs)), abs=1e-4)
    assert told["losses"][-1, 0] < told["losses"][0, 0]


def test_fitting_learns_reports_and_keeps_the_best_epoch(start) -> None:
    network = build(start)
    history, told = fit(network, start, longest=3 * WINDOW)
    assert [epoch for epoch, _ in told] == list(range(1, len(history["validation"]) + 1))
    assert [loss for _, loss in told] == pytest.approx(history["validation"])
    texts, truth = texts_and_truth(40, 2, 3 * WINDOW)
    found = bilstm.bilstm_probabilities(network, read(start, texts), WINDOW, SCALE)
    entropy = -np.mean(np.where(truth, np.log(found), np.log(1 - found)))
    assert entropy == pytest.approx(min(history["validation"]), abs=1e-3)
    assert ((found > 0.5) == truth).mean() > 0.8


def test_the_same_seed_gives_the_same_network(start) -> None:
    first, second = build(start), None
    fit(first, start)
    found = bilstm.bilstm_probabilities(first, read(start, ["waa wab"]), WINDOW, SCALE)
    second = build(start)
    fit(second, start)
    assert np.array_equal(bilstm.bilstm_probabilities(second, read(start, ["waa wab"]), WINDOW, SCALE), found)


def test_what_counts_nothing_moves_nothing(start) -> None:
    network = build(start)
    before = network.get_weights()
    fit(network, start, weight=0.0)
    assert all(np.array_equal(old, new) for old, new in zip(before, network.get_weights(), strict=True))


def test_losses_for_missing_and_rare_genres_train(start) -> None:
    network = build(start, joint_units=3)
    history, _ = fit(network, start, label_smoothing=0.1, focal_gamma=2.0, rare_weight=0.5)
    assert np.isfinite(history["train"]).all()
    assert min(history["train"]) < history["train"][0]


def test_label_smoothing_draws_answers_to_the_genres_share() -> None:
    import keras

    network = keras.Sequential([keras.Input((2,)), keras.layers.Activation("linear")])
    shares = np.array([0.5, 0.2])
    bilstm.compile_for(network, shares, learning_rate=0.1, label_smoothing=0.1, focal_gamma=0.0, rare_weight=0.0)
    truth, target = np.array([[1.0, 0.0]]), np.array([[0.95, 0.02]])
    best = loss_of(network.loss(truth, target))
    assert all(loss_of(network.loss(truth, np.clip(target + step, 0, 1))) > best for step in (-0.01, 0.03))


def test_focal_loss_counts_sure_answers_less() -> None:
    import keras

    network = keras.Sequential([keras.Input((2,)), keras.layers.Activation("linear")])
    losses = []
    for gamma in (0.0, 2.0):
        bilstm.compile_for(
            network, np.array([0.5, 0.5]), learning_rate=0.1, label_smoothing=0.0, focal_gamma=gamma, rare_weight=0.0
        )
        losses.append(loss_of(network.loss(np.array([[1.0, 0.0]]), np.array([[0.9, 0.1]]))))
    assert losses[1] / losses[0] == pytest.approx((1 - 0.9) ** 2, rel=1e-3)


def test_rare_weight_counts_the_rare_genres_positives_more() -> None:
    import keras

    network = keras.Sequential([keras.Input((2,)), keras.layers.Activation("linear")])
    bilstm.compile_for(
        network, np.array([0.4, 0.1]), learning_rate=0.1, label_smoothing=0.0, focal_gamma=0.0, rare_weight=0.5
    )
    missed_common = loss_of(network.loss(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])))
    missed_rare = loss_of(network.loss(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])))
    assert missed_rare - np.log(2) / 2 == pytest.approx(2 * (missed_common - np.log(2) / 2), rel=1e-4)
