"""What words add to a genre's logit: all of it where a recipe is linear, its slope where it is not."""

import numpy as np
import pytest

from tasks.logic import bilstm, contributions, networks
from tasks.logic.explanation import Passage, read_passage
from tasks.logic.gradients import Gradients
from tasks.logic.linear import LinearModel, fit_linear, linear_probabilities
from tasks.logic.logits import logit
from tasks.logic.sequences import numbers_of

STOP_WORDS = frozenset({"the", "a", "on", "in"})
TRAIN = [
    "The ship on the stormy sea.",
    "A robot lost in deep space.",
    "Pirates sail the sea!",
    "Space robots fight.",
] * 3
TRUTH = np.array([[1, 0], [0, 1]] * 6)
TEXT = "The pirates' ship sails the stormy sea; a robot—lost—on the SEA, and on the stormy sea again."
WINDOW, MAX_WORDS, SCALE = 4, 8, 4.0


def passage(text: str = TEXT) -> Passage:
    return read_passage(text, STOP_WORDS)


def fitted(unit: str) -> LinearModel:
    texts = TRAIN if unit == "characters" else [" ".join(passage(text).tokens) for text in TRAIN]
    ngrams = (2, 4) if unit == "characters" else (1, 2)
    return fit_linear(texts, TRUTH, unit=unit, ngrams=ngrams, min_titles=2, max_terms=None, c=4.0, random_seed=7)


def logits(model: LinearModel, read: Passage) -> np.ndarray:
    return logit(linear_probabilities(model, getattr(read.texts, model.terms.reads)))[0]


@pytest.mark.parametrize("unit", ["words", "characters"])
@pytest.mark.parametrize("text", [TEXT, "sea", "Unheard of words", "the", ""])
def test_words_of_a_linear_model_add_up_to_its_logit(unit: str, text: str) -> None:
    model, read = fitted(unit), passage(text)
    found = contributions.of_linear(model, read, [0, 1])
    assert found.shape == (len(read.words), 2)
    assert found.sum(axis=0) == pytest.approx(logits(model, read) - model.intercepts, abs=1e-6)


def test_columns_come_as_asked() -> None:
    model, read = fitted("words"), passage()
    both = contributions.of_linear(model, read, [0, 1])
    assert np.array_equal(contributions.of_linear(model, read, [1]), both[:, 1:])


def test_a_pair_of_words_is_shared_by_both_and_a_repeated_word_by_its_places() -> None:
    model = fitted("words")
    read = passage("stormy sea, unheard sea")
    terms = model.terms.terms
    weights = np.zeros_like(model.weights)
    for term, weight in (("stormy sea", 3.0), ("sea", 1.0)):
        weights[0, terms.index(term)] = weight
    found = contributions.of_linear(LinearModel(model.terms, weights, model.intercepts), read, [0])[:, 0]
    row = model.terms.weigh(["stormy sea unheard sea"]).toarray()[0]
    pair, single = row[terms.index("stormy sea")] * 3.0, row[terms.index("sea")]
    assert found == pytest.approx([pair / 2, pair / 2 + single / 2, 0.0, single / 2])


def test_characters_speak_for_the_word_they_stand_in() -> None:
    model = fitted("characters")
    terms = model.terms.terms
    weights = np.zeros_like(model.weights)
    weights[0, terms.index("sea")] = 2.0
    read = passage("A SEA of seas")
    found = contributions.of_linear(LinearModel(model.terms, weights, model.intercepts), read, [0])[:, 0]
    whole = model.terms.weigh([read.raw]).toarray()[0][terms.index("sea")] * 2.0
    assert found == pytest.approx([0.0, whole / 2, 0.0, whole / 2])


def numbers() -> dict[str, int]:
    return numbers_of(sorted({token for text in TRAIN for token in passage(text).tokens}))


@pytest.fixture(scope="module")
def start() -> LinearModel:
    return fitted("words")


def build(start: LinearModel, seed: int = 7, joint_units: int = 0):
    networks.make_repeatable(seed)
    vectors = np.random.default_rng(seed).normal(size=(len(numbers()), 6)).astype(np.float32)
    return bilstm.build_bilstm(
        vectors, start, units=5, window=WINDOW, pooling="both", joint_units=joint_units, word_dropout=0.2,
        vector_dropout=0.2, dropout=0.2, term_scale=SCALE, random_seed=seed,
    )  # fmt: skip


def explain_bilstm(members: list, start: LinearModel, read: Passage, columns: list[int]) -> np.ndarray:
    return contributions.of_bilstm(
        [Gradients(each) for each in members], numbers(), start.terms, read, columns,
        window=WINDOW, max_words=MAX_WORDS, term_scale=SCALE,
    )  # fmt: skip


def bilstm_logits(network, start: LinearModel, read: Passage, embedded_of: str | None = None, by: float = 1.0):
    """Return the logits, with one word's vector scaled by so much."""
    embedding = next(layer for layer in network.layers if layer.name.startswith("embedding"))
    (table,) = embedding.get_weights()
    if embedded_of:
        changed = table.copy()
        changed[numbers()[embedded_of]] *= by
        embedding.set_weights([changed])
    reading = bilstm.read(read.texts.words, numbers(), start.terms, WINDOW, MAX_WORDS)
    found = logit(bilstm.bilstm_probabilities(network, reading, WINDOW, SCALE))[0]
    embedding.set_weights([table])
    return found


@pytest.mark.parametrize("joint_units", [0, 3])
def test_gradient_times_input_is_how_the_logit_moves_as_a_words_vector_grows(start, joint_units: int) -> None:
    network = build(start, joint_units=joint_units)
    for layer in network.layers:
        # The joint head starts from zeros, where it would add nothing.
        if joint_units and layer.name.startswith("dense"):
            layer.set_weights([np.full_like(each, 0.3) for each in layer.get_weights()])
    read = passage("The pirates sail a robot")
    step = 0.01
    moved = bilstm_logits(network, start, read, "pirates", 1 + step) - bilstm_logits(
        network, start, read, "pirates", 1 - step
    )
    # Without n-grams only the vectors are left, and those of "pirates" stand in the text once.
    gradients = Gradients(network)
    reading = bilstm.read(read.texts.words, numbers(), start.terms, WINDOW, MAX_WORDS)
    words, _ = gradients(bilstm.inputs_of(reading, np.array([0]), WINDOW, SCALE), [0, 1])
    assert words[0] == pytest.approx(moved / (2 * step), abs=2e-3)
    assert np.abs(words[0]).max() > 0.01


def test_n_grams_of_a_bilstm_add_what_they_add_to_the_linear_model_it_starts_from(start) -> None:
    network = build(start)
    for layer in network.layers:
        if layer.name.startswith(("genre_attention", "dense")):
            layer.set_weights([np.zeros_like(each) for each in layer.get_weights()])
    read = passage()
    expected = contributions.of_linear(start, read, [0, 1])
    assert explain_bilstm([network], start, read, [0, 1]) == pytest.approx(expected, abs=1e-5)


def test_a_bilstms_words_are_their_vectors_and_their_n_grams(start) -> None:
    network, read = build(start), passage("The pirates sail a robot")
    words, _ = Gradients(network)(
        bilstm.inputs_of(
            bilstm.read(read.texts.words, numbers(), start.terms, WINDOW, MAX_WORDS), np.array([0]), WINDOW, SCALE
        ),
        [0, 1],
    )
    expected = contributions.of_linear(start, read, [0, 1])
    expected[[1, 2, 4]] += words[:3]
    assert explain_bilstm([network], start, read, [0, 1]) == pytest.approx(expected, abs=1e-5)


def test_members_of_a_bilstm_are_mixed(start) -> None:
    members, read = [build(start, seed) for seed in (7, 8)], passage()
    parts = [explain_bilstm([member], start, read, [0, 1]) for member in members]
    sure = [1 / (1 + np.exp(-bilstm_logits(member, start, read))) for member in members]
    expected = contributions.mixed(parts, sure, [0.5, 0.5])
    assert explain_bilstm(members, start, read, [0, 1]) == pytest.approx(expected, abs=1e-6)


def test_words_that_no_window_holds_add_nothing_but_their_n_grams(start) -> None:
    network = build(start)
    read = passage(" ".join(["sea ship robot space"] * 5))
    found = explain_bilstm([network], start, read, [0])
    wide = contributions.of_linear(start, read, [0])
    beside = np.abs(found - wide)[:, 0] > 1e-6
    assert beside.sum() <= MAX_WORDS
    # Windows are spread from the text's start to its end.
    assert beside[0]
    assert beside[-1]


@pytest.mark.parametrize("text", ["", "the", "unheard words"])
def test_a_text_that_a_bilstm_does_not_know_adds_nothing(start, text: str) -> None:
    read = passage(text)
    found = explain_bilstm([build(start)], start, read, [0, 1])
    assert found.shape == (len(read.words), 2)
    assert not found.any()


def test_a_seeds_words_beyond_its_length_add_nothing() -> None:
    networks.make_repeatable(7)
    vectors = np.random.default_rng(7).normal(size=(len(numbers()), 6)).astype(np.float32)
    network = networks.build_seed(vectors, 2, 3, units=[4], dropout=0.1, learning_rate=0.01)
    read = passage("Pirates, unheard of, sail the stormy sea")
    found = contributions.of_seed(Gradients(network), numbers(), read, [0, 1])
    assert np.flatnonzero(np.abs(found).sum(axis=1)).tolist() == [0, 3, 5]
    row = np.array([[numbers()[word] for word in ("pirates", "sail", "stormy")]])
    step, moved = 0.01, []
    embedding = next(layer for layer in network.layers if layer.name.startswith("embedding"))
    (table,) = embedding.get_weights()
    for by in (1 + step, 1 - step):
        changed = table.copy()
        changed[row[0, 1]] *= by
        embedding.set_weights([changed])
        moved.append(logit(np.asarray(network.predict_on_batch(row)))[0])
    assert found[3] == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=2e-3)


def test_a_blend_of_two_models_weighs_what_words_add_to_each_probability() -> None:
    models, read, weights = [fitted("words"), fitted("characters")], passage(), [0.75, 0.25]
    parts = [contributions.of_linear(model, read, [0, 1]) for model in models]
    sure = [1 / (1 + np.exp(-logits(model, read))) for model in models]
    whole = 0.75 * sure[0] + 0.25 * sure[1]
    to_probability = sum(w * p * (1 - p) * part for w, p, part in zip(weights, sure, parts, strict=True))
    assert contributions.mixed(parts, sure, weights) * whole * (1 - whole) == pytest.approx(to_probability)


def test_a_blend_of_a_model_with_itself_says_what_it_says() -> None:
    model, read = fitted("words"), passage()
    part, sure = contributions.of_linear(model, read, [0, 1]), 1 / (1 + np.exp(-logits(model, read)))
    assert contributions.mixed([part, part], [sure, sure], [0.3, 0.7]) == pytest.approx(part)


def count_letters(texts: list[str]) -> np.ndarray:
    return np.array([[text.count("e"), len(text.split())] for text in texts], dtype=float)


def test_a_word_left_out_takes_its_score_along() -> None:
    found = contributions.left_out(count_letters, passage("we see it"), [0, 1])
    assert found.tolist() == [[1, 1], [2, 1], [0, 1]]
    assert contributions.left_out(count_letters, passage(""), [0]).shape == (0, 1)


def test_of_long_texts_sentences_are_left_out() -> None:
    sentences = ["We see. ", "“Enter!” ", "No stop " * contributions.LEFT_OUT_BY_WORD]
    found = contributions.left_out(count_letters, passage("".join(sentences)), [0])[:, 0]
    assert found[:3].tolist() == [1.5, 1.5, 1]
    assert not found[3:].any()
    assert len(found) == 3 + 2 * contributions.LEFT_OUT_BY_WORD
