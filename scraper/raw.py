"""How raw titles are read: the parts that the manifests of crawls and imports name, each whole or told as damaged."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from conf.errors import GenreflowError
from scraper.items import ADDED_COLUMNS, GENERATED, RAW_SCHEMA, SCHEMA_VERSION
from tasks.store import MANIFEST, FileEntry, Manifest, StoreError, digest_file, read_manifest

_VERSION_KEY = b"genreflow.schema_version"


class MixedTitlesError(GenreflowError):
    """Say that generated titles would lie beside others: a model of both is no use."""


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


def first_sources(raw: Path) -> dict[str, str]:
    """Return the source of the first title of each folder below raw/, by its name; damaged ones are left out."""
    sources = {}
    for folder in raw_folders(raw):
        try:
            manifest = read_raw_manifest(folder)
        except StoreError:
            # Whoever reads the titles tells of it; what is asked here is what they would lie beside.
            continue
        name, entry = next(iter(manifest.files.items()), ("", None)) if manifest else ("", None)
        if entry and entry.rows and not part_fault(folder / name, entry):
            sources[folder.name] = read_part(folder / name, ["source"])["source"][0].as_py()
    return sources


def check_company(raw: Path, *, generated: bool) -> None:
    """Raise MixedTitlesError, before anything is stored, where generated titles would come beside others."""
    held = sorted({source for source in first_sources(raw).values() if (source == GENERATED) != generated})
    if held and generated:
        raise MixedTitlesError(
            f"{raw} holds titles that are not generated ({', '.join(held)}); generated ones go into a home of their "
            f"own: --home DIR"
        )
    if held:
        raise MixedTitlesError(
            f"{raw} holds generated titles, as the demo makes them; keep your own in a home of their own: --home mine"
        )


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
