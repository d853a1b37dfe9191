import numpy as np
import pytest

from tasks.logic.duplicates import band_keys, near_duplicates, ngrams_of, suspects

STORY = "old farmer finds stranded whale beach village decides what it is worth and who owns it"
LIKE_IT = STORY.replace("farmer", "fisher")
OTHER = "two rival bakers share one oven during the long winter of the great flour shortage"


def marked(tokens, splits, similarity=0.7, ngram=2):
    keys = band_keys(tokens, similarity, ngram)
    return near_duplicates(tokens, splits, keys, similarity, ngram).tolist()


def test_a_train_text_like_a_test_text_is_marked():
    assert marked([STORY, OTHER, LIKE_IT], ["train", "train", "test"]) == [True, False, False]


def test_a_train_text_like_a_validation_text_is_marked():
    assert marked([STORY, LIKE_IT], ["train", "validation"]) == [True, False]


@pytest.mark.parametrize("split", ["selection", "test"])
def test_a_validation_text_like_a_protected_text_is_marked(split):
    assert marked([STORY, LIKE_IT], ["validation", split]) == [True, False]


@pytest.mark.parametrize("split", ["train", "validation", "selection", "test"])
def test_texts_of_one_split_may_be_alike(split):
    assert marked([STORY, STORY], [split, split]) == [False, False]


def test_selection_and_test_may_be_alike():
    assert marked([STORY, STORY], ["selection", "test"]) == [False, False]


def test_the_similarity_itself_counts():
    # 3 of 4 words each, so 3 shared n-grams of 5.
    texts = ["a b c d", "a b c e"]
    assert marked(texts, ["train", "test"], similarity=0.6, ngram=1) == [True, False]
    assert marked(texts, ["train", "test"], similarity=0.61, ngram=1) == [False, False]


def test_short_texts_are_alike_only_when_equal():
    assert marked(["dog", "dog", "dog bone"], ["train", "test", "train"], ngram=3) == [True, False, False]


def test_texts_without_words_are_like_none():
    assert marked(["", " ", ""], ["train", "test", "validation"]) == [False, False, False]


def test_no_texts():
    assert marked([], []) == []


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="dev"):
        marked([STORY], ["dev"])


def test_progress_is_told_by_titles_done():
    done: list[int] = []
    band_keys([STORY] * 1100, 0.8, 3, on_title=done.append)
    assert done == [500, 1000]


def test_no_pair_is_missed():
    rng = np.random.default_rng(5)
    texts, splits = [], []
    for _ in range(150):
        words = [f"w{number}" for number in rng.integers(0, 5000, 40)]
        changed = list(words)
        changed[int(rng.integers(0, 40))] = "changed"
        texts += [" ".join(words), " ".join(changed)]
        splits += ["train", "test"]
    alike = []
    for first, second in zip(texts[::2], texts[1::2], strict=True):
        own, other = ngrams_of(first, 3), ngrams_of(second, 3)
        alike.append(len(own & other) / len(own | other) >= 0.88)
    assert 0 < sum(alike) < 150
    assert marked(texts, splits, 0.88, 3)[::2] == alike


def test_among_suspects_the_same_texts_are_marked():
    rng = np.random.default_rng(6)
    texts = [" ".join(f"w{number}" for number in rng.integers(0, 6, 3)) for _ in range(400)]
    splits = rng.choice(["train", "validation", "selection", "test"], 400, p=[0.7, 0.1, 0.1, 0.1])
    keys = band_keys(texts, 0.9, 3)
    doubtful = np.flatnonzero(suspects(keys, splits))
    chosen = [texts[row] for row in doubtful]
    found = near_duplicates(chosen, splits[doubtful], keys[doubtful], 0.9, 3)
    expected = near_duplicates(texts, splits, keys, 0.9, 3)
    assert 0 < expected.sum() < len(doubtful) < 400
    assert doubtful[found].tolist() == np.flatnonzero(expected).tolist()


def test_texts_of_one_split_are_no_suspects():
    keys = band_keys([STORY, STORY, OTHER], 0.8, 3)
    assert suspects(keys, ["selection", "test", "train"]).tolist() == [False, False, False]
    assert suspects(keys, ["validation", "test", "train"]).tolist() == [True, True, False]
    assert suspects(keys[:0], []).tolist() == []
