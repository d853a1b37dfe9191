"""Start a crawl in a process of its own and believe only what its manifest says."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from conf.data import Collect
from conf.errors import GenreflowError
from scraper.raw import dropped_ids, stored_ids
from tasks.store import StoreError, read_manifest, write_json

# Seconds that an interrupted crawl has for writing what is complete before it is killed: a run that is ended is to be
# gone within ten.
GRACE_SECONDS = 7.0
_STDERR_TAIL = 2000

# The exit code of a crawl whose site failed too often: the one that a later try may mend.
TOO_MANY_FAILED = 3


class CrawlError(GenreflowError):
    """Say how a crawl failed and what to do; `report` is the crawl's own, {} where it gave none.

    exit_code is the crawl process's: 1 error, 2 refused, 3 too many failed, 4 blocked, 5 daily cap, 130 stopped.
    """

    def __init__(self, message: str, report: dict[str, Any] | None = None, exit_code: int = 1) -> None:
        super().__init__(message)
        self.report = report or {}
        self.exit_code = exit_code


def run_crawl(
    collect: Collect,
    ids: Sequence[str],
    folder: Path,
    fingerprint: str,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    genres: Sequence[str] = (),
) -> dict[str, Any]:
    """Crawl `ids` into a raw folder and return the crawl's report (see report.json beside the data).

    genres are names that titles may have besides IMDb's own; others are counted and left out. Goes on where an
    earlier crawl into the same folder ended: what that holds is not asked for. on_progress gets done, asked,
    items, failed, pages and seconds at most twice a second. Raises CrawlError with the crawl's own message; an
    interrupt stops the crawl in order, so that what is complete is kept.
    """
    asked = list(dict.fromkeys(ids))
    if not asked and not folder.exists():
        raise CrawlError("no title to ask for; expected at least one id")
    with tempfile.TemporaryDirectory(prefix="genreflow-") as name:
        spec = _write_spec(Path(name), collect, asked, folder, fingerprint, genres)
        with (Path(name) / "stderr").open("w+b") as stderr:
            code, report, error = _follow(spec, stderr, on_progress)
            stderr.seek(0)
            complaint = stderr.read().decode(errors="replace")[-_STDERR_TAIL:].strip()
    if code != 0 or report is None:
        told = error or (report or {}).get("message") or complaint or "no message"
        raise CrawlError(
            f"crawl into {folder.name} ended with exit code {code}: {told}", report, code if code > 0 else 1
        )
    _check_titles(folder, fingerprint, asked)
    return report


@contextlib.contextmanager
def crawl_lock(raw: Path, collect: Collect) -> Iterator[None]:
    """Hold the lock on the crawls into raw/; raises StoreError when another process keeps it for too long.

    A crawl whose starter was killed finishes the requests under way and writes its last part: until then nobody
    else knows what is held.
    """
    raw.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(raw / ".crawl.lock"))
    try:
        lock.acquire(timeout=collect.timeout + GRACE_SECONDS)
    except Timeout:
        raise StoreError(f"{raw}: another crawl still writes into it; wait for it to end") from None
    try:
        yield
    finally:
        lock.release()


def _write_spec(
    room: Path, collect: Collect, ids: list[str], folder: Path, fingerprint: str, genres: Sequence[str]
) -> Path:
    ids_file = room / "ids.txt"
    ids_file.write_text("\n".join(ids), encoding="utf-8")
    spec = {
        "folder": str(folder.absolute()),
        "fingerprint": fingerprint,
        "ids_file": str(ids_file),
        "collect": collect.model_dump(mode="json"),
        "genres": list(genres),
        "follow_starter": True,
    }
    write_json(room / "spec.json", spec)
    return room / "spec.json"


def _follow(
    spec: Path, stderr: Any, on_progress: Callable[[dict[str, Any]], None] | None
) -> tuple[int, dict[str, Any] | None, str | None]:
    report: dict[str, Any] | None = None
    error: str | None = None
    # -P: the folder that genreflow is called from must not shadow its packages.
    command = [sys.executable, "-P", "-m", "scraper.crawl", str(spec)]
    # The pipe to its standard input closes when this process dies, however it dies: then the crawl stops, too.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if "report" in told:
                report = told["report"]
            elif "error" in told:
                error = told["error"]
            elif on_progress is not None:
                on_progress(told)
        return process.wait(), report, error
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    # The end of its standard input is what tells the crawl to stop in order.
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _check_titles(folder: Path, fingerprint: str, asked: Sequence[str]) -> None:
    """Believe a crawl only when the parts on disk hold each title once and every asked one is accounted for."""
    try:
        manifest = read_manifest(folder)
        stored = stored_ids(folder)
    except StoreError as error:
        raise CrawlError(str(error)) from None
    if manifest is None or not manifest.complete or manifest.fingerprint != fingerprint:
        raise CrawlError(f"the crawl says that it finished, {folder} has no finished manifest of it")
    rows = sum(entry.rows or 0 for entry in manifest.files.values())
    if rows != len(stored):
        raise CrawlError(f"{folder} holds {rows} rows of {len(stored)} titles; expected each title once")
    accounted = stored | dropped_ids(folder) | {drop["title_id"] for drop in manifest.summary["failed_titles"]}
    missing = [title_id for title_id in asked if title_id not in accounted]
    if missing:
        raise CrawlError(f"{len(missing)} of {len(asked)} titles asked for are not accounted for in {folder}, the "
                         f"first being {missing[0]}")  # fmt: skip
