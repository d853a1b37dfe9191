"""The command line on a disk that is full, read-only or too small: one line that names the file, and on with room.

Short by default; GENREFLOW_LONG=1 fills the disk at 20 points of each command, and lets a whole run on a home that
gets room bit by bit (about half an hour on two cores).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from disks import SmallDisk, small_disk, tree
from harness import Answer, TrainedHome
from trainers import PREPARED, copy_stages

from scraper.launch import CrawlError, run_crawl
from scraper.raw import read_raw
from scraper.site.server import running_site
from tasks import store

LONG = bool(os.environ.get("GENREFLOW_LONG"))
POINTS = 20 if LONG else 1
# What a whole run gets at a time; it takes 24 MB.
STEP_BYTES = 2**20
FULL_DATABASE = "database or disk is full"


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with small_disk() as mounted:
        yield mounted


def genreflow_process(*arguments: object, **environment: str) -> Answer:
    command = [sys.executable, "-P", "-m", "flows.cli", *map(str, arguments)]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(command, capture_output=True, text=True, env={**ours, **environment}, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


def check_one_line(answer: Answer, home: Path, *reasons: str) -> str:
    """Expect one error, in one line, that names something in the home and why; returns the line."""
    assert answer.code == 1, answer.err
    assert "Traceback" not in answer.err + answer.out
    (line,) = (line for line in answer.err.splitlines() if line.startswith("error: "))
    assert f"{home}" in line
    assert any(reason in line for reason in reasons), line
    return line


def raw_rows(raw: Path) -> list[dict[str, Any]]:
    tables = [table.drop_columns("retrieved_at") for table in read_raw(raw)]
    return sorted((row for table in tables for row in table.to_pylist()), key=lambda row: str(row["title_id"]))


@pytest.fixture(scope="module")
def titles_file(trained_home: TrainedHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("titles") / "titles.parquet"
    pq.write_table(trained_home.titles, file)
    return file


def test_import_onto_a_full_disk_names_the_file_and_goes_on(disk: SmallDisk, tmp_path: Path, titles_file: Path) -> None:
    assert genreflow_process("import", titles_file, "--home", tmp_path / "undisturbed").code == 0
    size = max(path.stat().st_size for path in (tmp_path / "undisturbed" / "raw").rglob("*.parquet"))
    home = disk.path / "home"
    for point in range(POINTS):
        with disk.leaving(size * point // POINTS):
            answer = genreflow_process("import", titles_file, "--home", home)
        line = check_one_line(answer, home, disk.full)
        assert answer.err.strip() == line
        assert not [path for path in home.rglob("*") if path.is_file() and path.name != "lock"]
    assert genreflow_process("import", titles_file, "--home", home).code == 0
    assert raw_rows(home / "raw") == raw_rows(tmp_path / "undisturbed" / "raw")


def test_crawl_onto_a_full_disk_keeps_whole_parts_and_goes_on(
    disk: SmallDisk, tmp_path: Path, trained_home: TrainedHome
) -> None:
    ids = trained_home.titles["title_id"].to_pylist()
    with running_site(trained_home.titles) as base_url:
        changes = {"base_url": base_url, "fields": "texts", "part_titles": 20}
        collect = trained_home.settings.collect.model_copy(update=changes)
        run_crawl(collect, ids, tmp_path / "raw" / "undisturbed", "f" * 64)
        sizes = [path.stat().st_size for path in (tmp_path / "raw").rglob("*.parquet")]
        folder = disk.path / "raw" / "crawl"
        for point in range(POINTS):
            room = sum(sizes) // POINTS if disk.mounted else max(sizes) * point // POINTS
            with disk.leaving(room if point else 0), pytest.raises(CrawlError) as raised:
                run_crawl(collect, ids, folder, "f" * 64)
            message = str(raised.value)
            assert "\n" not in message
            assert str(disk.path) in message
            assert disk.full in message
            manifest = store.read_manifest(folder) if folder.exists() else None
            assert not manifest or not store.damaged_files(folder, manifest)
        run_crawl(collect, ids, folder, "f" * 64)
    assert raw_rows(folder.parent) == raw_rows(tmp_path / "raw")


def test_home_without_room_for_prefects_database_is_told_of_at_once(disk: SmallDisk, titles_file: Path) -> None:
    if not disk.mounted:
        pytest.skip("no disk can be mounted here, and a limit on files is not seen beforehand")
    home = disk.path / "home"
    assert genreflow_process("import", titles_file, "--home", home).code == 0
    with disk.leaving(2**20):
        check_one_line(genreflow_process("prepare", "--home", home), home, disk.full)
    with disk.read_only():
        check_one_line(genreflow_process("prepare", "--home", home), home, "cannot be written")


def test_clean_makes_room_on_a_full_disk(disk: SmallDisk, genreflow: Callable[..., Answer]) -> None:
    home = disk.path / "home"
    for number in range(2):
        with store.new_result(
            home / "vectors" / f"both-{number}", step="s", version=1, fingerprint=f"{number}"
        ) as draft:
            (draft.folder / "vectors.npy").write_bytes(bytes(100_000))
        manifest = store.read_manifest(home / "vectors" / f"both-{number}")
        assert manifest is not None
        created = f"2026-01-0{number + 1}T00:00:00+00:00"
        store.write_manifest(home / "vectors" / f"both-{number}", manifest.model_copy(update={"created": created}))
    with disk.leaving(0):
        assert genreflow("clean", "--keep", "1", "--delete", "--home", home).code == 0
    assert [path.name for path in (home / "vectors").iterdir()] == ["both-1"]


def test_stage_of_a_flow_on_a_full_disk_ends_with_one_line(
    disk: SmallDisk, trained_home: TrainedHome, genreflow: Callable[..., Answer]
) -> None:
    home = disk.path / "home"
    shutil.copytree(trained_home.path / "raw", home / "raw")
    with disk.leaving(100_000 if disk.mounted else 20_000):
        check_one_line(genreflow("prepare", "--conf", "quick", "--home", home), home, disk.full)
    assert genreflow("prepare", "--conf", "quick", "--home", home).code == 0
    for corpus in trained_home.done.corpora.values():
        ours, theirs = (
            store.read_manifest(path / "corpora" / corpus.folder.name) for path in (home, trained_home.path)
        )
        assert ours is not None and theirs is not None
        assert ours.files == theirs.files


def test_answers_of_a_home_on_a_read_only_disk(
    disk: SmallDisk, trained_home: TrainedHome, titles_file: Path, genreflow: Callable[..., Answer]
) -> None:
    home = disk.path / "home"
    shutil.copytree(trained_home.path, home, ignore=shutil.ignore_patterns("prefect"))
    before = tree(home)
    with disk.read_only():
        asked = ["--home", home, "--corpus", "summary"]
        answer = genreflow("predict", "A detective hunts a killer.", *asked, "--json")
        assert answer.code == 0, answer.err
        assert json.loads(answer.out)["probabilities"]
        assert genreflow("compare", *asked).code == 0
        refused = genreflow("predict", "--input", titles_file, *asked)
        check_one_line(refused, home / "predictions", disk.read_only_reason)
    assert tree(home) == before


@pytest.mark.skipif(not LONG, reason="minutes of asking again; GENREFLOW_LONG=1 runs it")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("attempt", range(3))
def test_disk_that_fills_up_under_the_embedded_server_is_told(
    disk: SmallDisk, trained_home: TrainedHome, attempt: int
) -> None:
    if not disk.mounted:
        pytest.skip("no disk can be mounted here")
    home = copy_stages(trained_home.path, disk.path / "home", PREPARED)
    before = tree(home / "raw")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    train = ["train", "--conf", "quick", "--corpus", "summary", "--set=train.recipes=[linear]", "--home", str(home)]
    command = [sys.executable, "-P", "-m", "flows.cli", *train]
    process = subprocess.Popen(command, env=ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    database = home / "prefect" / "prefect.db"
    while not database.exists() or database.stat().st_size < 2**19:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    time.sleep(5 * attempt)
    with disk.leaving(2**14 * attempt):
        out, error = process.communicate()
    check_one_line(Answer(process.returncode, out, error), home, disk.full, FULL_DATABASE)
    assert tree(home / "raw") == before
    done = subprocess.run(command, env=ours, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not LONG, reason="about half an hour; GENREFLOW_LONG=1 runs it")
@pytest.mark.timeout(7200)
def test_run_goes_on_whenever_there_is_more_room_and_ends_as_an_undisturbed_one(
    disk: SmallDisk, trained_home: TrainedHome
) -> None:
    from prefect.settings import PREFECT_API_URL

    if not disk.mounted:
        pytest.skip("no disk can be mounted here")
    home = disk.path / "home"
    shutil.copytree(trained_home.path / "raw", home / "raw")
    before = tree(home / "raw")
    answer, refusals, room = Answer(1, "", ""), 0, 0
    start = disk.used()
    while answer.code != 0:
        with disk.leaving(max(0, start + room - disk.used())):
            server = str(PREFECT_API_URL.value())
            answer = genreflow_process("run", "--conf", "quick", "--home", home, PREFECT_API_URL=server)
        if answer.code != 0:
            check_one_line(answer, home, disk.full, FULL_DATABASE)
            refusals, room = refusals + 1, room + STEP_BYTES
    assert refusals >= 20
    assert tree(home / "raw") == before
    for step in ("cleaned", "corpora", "vectors", "others", "models", "evaluations", "behaviour"):
        ours, theirs = (sorted(path.name for path in (each / step).iterdir()) for each in (home, trained_home.path))
        assert ours == theirs
        for name in ours:
            manifest = store.read_manifest(home / step / name)
            assert manifest is not None
            assert store.damaged_files(home / step / name, manifest) == []
    for figures in trained_home.path.glob("evaluations/*/figures.json"):
        assert (home / figures.relative_to(trained_home.path)).read_bytes() == figures.read_bytes()
    answer = genreflow_process("predict", "A detective hunts a killer.", "--corpus", "summary", "--home", home)
    assert answer.code == 0
