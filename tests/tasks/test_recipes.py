"""What recipes are fitted on: a corpus's own rows, and those of the other corpus with what they count."""

import pandas as pd

from tasks.recipes import joined, labelled, labelled_elsewhere

GENRES = ["Drama", "Short", "War"]
OWN = pd.DataFrame({"text": ["A war."], "tokens": ["war"], "genres": [["War"]]})
OTHER = pd.DataFrame({"text": ["A song.", "A play."], "tokens": ["song", "play"], "genres": [["Music", "Drama"], []]})


def test_own_rows_count_one_for_each_genre() -> None:
    found = labelled(OWN, GENRES)
    assert found.truth.tolist() == [[0, 0, 1]]
    assert found.weights.tolist() == [[1, 1, 1]]


def test_rows_of_the_other_corpus_count_only_for_genres_modelled_there() -> None:
    found = labelled_elsewhere(OTHER, GENRES, 0.3, ["Drama", "Music", "War"])
    assert found.truth.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert found.weights.tolist() == [[0.3, 0, 0.3]] * 2


def test_both_follow_one_another() -> None:
    both = joined(labelled(OWN, GENRES), labelled_elsewhere(OTHER, GENRES, 0.3, GENRES))
    assert both.texts.raw == ["A war.", "A song.", "A play."]
    assert both.texts.words == ["war", "song", "play"]
    assert both.truth[:, 0].tolist() == [0, 1, 0]
    assert both.weights[:, 0].tolist() == [1, 0.3, 0.3]
