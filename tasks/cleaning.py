"""Task of the prepare stage: raw parts in, a cleaned block out."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from conf.errors import GenreflowError
from conf.schema import Prepare, Run
from tasks import store
from tasks.blocks import VERSION, Block, CleanedBlock, write_block
from tasks.reuse import cached


class CleaningError(GenreflowError):
    """Say of which raw parts the cleaning broke off."""


@task(task_run_name="clean {block.corpus} {block.name}", cache_policy=NO_CACHE)
def clean_block(home: Path, block: Block, settings: Prepare, pool: Executor | None) -> CleanedBlock:
    """Clean a block's raw parts into cleaned/<corpus>-<fingerprint>/, in a process of the pool where there is one.

    Raises StoreError for a part that is missing or damaged, CleaningError when the pool's process was killed.
    """
    found = store.find_result(block.folder, block.fingerprint)
    if found:
        return cached(CleanedBlock(folder=block.folder, **found.summary, reused=True), block.folder)

    with store.new_result(block.folder, step="clean", version=VERSION, fingerprint=block.fingerprint) as draft:
        work = (home / "raw", block, draft.folder, settings)
        try:
            records, sources = pool.submit(write_block, *work).result() if pool else write_block(*work)
        except BrokenProcessPool:
            raise CleaningError(
                f"{block.name}: the process that cleaned it was killed, perhaps for want of memory; "
                f"run.processes=1 needs less"
            ) from None
        draft.summary = {
            "corpus": block.corpus, "fingerprint": block.fingerprint, "parts": block.parts, "records": records,
            "sources": sources,
        }  # fmt: skip
    get_run_logger().info("%s: %d records of %s cleaned", block.corpus, records, block.name)
    return CleanedBlock(folder=block.folder, **draft.summary)


@contextlib.contextmanager
def open_pool(settings: Run, titles: int) -> Iterator[Executor | None]:
    """Yield a pool of processes to clean so many titles; None where the runner has its own or one block is all."""
    processes = min(settings.processes, titles // settings.block_titles)
    if settings.runner != "threads" or processes < 2:
        yield None
        return
    # Spawned: a fork of a process with threads may wait for ever on a lock that one of them held.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _end_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Let this process end when its parent was killed: it would wait for work for ever."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
