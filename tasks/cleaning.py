"""Task of the prepare stage: raw parts in, a cleaned block out."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from conf.data import Prepare
from conf.errors import GenreflowError
from conf.operation import Run
from tasks import store
from tasks.blocks import VERSION, Block, CleanedBlock, Order, Written, write_block
from tasks.reuse import cached


class CleaningError(GenreflowError):
    """Say of which raw parts the cleaning broke off."""


@task(task_run_name="clean {block.corpus} {block.name}", cache_policy=NO_CACHE)
def clean_block(home: Path, block: Block, settings: Prepare, cleaners: Cleaners | None) -> CleanedBlock:
    """Clean a block's raw parts into cleaned/<corpus>-<fingerprint>/, by one of the cleaners where there are any.

    Raises StoreError for a part that is missing or damaged, CleaningError when a cleaner's process was killed.
    """
    found = store.find_result(block.folder, block.fingerprint)
    if found:
        return cached(CleanedBlock(folder=block.folder, **found.summary), block.folder)

    with store.new_result(block.folder, step="clean", version=VERSION, fingerprint=block.fingerprint) as draft:
        order = Order(raw=home / "raw", block=block, folder=draft.folder, settings=settings)
        written = cleaners.clean(order) if cleaners else write_block(order)
        draft.summary = {"parts": block.parts, "records": written.records, "sources": written.sources}
    get_run_logger().info("%s: %d records of %s cleaned", block.corpus, written.records, block.name)
    return CleanedBlock(folder=block.folder, **draft.summary)


class Cleaners:
    """Keep processes that each clean one block after the other (python -m tasks.blocks); any thread may ask.

    They are no multiprocessing pool: its processes take over sys.path, where a model that MLflow has loaded puts its
    own, older copy of this package first.
    """

    def __init__(self, processes: int) -> None:
        self._free: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        self.processes: list[subprocess.Popen[str]] = []
        for _ in range(processes):
            self._free.put(self._start())

    def clean(self, order: Order) -> Written:
        """Let a free process write the block, waiting for one; raises as write_block does, or CleaningError."""
        process = self._free.get()
        assert process.stdin and process.stdout
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(order.model_dump_json() + "\n")
            process.stdin.flush()
        reply = process.stdout.readline()
        if not reply:
            # The others' blocks get another one, or this one would answer them all at once with nothing.
            self._free.put(self._start())
            code = process.wait()
            advice = ", perhaps for want of memory; run.processes=1 needs less" if code == -signal.SIGKILL else ""
            raise CleaningError(f"{order.block.name}: the process that cleaned it ended with exit code {code}{advice}")
        self._free.put(process)
        written = Written.model_validate_json(reply)
        if written.error:
            raise store.StoreError(written.error)
        return written

    def close(self) -> None:
        """End the processes; what they have not finished is lost."""
        for process in self.processes:
            process.kill()
            process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "tasks.blocks"]
        # In a session of its own Ctrl-C does not reach it: the flow ends it.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.processes.append(process)
        return process


@contextlib.contextmanager
def open_cleaners(settings: Run, titles: int) -> Iterator[Cleaners | None]:
    """Yield processes to clean so many titles; None where the runner has its own, or the titles fill no two blocks."""
    processes = min(settings.processes, titles // settings.block_titles)
    if settings.runner != "threads" or processes < 2:
        yield None
        return
    cleaners = Cleaners(processes)
    try:
        yield cleaners
    finally:
        cleaners.close()
