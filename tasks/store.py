"""How a result is kept: atomic writes, fingerprints, manifests, and the lock on a home folder.

A result is a folder whose manifest.json was written last. Readers trust only the files that a manifest names.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import psutil
from filelock import FileLock, Timeout
from pydantic import AfterValidator, BaseModel, ValidationError

from conf.errors import GenreflowError

MANIFEST = "manifest.json"
RUNNING_PREFIX = ".running-"
# How a disk says that it takes nothing: full, over a quota or a limit, read-only, broken.
_REFUSALS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
# What atomic_path writes before it has its name.
_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")


class StoreError(GenreflowError):
    """Say which stored file is missing, damaged or locked, and what was expected."""


def _below(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"expected the name of a file in the manifest's own folder, got {name!r}")
    return name


# Whoever hands a folder on may have written its manifest, too: it names nothing outside.
FileName = Annotated[str, AfterValidator(_below)]


class FileEntry(BaseModel, frozen=True):
    """Describe one stored file: its size in bytes, its SHA-256, and its rows where it is a table."""

    bytes: int
    sha256: str
    rows: int | None = None


class Manifest(BaseModel, frozen=True):
    """Name the files of one result and the fingerprint of what made them.

    summary holds the small figures that the step reports; complete is False while a crawl is still adding parts.
    inputs are the results that it was made of, as folders below the home. digest is over all else, so that a flipped
    bit is noticed; manifests of an older genreflow have none.
    """

    step: str
    version: int
    fingerprint: str
    files: dict[FileName, FileEntry]
    summary: dict[str, Any]
    complete: bool = True
    created: str
    inputs: list[str] = []
    digest: str | None = None

    def own_digest(self) -> str:
        """Return the SHA-256 over everything but digest."""
        return fingerprint(**self.model_dump(mode="json", exclude={"digest"}))


def fingerprint(**parts: Any) -> str:
    """Return the SHA-256 over the parts' canonical JSON: inputs' fingerprints, config section, version."""
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"cannot fingerprint a {type(value).__name__}: {value!r}")


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def named_refusal(path: Path, every: bool = False) -> Iterator[None]:
    """Turn a disk's refusal to take more into a StoreError that names the file: Python and Arrow name none.

    every: whatever the operating system says is such a refusal, since nothing but `path` is touched.
    """
    try:
        yield
    except OSError as error:
        # Copying a tree raises one that holds those of its files as texts.
        of_tree = isinstance(error, shutil.Error)
        if not (every or of_tree or error.errno in _REFUSALS):
            raise
        why = error.args[0][0][-1] if of_tree else error.strerror if every else os.strerror(error.errno or 0)
        raise StoreError(
            f"{path}: cannot be written: {why}; nothing half written is kept, the same command goes on once it can"
        ) from error


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success fsync it and rename it to `path`, on error remove it.

    Raises StoreError naming `path` where the disk does not take it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with named_refusal(path, every=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
    try:
        with named_refusal(path):
            yield temporary
        with named_refusal(path, every=True):
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented UTF-8 JSON, atomically."""
    write_bytes(path, json.dumps(value, indent=1, ensure_ascii=False, default=_plain).encode())


def describe_file(path: Path, rows: int | None = None) -> FileEntry:
    """Measure a file for a manifest."""
    return FileEntry(bytes=path.stat().st_size, sha256=digest_file(path), rows=rows)


def now() -> str:
    """Return the time in UTC to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the folder's manifest atomically; call it last."""
    told = manifest.model_copy(update={"digest": manifest.own_digest()})
    write_bytes(folder / MANIFEST, told.model_dump_json(indent=1).encode())


def read_manifest(folder: Path) -> Manifest | None:
    """Read the folder's manifest, None where it has none; raises StoreError naming the file when it is damaged."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except IsADirectoryError:
        raise StoreError(f"{path}: a folder; expected one of genreflow's manifests") from None
    except ValidationError as error:
        raise StoreError(
            f"{path}: not a manifest ({error.error_count()} errors); expected one of genreflow's"
        ) from None
    if manifest.digest not in (None, manifest.own_digest()):
        raise StoreError(f"{path}: damaged, it is not as it was written (SHA-256)")
    return manifest


def damaged_files(folder: Path, manifest: Manifest) -> list[str]:
    """List the files that a manifest names and that are missing or not what it says (size, SHA-256)."""
    damaged = []
    for name, entry in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != entry.bytes or digest_file(path) != entry.sha256:
            damaged.append(name)
    return damaged


def find_result(folder: Path, fingerprint: str) -> Manifest | None:
    """Return the folder's manifest if it is complete, has this fingerprint and all its files are whole."""
    try:
        manifest = read_manifest(folder)
    except StoreError:
        return None
    if manifest is None or not manifest.complete or manifest.fingerprint != fingerprint:
        return None
    return None if damaged_files(folder, manifest) else manifest


@contextlib.contextmanager
def new_result(
    folder: Path, *, step: str, version: int, fingerprint: str, inputs: Iterable[Path] = ()
) -> Iterator[Draft]:
    """Yield a Draft to write files into; on success it becomes `folder`, whole, with a manifest written last.

    inputs are the folders of the results that it is made of, <home>/<step>/<name> as its own.
    A folder of that name without a whole result (a damaged one) is replaced: results can be made again.
    """
    draft = Draft(folder.with_name(f"{RUNNING_PREFIX}{folder.name}-{os.getpid()}"))
    with named_refusal(folder, every=True):
        # Sooner than hours of work go into it.
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise StoreError(f"{folder}: a link or a file; expected a folder of this name or nothing: move it away")
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(draft.folder, ignore_errors=True)
        draft.folder.mkdir()
    try:
        with named_refusal(folder):
            yield draft
        if not draft.folder.is_dir():
            raise StoreError(f"{draft.folder}: was removed while {folder.name} was being made; run it again")
        with named_refusal(folder, every=True):
            manifest = Manifest(
                step=step,
                version=version,
                fingerprint=fingerprint,
                files=_put_on_disk(draft),
                summary=draft.summary,
                created=now(),
                inputs=[f"{each.parent.name}/{each.name}" for each in inputs],
            )
            write_manifest(draft.folder, manifest)
            if folder.exists():
                shutil.rmtree(folder)
            draft.folder.rename(folder)
            _sync(folder.parent)
    finally:
        shutil.rmtree(draft.folder, ignore_errors=True)


def _put_on_disk(draft: Draft) -> dict[str, FileEntry]:
    files = {}
    for path in sorted(path for path in draft.folder.rglob("*") if path.is_file()):
        name = path.relative_to(draft.folder).as_posix()
        if name not in draft.entries:
            _sync(path)
        files[name] = draft.entries.get(name) or describe_file(path)
    return files


class Draft:
    """Hold a result that is being made: the folder to write into and the summary its manifest will carry.

    entries describes files, by name, that their writer has put on disk (fsync) and measured itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary: dict[str, Any] = {}
        self.entries: dict[str, FileEntry] = {}


@contextlib.contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield an empty folder for files that nobody keeps; a killed process's is swept as a draft is."""
    folder = parent / f"{RUNNING_PREFIX}{name}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_drafts(home: Path) -> list[Path]:
    """Remove what killed processes left half made below a home folder and return the paths; call it under the lock."""
    orphans = [path for path in home.rglob(".*") if (pid := _maker(path)) and not _is_being_made(path, pid)]
    for path in orphans:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return orphans


def _maker(path: Path) -> str | None:
    """Return the number of the process that makes a draft or a temporary file, as its name tells; None for others."""
    if path.name.startswith(RUNNING_PREFIX) and path.is_dir():
        return path.name.rpartition("-")[2]
    temporary = _TEMPORARY.fullmatch(path.name)
    return temporary[1] if temporary and path.is_file() else None


def _is_being_made(draft: Path, pid: str) -> bool:
    # Whoever takes the lock makes nothing yet: a draft under its own number is from a process that had it before.
    if not pid.isdecimal() or int(pid) == os.getpid():
        return False
    try:
        # Numbers are given again, after a restart of the machine soon: whoever came later than the draft is another.
        return psutil.Process(int(pid)).create_time() <= draft.stat().st_mtime
    except (psutil.NoSuchProcess, FileNotFoundError):
        return False


@contextlib.contextmanager
def lock_home(home: Path, wait_seconds: float, on_wait: Any = None) -> Iterator[bool]:
    """Hold the home's lock file, so that two runs never write one home at once; yields False where it is held already.

    The operating system releases it when the process ends, however it ends; the file's text (process id, start
    time) is for the message only. A flow inside a flow of the same process shares it. Raises StoreError naming
    the holder after wait_seconds.
    """
    holder = home / "lock.json"
    lock = FileLock(str(home / "lock"), is_singleton=True, thread_local=False)
    if lock.is_locked:
        yield False
        return
    if not _acquired(lock, home, 0):
        if on_wait:
            on_wait(holder_text(home))
        if not _acquired(lock, home, wait_seconds):
            raise StoreError(
                f"{home} is in use by another run ({holder_text(home)}); wait for it to end, or use another --home"
            )
    try:
        # It is for the message only: what makes room on a full disk (genreflow clean) goes without it.
        with contextlib.suppress(StoreError):
            write_json(holder, {"pid": os.getpid(), "started": now()})
        sweep_drafts(home)
        yield True
    finally:
        try:
            holder.unlink(missing_ok=True)
        finally:
            lock.release()


def _acquired(lock: FileLock, home: Path, wait_seconds: float) -> bool:
    with named_refusal(home / "lock", every=True):
        home.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            return False
    return True


def holder_text(home: Path) -> str:
    """Say which process holds a home's lock, and since when, as it told itself."""
    try:
        told: Mapping[str, Any] = json.loads((home / "lock.json").read_text())
        return f"process {told['pid']}, since {told['started']}"
    except (OSError, ValueError, KeyError):
        return "process unknown"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
