"""How much each word of a text adds to the logit of each genre, for every recipe.

All functions return float64 (words, genres) for the words of a passage (explanation.Passage) and for columns, the
genres asked, as columns of the recipe's output. What a recipe does not read adds 0.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from tasks.logic import bilstm, sequences
from tasks.logic.explanation import Floats, Passage
from tasks.logic.gradients import Gradients
from tasks.logic.linear import LinearModel, Terms

# Leaving out takes a prediction a word; longer texts are left out by the sentence.
LEFT_OUT_BY_WORD = 60

_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*$")
# Nearer to 0 or 1 than this the logit's slope is not told from 0.
_LEAST = 1e-7


def of_linear(model: LinearModel, passage: Passage, columns: Sequence[int]) -> Floats:
    """Return each n-gram's TF-IDF x weight, shared between the words it stands in; the sum is logit - intercept."""
    terms = model.terms
    found = terms.weigh(getattr(passage.texts, terms.reads))
    scores = found.data[:, None] * model.weights[np.asarray(columns)][:, found.indices].T.astype(np.float64)
    return spread(terms, passage, found.indices, scores)


def of_seed(gradients: Gradients, numbers: Mapping[str, int], passage: Passage, columns: Sequence[int]) -> Floats:
    """Return gradient x input of the word vectors; words beyond the network's input length add 0."""
    padded = sequences.pad(sequences.number_words(passage.texts.words, numbers), gradients.network.input_shape[1])
    (words,) = gradients([padded], columns)
    return passage.by_word(_laid(passage, _known(passage, numbers), words))


def of_bilstm(
    gradients: Sequence[Gradients],
    numbers: Mapping[str, int],
    terms: Terms,
    passage: Passage,
    columns: Sequence[int],
    *,
    window: int,
    max_words: int,
    term_scale: float,
) -> Floats:
    """Return gradient x input of the word vectors and of the n-grams' weights, the networks mixed.

    Without joint_units an n-gram's product is its TF-IDF x weight, and is shared as of_linear does it. Words of a very
    long text that no window holds add 0 besides.
    """
    reading = bilstm.read(passage.texts.words, numbers, terms, window, max_words)
    inputs = bilstm.inputs_of(reading, np.array([0]), window, term_scale)
    read = sequences.read_windows(_known(passage, numbers), window, max_words)
    parts, probabilities = [], []
    for each in gradients:
        words, weights = each(inputs, columns)
        wide = spread(terms, passage, reading.terms.indices, weights[: reading.terms.nnz])
        parts.append(passage.by_word(_laid(passage, read, words)) + wide)
        found = bilstm.bilstm_probabilities(each.network, reading, window, term_scale)
        probabilities.append(found[0, np.asarray(columns)])
    return mixed(parts, probabilities, np.full(len(parts), 1 / len(parts)))


def left_out(scores: Callable[[list[str]], np.ndarray], passage: Passage, columns: Sequence[int]) -> Floats:
    """Return how far the logit falls when a word is left out; scores gives logits (texts, genres) of raw texts.

    Of a text of more than LEFT_OUT_BY_WORD words whole sentences are left out, and each word has an equal share of
    what its sentence adds: which word of it matters is not told.
    """
    words = passage.words
    ends = [i + 1 for i, word in enumerate(words) if len(words) <= LEFT_OUT_BY_WORD or _SENTENCE_END.search(word)]
    pieces = list(itertools.pairwise(sorted({0, *ends, len(words)})))
    found = scores([" ".join(words), *(" ".join(words[:start] + words[end:]) for start, end in pieces)])
    found = np.asarray(found, np.float64)[:, np.asarray(columns)]
    sizes = np.array([end - start for start, end in pieces], dtype=int)
    return np.repeat((found[0] - found[1:]) / sizes[:, None], sizes, axis=0)


def mixed(parts: Sequence[Floats], probabilities: Sequence[Floats], weights: npt.ArrayLike) -> Floats:
    """Return what words add to the logit of the weighted mean of models' probabilities, by the chain rule.

    parts holds (words, genres) a model, probabilities (genres,) what it says of the text. p (1 - p) turns what is
    added to a model's logit into what is added to its probability p, and the mean's own turns the sum back.
    """
    sure = np.clip(np.stack(probabilities), _LEAST, 1 - _LEAST)
    shares = np.asarray(weights, np.float64)
    whole = shares @ sure
    slopes = shares[:, None] * sure * (1 - sure) / (whole * (1 - whole))
    return np.asarray(np.einsum("mwg,mg->wg", np.stack(parts), slopes))


def spread(terms: Terms, passage: Passage, found: np.ndarray, scores: Floats) -> Floats:
    """Share the scores (n-grams, genres) of a text's n-grams, found by number, between the words they stand in.

    Each place of an n-gram has an equal share, and at a place each word the n-gram covers.
    """
    places = _places(terms, passage)
    rows = {terms.terms[number]: i for i, number in enumerate(found.tolist())}
    counts = Counter(name for name, _, _ in places)
    cells = [
        (position, rows[name], 1 / (counts[name] * (end - start)))
        for name, start, end in places
        if name in rows
        for position in range(start, end)
    ]
    positions, columns, shares = zip(*cells, strict=True) if cells else ((), (), ())
    size = len(passage.tokens if terms.unit == "words" else passage.words)
    shared = csr_matrix((shares, (positions, columns)), shape=(size, len(rows)), dtype=np.float64) @ scores
    return passage.by_word(shared) if terms.unit == "words" else np.asarray(shared)


def _places(terms: Terms, passage: Passage) -> list[tuple[str, int, int]]:
    """List the n-grams of a passage, each with the first token or word it covers and the one behind its last."""
    if terms.unit == "characters":
        # Each of these n-grams lies inside one word, so words can be read by themselves.
        analyze = terms.vectorizer.build_analyzer()
        return [(name, i, i + 1) for i, word in enumerate(passage.words) for name in analyze(word)]
    low, high = terms.ngrams
    tokens = passage.tokens
    return [
        (" ".join(tokens[start : start + size]), start, start + size)
        for size in range(low, high + 1)
        for start in range(len(tokens) - size + 1)
    ]


def _known(passage: Passage, numbers: Mapping[str, int]) -> np.ndarray:
    """Return the places of the tokens that a network knows, in the order in which it gets them."""
    return np.array([i for i, token in enumerate(passage.tokens) if token in numbers], dtype=int)


def _laid(passage: Passage, read: np.ndarray, products: np.ndarray) -> Floats:
    """Lay the products of a network's input, padding and all, out over the tokens read; the others have 0."""
    laid = np.zeros((len(passage.tokens), products.shape[1]))
    kept = min(len(read), len(products))
    laid[read[:kept]] = products[:kept]
    return laid
