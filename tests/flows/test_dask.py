"""Cleaning on a Dask cluster: the very corpora that threads make, and a clear word where Dask is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from distributed import Client, get_task_stream

from conf.errors import GenreflowError
from conf.schema import load
from flows.runners import lost_workers_named
from scraper.importers.files import import_file
from scraper.site.generator import generate_titles

BLOCKS = 6


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    pq.write_table(generate_titles(100 * BLOCKS, random_seed=5), folder / "titles.parquet")
    import_file(
        folder / "titles.parquet",
        folder / "raw",
        genres=load("quick").prepare.genres,
        max_bad_share=0.2,
        part_titles=100,
    )
    return folder / "raw"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """Start a scheduler and two workers, each a process of its own, and yield the scheduler's address."""
    note = str(tmp_path / "scheduler.json")
    commands = [["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", note]]
    commands += [["worker", "--scheduler-file", note, "--nthreads", "1", "--no-dashboard", "--no-nanny"]] * 2
    # Workers import genreflow from where this test does; a block over which a worker dies is not tried again.
    given = {"PYTHONPATH": str(Path(__file__).parents[2]), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    environment = {**os.environ, **given}
    with (tmp_path / "dask.log").open("w") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, "-P", "-m", "dask", *command], stdout=log, stderr=log, env=environment, cwd=tmp_path
            )
            for command in commands
        ]
        try:
            with Client(scheduler_file=note, timeout=60, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
                yield client.scheduler.address
        finally:
            for process in processes:
                process.kill()
                process.wait()


def prepared(raw: Path, home: Path, *overrides: str) -> dict[str, bytes]:
    """Prepare the summaries in a new home and return the bytes of their table."""
    from flows.prepare import prepare

    home.mkdir()
    (home / "raw").symlink_to(raw, target_is_directory=True)
    corpora = prepare("quick", ["run.block_titles=100", "prepare.corpora=[summary]", *overrides], str(home))
    return {name: (corpus.folder / "titles.parquet").read_bytes() for name, corpus in corpora.items()}


@pytest.fixture(scope="module")
def by_threads(raw: Path, tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> dict[str, bytes]:
    return prepared(raw, tmp_path_factory.mktemp("made") / "threads")


@pytest.mark.skipif("GENREFLOW_LONG" not in os.environ, reason="the same with more processes: set GENREFLOW_LONG=1")
def test_cluster_of_two_processes_makes_the_same_bytes(
    raw: Path, cluster: str, tmp_path: Path, by_threads: dict[str, bytes]
) -> None:
    with Client(cluster, set_as_default=False) as client, get_task_stream(client) as told:
        by_dask = prepared(raw, tmp_path / "dask", "run.runner=dask", f"run.dask_address={cluster}")
    assert by_dask == by_threads
    workers = [task["worker"] for task in told.data if "clean" in str(task["key"])]
    assert len(workers) == BLOCKS
    assert len(set(workers)) == 2


def test_cluster_of_this_machine_makes_the_same_bytes(
    raw: Path, tmp_path: Path, by_threads: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a model does that MLflow has loaded: it brings the code that it was made with.
    (tmp_path / "older" / "tasks").mkdir(parents=True)
    (tmp_path / "older" / "tasks" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "older")
    assert prepared(raw, tmp_path / "dask", "run.runner=dask") == by_threads


def test_missing_dask_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.runners import runner_of

    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    with pytest.raises(GenreflowError, match=r"run.runner dask needs .*: pip install 'genreflow\[dask\]'"):
        runner_of(load("quick", ["run.runner=dask"]).run)


def test_workers_that_die_over_a_block_are_told_in_one_line(cluster: str) -> None:
    settings = load("quick", ["run.block_titles=100"]).run
    with Client(cluster, set_as_default=False) as client:
        # As a worker ends that the system kills for want of memory.
        died = client.submit(os._exit, 9)
        with pytest.raises(GenreflowError, match="run.block_titles below 100"), lost_workers_named(settings):
            died.result(timeout=60)
