"""A disk of a test's own that is filled up, made read-only and given room again; and damage to the files on one.

A tmpfs where one may be mounted; elsewhere a folder, with a limit on the size of files, and with another user's rights.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import random
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# A whole run of the quick configuration takes 30 MB.
_ROOMY = 200 * 2**20
PAGE = 4096
_NOBODY = 65534


class SmallDisk:
    """Hold a folder that takes no more than it is told to; says how the operating system words that it is full."""

    def __init__(self, path: Path, mounted: bool) -> None:
        self.path = path
        self.mounted = mounted
        self.full = "No space left on device" if mounted else "File too large"
        self.read_only_reason = "Read-only file system" if mounted else "Permission denied"

    @contextlib.contextmanager
    def leaving(self, room: int) -> Iterator[None]:
        """Take but so many bytes more; without a mount, so many bytes a file."""
        if self.mounted:
            # No page at all would mean no limit.
            pages = max(1, -(-(self.used() + room) // PAGE))
            self._remount(f"size={pages * PAGE}")
            try:
                yield
            finally:
                self._remount(f"size={_ROOMY}")
        else:
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Take nothing at all."""
        if self.mounted:
            # What an error's traceback still holds open for writing keeps the disk busy.
            gc.collect()
            self._remount("ro")
            try:
                yield
            finally:
                self._remount("rw")
        elif os.geteuid() == 0:
            # Permission bits do not bind root.
            os.seteuid(_NOBODY)
            try:
                yield
            finally:
                os.seteuid(0)
        else:
            modes = {path: path.stat().st_mode for path in [self.path, *self.path.rglob("*")]}
            for path, mode in modes.items():
                path.chmod(mode & ~0o222)
            try:
                yield
            finally:
                for path, mode in modes.items():
                    path.chmod(mode)

    def used(self) -> int:
        """Count the bytes in use."""
        stats = os.statvfs(self.path)
        return (stats.f_blocks - stats.f_bfree) * stats.f_frsize

    def _remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)


@contextlib.contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """Yield an empty disk."""
    path = Path(tempfile.mkdtemp(prefix="genreflow-disk-"))
    try:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_ROOMY},mode=755", "tmpfs", str(path)]
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    path.chmod(0o755)
    try:
        yield SmallDisk(path, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", path], check=True)
        shutil.rmtree(path, ignore_errors=True)


def tree(folder: Path, leave_out: Callable[[str], bool] = lambda name: False) -> dict[str, str]:
    """Return every file below a folder with the SHA-256 of its content, and every folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not leave_out(name):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


def damage(content: bytes, draw: random.Random) -> bytes:
    """Return a file's content with a bit flipped, a stretch zeroed, or its end or all of it cut off; never the same."""
    place = draw.randrange(len(content))
    flipped = bytearray(content)
    flipped[place] ^= 1 << draw.randrange(8)
    zeroed = content[:place] + bytes(min(400, len(content) - place)) + content[place + 400 :]
    damaged = draw.choice([bytes(flipped), bytes(flipped), content[:place], zeroed, b""])
    return damaged if damaged != content else bytes(flipped)
