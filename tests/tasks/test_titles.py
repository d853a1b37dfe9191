"""A corpus's table: in the order of ids, each title with its own record's texts, however few are held at a time."""

from __future__ import annotations

from pathlib import Path

import harness
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from conf.schema import Settings
from scraper.importers.files import import_file
from scraper.site.generator import generate_titles
from tasks import blocks, titles
from tasks.corpus import read_titles

TITLES = 240


@pytest.fixture
def shuffled(home: Path, settings: Settings) -> pd.DataFrame:
    """Import titles in no order of ids, in parts of 60, the second of them without a text, and return them by id."""
    table = generate_titles(TITLES, random_seed=5).to_pandas()
    table = table.iloc[np.random.default_rng(1).permutation(TITLES)].reset_index(drop=True)
    table.loc[60:119, "summary"] = None
    table.to_parquet(home / "titles.parquet")
    import_file(
        home / "titles.parquet", home / "raw", genres=settings.prepare.genres, max_bad_share=0.0, part_titles=60
    )
    return table.set_index("title_id")


def test_titles_written_in_groups_keep_their_own_texts_in_order(
    home: Path, settings: Settings, shuffled: pd.DataFrame, outside_flow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = harness.prepare(home, "summary", settings.prepare, block_titles=60)
    at_once = read_titles(whole)
    assert len(at_once) > 100
    assert at_once["title_id"].is_monotonic_increasing
    assert at_once["text"].tolist() == shuffled.loc[at_once["title_id"], "summary"].tolist()

    (whole.folder / "manifest.json").unlink()
    monkeypatch.setattr(titles, "GROUP", 7)
    monkeypatch.setattr(blocks, "BATCH_RECORDS", 13)
    in_groups = harness.prepare(home, "summary", settings.prepare, block_titles=60)
    assert pq.ParquetFile(in_groups.folder / "titles.parquet").num_row_groups == -(-len(at_once) // 7)
    pd.testing.assert_frame_equal(read_titles(in_groups), at_once)
