"""Files that people put into a folder: each imported once, bad ones named once the others are in."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from harness import value_of

from conf.errors import GenreflowError
from conf.schema import Settings
from scraper.importers.tally import ImportFileError
from scraper.site.generator import generate_titles
from tasks.inbox import Imported, import_inbox

pytestmark = pytest.mark.usefixtures("outside_flow")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    pq.write_table(generate_titles(30, 1), folder / "a.parquet")
    pq.write_table(generate_titles(20, 2), folder / "b.parquet")
    (folder / ".c.parquet").write_bytes(b"half copied")
    return folder


def look(tmp_path: Path, inbox: Path, settings: Settings) -> Imported:
    genres: Sequence[str] = settings.prepare.genres
    told: Imported = value_of(import_inbox.fn(tmp_path / "home", inbox, settings.import_, genres))
    return told


def test_each_file_is_imported_once(tmp_path: Path, inbox: Path, settings: Settings) -> None:
    assert look(tmp_path, inbox, settings) == Imported(files=2, new=2, titles=50)
    assert look(tmp_path, inbox, settings) == Imported(files=2, new=0, titles=0)
    pq.write_table(generate_titles(10, 3), inbox / "later.parquet")
    assert look(tmp_path, inbox, settings) == Imported(files=3, new=1, titles=10)


def test_bad_file_is_named_and_the_others_are_in(tmp_path: Path, inbox: Path, settings: Settings) -> None:
    (inbox / "aa.parquet").write_bytes(b"no parquet")
    with pytest.raises(ImportFileError, match=r"1 of 3 files of import.inbox were not imported: .*aa.parquet"):
        look(tmp_path, inbox, settings)
    assert len(list((tmp_path / "home" / "raw").glob("import-*"))) == 2


def test_missing_folder_is_named(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(GenreflowError, match=r"import.inbox .*nowhere: no such folder"):
        look(tmp_path, tmp_path / "nowhere", settings)
