"""What a crawl still has to ask for: the titles wanted minus those that a manifest below raw/ names.

Scrapy's own JOBDIR loses a crawl that is killed and calls it finished.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scraper.raw import dropped_ids, read_part, read_raw_manifest
from tasks.store import damaged_files


@dataclasses.dataclass(frozen=True, slots=True)
class Frontier:
    """Hold the folder that a crawl writes into, the ids to ask for, and how many of the wanted are held.

    latest is the newest folder of the source that is there already, None for none.

    unfinished says that the folder is that of a crawl that was cut short, if only of its last manifest. damaged
    names raw parts that are missing or not what their manifest says: their titles are asked for again.
    """

    folder: Path
    todo: tuple[str, ...]
    stored: int
    dropped: int
    latest: Path | None = dataclasses.field(default=None, compare=False)
    unfinished: bool = False
    damaged: tuple[Path, ...] = ()


def find_frontier(
    raw: Path, source: str, fingerprint: str, ids: Sequence[str], refresh_days: float | None = None
) -> Frontier:
    """Find what is left of `ids` for a crawl whose folders are raw/<source>-<fingerprint>-<number>/.

    An unfinished folder is gone on with, and what it holds is held. In finished ones, titles and drops older
    than refresh_days count as not held (None: all count). Raises StoreError for a damaged or missing manifest.
    """
    prefix = f"{source}-{fingerprint[:12]}-"
    folders = sorted(path for path in raw.glob(f"{prefix}*") if path.is_dir() and path.name[len(prefix) :].isdecimal())
    since = None if refresh_days is None else datetime.now(UTC) - timedelta(days=refresh_days)
    stored: set[str] = set()
    dropped: set[str] = set()
    damaged: list[Path] = []
    unfinished: Path | None = None
    for folder in folders:
        manifest = read_raw_manifest(folder)
        if manifest is None and not any(folder.glob("[!.]*")):
            # Of a crawl that was killed before it had written its first manifest.
            unfinished = folder
        if manifest is None or manifest.fingerprint != fingerprint:
            continue
        broken = damaged_files(folder, manifest)
        damaged += [folder / name for name in broken]
        # A folder with a damaged part can never be whole again; a new one takes its titles.
        if not manifest.complete and not broken:
            unfinished = folder
        told_since = None if folder == unfinished else since
        stored.update(_stored_since(folder, set(manifest.files) - set(broken), told_since))
        if told_since is None or datetime.fromisoformat(manifest.created) >= told_since:
            dropped |= dropped_ids(folder)
    wanted = dict.fromkeys(ids)
    return Frontier(
        folder=unfinished or raw / f"{prefix}{_next_number(folders, prefix):04d}",
        todo=tuple(title_id for title_id in wanted if title_id not in stored and title_id not in dropped),
        stored=sum(title_id in stored for title_id in wanted),
        dropped=sum(title_id in dropped and title_id not in stored for title_id in wanted),
        latest=folders[-1] if folders else None,
        unfinished=unfinished is not None,
        damaged=tuple(damaged),
    )


def _next_number(folders: Iterable[Path], prefix: str) -> int:
    return max((int(folder.name[len(prefix) :]) for folder in folders), default=0) + 1


def _stored_since(folder: Path, parts: Iterable[str], since: datetime | None) -> set[str]:
    ids: set[str] = set()
    for name in parts:
        table = read_part(folder / name, ["title_id", "retrieved_at"])
        moments = table["retrieved_at"].to_pylist() if since else [None] * table.num_rows
        for title_id, moment in zip(table["title_id"].to_pylist(), moments, strict=True):
            if since is None or (moment is not None and moment >= since):
                ids.add(title_id)
    return ids
