"""How raw titles are kept: Parquet parts in a folder a crawl or import, named by a manifest, never edited."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from conf.errors import GenreflowError
from scraper.items import ADDED_COLUMNS, RAW_SCHEMA, SCHEMA_VERSION, TITLE_ID, Title, to_table
from tasks.store import (
    MANIFEST,
    FileEntry,
    Manifest,
    StoreError,
    atomic_path,
    damaged_files,
    describe_file,
    digest_file,
    now,
    read_manifest,
    write_manifest,
)

_VERSION_KEY = b"genreflow.schema_version"


class WriterError(GenreflowError):
    """Say which raw folder or title could not be written, and why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Drop:
    """Hold a title that was asked for and is not stored; only a permanent drop is never asked for again."""

    title_id: str
    reason: str
    detail: str = ""
    permanent: bool = True


class PartWriter:
    """Write titles into a raw folder, `part_titles` a Parquet part, and rewrite its manifest after each part.

    `notes` are added to the manifest's summary. Opening an unfinished folder goes on after its last named
    part and removes parts that its manifest does not name: their writer was killed.
    Raises WriterError for a finished folder, another fingerprint, or a title that does not fit the schema, StoreError
    for a folder whose manifest is damaged, of a newer version, or missing beside parts.
    """

    def __init__(
        self,
        folder: Path,
        *,
        step: Literal["collect", "import"],
        fingerprint: str,
        part_titles: int,
        asked: int,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.asked = asked
        self._notes = dict(notes or {})
        self._part_titles = part_titles
        self._buffer: list[Title] = []
        self._failed: dict[str, Drop] = {}
        self._untold = 0
        self._manifest = self._open(step, fingerprint)
        self._dropped: list[dict[str, str]] = list(self._manifest.summary.get("dropped_titles", []))
        # Before the first part: parts without a manifest are damage, never a crawl that was killed.
        self._write(complete=False)

    def _open(self, step: str, fingerprint: str) -> Manifest:
        manifest = read_raw_manifest(self.folder) or Manifest(
            step=step,
            version=SCHEMA_VERSION,
            fingerprint=fingerprint,
            files={},
            summary={},
            complete=False,
            created=now(),
        )
        if (manifest.step, manifest.fingerprint) != (step, fingerprint):
            raise WriterError(f"{self.folder}: holds {manifest.step} {manifest.fingerprint[:12]}, not {step} "
                              f"{fingerprint[:12]}")  # fmt: skip
        if manifest.complete:
            damaged = ", ".join(damaged_files(self.folder, manifest)) or "nothing"
            raise WriterError(
                f"{self.folder}: already finished ({damaged} damaged); raw titles are never changed, "
                f"move the folder away to make it again"
            )
        for path in self.folder.glob("*part-*.parquet*"):
            if path.name not in manifest.files:
                path.unlink()
        return manifest

    @property
    def stored(self) -> int:
        """Count the titles in written parts."""
        return sum(entry.rows or 0 for entry in self._manifest.files.values())

    @property
    def taken(self) -> int:
        """Count the titles in written parts and those still waiting for theirs."""
        return self.stored + len(self._buffer)

    @property
    def failed(self) -> int:
        """Count the titles that failed and may be asked for again."""
        return len(self._failed)

    @property
    def dropped(self) -> int:
        """Count the titles that are dropped for good."""
        return len(self._dropped)

    def add(self, title: Title) -> None:
        """Take one title; every `part_titles` of them are written as a part."""
        if not TITLE_ID.fullmatch(title.title_id) or not title.source:
            raise WriterError(f"expected a title with an id and a source, got {title.title_id!r}, {title.source!r}")
        self._buffer.append(title)
        if len(self._buffer) >= self._part_titles:
            self.flush()

    def drop(self, drop: Drop) -> None:
        """Count a title that is not stored; it reaches the manifest with the next part, or so many other drops."""
        if drop.permanent:
            self._dropped.append({"title_id": drop.title_id, "reason": drop.reason, "detail": drop.detail})
            self._untold += 1
            # Of some sources most titles are drops: these must not wait for a part of titles either.
            if self._untold >= self._part_titles:
                self._write(complete=False)
        else:
            self._failed[drop.title_id] = drop

    def flush(self) -> None:
        """Write what is buffered as a part and then the manifest."""
        if self._buffer:
            name = f"part-{len(self._manifest.files):05d}.parquet"
            table = _to_table(self._buffer)
            with atomic_path(self.folder / name) as temporary:
                pq.write_table(table, temporary, compression="zstd")
            entry = describe_file(self.folder / name, rows=table.num_rows)
            named = self._manifest
            self._manifest = named.model_copy(update={"files": {**named.files, name: entry}})
            try:
                self._write(complete=False)
            except StoreError:
                self._manifest = named
                # The disk is full, and no reader knows the part; unless only the last word of its manifest is lost.
                stored = read_manifest(self.folder)
                if stored is None or name not in stored.files:
                    (self.folder / name).unlink()
                raise
            self._buffer = []
        else:
            self._write(complete=False)

    def finish(self) -> Manifest:
        """Write the rest and mark the folder as finished."""
        self.flush()
        return self._write(complete=True)

    def summarize(self) -> dict[str, Any]:
        """Return what the manifest carries: asked, stored, dropped and failed by reason, with titles."""
        failed = [
            {"title_id": drop.title_id, "reason": drop.reason, "detail": drop.detail} for drop in self._failed.values()
        ]
        return {
            "asked": self.asked,
            "stored": self.stored,
            "dropped": dict(Counter(drop["reason"] for drop in self._dropped)),
            "failed": dict(Counter(drop["reason"] for drop in failed)),
            "dropped_titles": self._dropped,
            "failed_titles": failed,
            **self._notes,
        }

    def _write(self, complete: bool) -> Manifest:
        self._untold = 0
        update = {"summary": self.summarize(), "complete": complete, "created": now()}
        self._manifest = self._manifest.model_copy(update=update)
        write_manifest(self.folder, self._manifest)
        return self._manifest


def _to_table(titles: list[Title]) -> pa.Table:
    try:
        return to_table(titles)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        if len(titles) == 1:
            raise WriterError(f"title {titles[0].title_id} does not fit the raw schema: {error}") from None
        for title in titles:
            _to_table([title])
        raise


def read_raw_manifest(folder: Path) -> Manifest | None:
    """Read a raw folder's manifest, None for one without titles.

    Raises StoreError where it is damaged, missing beside parts, or of a newer version.
    """
    manifest, path = read_manifest(folder), folder / MANIFEST
    if manifest is None and any(folder.glob("part-*.parquet")):
        raise StoreError(
            f"{path}: missing, and beside it are parts of raw titles; expected the manifest that names them"
        )
    if manifest is not None and manifest.version > SCHEMA_VERSION:
        raise StoreError(
            f"{path}: version {manifest.version}, expected 1 to {SCHEMA_VERSION}: a newer genreflow made it"
        )
    return manifest


def stored_ids(folder: Path) -> set[str]:
    """Return the ids of all titles in the parts that the folder's manifest names."""
    manifest = read_manifest(folder)
    ids: set[str] = set()
    for name in manifest.files if manifest else ():
        ids.update(read_part(folder / name, ["title_id"])["title_id"].to_pylist())
    return ids


def dropped_ids(folder: Path) -> set[str]:
    """Return the ids of the titles that the folder's manifest lists as dropped for good."""
    manifest = read_manifest(folder)
    return {drop["title_id"] for drop in manifest.summary.get("dropped_titles", [])} if manifest else set()


def read_raw(
    home_raw: Path,
    columns: Sequence[str] | None = None,
    on_damaged: Callable[[Path, str], None] | None = None,
) -> Iterator[pa.Table]:
    """Yield each part that a manifest below raw/ names as a table of RAW_SCHEMA (or of `columns`).

    A part or manifest that is missing, damaged (size, SHA-256) or of a newer schema version is told to
    `on_damaged` (path, what is wrong) and left out; without that callback it raises StoreError.
    """
    for folder in raw_folders(home_raw):
        try:
            manifest = read_raw_manifest(folder)
        except StoreError as error:
            _report(folder / MANIFEST, str(error), on_damaged)
            continue
        for name, entry in sorted(manifest.files.items()) if manifest else ():
            fault = part_fault(folder / name, entry)
            if fault:
                _report(folder / name, fault, on_damaged)
            else:
                yield read_part(folder / name, columns)


def raw_folders(raw: Path) -> list[Path]:
    """List the folders of crawls and imports below raw/, by name."""
    return sorted(path for path in raw.glob("*") if path.is_dir() and not path.name.startswith("."))


def part_fault(path: Path, entry: FileEntry) -> str | None:
    """Say what is wrong with a part that a manifest names, None where it is whole and of a schema that is known.

    A part is read whole for that, once a process while it stays as it is.
    """
    if not path.is_file():
        return _not_as_told(path)
    stat = path.stat()
    return _fault_of(path, entry, stat.st_size, stat.st_mtime_ns)


@functools.cache
def _fault_of(path: Path, entry: FileEntry, size: int, changed: int) -> str | None:
    if size != entry.bytes or digest_file(path) != entry.sha256:
        return _not_as_told(path)
    try:
        with pq.ParquetFile(path) as file:
            _check_schema(path, file.schema_arrow)
    except StoreError as error:
        return str(error)
    except (pa.ArrowException, OSError, ValueError) as error:
        return _unreadable(path, error)
    return None


def _not_as_told(path: Path) -> str:
    return f"{path}: missing, or not what its manifest says (size, SHA-256)"


def _unreadable(path: Path, error: Exception) -> str:
    return f"{path}: not readable as a raw part: {error}"


def _report(path: Path, wrong: str, on_damaged: Callable[[Path, str], None] | None) -> None:
    if on_damaged is None:
        raise StoreError(wrong)
    on_damaged(path, wrong)


def _check_schema(path: Path, schema: pa.Schema) -> set[str]:
    """Return the columns of later versions that a part's schema lacks; raises StoreError for an unknown schema."""
    version = int((schema.metadata or {}).get(_VERSION_KEY, b"0"))
    if not 1 <= version <= SCHEMA_VERSION:
        raise StoreError(f"{path}: raw schema version {version}, expected 1 to {SCHEMA_VERSION}")
    later = {name for added, names in ADDED_COLUMNS.items() if added > version for name in names}
    if not schema.equals(pa.schema([field for field in RAW_SCHEMA if field.name not in later])):
        raise StoreError(f"{path}: columns {', '.join(schema.names)}; expected those of the raw schema")
    return later


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one raw part as a table of RAW_SCHEMA (or of `columns`); raises StoreError for any other file."""
    try:
        with pq.ParquetFile(path) as file:
            later = _check_schema(path, file.schema_arrow)
            wanted = RAW_SCHEMA.names if columns is None else list(columns)
            table = file.read(columns=[name for name in wanted if name not in later])
            for place, name in enumerate(wanted):
                if name in later:
                    field = RAW_SCHEMA.field(name)
                    table = table.add_column(place, field, pa.nulls(table.num_rows, field.type))
            return table
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(_unreadable(path, error)) from None
