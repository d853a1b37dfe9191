"""How raw titles are kept: Parquet parts in a folder a crawl or import, named by a manifest, never edited."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from conf.errors import GenreflowError
from scraper.items import SCHEMA_VERSION, TITLE_ID, Title, to_table
from scraper.raw import read_raw_manifest
from tasks.store import (
    Manifest,
    StoreError,
    atomic_path,
    damaged_files,
    describe_file,
    now,
    read_manifest,
    write_manifest,
)


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
