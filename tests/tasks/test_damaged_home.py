"""A home whose files are cut, flipped, emptied, missing, newer or replaced: named, made again or left out; none lost.

Short by default; GENREFLOW_LONG=1 damages 25 files of each kind at random places.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from disks import damage, tree
from harness import prepare, value_of

from conf.schema import Settings, load
from scraper.importers.files import import_file
from scraper.site.generator import generate_titles
from tasks import store
from tasks.corpus import StoredCorpus
from tasks.embedding import fit_word2vec
from tasks.records import survey_raw

LONG = bool(os.environ.get("GENREFLOW_LONG"))
TRIES = 25 if LONG else 1
LEFT_OUT = load("quick", ["prepare.damaged_parts=leave_out"])


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Path:
    """Return a home with two imports, of three parts and one, the corpus made of them, and its vectors."""
    home = tmp_path_factory.mktemp("original") / "home"
    titles = generate_titles(400, random_seed=5)
    for name, rows in (("many", titles.slice(0, 300)), ("few", titles.slice(300))):
        pq.write_table(rows, home.parent / f"{name}.parquet")
        import_titles(home, name, settings)
    return home


def import_titles(home: Path, name: str, settings: Settings) -> None:
    genres = settings.prepare.genres
    source = next(home.parent.glob(f"{name}.parquet"))
    import_file(source, home / "raw", genres=genres, max_bad_share=0.2, part_titles=100)


@pytest.fixture
def home(
    original: Path, tmp_path: Path, settings: Settings, outside_flow: None, monkeypatch: pytest.MonkeyPatch
) -> Path:
    # Drawing takes longer than everything else together.
    monkeypatch.setattr("tasks.corpus._save_plots", draw_nothing)
    if not (original / "corpora").exists():
        embed(original, prepare(original, "summary", settings.prepare), settings)
    shutil.copytree(original, tmp_path / "home")
    for file in original.parent.glob("*.parquet"):
        shutil.copy(file, tmp_path)
    return tmp_path / "home"


def draw_nothing(folder: Path, *_: Any) -> None:
    folder.mkdir()
    (folder / "genre_frequency.png").write_bytes(b"a plot")


def embed(home: Path, corpus: StoredCorpus, settings: Settings) -> Any:
    return value_of(fit_word2vec.fn(home, "summary", [corpus], settings.embed, settings.train.random_seed))


def remake(home: Path, settings: Settings) -> None:
    embed(home, prepare(home, "summary", settings.prepare), settings)


def without_moments(home: Path) -> dict[str, str]:
    """Return the files of a home, but for the manifests, which tell when they were written."""
    return tree(home, lambda name: name.endswith(store.MANIFEST))


def forget_results(home: Path) -> None:
    for step in ("cleaned", "corpora", "vectors"):
        shutil.rmtree(home / step)


def parts(home: Path) -> list[Path]:
    return sorted(home.glob("raw/*/part-*.parquet"))


def newer_part(path: Path) -> None:
    """Make a part one of a newer genreflow, its manifest with it."""
    pq.write_table(pq.read_table(path).replace_schema_metadata({"genreflow.schema_version": "99"}), path)
    manifest = store.read_manifest(path.parent)
    assert manifest is not None
    files = {**manifest.files, path.name: store.describe_file(path, rows=manifest.files[path.name].rows)}
    store.write_manifest(path.parent, manifest.model_copy(update={"files": files}))


def remove(path: Path) -> None:
    path.unlink()


def be_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def be_a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def dangle(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def cut_up(seed: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(damage(path.read_bytes(), random.Random(seed)))

    write.__name__ = f"damage {seed}"
    return write


ODD: list[Callable[[Path], None]] = [be_a_folder, be_a_loop, dangle] if LONG else [be_a_loop]
FAULTS: list[Callable[[Path], None]] = [remove, *ODD, *map(cut_up, range(TRIES))]


@pytest.mark.parametrize("fault", [newer_part, *FAULTS], ids=lambda fault: fault.__name__)
def test_damaged_raw_part_stops_or_is_left_out_and_nothing_else_is_touched(
    fault: Callable[[Path], None], home: Path, settings: Settings
) -> None:
    forget_results(home)
    path = parts(home)[FAULTS.index(fault) % 4 if fault in FAULTS else 0]
    whole, manifest = path.read_bytes(), (path.parent / store.MANIFEST).read_bytes()
    fault(path)
    before = tree(home / "raw")
    with pytest.raises(store.StoreError) as raised:
        prepare(home, "summary", settings.prepare)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)

    assert [str(path) in each for each in survey_raw(home / "raw", LEFT_OUT.prepare).faults] == [True]
    rest = prepare(home, "summary", LEFT_OUT.prepare)
    assert rest.records == 300
    assert tree(home / "raw") == before

    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    path.write_bytes(whole)
    (path.parent / store.MANIFEST).write_bytes(manifest)
    assert prepare(home, "summary", LEFT_OUT.prepare).records == 400
    assert prepare(home, "summary", settings.prepare).reused


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_damaged_raw_manifest_stops_or_leaves_its_folder_out(
    fault: Callable[[Path], None], home: Path, settings: Settings
) -> None:
    path = parts(home)[0].parent / store.MANIFEST
    whole, rest = path.read_bytes(), 300 if path.parent.name.startswith("import-few") else 100
    fault(path)
    before = tree(home / "raw")
    with pytest.raises(store.StoreError) as raised:
        prepare(home, "summary", settings.prepare)
    assert str(path.parent) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert prepare(home, "summary", LEFT_OUT.prepare).records == rest
    assert tree(home / "raw") == before

    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    path.write_bytes(whole)
    assert prepare(home, "summary", settings.prepare).reused


@pytest.mark.parametrize("step", ["cleaned", "corpora", "vectors"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_damaged_result_is_made_again_as_it_was(
    fault: Callable[[Path], None], step: str, home: Path, settings: Settings
) -> None:
    draw = random.Random(FAULTS.index(fault))
    before = without_moments(home)
    files = sorted(path for path in (home / step).rglob("*") if path.is_file())
    fault(draw.choice(files))
    if step == "cleaned":
        # A block is read where its corpus is made.
        shutil.rmtree(home / "corpora")
    remake(home, settings)
    assert without_moments(home) == before
    for folder in home.glob("*/*-*"):
        manifest = store.read_manifest(folder)
        assert manifest is not None
        assert store.damaged_files(folder, manifest) == []
