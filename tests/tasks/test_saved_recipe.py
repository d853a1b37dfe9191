"""Recipes as files: the same probabilities again, no pickle, and a blend that names the member it misses."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tasks import saved_recipe, sentences
from tasks.logic import bilstm, blending, contributions, networks
from tasks.logic.explanation import read_passage
from tasks.logic.linear import fit_linear, linear_probabilities
from tasks.logic.names import Names
from tasks.logic.sequences import numbers_of
from tasks.logic.text import Texts, read_texts

WORDS = ["ship", "sea", "robot", "space"]
RAW = ["Ship on the sea", "A robot in space", "Robots!", ""]
TEXTS = Texts(RAW, ["ship sea", "robot space", "robots", ""])


def fitted(unit: str):
    truth = np.array([[1, 0], [0, 1]] * 6)
    raw = ["Ship on the sea.", "Robot in space."] * 6
    return fit_linear(
        raw if unit == "characters" else ["ship sea", "robot space"] * 6,
        truth,
        unit=unit,
        ngrams=(1, 2) if unit == "words" else (3, 4),
        min_titles=2,
        max_terms=None,
        c=4.0,
        random_seed=7,
    )


def save_linear(folder: Path, unit: str):
    folder.mkdir(parents=True)
    model = fitted(unit)
    saved_recipe.save_linear(folder, model)
    return linear_probabilities(model, getattr(TEXTS, model.terms.reads))


@pytest.fixture(scope="module")
def saved_bilstm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    folder = tmp_path_factory.mktemp("bilstm")
    start = fitted("words")
    vectors = np.random.default_rng(7).normal(size=(4, 4)).astype(np.float32)
    members = []
    for seed in (7, 8):
        networks.make_repeatable(seed)
        members.append(
            bilstm.build_bilstm(
                vectors, start, units=3, window=8, pooling="attention", joint_units=2, word_dropout=0.1,
                vector_dropout=0.1, dropout=0.1, term_scale=4.0, random_seed=seed,
            )
        )  # fmt: skip
    reading = {"window": 8, "max_words": 16, "term_scale": 4.0}
    saved_recipe.save_bilstm(folder, members, WORDS, start.terms, **reading)
    found = [
        bilstm.bilstm_probabilities(network, bilstm.read(TEXTS.words, numbers_of(WORDS), start.terms, 8, 16), 8, 4.0)
        for network in members
    ]
    return folder, np.mean(found, axis=0)


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_opened_linear_says_the_same(tmp_path: Path, unit: str) -> None:
    expected = save_linear(tmp_path / unit, unit)
    assert np.array_equal(saved_recipe.open_recipe(tmp_path / unit)(TEXTS), expected)


def test_opened_bilstm_says_the_mean_of_its_networks(saved_bilstm: tuple[Path, np.ndarray]) -> None:
    folder, expected = saved_bilstm
    assert saved_recipe.open_recipe(folder)(TEXTS) == pytest.approx(expected, abs=1e-6)


def test_opened_seed_says_the_same(tmp_path: Path) -> None:
    networks.make_repeatable(7)
    vectors = np.random.default_rng(7).normal(size=(4, 4)).astype(np.float32)
    network = networks.build_seed(vectors, 2, 6, units=[3], dropout=0.1, learning_rate=0.01)
    saved_recipe.save_seed(tmp_path, network, WORDS)
    found = saved_recipe.open_recipe(tmp_path)(TEXTS)
    expected = network.predict(np.array([[1, 2, 0, 0, 0, 0], [3, 4, 0, 0, 0, 0], [0] * 6, [0] * 6]), verbose=0)
    assert found == pytest.approx(expected, abs=1e-6)


def passage():
    return read_passage("The ship on the sea, a robot", frozenset({"the", "on", "a"}))


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_opened_linear_tells_what_words_add(tmp_path: Path, unit: str) -> None:
    save_linear(tmp_path / unit, unit)
    expected = contributions.of_linear(fitted(unit), passage(), [1, 0])
    assert np.array_equal(saved_recipe.open_recipe(tmp_path / unit).contributions(passage(), [1, 0]), expected)


def test_opened_bilstm_tells_what_words_add(saved_bilstm: tuple[Path, np.ndarray]) -> None:
    found = saved_recipe.open_recipe(saved_bilstm[0]).contributions(passage(), [0, 1])
    assert found.shape == (7, 2)
    # Of "The ship on the sea, a robot", these are the words that are no stop words.
    assert np.flatnonzero(found.any(axis=1)).tolist() == [1, 4, 6]


def test_opened_blend_mixes_what_words_add_to_its_members(tmp_path: Path) -> None:
    save_blend(tmp_path)
    opened = [saved_recipe.open_recipe(tmp_path / "members" / name) for name in MEMBERS]
    parts = [member.contributions(passage(), [0, 1]) for member in opened]
    expected = contributions.mixed(parts, [member(passage().texts)[0] for member in opened], [0.75, 0.25])
    assert saved_recipe.open_recipe(tmp_path).contributions(passage(), [0, 1]) == pytest.approx(expected)


class LetterEncoder:
    """Make vectors of two letters' counts, in place of a sentence model."""

    def encode(self, texts, on_text=None):
        return np.array([[text.count("s"), text.count("o")] for text in texts], dtype=np.float32)


def test_opened_sentence_leaves_words_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "open_encoder", lambda model: LetterEncoder())
    weights, intercepts = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.5, -0.5])
    saved_recipe.save_sentence(tmp_path, "auto", Names(frozenset({"robot"}), frozenset({"the"})), weights, intercepts)
    opened = saved_recipe.open_recipe(tmp_path)

    def scores(text: str) -> np.ndarray:
        both = LetterEncoder().encode([text, text.replace("robot", "someone")]).sum(axis=0)
        return weights @ (both / np.linalg.norm(both)) + intercepts

    whole = scores("The ship on the sea, a robot")
    assert opened(passage().texts) == pytest.approx(1 / (1 + np.exp(-whole[None])))
    found = opened.contributions(passage(), [0, 1])
    assert found[1] == pytest.approx(whole - scores("The  on the sea, a robot"))
    assert found[6] == pytest.approx(whole - scores("The ship on the sea, a "))
    assert not found[[0, 3, 5]].any()


def test_files_hold_no_pickle(saved_bilstm: tuple[Path, np.ndarray]) -> None:
    assert sorted(path.name for path in saved_bilstm[0].iterdir()) == [
        "0-network.keras", "1-network.keras", "linear.npz", "reading.json", "terms.json", "vocabulary.json",
    ]  # fmt: skip


def save_blend(folder: Path) -> np.ndarray:
    members = [save_linear(folder / "members" / name, unit) for name, unit in MEMBERS.items()]
    saved_recipe.save_blend(folder, {"linear": 0.75, "characters": 0.25})
    return blending.mix(members, [0.75, 0.25])


MEMBERS = {"linear": "words", "characters": "characters"}


def test_opened_blend_says_the_weighted_mean(tmp_path: Path) -> None:
    expected = save_blend(tmp_path)
    assert saved_recipe.open_recipe(tmp_path)(TEXTS) == pytest.approx(expected)


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    save_blend(tmp_path)
    shutil.rmtree(tmp_path / "members" / "characters")
    with pytest.raises(saved_recipe.MemberError, match=r"member 'characters' of the blend \(linear, characters\) is m"):
        saved_recipe.open_recipe(tmp_path)


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    save_blend(tmp_path)
    (tmp_path / "members" / "linear" / "linear.npz").unlink()
    with pytest.raises(saved_recipe.MemberError, match=r"member 'linear' of the blend cannot be opened: .*linear\.npz"):
        saved_recipe.open_recipe(tmp_path)


def test_texts_are_read_as_in_training() -> None:
    read = read_texts(["The  ship's captain... See full summary »", None], frozenset({"the"}))
    assert read == Texts(["The ship's captain", ""], ["ships captain", ""])


# Files that somebody else made


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Return a folder of the recipe seed whose network is a plain one."""
    import keras

    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).save(tmp_path / saved_recipe.NETWORK)
    (tmp_path / saved_recipe.READING).write_text('{"kind": "seed"}')
    (tmp_path / saved_recipe.VOCABULARY).write_text("[]")
    return tmp_path


def test_network_with_code_of_its_own_is_refused_unrun(network: Path) -> None:
    import keras

    ran = network / "ran"
    flag = str(ran)
    layer = keras.layers.Lambda(lambda x: [__import__("pathlib").Path(flag).touch(), x][1])
    keras.Sequential([keras.Input((4,)), layer]).save(network / saved_recipe.NETWORK)
    ran.unlink()
    with pytest.raises(ValueError, match=r"network.keras: not a network that is opened safely: .* `Lambda` layer"):
        saved_recipe.open_recipe(network)
    assert not ran.exists()


@pytest.mark.parametrize(
    ("module", "name"), [("subprocess", "Popen"), ("builtins", "exec"), ("os", "system"), ("keras.utils", "get_file")]
)
def test_network_that_names_other_code_is_refused_unrun(module: str, name: str, network: Path) -> None:
    ran = network / "ran"
    with zipfile.ZipFile(network / saved_recipe.NETWORK) as packed:
        files = {each: packed.read(each) for each in packed.namelist()}
    told = {"args": ["touch", str(ran)], "command": f"touch {ran}", "source": f"open({str(ran)!r}, 'w')"}
    conf = {"module": module, "class_name": name, "config": told, "registered_name": name}
    with zipfile.ZipFile(network / saved_recipe.NETWORK, "w") as packed:
        for each, content in (files | {"config.json": json.dumps(conf).encode()}).items():
            packed.writestr(each, content)
    with pytest.raises(ValueError, match="network.keras: not a network that is opened safely: "):
        saved_recipe.open_recipe(network)
    assert not ran.exists()


@pytest.mark.parametrize("name", ["vectors.npy", "linear.npz"])
def test_array_of_objects_is_refused(name: str, tmp_path: Path) -> None:
    save_linear(tmp_path / "linear", "words")
    (tmp_path / "linear" / saved_recipe.VOCABULARY).write_text("[]")
    objects = np.array([object()], dtype=object)
    if name == "vectors.npy":
        np.save(tmp_path / "linear" / name, objects, allow_pickle=True)
    else:
        np.savez(tmp_path / "linear" / name, allow_pickle=True, idf=objects, weights=objects, intercepts=objects)
    read = saved_recipe.read_vectors if name == "vectors.npy" else saved_recipe.open_recipe
    with pytest.raises(ValueError, match="Object arrays cannot be loaded when allow_pickle=False"):
        read(tmp_path / "linear")
