"""Stages of a home that die at any one of their changes to its files, and what a home may not hold afterwards."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tasks import store

# What Python tells an audit hook before it changes a file system.
_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# Started once, with what the stages import (Arrow asks for pandas with its first value); each death is a fork of it.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pandas", "scraper.frontier", "scraper.importers.files"])

Stage = Callable[[Path], None]


def dies(stage: Stage, home: Path, *changes: int) -> bool:
    """Run a stage in a process that SIGKILL ends at its change number so; says whether there were so many.

    That is just before a name is made, given or taken away; a file that is written counts twice, before it is opened
    and while it is empty. With several numbers it is started again after each death, a process each.
    """
    for change in changes:
        process = _FORKS.Process(target=_run, args=(stage, home, change))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode} at change {change}"
        if process.exitcode == 0:
            return False
    return True


def _run(stage: Stage, home: Path, deadly: int) -> None:
    changes = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        if not _is_change(event, arguments, str(home)):
            return
        changes += 1
        if changes == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if event == "open":
            changes += 1
            if changes == deadly:
                # Opened, and so emptied, and nothing written yet.
                os.close(os.open(arguments[0], arguments[2]))
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    stage(home)


def _is_change(event: str, arguments: tuple[Any, ...], home: str) -> bool:
    if event != "open" and event not in _CHANGES:
        return False
    path = os.fsdecode(arguments[0]) if not isinstance(arguments[0], int) else ""
    if event == "open":
        return path.startswith(home) and bool(arguments[2] & _WRITING)
    # Removing a tree, names are told below an open folder.
    return path.startswith(home) or not path.startswith("/")


def half_made(home: Path) -> Iterator[str]:
    """Name what a killed process may leave and a run that has ended may not: drafts, temporary and unnamed files."""
    yield from (f"draft {path}" for path in home.rglob(store.RUNNING_PREFIX + "*"))
    yield from (f"temporary file {path}" for path in home.rglob(".*.tmp"))
    if (home / "lock.json").exists():
        yield f"{home / 'lock.json'} of a process that is gone"
    # Results and raw titles are folders of folders; what else stands there is of Prefect, MLflow, or the page cache.
    for folder in sorted(home.glob("*/[!.]*")):
        if folder.is_dir() and folder.parent.name not in ("mlflow", "prefect", "pages"):
            yield from _unnamed(folder)


def _unnamed(folder: Path) -> Iterator[str]:
    manifest = store.read_manifest(folder)
    if manifest is None or not manifest.complete:
        yield f"{folder} without a finished manifest"
        return
    yield from (f"damaged {folder / name}" for name in store.damaged_files(folder, manifest))
    named = {*manifest.files, store.MANIFEST, "report.json"}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    yield from (f"{folder / name}, which no manifest names" for name in sorted(files - named))


def keep_results(home: Path) -> None:
    """Make two results, as a task does, and note the run as open and then as ended."""
    with store.lock_home(home, 0):
        store.write_json(home / "runs.json", ["open"])
        for name in ("linear", "seed"):
            folder = home / "models" / name
            if store.find_result(folder, name):
                continue
            with (
                store.new_result(folder, step="train", version=1, fingerprint=name) as draft,
                store.scratch_folder(folder.parent, "texts") as scratch,
            ):
                (scratch / "texts.txt").write_text("nobody keeps this")
                (draft.folder / "history.json").write_text("{}")
                (draft.folder / "model").mkdir()
                (draft.folder / "model" / "weights.txt").write_text(name)
        store.write_json(home / "runs.json", ["ended"])


TITLES = [f"tt{number:07d}" for number in range(9)]
GONE = TITLES[3:5]


def crawl_titles(home: Path) -> None:
    """Store titles and drops in parts of three, as a crawl does that goes on where the one before was cut."""
    from scraper.frontier import find_frontier
    from scraper.items import Title
    from scraper.writer import Drop, PartWriter

    with store.lock_home(home, 0):
        frontier = find_frontier(home / "raw", "imdb", "f" * 64, TITLES)
        if not frontier.todo and not frontier.unfinished:
            return
        writer = PartWriter(frontier.folder, step="collect", fingerprint="f" * 64, part_titles=3, asked=len(TITLES))
        for title_id in frontier.todo:
            if title_id in GONE:
                writer.drop(Drop(title_id, "not_found"))
            else:
                writer.add(Title(title_id, source="imdb", genres=("Drama",), summary=f"The story of {title_id}."))
        writer.finish()


def import_titles(home: Path) -> None:
    """Import a file of titles in parts of two."""
    from scraper.importers.files import import_file

    with store.lock_home(home, 0):
        file = home.with_name("titles.csv")
        import_file(file, home / "raw", genres=["Drama"], max_bad_share=0.0, part_titles=2)
