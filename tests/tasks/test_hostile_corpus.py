"""The clean step on texts that nobody expects: each is a title of the corpus or a counted drop, and is stored."""

import json
import os
import random
from pathlib import Path

import pytest
from harness import prepare
from mutations import ODD_TEXTS, mutate_text

from conf.names import Corpus
from conf.schema import Settings
from scraper.importers.files import import_file
from scraper.site.generator import generate_titles
from tasks.corpus import read_titles

TITLES = 5_000 if "GENREFLOW_LONG" in os.environ else 300


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("corpus", ["summary", "synopsis"])
def test_hostile_title_is_in_the_corpus_or_counted(
    home: Path, settings: Settings, corpus: Corpus, outside_flow: None
) -> None:
    rows = generate_titles(TITLES, 5).to_pylist()
    for number, row in enumerate(rows):
        rng = random.Random(number)
        for name in ("summary", "synopsis", "title") if number % 3 else ():
            text = row[name] or rng.choice(ODD_TEXTS)
            row[name] = mutate_text(rng.choice((text, rng.choice(ODD_TEXTS) + text)), text, rng)[:100_000]
    file = home / "titles.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    told = import_file(file, home / "raw", genres=settings.prepare.genres, max_bad_share=0.5, part_titles=1000)
    stored = prepare(home, corpus, settings.prepare)
    assert stored.records == told.stored
    assert sum(stored.splits.values()) + sum(stored.drops.values()) == stored.records
    frame = read_titles(stored)
    assert len(frame) == sum(stored.splits.values()) > TITLES // 3
    for text in [*frame["text"], *frame["words"]] if "words" in frame else frame["text"]:
        assert "\0" not in text
        text.encode()
