"""A network as files: the same probabilities again, and an answer for a text without a known word."""

from pathlib import Path

import numpy as np
import pytest

from tasks import saved_recipe
from tasks.logic import networks


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    folder = tmp_path_factory.mktemp("bilstm")
    networks.make_repeatable(7)
    vectors = np.random.default_rng(7).normal(size=(3, 4)).astype(np.float32)
    network = networks.build_bilstm(
        vectors, 2, np.array([0.25, 0.5]), units=3, word_dropout=0.0, dropout=0.0, learning_rate=0.01
    )
    saved_recipe.save_network(folder, network, ["ship", "sea", "robot"], [2, 6])
    return folder, saved_recipe.read_with_network(network, ["ship sea", "robot"], ["ship", "sea", "robot"], [2, 6])


def test_opened_network_says_the_same(saved: tuple[Path, np.ndarray]) -> None:
    folder, expected = saved
    assert saved_recipe.open_recipe(folder)(["ship sea", "robot"]) == pytest.approx(expected, abs=1e-6)


def test_text_without_a_known_word_gets_what_no_text_says(saved: tuple[Path, np.ndarray]) -> None:
    found = saved_recipe.open_recipe(saved[0])(["unheard", "", "ship"])
    assert found[:2] == pytest.approx(np.array([[0.25, 0.5]] * 2), abs=1e-6)
    assert np.isfinite(found).all()


def test_padding_changes_nothing(saved: tuple[Path, np.ndarray]) -> None:
    open_ = saved_recipe.open_recipe(saved[0])
    alone = open_(["robot"])
    beside = open_(["robot", "ship sea robot ship sea"])
    assert beside[:1] == pytest.approx(alone, abs=1e-6)


def test_files_hold_no_pickle(saved: tuple[Path, np.ndarray]) -> None:
    assert sorted(path.name for path in saved[0].iterdir()) == ["network.keras", "reading.json", "vocabulary.json"]
