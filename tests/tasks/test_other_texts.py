"""What a corpus's recipes learn from the other corpus: whose texts, and which are left out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from harness import prepare, value_of

from conf.schema import Settings
from tasks.corpus import TITLES, StoredCorpus, read_titles
from tasks.other_texts import OtherTexts, find_other_texts


@pytest.fixture
def synopses(imported: Path, settings: Settings, outside_flow: None) -> StoredCorpus:
    return prepare(imported, "synopsis", settings.prepare)


def found_for(home: Path, corpus: StoredCorpus, other: StoredCorpus, settings: Settings) -> OtherTexts:
    found: OtherTexts = value_of(find_other_texts.fn(home, corpus, other, settings.prepare))
    return found


def test_only_texts_that_the_other_corpus_is_fitted_on(
    home: Path, summaries: StoredCorpus, synopses: StoredCorpus, settings: Settings
) -> None:
    found = found_for(home, synopses, summaries, settings)
    theirs = read_titles(summaries).query("fitted and split == 'train'")
    stored = pd.read_parquet(found.folder / TITLES)
    assert stored["title_id"].tolist() == theirs["title_id"].tolist()
    assert stored["text"].tolist() == theirs["text"].tolist()
    assert (found.corpus, found.source, found.texts) == ("synopsis", "summary", len(theirs))
    assert found.genres == summaries.genres


def test_a_text_that_nearly_duplicates_a_held_one_is_left_out(
    home: Path, summaries: StoredCorpus, synopses: StoredCorpus, settings: Settings
) -> None:
    held = read_titles(synopses).query("split == 'test'").iloc[0]
    table = read_titles(summaries)
    row = table.query("fitted and split == 'train'").index[0]
    table.loc[row, ["text", "tokens"]] = [held["text"], held["tokens"]]
    folder = home / "changed"
    folder.mkdir()
    table.to_parquet(folder / TITLES, index=False)
    changed = summaries.model_copy(update={"folder": folder, "fingerprint": "changed"})
    found = found_for(home, synopses, changed, settings)
    assert found.near_duplicates == 1
    assert table.loc[row, "title_id"] not in pd.read_parquet(found.folder / TITLES)["title_id"].tolist()


def test_they_are_found_once_for_the_same_corpora(
    home: Path, summaries: StoredCorpus, synopses: StoredCorpus, settings: Settings
) -> None:
    first = found_for(home, synopses, summaries, settings)
    again = found_for(home, synopses, summaries, settings)
    assert again == first.model_copy(update={"reused": True})
    assert found_for(home, summaries, synopses, settings).folder != first.folder
