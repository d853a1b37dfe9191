"""Generated titles and others do not come into one home."""

import json
from pathlib import Path

import pytest

from conf.data import Prepare
from conf.schema import load
from scraper.importers.files import import_file
from scraper.items import GENERATED, Title
from scraper.raw import MixedTitlesError, check_company, first_sources
from scraper.writer import PartWriter


@pytest.fixture(scope="module")
def settings() -> Prepare:
    return load("base").prepare


def crawl(raw: Path, source: str, titles: int = 1) -> Path:
    folder = raw / f"imdb-{source}"
    writer = PartWriter(folder, step="collect", fingerprint=source, part_titles=10, asked=titles)
    for number in range(titles):
        writer.add(Title(f"tt000000{number}", title="Film", genres=("Drama",), summary="A storm.", source=source))
    writer.finish()
    return folder


def test_sources_are_those_of_whole_folders_with_titles(tmp_path: Path) -> None:
    crawl(tmp_path, "imdb")
    crawl(tmp_path, GENERATED)
    crawl(tmp_path, "empty", titles=0)
    damaged = crawl(tmp_path, "damaged")
    (damaged / "part-00000.parquet").write_bytes(b"no Parquet")
    (crawl(tmp_path, "torn") / "manifest.json").write_text("{")
    assert first_sources(tmp_path) == {"imdb-imdb": "imdb", f"imdb-{GENERATED}": GENERATED}


def test_file_is_not_imported_beside_generated_titles(tmp_path: Path, settings: Prepare) -> None:
    crawl(tmp_path / "raw", GENERATED)
    file = tmp_path / "mine.jsonl"
    file.write_text(
        json.dumps({"title_id": "tt0000001", "genres": ["Drama"], "summary": "A storm cuts off a lighthouse."})
    )
    with pytest.raises(
        MixedTitlesError, match="holds generated titles, as the demo makes them; keep your own in a home"
    ):
        import_file(file, tmp_path / "raw", genres=settings.genres, max_bad_share=0.5, part_titles=10)
    assert [folder.name for folder in (tmp_path / "raw").iterdir()] == [f"imdb-{GENERATED}"]


def test_generated_titles_do_not_come_beside_others(tmp_path: Path) -> None:
    crawl(tmp_path, "imdb")
    check_company(tmp_path, generated=False)
    with pytest.raises(MixedTitlesError, match=r"holds titles that are not generated \(imdb\); generated ones go into"):
        check_company(tmp_path, generated=True)
