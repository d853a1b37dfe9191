"""The benchmark of explanations: words go with all their places, and a recipe explained well falls further."""

import numpy as np
import pytest

from benchmarks.explain import measure, without
from tasks.logic.explanation import read_passage
from tasks.saved_recipe import Opened

STOP_WORDS = frozenset({"the", "a", "of"})
TEXTS = ["The Ship of war, the ship; a sea robot sails home", "A war ship", "Robots at war sail the sea ship home"]


def test_a_word_goes_with_all_its_places() -> None:
    passage = read_passage(TEXTS[0], STOP_WORDS)
    assert without(passage, ["ship", "sea"]) == "The of war, the a robot sails home"


def test_without_its_highest_words_a_genre_falls_further() -> None:
    says = {"ship": 0.1, "war": 0.3, "sea": 0.1, "robot": 0.01}

    def of_words(words: list[str]) -> list[float]:
        return [says.get(word.lower().strip(",;"), 0.0) for word in words]

    opened = Opened(
        lambda texts: np.array([[sum(of_words(raw.split())), 0.0] for raw in texts.raw]),
        lambda passage, columns: np.array(of_words(passage.words))[:, None],
    )
    passages = [read_passage(text, STOP_WORDS) for text in TEXTS]
    whole = np.array([opened(passage.texts)[0] for passage in passages])
    drops = measure(opened, passages, whole, np.random.default_rng(1), "toy")
    # The second text has no three words besides its highest.
    assert drops.highest == pytest.approx([0.6, 0.5])
    assert drops.random == pytest.approx([0.01, 0.0])
