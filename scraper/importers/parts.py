"""Writing record batches as Parquet parts in the background, while the next ones are made."""

from __future__ import annotations

import hashlib
import io
import os
import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from scraper.items import RAW_SCHEMA
from tasks.store import FileEntry

# Writing takes longer than making the records: two parts are written at the same time.
_WRITERS = 2
# Records are written in row groups of so many bytes, of which so many wait at most.
_GROUP_BYTES = 16 * 2**20
_GROUPS_WAITING = 4
# A part ends here even if it has few titles: readers hold a whole one in memory.
_PART_BYTES = 128 * 2**20
_OPTIONS: dict[str, Any] = {
    # With any compression, two million titles take longer than twice what reading them takes.
    "compression": "none",
    # Columns of few different values; a dictionary of texts costs time and saves nothing.
    "use_dictionary": [
        "year", "mpaa", "genres.list.element", "countries.list.element", "languages.list.element", "title_type",
        "source", "source_url", "terms", "summary_source", "synopsis_source", "retrieved_at",
    ],
    "write_statistics": False,
    "write_batch_size": 16384,
}  # fmt: skip


class Parts:
    """Write batches of RAW_SCHEMA into part-00000.parquet and so on, in a folder, `part_titles` rows each at most."""

    def __init__(self, folder: Path, part_titles: int) -> None:
        self._folder = folder
        self._part_titles = part_titles
        self._rows = self._bytes = 0
        self._group: list[pa.RecordBatch] = []
        self._entries: dict[str, Future[FileEntry]] = {}
        self._open: queue.SimpleQueue[pa.Table | None] | None = None
        self._pool = ThreadPoolExecutor(_WRITERS, "parts")
        self._room = threading.Semaphore(_GROUPS_WAITING)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            self._open.put(None)
        self._pool.shutdown(cancel_futures=True)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch; raises what an earlier part's writing raised."""
        while batch.num_rows:
            some = batch.slice(0, self._part_titles - self._rows)
            batch = batch.slice(some.num_rows)
            self._group.append(some)
            self._rows += some.num_rows
            self._bytes += some.nbytes
            if self._rows >= self._part_titles or self._bytes >= _PART_BYTES:
                self._end_part()
            elif sum(each.nbytes for each in self._group) >= _GROUP_BYTES:
                self._hand_over()

    def finish(self) -> dict[str, FileEntry]:
        """Write the rest and return what describes each part, once all are on disk."""
        self._end_part()
        return {name: entry.result() for name, entry in self._entries.items()}

    def _hand_over(self) -> None:
        if not self._group:
            return
        if self._open is None:
            self._begin_part()
        assert self._open is not None
        self._room.acquire()
        self._open.put(pa.Table.from_batches(self._group))
        self._group = []

    def _begin_part(self) -> None:
        for entry in self._entries.values():
            if entry.done():
                entry.result()
        name = f"part-{len(self._entries):05d}.parquet"
        self._open = queue.SimpleQueue()
        self._entries[name] = self._pool.submit(self._write, self._folder / name, self._open)

    def _end_part(self) -> None:
        self._hand_over()
        if self._open is not None:
            self._open.put(None)
            self._open = None
        self._rows = self._bytes = 0

    def _write(self, path: Path, groups: queue.SimpleQueue[pa.Table | None]) -> FileEntry:
        rows = 0
        group: pa.Table | None = None
        try:
            with HashedFile(path) as file, pq.ParquetWriter(file, RAW_SCHEMA, **_OPTIONS) as writer:
                while (group := groups.get()) is not None:
                    writer.write_table(group)
                    rows += group.num_rows
                    self._room.release()
            return FileEntry(bytes=file.written, sha256=file.digest.hexdigest(), rows=rows)
        except BaseException:
            # Whoever adds must not wait for room for ever.
            while group is not None:
                self._room.release()
                group = groups.get()
            raise


class HashedFile(io.RawIOBase):
    """Write a file, take its SHA-256 on the way, and bring it to disk on close."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("wb", buffering=0)
        self.digest = hashlib.sha256()
        self.written = 0

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Write all of the bytes."""
        view = memoryview(data)
        self.digest.update(view)
        self.written += view.nbytes
        while view.nbytes:
            view = view[self._file.write(view) :]
        return self.written

    def tell(self) -> int:
        """Return how much is written."""
        return self.written

    def close(self) -> None:
        """Close the file once it is on disk."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()
        super().close()
